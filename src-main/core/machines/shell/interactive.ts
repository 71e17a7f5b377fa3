import type { Tty } from '../process/index.ts';
import type { Shell } from './shell.ts';

/** The prompt loop. */
export function interact(_shell: Shell, _tty: Tty | undefined): Promise<number> {
  return Promise.resolve(0);
}
