import { FileError } from './types.ts';
import type { MemoryFileSystem } from './memory-file-system.ts';
import type { Inode, Volume } from './volume.ts';

/** One difference between a volume and the shared tree it lies over. */
export type Change =
  | { readonly op: 'remove'; readonly path: string }
  | { readonly op: 'link'; readonly path: string; readonly to: string }
  | {
      readonly op: 'put';
      readonly path: string;
      readonly kind: 'file' | 'directory' | 'symlink';
      readonly mode: number;
      readonly uid: number;
      readonly gid: number;
      readonly modifiedMs: number;
      /** Of a file. */
      readonly content?: Uint8Array;
      /** Of a symlink. */
      readonly target?: string;
    };

/** Everything that was changed on `/` since its base, parents before children. Mounts are not part of it. */
export function exportChanges(files: MemoryFileSystem): readonly Change[] {
  const changes: Change[] = [];
  collect(files.volume, files.volume.root, '', changes, new Map());
  return changes;
}

/** Repeats exported changes on a file system over the same base. */
export function applyChanges(files: MemoryFileSystem, changes: readonly Change[]): void {
  const times: { path: string; modifiedMs: number }[] = [];
  for (const change of changes) {
    switch (change.op) {
      case 'remove':
        files.remove(change.path, { recursive: true, force: true });
        break;
      case 'link':
        files.link(change.to, change.path);
        break;
      case 'put':
        put(files, change);
        if (change.kind !== 'symlink')
          times.push({ path: change.path, modifiedMs: change.modifiedMs });
        break;
    }
  }
  // Children change the times of their directories: times come last, deepest first.
  for (const { path, modifiedMs } of times.reverse()) files.touch(path, modifiedMs);
}

function put(files: MemoryFileSystem, change: Extract<Change, { op: 'put' }>): void {
  const { path } = change;
  if (change.kind === 'directory') {
    if (!isDirectory(files, path)) files.mkdir(path, { mode: change.mode });
  } else if (change.kind === 'symlink') {
    files.remove(path, { force: true });
    files.symlink(change.target ?? '', path);
    return;
  } else files.writeFile(path, change.content ?? new Uint8Array(0), change.mode);
  files.chmod(path, change.mode);
  files.chown(path, change.uid, change.gid);
}

function isDirectory(files: MemoryFileSystem, path: string): boolean {
  try {
    return files.lstat(path).kind === 'directory';
  } catch (error) {
    if (error instanceof FileError) return false;
    throw error;
  }
}

function collect(
  volume: Volume,
  directory: Inode,
  path: string,
  changes: Change[],
  seen: Map<Inode, string>,
): void {
  for (const name of [...(directory.hidden ?? [])].sort())
    if (!directory.children?.has(name)) changes.push({ op: 'remove', path: `${path}/${name}` });
  for (const [name, inode] of [...(directory.children ?? [])].sort(([a], [b]) =>
    a < b ? -1 : 1,
  )) {
    const childPath = `${path}/${name}`;
    if (inode.origin && inode.kind !== 'directory') continue;
    const first = seen.get(inode);
    if (first !== undefined) {
      if (directory.lower?.has(name)) changes.push({ op: 'remove', path: childPath });
      changes.push({ op: 'link', path: childPath, to: first });
      continue;
    }
    if (inode.links > 1 && inode.kind !== 'directory') seen.set(inode, childPath);
    if (inode.kind === 'device' || inode.kind === 'socket' || inode.kind === 'fifo') continue;
    if (!inode.origin) {
      const lower = directory.lower?.get(name);
      const replaced = lower && (lower.kind !== inode.kind || inode.lower === undefined);
      if (replaced && (lower.kind === 'directory' || inode.kind === 'directory'))
        changes.push({ op: 'remove', path: childPath });
      changes.push({
        op: 'put',
        path: childPath,
        kind: inode.kind,
        mode: inode.mode,
        uid: inode.uid,
        gid: inode.gid,
        modifiedMs: inode.modifiedMs,
        ...(inode.kind === 'file' ? { content: inode.buffer.slice(0, inode.size) } : {}),
        ...(inode.kind === 'symlink' ? { target: inode.target } : {}),
      });
    }
    if (inode.kind === 'directory') collect(volume, inode, childPath, changes, seen);
  }
}
