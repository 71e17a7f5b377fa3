import { chmodSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/**
 * Writes a `kubectl` that runs the built-in one, for local shells on computers without kubectl.
 * @returns the folder that holds it.
 */
export function writeKubectlShim(dataFolder: string, cli: string): string {
  const folder = join(dataFolder, 'bin');
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  if (process.platform === 'win32')
    writeFileSync(
      join(folder, 'kubectl.cmd'),
      `@"${process.execPath}" "${cli}" --data "${dataFolder}" kubectl %*\r\n`,
    );
  else {
    const file = join(folder, 'kubectl');
    const words = [process.execPath, cli, '--data', dataFolder, 'kubectl'].map(quote).join(' ');
    // In Electron this program is the app's own: it is asked to be a plain Node.
    writeFileSync(file, `#!/bin/sh\nELECTRON_RUN_AS_NODE=1 exec ${words} "$@"\n`);
    chmodSync(file, 0o700);
  }
  return folder;
}

const quote = (word: string): string => `'${word.replaceAll("'", `'\\''`)}'`;
