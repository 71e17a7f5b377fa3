import { type Disposable, fromUtf8, utf8 } from '#core/base';
import { fileError } from './errors.ts';
import { contentOf, noteChange, openInode, replaceContent, statOf } from './inode-content.ts';
import { type Mount, MountTable } from './mounts.ts';
import { allowed, PathWalker, type Walked } from './path-walk.ts';
import type { Device, TreeNode } from './tree.ts';
import {
  type Credentials,
  FileError,
  type FileStat,
  type FileSystem,
  type FileSystemStat,
  type OpenFile,
  type OpenOptions,
} from './types.ts';
import type { VirtualNode } from './virtual.ts';
import { type Inode, isWithin, Volume, volumePath } from './volume.ts';

export interface MemoryFileSystemOptions {
  /** Milliseconds since the epoch, for the times of files. */
  readonly now: () => number;
  /** The shared tree it lies over. */
  readonly base?: TreeNode;
  /** Room for everything written beyond the base, bytes. */
  readonly capacityBytes?: number;
  /** What counts as used from the start, bytes. */
  readonly initialBytes?: number;
  readonly readOnly?: boolean;
  /** `ext4` on `/dev/sda1` when absent. */
  readonly type?: string;
  readonly source?: string;
}

const root: Credentials = { uid: 0, gid: 0, groups: [0] };
const empty = new Uint8Array(0);
const usualOptions = ['relatime'];
const virtualOptions = ['nosuid', 'nodev', 'noexec', 'relatime'];

/**
 * A mount namespace: a volume for `/` and whatever is mounted into it. `as` gives views of the same namespace with a
 * user's permissions. Not modelled: access times, ACLs, extended attributes, capabilities other than root's.
 */
export class MemoryFileSystem implements FileSystem {
  readonly mounts: MountTable;
  readonly #user: Credentials;
  readonly #now: () => number;
  readonly #paths: PathWalker;

  constructor(
    options: MemoryFileSystemOptions | { of: MemoryFileSystem; credentials: Credentials },
  ) {
    if ('of' in options) {
      this.mounts = options.of.mounts;
      this.#now = options.of.#now;
      this.#user = options.credentials;
      this.#paths = new PathWalker(this.mounts, this.#user);
      return;
    }
    const type = options.type ?? 'ext4';
    const source = options.source ?? '/dev/sda1';
    const volume = new Volume({ ...options, type, source });
    this.#now = options.now;
    this.#user = root;
    this.mounts = new MountTable({
      path: '/',
      root: volume.root,
      covered: undefined,
      readOnly: options.readOnly ?? false,
      type,
      source,
      options: usualOptions,
    });
    this.#paths = new PathWalker(this.mounts, this.#user);
  }

  /** The volume behind `/`: what snapshots of changes are taken of. */
  get volume(): Volume {
    return this.mounts.root.root.volume;
  }

  as(credentials: Credentials): MemoryFileSystem {
    return new MemoryFileSystem({ of: this, credentials });
  }

  // Mounts

  /**
   * Shows a file or directory of this or another namespace at `path`; the mount point is made when it is missing.
   * @throws FileError ENOENT the source does not exist.
   */
  bind(
    from: MemoryFileSystem,
    sourcePath: string,
    path: string,
    options: { readOnly?: boolean } = {},
  ): void {
    const source = from.#paths.existing(sourcePath);
    const covered = this.#mountPoint(path, source.inode.kind === 'directory');
    this.mounts.add({
      path: covered.path,
      root: source.inode,
      covered: covered.inode,
      readOnly: options.readOnly ?? source.mount.readOnly,
      type: source.mount.type,
      source: source.mount.source,
      options: usualOptions,
    });
  }

