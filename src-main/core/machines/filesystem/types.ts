import type { Disposable } from '#core/base';

/** A failed file operation, with Linux' errno names. `message` is strerror's text. */
export class FileError extends Error {
  override readonly name = 'FileError';
  readonly code:
    | 'ENOENT'
    | 'EEXIST'
    | 'ENOTDIR'
    | 'EISDIR'
    | 'ENOTEMPTY'
    | 'EACCES'
    | 'EPERM'
    | 'EROFS'
    | 'ELOOP'
    | 'EINVAL'
    | 'EXDEV'
    | 'ENOSPC'
    | 'EBUSY'
    | 'EBADF'
    | 'ENXIO'
    | 'ENAMETOOLONG'
    | 'ETXTBSY';
  readonly path: string;

  constructor(code: FileError['code'], path: string, message: string) {
    super(message);
    this.code = code;
    this.path = path;
  }
}

export interface FileStat {
  readonly kind: 'file' | 'directory' | 'symlink' | 'device' | 'socket' | 'fifo';
  /** Permission bits, 0o777 and the sticky, setuid and setgid bits. */
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  readonly sizeBytes: number;
  readonly modifiedMs: number;
  readonly inode: number;
  readonly links: number;
  /** Major and minor number of a device. */
  readonly device?: readonly [number, number];
}

/**
 * A mounted tree of files. Synchronous: it lives in memory. Paths are absolute and normalised by the callee;
 * symlinks are followed except where said. Calls act as root; `as` in the process layer checks permissions.
 */
export interface FileSystem {
  exists(path: string): boolean;
  /** @throws FileError ENOENT … as do all below. */
  stat(path: string): FileStat;
  /** Does not follow a last symlink. */
  lstat(path: string): FileStat;
  readFile(path: string): Uint8Array;
  readText(path: string): string;
  /** Creates or truncates; parents must exist. `mode` counts for a new file. */
  writeFile(path: string, content: Uint8Array | string, mode?: number): void;
  appendFile(path: string, content: Uint8Array | string): void;
  mkdir(path: string, options?: { recursive?: boolean; mode?: number }): void;
  /** Names, sorted. */
  readdir(path: string): readonly string[];
  rename(from: string, to: string): void;
  symlink(target: string, path: string): void;
  link(existing: string, path: string): void;
  readlink(path: string): string;
  chmod(path: string, mode: number): void;
  chown(path: string, uid: number, gid: number): void;
  touch(path: string, modifiedMs?: number): void;
  unlink(path: string): void;
  rmdir(path: string): void;
  remove(path: string, options?: { recursive?: boolean; force?: boolean }): void;
  realpath(path: string): string;
  /** Told (synchronously) of each change of this file, or of anything below this directory. */
  watch(path: string, listener: (changedPath: string) => void): Disposable;
  /** Opens for reading and writing at a position; the file stays open when its name goes. */
  open(path: string, options: OpenOptions): OpenFile;
  /** Where and how much room the tree that holds `path` has. */
  statfs(path: string): FileSystemStat;
  /** The same tree with this user's permissions and as owner of what it makes. */
  as(credentials: Credentials): FileSystem;
}

/** Who asks: root (uid 0) passes every check. */
export interface Credentials {
  readonly uid: number;
  readonly gid: number;
  readonly groups: readonly number[];
  /** Bits taken from the mode of new files and directories; 0o022 when absent. */
  readonly umask?: number;
}

export interface OpenOptions {
  readonly read?: boolean;
  readonly write?: boolean;
  /** Every write goes to the end. */
  readonly append?: boolean;
  readonly create?: boolean;
  /** With `create`: EEXIST when it is there. */
  readonly exclusive?: boolean;
  readonly truncate?: boolean;
  /** Of a new file, before the umask; 0o666 when absent. */
  readonly mode?: number;
}

/** An open file description. */
export interface OpenFile {
  readonly kind: FileStat['kind'];
  /** Up to `length` bytes from the position on; undefined at the end. */
  read(length: number): Uint8Array | undefined;
  write(bytes: Uint8Array): void;
  stat(): FileStat;
  position: number;
}

export interface FileSystemStat {
  /** `/dev/sda1`, `tmpfs`, `overlay` … */
  readonly source: string;
  readonly type: string;
  readonly mountPoint: string;
  readonly readOnly: boolean;
  readonly totalBytes: number;
  readonly usedBytes: number;
}
