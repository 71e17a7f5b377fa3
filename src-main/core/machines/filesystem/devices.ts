import type { Random } from '#core/base';
import { fileError } from './errors.ts';
import type { Device } from './tree.ts';

/** The usual nodes of `/dev`, by path. `/dev/tty` and `/dev/std*` belong to the process layer. */
export function standardDevices(random: Random): Readonly<Record<string, Device>> {
  const noise = (length: number): Uint8Array => {
    const bytes = new Uint8Array(length);
    for (let i = 0; i < length; i++) bytes[i] = random.integer(256);
    return bytes;
  };
  const accept = (): void => undefined;
  return {
    '/dev/null': { major: 1, minor: 3, read: () => undefined, write: accept },
    '/dev/zero': { major: 1, minor: 5, read: (length) => new Uint8Array(length), write: accept },
    '/dev/full': {
      major: 1,
      minor: 7,
      read: (length) => new Uint8Array(length),
      write: () => {
        throw fileError('ENOSPC', '/dev/full');
      },
    },
    '/dev/random': { major: 1, minor: 8, read: noise, write: accept },
    '/dev/urandom': { major: 1, minor: 9, read: noise, write: accept },
  };
}
