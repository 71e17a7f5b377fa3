import { existsSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { dirname, join, resolve } from 'node:path';

/** The folder for the user's data cannot be used; the message names it and the mend. */
export class DataFolderError extends Error {
  override readonly name = 'DataFolderError';
}

/**
 * Where a user's data lies unless told otherwise: `KIJABI_DATA`, else the place that the system has for it.
 * @see the XDG base directory specification for Linux
 */
export function defaultDataFolder(
  env: NodeJS.ProcessEnv = process.env,
  platform: NodeJS.Platform = process.platform,
): string {
  if (env['KIJABI_DATA']) return resolve(env['KIJABI_DATA']);
  if (platform === 'darwin') return join(homedir(), 'Library', 'Application Support', 'Kijabi');
  if (platform === 'win32')
    return join(env['APPDATA'] ?? join(homedir(), 'AppData', 'Roaming'), 'Kijabi');
  return join(env['XDG_DATA_HOME'] || join(homedir(), '.local', 'share'), 'kijabi');
}

/** Makes the folder, readable by its owner alone, and proves that it can be written. @throws DataFolderError */
export function prepareDataFolder(folder: string): string {
  const path = resolve(folder);
  const probe = join(path, `.write-test-${process.pid}`);
  try {
    makeFolder(path);
    writeFileSync(probe, '', { mode: 0o600 });
    rmSync(probe);
  } catch (error) {
    const { code = 'error' } = error as NodeJS.ErrnoException;
    throw new DataFolderError(
      `the data folder ${path} cannot be written (${code}): make it writable for your account, or choose another with --data DIR`,
      { cause: error },
    );
  }
  return path;
}

/** Folder by folder: Node's own recursion never ends where a file system makes no folders, such as /proc. */
function makeFolder(path: string): void {
  if (existsSync(path)) return;
  makeFolder(dirname(path));
  mkdirSync(path, { mode: 0o700 });
}
