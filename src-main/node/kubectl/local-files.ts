import fs from 'node:fs';
import type { KubectlFiles } from '#core/kubectl';

/** Go's words for what Node calls by its code. */
const goTexts: Readonly<Record<string, string>> = {
  ENOENT: 'no such file or directory',
  EACCES: 'permission denied',
  EPERM: 'operation not permitted',
  EISDIR: 'is a directory',
  ENOTDIR: 'not a directory',
  EROFS: 'read-only file system',
  ENOSPC: 'no space left on device',
  ELOOP: 'too many levels of symbolic links',
  ENAMETOOLONG: 'file name too long',
};

/** The files of this computer, as kubectl reads and writes them. */
export const localFiles: KubectlFiles = {
  exists: (path) => fs.existsSync(path),
  stat: (path) =>
    inGoWords('stat', path, () => {
      const stat = fs.statSync(path);
      return { kind: stat.isDirectory() ? 'directory' : stat.isFile() ? 'file' : 'device' };
    }),
  readdir: (path) => inGoWords('open', path, () => fs.readdirSync(path).sort()),
  mkdir: (path, options) => void inGoWords('mkdir', path, () => fs.mkdirSync(path, options)),
  remove: (path, options) => inGoWords('remove', path, () => fs.rmSync(path, options)),
  writeFile: (path, bytes, mode) =>
    inGoWords('open', path, () =>
      fs.writeFileSync(path, bytes, mode === undefined ? {} : { mode }),
    ),
  readFile: (path) => inGoWords('open', path, () => new Uint8Array(fs.readFileSync(path))),
};

function inGoWords<T>(verb: string, path: string, work: () => T): T {
  try {
    return work();
  } catch (error) {
    const { code = '' } = error as NodeJS.ErrnoException;
    const words = goTexts[code];
    if (words === undefined) throw error;
    // A folder opens well; it is the reading that fails.
    throw new Error(`${code === 'EISDIR' ? 'read' : verb} ${path}: ${words}`, { cause: error });
  }
}
