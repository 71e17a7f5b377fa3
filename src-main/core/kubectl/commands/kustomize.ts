import { formatYaml } from '#core/kube';
import type { CommandSpec } from '../command.ts';
import { CommandError } from '../errors.ts';
import { readKustomization } from '../resources/manifests.ts';

/** Prints what a kustomization builds; nothing is sent. */
export const kustomizeCommand: CommandSpec = {
  name: 'kustomize',
  short: 'Build a kustomization target from a directory or URL',
  use: 'kubectl kustomize DIR [flags] [options]',
  flags: [],
  run: (session) => {
    if (session.args.length > 1) throw new CommandError('specify one path to kustomization.yaml');
    const objects = readKustomization(session, session.args[0] ?? '.');
    session.out(objects.map((object) => formatYaml(object)).join('---\n'));
    return Promise.resolve(0);
  },
};
