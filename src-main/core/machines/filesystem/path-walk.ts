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
export interface Walked {
  /** Undefined when the last name does not exist. */
  readonly inode: Inode | undefined;
  readonly mount: Mount;
  readonly parent: Inode;
  readonly parentMount: Mount;
  readonly name: string;
  readonly path: string;
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
    let pending = path.split('/').reverse();
    if (path === '') return 'ENOENT';
    let links = 0;
    while (pending.length > 0) {
      const name = pending.pop() as string;
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
      const last = pending.every((rest) => rest === '' || rest === '.');
      if (!child) {
        if (!last) return 'ENOENT';
        return {
          inode: undefined,
          mount: here.mount,
          parent: here.inode,
          parentMount: here.mount,
          name,
          path: pathOf([...stack, { ...here, name }]),
        };
      }
      const trailing = last && pending.length > 0;
      if (child.kind === 'symlink' && (!last || followLast || trailing)) {
        if (++links > maxLinks) return 'ELOOP';
        if (child.target.startsWith('/')) stack.splice(1);
        pending = [...pending, ...child.target.split('/').reverse()];
        continue;
      }
      stack.push(this.#place(child, here.mount, name));
      if (trailing && child.kind !== 'directory') return 'ENOTDIR';
    }
    const found = stack.at(-1) as Place;
    const parent = stack.at(-2) ?? found;
    return {
      inode: found.inode,
      mount: found.mount,
      parent: parent.inode,
      parentMount: parent.mount,
      name: found.name,
      path: pathOf(stack),
    };
  }

  /** @throws FileError also when the last name does not exist. */
  existing(path: string, followLast = true): Walked & { inode: Inode } {
    const walked = this.walk(path, followLast);
    if (!walked.inode) throw fileError('ENOENT', path);
    return { ...walked, inode: walked.inode };
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

function pathOf(stack: readonly Place[]): string {
  return (
    stack
      .slice(1)
      .map((place) => `/${place.name}`)
      .join('') || '/'
  );
}
