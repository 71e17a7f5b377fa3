import { fileError } from './errors.ts';
import type { Mount, MountTable } from './mounts.ts';
import type { Credentials, FileError } from './types.ts';
import type { Inode } from './volume.ts';

interface Place {
  readonly inode: Inode;
  readonly mount: Mount;
  readonly name: string;
}

/** Where a path leads. */
export class Walked {
  /** Undefined when the last name does not exist. */
  readonly inode: Inode | undefined;
  readonly mount: Mount;
  readonly parent: Inode;
  readonly parentMount: Mount;
  readonly name: string;
  readonly #places: readonly Place[];

  /** @param places from the root to what was found, or to the directory where it is missing. */
  constructor(places: readonly Place[], missing?: string) {
    const last = places.at(-1) as Place;
    const parent = missing === undefined ? (places.at(-2) ?? last) : last;
    this.inode = missing === undefined ? last.inode : undefined;
    this.mount = last.mount;
    this.parent = parent.inode;
    this.parentMount = parent.mount;
    this.name = missing ?? last.name;
    this.#places = places;
  }

  /** The path without symlinks. */
  get path(): string {
    let path = '';
    for (let index = 1; index < this.#places.length; index++)
      path += `/${(this.#places[index] as Place).name}`;
    if (this.inode === undefined) path += `/${this.name}`;
    return path === '' ? '/' : path;
  }
}

const maxLinks = 40;

/** Follows paths through mounts and symlinks as one user may. @see path_resolution(7) */
export class PathWalker {
  readonly #mounts: MountTable;
  readonly #user: Credentials;

  constructor(mounts: MountTable, user: Credentials) {
    this.#mounts = mounts;
    this.#user = user;
  }

  #place(inode: Inode, mount: Mount, name: string): Place {
    const covering = this.#mounts.on(inode);
    return covering ? { inode: covering.root, mount: covering, name } : { inode, mount, name };
  }

  /** Follows a path. @throws FileError a directory on the way is missing, is none or may not be searched. */
  walk(path: string, followLast: boolean): Walked {
    const walked = this.tryWalk(path, followLast);
    if (typeof walked === 'string') throw fileError(walked, path);
    return walked;
  }

  /** The errno instead of an error: asking for what is not there is everyday business, and errors are dear. */
  tryWalk(path: string, followLast: boolean): Walked | FileError['code'] {
    const stack: Place[] = [this.#place(this.#mounts.root.root, this.#mounts.root, '')];
    if (path === '') return 'ENOENT';
    let names = path.split('/');
    let next = 0;
    let links = 0;
    while (next < names.length) {
      const name = names[next++] as string;
      if (name === '' || name === '.') continue;
      const here = stack.at(-1) as Place;
      if (here.inode.kind !== 'directory') return 'ENOTDIR';
      if (name === '..') {
        if (stack.length > 1) stack.pop();
        continue;
      }
      if (this.#user.uid !== 0 && !allowed(here.inode, this.#user, 1)) return 'EACCES';
      if (name.length > 255) return 'ENAMETOOLONG';
      const child = here.inode.volume.child(here.inode, name);
      const last = isEnd(names, next);
      if (!child) return last ? new Walked(stack, name) : 'ENOENT';
      const trailing = last && next < names.length;
      if (child.kind === 'symlink' && (!last || followLast || trailing)) {
        if (++links > maxLinks) return 'ELOOP';
        if (child.target.startsWith('/')) stack.splice(1);
        names = [...child.target.split('/'), ...names.slice(next)];
        next = 0;
        continue;
      }
      stack.push(this.#place(child, here.mount, name));
      if (trailing && child.kind !== 'directory') return 'ENOTDIR';
    }
    return new Walked(stack);
  }

  /** @throws FileError also when the last name does not exist. */
  existing(path: string, followLast = true): Walked & { inode: Inode } {
    const walked = this.walk(path, followLast);
    if (!walked.inode) throw fileError('ENOENT', path);
    return walked as Walked & { inode: Inode };
  }

  /** Undefined when a directory on the way is missing. */
  ifReachable(path: string): Walked | undefined {
    const walked = this.tryWalk(path, true);
    if (walked === 'ENOENT') return undefined;
    if (typeof walked === 'string') throw fileError(walked, path);
    return walked;
  }

  /** The deepest existing directory towards `path`, and what is left of the path. */
  deepest(path: string, followLast: boolean): { place: Place; rest: string } {
    let upper = path;
    let rest = '';
    for (;;) {
      const walked = this.tryWalk(upper === '' ? '/' : upper, followLast || rest !== '');
      if (typeof walked !== 'string') {
        const place = walked.inode
          ? { inode: walked.inode, mount: walked.mount, name: walked.name }
          : { inode: walked.parent, mount: walked.parentMount, name: '' };
        const missing = walked.inode ? '' : walked.name;
        return { place, rest: [missing, rest].filter((part) => part !== '').join('/') };
      }
      if (upper === '') throw fileError(walked, '/');
      const slash = upper.lastIndexOf('/');
      rest = [upper.slice(slash + 1), rest].filter((part) => part !== '').join('/');
      upper = upper.slice(0, slash);
    }
  }
}

/** Whether the mode bits let a user do what `mode` asks: 4 read, 2 write, 1 execute. */
export function allowed(inode: Inode, user: Credentials, mode: number): boolean {
  if (user.uid === 0)
    return (mode & 1) === 0 || inode.kind === 'directory' || (inode.mode & 0o111) !== 0;
  const bits =
    inode.uid === user.uid
      ? inode.mode >> 6
      : inode.gid === user.gid || user.groups.includes(inode.gid)
        ? inode.mode >> 3
        : inode.mode;
  return (bits & mode) === mode;
}

/** Whether no name follows. */
function isEnd(names: readonly string[], from: number): boolean {
  for (let index = from; index < names.length; index++)
    if (names[index] !== '' && names[index] !== '.') return false;
  return true;
}
