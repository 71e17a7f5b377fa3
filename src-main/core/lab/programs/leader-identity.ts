import { uuid } from '#core/base';
import type { ProgramContext } from '#core/machines';

/** The name of the machine or pod a program runs on. */
export function hostNameOf({ env, net, files }: ProgramContext): string {
  return files.exists('/etc/hostname')
    ? files.readText('/etc/hostname').trim()
    : (env['HOSTNAME'] ?? net.name);
}

/** `<host name>_<uuid>`: how candidates of a leader election sign. */
export function leaderIdentity(context: ProgramContext): string {
  return `${hostNameOf(context)}_${uuid(context.random)}`;
}
