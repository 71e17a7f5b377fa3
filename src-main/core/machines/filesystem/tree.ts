import { utf8 } from '#core/base';

/**
 * A node of a shared, immutable tree: a base system or an image. Any number of file systems lie over one tree;
 * each copies only what it touches.
 */
export interface TreeNode {
  readonly kind: 'file' | 'directory' | 'symlink' | 'device';
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  readonly modifiedMs: number;
  readonly content?: Uint8Array;
  readonly target?: string;
  readonly device?: Device;
  readonly children?: ReadonlyMap<string, TreeNode>;
}

/** A character device: what reading and writing it does. */
export interface Device {
  readonly major: number;
  readonly minor: number;
  /** Up to `length` bytes; undefined at the end. */
  read(length: number): Uint8Array | undefined;
  /** @throws FileError ENOSPC (`/dev/full`). */
  write(bytes: Uint8Array): void;
}

interface MutableNode {
  kind: TreeNode['kind'];
  mode: number;
  uid: number;
  gid: number;
  modifiedMs: number;
  content?: Uint8Array;
  target?: string;
  device?: Device;
  children?: Map<string, MutableNode>;
}

export interface TreeOwner {
  readonly mode?: number;
  readonly uid?: number;
  readonly gid?: number;
}

/** Builds a shared tree, from nothing or over another one (a layer over layers). Parents are made as needed. */
export class TreeBuilder {
  readonly #root: MutableNode;
  readonly #modifiedMs: number;

  /** @param modifiedMs the time every node carries, ms since the epoch. */
  constructor(modifiedMs: number, lower?: TreeNode) {
    this.#modifiedMs = modifiedMs;
    this.#root = lower ? thaw(lower) : this.#node('directory', 0o755, {});
  }

  file(path: string, content: string | Uint8Array, owner: TreeOwner = {}): this {
    const node = this.#node('file', 0o644, owner);
    node.content = typeof content === 'string' ? utf8(content) : content;
    return this.#put(path, node);
  }

  directory(path: string, owner: TreeOwner = {}): this {
    const names = split(path);
    const node = this.#parent([...names, '']);
    node.mode = owner.mode ?? node.mode;
    node.uid = owner.uid ?? node.uid;
    node.gid = owner.gid ?? node.gid;
    return this;
  }

  symlink(target: string, path: string): this {
    const node = this.#node('symlink', 0o777, {});
    node.target = target;
    return this.#put(path, node);
  }

  device(path: string, device: Device, owner: TreeOwner = {}): this {
    const node = this.#node('device', 0o666, owner);
    node.device = device;
    return this.#put(path, node);
  }

  /** A whiteout: hides what a lower layer has. */
  remove(path: string): this {
    const names = split(path);
    this.#parent(names).children?.delete(names.at(-1) ?? '');
    return this;
  }

  build(): TreeNode {
    return this.#root;
  }

  #node(kind: TreeNode['kind'], mode: number, owner: TreeOwner): MutableNode {
    return {
      kind,
      mode: owner.mode ?? mode,
      uid: owner.uid ?? 0,
      gid: owner.gid ?? 0,
      modifiedMs: this.#modifiedMs,
      ...(kind === 'directory' ? { children: new Map<string, MutableNode>() } : {}),
    };
  }

  #put(path: string, node: MutableNode): this {
    const names = split(path);
    this.#parent(names).children?.set(names.at(-1) ?? '', node);
    return this;
  }

  /** Follows symlinks inside the tree (`/bin` → `usr/bin`), as writing through them would. */
  #parent(names: readonly string[], depth = 0): MutableNode {
    let node = this.#root;
    for (const [index, name] of names.slice(0, -1).entries()) {
      let next = node.children?.get(name);
      if (next?.kind === 'symlink' && depth < 8) {
        const target = next.target ?? '';
        const base = target.startsWith('/') ? [] : names.slice(0, index);
        next = this.#parent(
          [...split([...base, ...target.split('/')].join('/')), ...names.slice(index + 1, -1), ''],
          depth + 1,
        );
        return next;
      }
      if (!next) {
        next = this.#node('directory', 0o755, {});
        node.children?.set(name, next);
      }
      node = next;
    }
    return node;
  }
}

function thaw(node: TreeNode): MutableNode {
  const { children, ...rest } = node;
  if (!children) return { ...rest };
  const copy = new Map<string, MutableNode>();
  for (const [name, child] of children) copy.set(name, thaw(child));
  return { ...rest, children: copy };
}

function split(path: string): string[] {
  const names: string[] = [];
  for (const name of path.split('/')) {
    if (name === '..') names.pop();
    else if (name !== '' && name !== '.') names.push(name);
  }
  return names;
}
