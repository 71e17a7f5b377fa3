import { FileError, type FileSystem } from '../filesystem/index.ts';
import type { User } from './types.ts';

/** root without a look at any file. */
export const rootUser: User = { name: 'root', uid: 0, gid: 0, groups: [0], home: '/root' };

export interface PasswdEntry {
  readonly name: string;
  readonly uid: number;
  readonly gid: number;
  readonly comment: string;
  readonly home: string;
  readonly shell: string;
}

export interface GroupEntry {
  readonly name: string;
  readonly gid: number;
  readonly members: readonly string[];
}

/** `/etc/passwd`; empty when there is none. */
export function readPasswd(files: FileSystem): readonly PasswdEntry[] {
  return lines(files, '/etc/passwd').flatMap((line) => {
    const [name, , uid, gid, comment, home, shell] = line.split(':');
    if (!name || uid === undefined) return [];
    return [
      {
        name,
        uid: Number(uid),
        gid: Number(gid ?? 0),
        comment: comment ?? '',
        home: home ?? '/',
        shell: shell || '/bin/sh',
      },
    ];
  });
}

/** `/etc/group`; empty when there is none. */
export function readGroups(files: FileSystem): readonly GroupEntry[] {
  return lines(files, '/etc/group').flatMap((line) => {
    const [name, , gid, members] = line.split(':');
    if (!name || gid === undefined) return [];
    return [{ name, gid: Number(gid), members: (members ?? '').split(',').filter(Boolean) }];
  });
}

/** A user by name or by number, with the groups `/etc/group` gives; undefined when unknown. */
export function findUser(files: FileSystem, who: string | number): User | undefined {
  const entry = readPasswd(files).find((user) => user.name === who || user.uid === who);
  if (!entry) return undefined;
  const more = readGroups(files)
    .filter((group) => group.members.includes(entry.name))
    .map((group) => group.gid);
  return {
    name: entry.name,
    uid: entry.uid,
    gid: entry.gid,
    groups: [...new Set([entry.gid, ...more])],
    home: entry.home,
  };
}

export function groupName(files: FileSystem, gid: number): string | undefined {
  return readGroups(files).find((group) => group.gid === gid)?.name;
}

/** Containers of one image have the same files. */
const readLines = new Map<string, readonly string[]>();
const maxReadFiles = 64;

function lines(files: FileSystem, path: string): readonly string[] {
  try {
    const text = files.readText(path);
    let found = readLines.get(text);
    if (!found) {
      found = text.split('\n').filter((line) => line !== '' && !line.startsWith('#'));
      if (readLines.size >= maxReadFiles) readLines.clear();
      readLines.set(text, found);
    }
    return found;
  } catch (error) {
    if (error instanceof FileError) return [];
    throw error;
  }
}
