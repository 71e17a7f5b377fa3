import { uuid } from '#core/base';
import type { ProgramContext } from '#core/machines';

/** `<host name>_<uuid>`: how candidates of a leader election sign. */
export function leaderIdentity({ env, net, random, files }: ProgramContext): string {
  const host = files.exists('/etc/hostname')
    ? files.readText('/etc/hostname').trim()
    : (env['HOSTNAME'] ?? net.name);
  return `${host}_${uuid(random)}`;
}
