import type { Disposable } from '#core/base';
import { fileError } from './errors.ts';
import type { Device, TreeNode } from './tree.ts';
import type { FileStat } from './types.ts';
import type { VirtualNode } from './virtual.ts';

/** One file, directory or link of a volume. */
export interface Inode {
  readonly number: number;
  readonly volume: Volume;
  readonly kind: FileStat['kind'];
  mode: number;
  uid: number;
  gid: number;
  modifiedMs: number;
  links: number;
  /** Content of a file: the first `size` bytes of `buffer`. */
  buffer: Uint8Array;
  size: number;
  /** Whether `buffer` is ours alone, so that appending may write into its spare room. */
  owned: boolean;
  target: string;
  device: Device | undefined;
  virtual: VirtualNode | undefined;
  /** Children known so far, absent until there is one; a child of `lower` joins them when first asked for. */
  children: Map<string, Inode> | undefined;
  lower: ReadonlyMap<string, TreeNode> | undefined;
  /** Names of `lower` that were removed or replaced; absent until there is one. */
  hidden: Set<string> | undefined;
  /** The node this one was copied from, while nothing of it has changed. */
  origin: TreeNode | undefined;
  parent: Inode | undefined;
  name: string;
}

export interface VolumeOptions {
  /** `ext4`, `tmpfs`, `overlay`, `proc` … */
  readonly type: string;
  readonly source: string;
  /** Room for content, bytes; absent: no limit. */
  readonly capacityBytes?: number;
  /** What counts as used before anything is written, bytes. */
  readonly initialBytes?: number;
  readonly base?: TreeNode;
  readonly virtual?: VirtualNode;
  readonly now: () => number;
}

interface Watcher {
  readonly path: string;
  readonly notify: (changedPath: string) => void;
}

const blockBytes = 4096;

/** What an inode charges against its volume: whole blocks, and one for the inode itself. */
function charge(size: number): number {
  return Math.ceil(size / blockBytes) * blockBytes;
}

/** A tree of inodes with its room and watchers: a disk, a tmpfs, an image with a writable layer, `/proc`. */
export class Volume {
  readonly type: string;
  readonly source: string;
  readonly capacityBytes: number | undefined;
  readonly root: Inode;
  readonly now: () => number;
  readonly base: TreeNode | undefined;
  usedBytes: number;
  /** Grows with every change. */
  version = 0;
  #nextInode = 2;
  /** Absent until there is one: containers have many volumes that nobody watches. */
  #watchers: Set<Watcher> | undefined;

  constructor(options: VolumeOptions) {
    this.type = options.type;
    this.source = options.source;
    this.capacityBytes = options.capacityBytes;
    this.usedBytes = options.initialBytes ?? 0;
    this.now = options.now;
    this.base = options.base;
    this.root = options.base ? this.#fromTree(options.base) : this.create('directory', 0o755, 0, 0);
    this.root.virtual = options.virtual;
  }

  create(kind: FileStat['kind'], mode: number, uid: number, gid: number): Inode {
    return {
      number: this.#nextInode++,
      volume: this,
      kind,
      mode,
      uid,
      gid,
      modifiedMs: this.now(),
      links: kind === 'directory' ? 2 : 1,
      buffer: empty,
      size: 0,
      owned: false,
      target: '',
      device: undefined,
      virtual: undefined,
      children: undefined,
      lower: undefined,
      hidden: undefined,
      origin: undefined,
      parent: undefined,
      name: '',
    };
  }

  child(directory: Inode, name: string): Inode | undefined {
    if (directory.virtual) return this.#virtualChild(directory, name);
    const known = directory.children?.get(name);
    if (known) return known;
    const lower = directory.hidden?.has(name) ? undefined : directory.lower?.get(name);
    if (!lower) return undefined;
    const inode = this.#fromTree(lower);
    inode.parent = directory;
    inode.name = name;
    (directory.children ??= new Map<string, Inode>()).set(name, inode);
    return inode;
  }

  /** Names of a directory, sorted by code unit. */
  names(directory: Inode): string[] {
    if (directory.virtual)
      return directory.virtual.kind === 'directory' ? [...directory.virtual.list()].sort() : [];
    const names = new Set(directory.children?.keys());
    for (const name of directory.lower?.keys() ?? [])
      if (!directory.hidden?.has(name)) names.add(name);
    return [...names].sort();
  }

  attach(directory: Inode, name: string, inode: Inode): void {
    (directory.children ??= new Map<string, Inode>()).set(name, inode);
    hideLower(directory, name);
    inode.parent = directory;
    inode.name = name;
    this.touched(directory);
    if (inode.kind === 'directory') directory.links += 1;
  }

