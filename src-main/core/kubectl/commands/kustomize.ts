import { utf8 } from '#core/base';
import { formatYaml } from '#core/kube';
import type { CommandSpec } from '../command.ts';
import { CommandError } from '../errors.ts';
import type { Json } from '../json-view.ts';
import {
  effectiveNamespace,
  idOf,
  isClusterScoped,
  type ResourceId,
} from '../kustomize/resource-id.ts';
import { readKustomization } from '../resources/manifests.ts';
import type { Session } from '../session.ts';

/** Prints what a kustomization builds; nothing is sent. */
export const kustomizeCommand: CommandSpec = {
  name: 'kustomize',
  short: 'Build a kustomization target from a directory or URL',
  use: 'kubectl kustomize DIR [flags] [options]',
  // The flags of Helm and of functions in containers have nothing to work on here.
  flags: [
    'as-current-user:bool',
    'enable-alpha-plugins:bool',
    'enable-helm:bool',
    'env|e:array',
    'helm-api-versions:array',
    'helm-command:string=helm',
    'helm-debug:bool',
    'helm-kube-version:string',
    'load-restrictor:string=LoadRestrictionsRootOnly',
    'mount:array',
    'network:bool',
    'network-name:string=bridge',
    'output|o:string',
  ],
  run: (session) => {
    if (session.args.length > 1) throw new CommandError('specify one path to kustomization.yaml');
    const restrictor = session.flags.text('load-restrictor');
    if (!['LoadRestrictionsRootOnly', 'LoadRestrictionsNone'].includes(restrictor))
      throw new CommandError(
        `illegal flag value --load-restrictor ${restrictor}; legal values: [LoadRestrictionsRootOnly LoadRestrictionsNone]`,
      );
    const objects = readKustomization(session, session.args[0] ?? '.', {
      anywhere: restrictor === 'LoadRestrictionsNone',
    });
    writeOut(session, objects);
    return Promise.resolve(0);
  },
};

/** To stdout, to a file, or to a file each in a folder that is there. */
function writeOut(session: Session, objects: readonly Json[]): void {
  const { files } = session.io;
  const output = session.flags.text('output');
  const all = objects.map((object) => formatYaml(object)).join('---\n');
  if (output === '') {
    session.out(all);
    return;
  }
  const path = session.path(output);
  if (!files.exists(path) || files.stat(path).kind !== 'directory') {
    files.writeFile(path, utf8(all));
    return;
  }
  const namespaces = new Set(objects.map(idOf).filter(isNamespaced).map(effectiveNamespace));
  for (const object of objects) {
    const id = idOf(object);
    const parts = [id.group, id.version, id.kind, id.name].filter((part) => part !== '');
    if (namespaces.size > 1 && isNamespaced(id)) parts.unshift(effectiveNamespace(id));
    const file = `${parts.join('_').toLowerCase()}.yaml`;
    files.writeFile(`${path}/${file}`, utf8(formatYaml(object)));
  }
}

const isNamespaced = (id: ResourceId): boolean => !isClusterScoped(id);