  /** Mounts an empty file system in memory. @param options.sizeBytes its room. */
  mountTmpfs(
    path: string,
    options: { sizeBytes?: number; mode?: number; readOnly?: boolean; source?: string } = {},
  ): void {
    const source = options.source ?? 'tmpfs';
    const volume = new Volume({
      type: 'tmpfs',
      source,
      now: this.#now,
      ...(options.sizeBytes === undefined ? {} : { capacityBytes: options.sizeBytes }),
    });
    volume.root.mode = options.mode ?? 0o1777;
    this.#mountVolume(path, volume, options.readOnly ?? false, [
      'relatime',
      ...(options.sizeBytes === undefined ? [] : [`size=${Math.ceil(options.sizeBytes / 1024)}k`]),
    ]);
  }

  /** Mounts callbacks as files: `/proc`, `/sys`. */
  mountVirtual(
    path: string,
    node: VirtualNode,
    options: { type: string; source?: string; readOnly?: boolean },
  ): void {
    const volume = new Volume({
      type: options.type,
      source: options.source ?? options.type,
      now: this.#now,
      virtual: node,
    });
    volume.root.mode = 0o555;
    this.#mountVolume(path, volume, options.readOnly ?? false, virtualOptions);
  }

  unmount(path: string): void {
    this.mounts.remove(this.#mountPath(path));
  }

  remount(path: string, readOnly: boolean): void {
    this.mounts.remount(this.#mountPath(path), readOnly);
  }

  /** Makes a device node. */
  mknod(path: string, device: Device, mode = 0o666): void {
    const inode = this.#make(this.#creating(path), 'device', mode);
    inode.device = device;
  }

  statfs(path: string): FileSystemStat {
    const { mount } = this.#paths.existing(path);
    const { volume } = mount.root;
    const total = volume.capacityBytes ?? 0;
    return {
      source: mount.source,
      type: mount.type,
      mountPoint: mount.path,
      readOnly: mount.readOnly,
      totalBytes: total,
      usedBytes: volume.usedBytes,
    };
  }

  // Reading

  exists(path: string): boolean {
    const walked = this.#paths.tryWalk(path, true);
    return typeof walked !== 'string' && walked.inode !== undefined;
  }

  stat(path: string): FileStat {
    return statOf(this.#paths.existing(path).inode);
  }

  lstat(path: string): FileStat {
    return statOf(this.#paths.existing(path, false).inode);
  }

  readFile(path: string): Uint8Array {
    const { inode } = this.#paths.existing(path);
    if (inode.kind === 'directory') throw fileError('EISDIR', path);
    this.#require(inode, 4, path);
    return contentOf(inode, path);
  }

  readText(path: string): string {
    return fromUtf8(this.readFile(path));
  }

  readdir(path: string): readonly string[] {
    const { inode } = this.#paths.existing(path);
    if (inode.kind !== 'directory') throw fileError('ENOTDIR', path);
    this.#require(inode, 4, path);
    return inode.volume.names(inode);
  }

  readlink(path: string): string {
    const { inode } = this.#paths.existing(path, false);
    if (inode.kind !== 'symlink') throw fileError('EINVAL', path);
    return inode.target;
  }

  realpath(path: string): string {
    return this.#paths.existing(path).path;
  }

  // Writing

  writeFile(path: string, content: Uint8Array | string, mode?: number): void {
    const walked = this.#openForWriting(path);
    const bytes = typeof content === 'string' ? utf8(content) : content.slice();
    const inode = walked.inode ?? this.#make(walked, 'file', mode ?? 0o666 & ~this.#umask);
    replaceContent(inode, bytes, path);
    noteChange(inode);
  }

  appendFile(path: string, content: Uint8Array | string): void {
    const walked = this.#openForWriting(path);
    const bytes = typeof content === 'string' ? utf8(content) : content;
    const inode = walked.inode ?? this.#make(walked, 'file', 0o666 & ~this.#umask);
    if (inode.device) inode.device.write(bytes);
    else if (inode.virtual) replaceContent(inode, bytes, path);
    else inode.volume.writeAt(inode, inode.size, bytes);
    noteChange(inode);
  }

  open(path: string, options: OpenOptions): OpenFile {
    const writing = (options.write ?? false) || (options.append ?? false);
    let inode: Inode;
    if (options.create) {
      const walked = this.#openForWriting(path, writing);
      if (walked.inode && options.exclusive) throw fileError('EEXIST', path);
      inode =
        walked.inode ?? this.#make(walked, 'file', (options.mode ?? 0o666) & ~this.#umask, true);
    } else {
      const walked = this.#paths.existing(path);
      inode = walked.inode;
      if (writing && inode.kind === 'directory') throw fileError('EISDIR', path);
      if (writing) {
        this.#writable(walked.mount, path);
        this.#require(inode, 2, path);
      }
    }
    if (options.read) this.#require(inode, 4, path);
    if (inode.kind === 'socket') throw fileError('ENXIO', path);
    if (options.truncate && writing && inode.kind === 'file' && inode.size > 0) {
      replaceContent(inode, empty, path);
      noteChange(inode);
    }
    return openInode(inode, path, options.append ?? false);
  }

  mkdir(path: string, options: { recursive?: boolean; mode?: number } = {}): void {
    if (options.recursive) {
      const existing = this.#paths.ifReachable(path);
      if (existing?.inode) {
        if (existing.inode.kind !== 'directory') throw fileError('EEXIST', path);
        return;
      }
      const parent = path.replace(/\/+$/, '').replace(/\/[^/]*$/, '');
      if (parent !== '') this.mkdir(parent, { recursive: true });
    }
    this.#make(this.#creating(path), 'directory', options.mode ?? 0o777 & ~this.#umask);
  }

  rename(from: string, to: string): void {
    const source = this.#paths.existing(from, false);
    if (source.name === '') throw fileError('EBUSY', from);
    const target = this.#paths.walk(to, false);
    if (target.name === '') throw fileError('EBUSY', to);
    if (source.parent.volume !== target.parent.volume || source.parentMount !== target.parentMount)
      throw fileError('EXDEV', to);
    this.#modifyDirectory(source.parent, source.parentMount, from, source.inode);
    this.#modifyDirectory(target.parent, target.parentMount, to, target.inode);
    if (source.inode === target.inode) return;
    if (this.mounts.on(source.inode) || source.mount !== source.parentMount)
      throw fileError('EBUSY', from);
    if (source.inode.kind === 'directory') {
      if (isWithin(volumePath(target.parent), volumePath(source.inode)))
        throw fileError('EINVAL', to);
      if (target.inode && target.inode.kind !== 'directory') throw fileError('ENOTDIR', to);
    } else if (target.inode?.kind === 'directory') throw fileError('EISDIR', to);
    if (target.inode) {
      if (target.inode.kind === 'directory' && target.inode.volume.names(target.inode).length > 0)
        throw fileError('ENOTEMPTY', to);
      this.#drop(target.parent, target.name, target.inode);
    }
    const { volume } = source.parent;
    volume.detach(source.parent, source.name);
    this.#materialise(source.inode);
    volume.attach(target.parent, target.name, source.inode);
    source.inode.volume.changed(source.inode);
    volume.notify(source.parent, source.name);
    volume.notify(target.parent, target.name);
  }

  symlink(target: string, path: string): void {
    const inode = this.#make(this.#creating(path), 'symlink', 0o777);
    inode.target = target;
    inode.size = utf8(target).length;
  }

  link(existing: string, path: string): void {
    const source = this.#paths.existing(existing, false);
    if (source.inode.kind === 'directory') throw fileError('EPERM', existing);
    const place = this.#creating(path);
    if (place.parent.volume !== source.inode.volume) throw fileError('EXDEV', path);
    source.inode.links += 1;
    source.inode.volume.changed(source.inode);
    place.parent.volume.attach(place.parent, place.name, source.inode);
    place.parent.volume.notify(place.parent, place.name);
  }

  chmod(path: string, mode: number): void {
    const inode = this.#owned(path);
    inode.mode = mode & 0o7777;
    inode.volume.changed(inode);
    noteChange(inode);
  }

  chown(path: string, uid: number, gid: number): void {
    const { inode, mount } = this.#paths.existing(path);
    this.#writable(mount, path);
    const ownGroup =
      uid === inode.uid &&
      inode.uid === this.#user.uid &&
      (this.#user.gid === gid || this.#user.groups.includes(gid));
    if (this.#user.uid !== 0 && !ownGroup) throw fileError('EPERM', path);
    inode.uid = uid;
    inode.gid = gid;
    inode.volume.changed(inode);
    noteChange(inode);
  }

  touch(path: string, modifiedMs?: number): void {
    const walked = this.#paths.walk(path, true);
    if (!walked.inode) {
      this.#make(this.#creating(path), 'file', 0o666 & ~this.#umask).modifiedMs =
        modifiedMs ?? this.#now();
      return;
    }
    this.#writable(walked.mount, path);
    if (walked.inode.uid !== this.#user.uid) this.#require(walked.inode, 2, path);
    walked.inode.volume.changed(walked.inode);
    walked.inode.modifiedMs = modifiedMs ?? this.#now();
    noteChange(walked.inode);
  }

  unlink(path: string): void {
    const { inode, parent, parentMount, mount, name } = this.#paths.existing(path, false);
    if (inode.kind === 'directory') throw fileError('EISDIR', path);
    this.#modifyDirectory(parent, parentMount, path, inode);
    if (mount !== parentMount) throw fileError('EBUSY', path);
    this.#drop(parent, name, inode);
    parent.volume.notify(parent, name);
  }

  rmdir(path: string): void {
    const { inode, parent, parentMount, mount, name } = this.#paths.existing(path, false);
    if (inode.kind !== 'directory') throw fileError('ENOTDIR', path);
    if (name === '' || mount !== parentMount) throw fileError('EBUSY', path);
    if (inode.volume.names(inode).length > 0) throw fileError('ENOTEMPTY', path);
    this.#modifyDirectory(parent, parentMount, path, inode);
    parent.volume.detach(parent, name);
    parent.volume.notify(parent, name);
  }

  remove(path: string, options: { recursive?: boolean; force?: boolean } = {}): void {
    let inode: Inode;
    try {
      inode = this.#paths.existing(path, false).inode;
    } catch (error) {
      if (options.force && error instanceof FileError && error.code === 'ENOENT') return;
      throw error;
    }
    if (inode.kind !== 'directory') return this.unlink(path);
    if (!options.recursive) throw fileError('EISDIR', path);
    for (const name of inode.volume.names(inode))
      this.remove(path === '/' ? `/${name}` : `${path}/${name}`, options);
    this.rmdir(path);
  }

  watch(path: string, listener: (changedPath: string) => void): Disposable {
    const watches: Disposable[] = [];
    const add = (followLast: boolean): string => {
      const { place, rest } = this.#paths.deepest(path, followLast);
      const { volume } = place.inode;
      const at = volumePath(place.inode);
      const watched = rest === '' ? at : at === '/' ? `/${rest}` : `${at}/${rest}`;
      watches.push(
        volume.watch(watched, (changed) =>
          listener(
            changed.length > watched.length && isWithin(changed, watched)
              ? `${path === '/' ? '' : path}${watched === '/' ? changed : changed.slice(watched.length)}`
              : path,
          ),
        ),
      );
      return `${volume.source}:${watched}`;
    };
    const direct = add(false);
    // A symlink: both the link and what it names now.
    const walked = this.#paths.ifReachable(path);
    if (walked?.inode) {
      const followed = add(true);
      if (followed === direct) watches.pop()?.dispose();
    }
    return {
      dispose: () => {
        for (const watch of watches) watch.dispose();
      },
    };
  }

  /** Whether this user may do what `mode` asks: 4 read, 2 write, 1 execute, 0 exist. As access(2). */
  access(path: string, mode: number): boolean {
    try {
      const { inode, mount } = this.#paths.existing(path);
      if ((mode & 2) !== 0) this.#writable(mount, path);
      return mode === 0 || allowed(inode, this.#user, mode);
    } catch (error) {
      if (error instanceof FileError) return false;
      throw error;
    }
  }

  /** Where a new name goes. @throws FileError EEXIST. */
  #creating(path: string): Walked {
    const walked = this.#paths.walk(path, false);
    if (walked.inode) throw fileError('EEXIST', path);
    this.#modifyDirectory(walked.parent, walked.parentMount, path, undefined);
    return walked;
  }

  /** An existing writable file, or the place for a new one; a dangling symlink's target is made. */
  #openForWriting(path: string, writing = true): Walked {
    const walked = this.#paths.walk(path, true);
    if (!walked.inode) {
      this.#modifyDirectory(walked.parent, walked.parentMount, path, undefined);
      if (path.endsWith('/')) throw fileError('EISDIR', path);
      return walked;
    }
    if (walked.inode.kind === 'directory') throw fileError('EISDIR', path);
    if (writing) {
      if (walked.inode.kind !== 'device') this.#writable(walked.mount, path);
      this.#require(walked.inode, 2, path);
    }
    return walked;
  }

  #make(walked: Walked, kind: FileStat['kind'], mode: number, silent = false): Inode {
    const { parent } = walked;
    if (parent.virtual) throw fileError('EPERM', walked.path);
    const inode = parent.volume.create(kind, mode, this.#user.uid, this.#user.gid);
    if ((parent.mode & 0o2000) !== 0) inode.gid = parent.gid;
    parent.volume.attach(parent, walked.name, inode);
    if (kind !== 'file' || silent) parent.volume.notify(parent, walked.name);
    return inode;
  }

  #drop(parent: Inode, name: string, inode: Inode): void {
    inode.links -= inode.kind === 'directory' ? 2 : 1;
    parent.volume.detach(parent, name);
    if (inode.links <= 0) inode.volume.release(inode);
  }

  /** A renamed directory must not look its children up in the base by name any more. */
  #materialise(inode: Inode): void {
    inode.volume.changed(inode);
    if (inode.kind !== 'directory' || inode.virtual) return;
    for (const name of inode.volume.names(inode)) {
      const child = inode.volume.child(inode, name);
      if (child) this.#materialise(child);
    }
    inode.lower = undefined;
    inode.hidden = undefined;
  }

  #mountPoint(path: string, directory: boolean): { inode: Inode; path: string } {
    const existing = this.#paths.ifReachable(path);
    if (!existing?.inode) {
      if (directory) this.mkdir(path, { recursive: true, mode: 0o755 });
      else {
        this.mkdir(path.replace(/\/[^/]*$/, '') || '/', { recursive: true });
        this.writeFile(path, '', 0o644);
      }
    }
    const { inode, path: real } = this.#paths.existing(path);
    return { inode, path: real };
  }

  #mountVolume(path: string, volume: Volume, readOnly: boolean, options: readonly string[]): void {
    const point = this.#mountPoint(path, true);
    this.mounts.add({
      path: point.path,
      root: volume.root,
      covered: point.inode,
      readOnly,
      type: volume.type,
      source: volume.source,
      options,
    });
  }

  #mountPath(path: string): string {
    return this.#paths.existing(path).path;
  }

  // Permissions

  get #umask(): number {
    return this.#user.umask ?? 0o022;
  }

  #require(inode: Inode, mode: number, path: string): void {
    if (this.#user.uid !== 0 && !allowed(inode, this.#user, mode)) throw fileError('EACCES', path);
  }

  #writable(mount: Mount, path: string): void {
    if (mount.readOnly) throw fileError('EROFS', path);
  }

  #modifyDirectory(directory: Inode, mount: Mount, path: string, removed: Inode | undefined): void {
    this.#writable(mount, path);
    this.#require(directory, 3, path);
    const sticky = (directory.mode & 0o1000) !== 0;
    const { uid } = this.#user;
    if (removed && sticky && uid !== 0 && uid !== removed.uid && uid !== directory.uid)
      throw fileError('EPERM', path);
    if (directory.virtual) throw fileError('EPERM', path);
  }

  #owned(path: string): Inode {
    const { inode, mount } = this.#paths.existing(path);
    this.#writable(mount, path);
    if (this.#user.uid !== 0 && this.#user.uid !== inode.uid) throw fileError('EPERM', path);
    return inode;
  }
}
