import { fromUtf8 } from '#core/base';
import type { HostFiles } from './host.ts';

/** A file of a projected volume: its path below the mount, content and mode. */
export interface ProjectedFile {
  readonly path: string;
  readonly content: Uint8Array | string;
  readonly mode: number;
  /** Whose it is; root's when absent. */
  readonly uid?: number;
}

/**
 * Writes the files of a ConfigMap, Secret, projected or downward API volume so that readers see either all old
 * or all new ones: a folder with a time in its name, `..data` pointing to it, and a link for each first name.
 * Nothing is written when nothing changed.
 *
 * @see pkg/volume/util/atomic_writer.go
 */
export function writeAtomically(
  files: HostFiles,
  directory: string,
  wanted: readonly ProjectedFile[],
  options: { readonly nowMs: number; readonly nonce: string; readonly gid?: number },
): boolean {
  const data = `${directory}/..data`;
  if (files.exists(data) && isSame(files, data, wanted)) return false;
  const name = `..${stamp(options.nowMs)}.${options.nonce}`;
  const folder = `${directory}/${name}`;
  files.mkdir(folder, 0o755);
  for (const { path, content, mode, uid } of wanted) {
    files.writeFile(`${folder}/${path}`, content, mode);
    const { gid } = options;
    if (gid !== undefined || uid !== undefined)
      files.chown(`${folder}/${path}`, uid ?? 0, gid ?? 0);
    // The group of a volume may read whatever is in it.
    if (gid !== undefined) files.chmod(`${folder}/${path}`, mode | 0o440);
  }
  const present = files.readdir(directory);
  const old = present.filter((entry) => entry.startsWith('..2') && entry !== name);
  if (files.exists(`${directory}/..data_tmp`)) files.remove(`${directory}/..data_tmp`);
  files.symlink(name, `${directory}/..data_tmp`);
  files.rename(`${directory}/..data_tmp`, data);
  const tops = new Set(wanted.map(({ path }) => path.split('/')[0] ?? path));
  for (const top of tops)
    if (!present.includes(top)) files.symlink(`..data/${top}`, `${directory}/${top}`);
  for (const entry of present)
    if (!entry.startsWith('..') && !tops.has(entry)) files.remove(`${directory}/${entry}`);
  for (const entry of old) files.remove(`${directory}/${entry}`);
  return true;
}

function isSame(files: HostFiles, data: string, wanted: readonly ProjectedFile[]): boolean {
  const present = listFiles(files, data, '');
  if (present.length !== wanted.length) return false;
  return wanted.every(({ path, content }) => {
    if (!present.includes(path)) return false;
    const stored = files.readFile(`${data}/${path}`);
    return fromUtf8(stored) === (typeof content === 'string' ? content : fromUtf8(content));
  });
}

function listFiles(files: HostFiles, root: string, below: string): string[] {
  return files.readdir(`${root}${below === '' ? '' : `/${below}`}`).flatMap((entry) => {
    const path = below === '' ? entry : `${below}/${entry}`;
    return files.isDirectory(`${root}/${path}`) ? listFiles(files, root, path) : [path];
  });
}

/** `2026_01_01_10_00_00` */
function stamp(ms: number): string {
  return new Date(ms).toISOString().slice(0, 19).replace(/[-T:]/g, '_');
}