  detach(directory: Inode, name: string): void {
    const inode = directory.children?.get(name);
    directory.children?.delete(name);
    hideLower(directory, name);
    this.touched(directory);
    if (inode?.kind === 'directory') directory.links -= 1;
  }

  /** Marks an inode as no longer what its base has. */
  changed(inode: Inode): void {
    inode.origin = undefined;
    this.version += 1;
  }

  /** Marks an inode as changed now. */
  touched(inode: Inode): void {
    this.changed(inode);
    inode.modifiedMs = this.now();
  }

  /** @throws FileError ENOSPC. */
  setContent(inode: Inode, content: Uint8Array): void {
    this.#reserve(charge(content.length) - charge(inode.size), inode);
    inode.buffer = content;
    inode.size = content.length;
    inode.owned = false;
    this.touched(inode);
  }

  /** Writes at a position, growing the file; a gap reads as zeros. @throws FileError ENOSPC. */
  writeAt(inode: Inode, position: number, bytes: Uint8Array): void {
    const end = Math.max(inode.size, position + bytes.length);
    this.#reserve(charge(end) - charge(inode.size), inode);
    // Readers hold views of `buffer`: bytes they can see are never written over in place.
    if (!inode.owned || end > inode.buffer.length || position < inode.size) {
      const grown = new Uint8Array(Math.max(end, 256, position < inode.size ? end : end * 2));
      grown.set(inode.buffer.subarray(0, inode.size));
      inode.buffer = grown;
      inode.owned = true;
    }
    inode.buffer.set(bytes, position);
    inode.size = end;
    this.touched(inode);
  }

  /** The last name of an inode is gone. */
  release(inode: Inode): void {
    if (inode.kind === 'file') this.usedBytes -= charge(inode.size);
  }

  watch(path: string, notify: (changedPath: string) => void): Disposable {
    const watcher: Watcher = { path, notify };
    const watchers = (this.#watchers ??= new Set<Watcher>());
    watchers.add(watcher);
    return { dispose: () => void watchers.delete(watcher) };
  }

  /** Tells the watchers of this inode, of what is above it, and of what was below it. */
  notify(directory: Inode, name: string): void {
    if (!this.#watchers || this.#watchers.size === 0) return;
    const above = volumePath(directory);
    const path = name === '' ? above : above === '/' ? `/${name}` : `${above}/${name}`;
    for (const watcher of [...this.#watchers])
      if (isWithin(path, watcher.path) || isWithin(watcher.path, path)) watcher.notify(path);
  }

  #reserve(delta: number, inode: Inode): void {
    if (
      delta > 0 &&
      this.capacityBytes !== undefined &&
      this.usedBytes + delta > this.capacityBytes
    )
      throw fileError('ENOSPC', inode.name);
    this.usedBytes += delta;
  }

  #fromTree(node: TreeNode): Inode {
    const inode = this.create(node.kind, node.mode, node.uid, node.gid);
    inode.modifiedMs = node.modifiedMs;
    inode.origin = node;
    inode.target = node.target ?? '';
    inode.device = node.device;
    inode.lower = node.children;
    if (node.content) {
      inode.buffer = node.content;
      inode.size = node.content.length;
    }
    return inode;
  }

  #virtualChild(directory: Inode, name: string): Inode | undefined {
    const node =
      directory.virtual?.kind === 'directory' ? directory.virtual.lookup(name) : undefined;
    if (!node) return undefined;
    const mode = { directory: 0o555, file: 0o444, symlink: 0o777 }[node.kind];
    const inode = this.create(node.kind, node.mode ?? mode, 0, 0);
    inode.virtual = node;
    inode.parent = directory;
    inode.name = name;
    if (node.kind === 'symlink') inode.target = node.target();
    return inode;
  }
}

const empty = new Uint8Array(0);

function hideLower(directory: Inode, name: string): void {
  if (directory.lower?.has(name)) (directory.hidden ??= new Set<string>()).add(name);
}

/** Whether `path` is `ancestor` or below it. */
export function isWithin(path: string, ancestor: string): boolean {
  return path === ancestor || ancestor === '/' || path.startsWith(`${ancestor}/`);
}

/** The path of an inode inside its volume (by its newest name). */
export function volumePath(inode: Inode): string {
  const names: string[] = [];
  for (let node: Inode | undefined = inode; node?.parent; node = node.parent) names.push(node.name);
  return `/${names.reverse().join('/')}`;
}
