import { formatYaml } from '#core/kube';
import type { CommandSpec } from '../command.ts';
import { CommandError } from '../errors.ts';
import { formatJson } from '../go-text.ts';
import { fileFlags, fileOptions } from '../resources/manifests.ts';
import { lastApplied } from '../resources/last-applied.ts';
import { selectTargets } from '../resources/select.ts';

/** `apply view-last-applied`. */
export const viewLastApplied: readonly CommandSpec[] = [
  {
    name: 'view-last-applied',
    short: 'View the latest last-applied-configuration annotations of a resource/object',
    flags: [...fileFlags, 'output|o:string=yaml', 'selector|l:string', 'all:bool'],
    run: async (session) => {
      const { flags } = session;
      for (const target of await selectTargets(session, {
        args: session.args,
        files: fileOptions(session),
        selector: flags.text('selector'),
        all: flags.bool('all'),
      })) {
        const applied = lastApplied(target.object);
        if (!applied)
          throw new CommandError(
            `no last-applied-configuration annotation found on resource: ${target.name}`,
          );
        session.out(
          flags.text('output') === 'json'
            ? `${formatJson(applied, { indent: 2 })}\n`
            : formatYaml(applied),
        );
      }
      return 0;
    },
  },
];
