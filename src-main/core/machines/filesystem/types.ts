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
    | 'EBUSY';
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
}
