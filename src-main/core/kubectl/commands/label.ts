import { jsonClone } from '#core/base';
import { labelValueErrors, qualifiedNameErrors } from '#core/kube';
import type { CommandSpec } from '../command.ts';
import { asError, CommandError, throwCollected } from '../errors.ts';
import { ensureMap, type Json, sortedKeys, strings } from '../json-view.ts';
import { fileFlags, fileOptions, namesFiles } from '../resources/manifests.ts';
import { selectTargets, type Target, urlOf } from '../resources/select.ts';
import { changeFlags, dryRunOf, resultPrinter, writeQuery } from '../results.ts';
import type { Session } from '../session.ts';

type Field = 'labels' | 'annotations';

const flags = [
  ...fileFlags,
  ...changeFlags,
  'overwrite:bool',
  'list:bool',
  'local:bool',
  'selector|l:string',
  'field-selector:string',
  'all:bool',
  'all-namespaces|A:bool',
  'resource-version:string',
];

export const labelCommand: CommandSpec = {
  name: 'label',
  short: 'Update the labels on a resource',
  use: 'kubectl label [--overwrite] (-f FILENAME | TYPE NAME) KEY_1=VAL_1 ... KEY_N=VAL_N [--resource-version=version] [options]',
  flags,
  run: (session) => change(session, 'labels'),
};

export const annotateCommand: CommandSpec = {
  name: 'annotate',
  short: 'Update the annotations on a resource',
  use: 'kubectl annotate [--overwrite] (-f FILENAME | TYPE NAME) KEY_1=VAL_1 ... KEY_N=VAL_N [--resource-version=version] [options]',
  flags,
  run: (session) => change(session, 'annotations'),
};

interface Changes {
  readonly set: ReadonlyMap<string, string>;
  readonly remove: readonly string[];
}

/** Splits the arguments into resources and `k=v`, `k-` changes. @throws CommandError */
function splitArgs(
  args: readonly string[],
  field: Field,
): { resources: string[]; changes: Changes } {
  const resources: string[] = [];
  const pairs: string[] = [];
  for (const arg of args) {
    const isPair = arg.includes('=') || (/-$/.test(arg) && arg !== '-');
    if (pairs.length > 0 && !isPair)
      throw new CommandError(
        field === 'labels'
          ? `all resources must be specified before label changes: ${arg}`
          : `all resources must be specified before annotation changes: ${arg}`,
      );
    if (isPair) pairs.push(arg);
    else resources.push(arg);
  }
  const set = new Map<string, string>();
  const remove: string[] = [];
  for (const pair of pairs) {
    const equals = pair.indexOf('=');
    if (equals < 0) {
      remove.push(pair.slice(0, -1));
      continue;
    }
    const [key, value] = [pair.slice(0, equals), pair.slice(equals + 1)];
    if (field === 'labels') {
      if (value.includes('=')) throw new CommandError(`invalid label spec: ${pair}`);
      const problems = labelValueErrors(value);
      if (value === '' ? false : problems.length > 0)
        throw new CommandError(`invalid label value: "${pair}": ${problems.join(';')}`);
      if (qualifiedNameErrors(key).length > 0 && key === '')
        throw new CommandError(`invalid label spec: ${pair}`);
    }
    set.set(key, value);
  }
  const both = remove.find((key) => set.has(key));
  if (both !== undefined)
    throw new CommandError(
      field === 'labels'
        ? `can not both modify and remove a label in the same command`
        : `can not both modify and remove the following annotation(s) in the same command: ${both}`,
    );
  return { resources, changes: { set, remove } };
}

async function change(session: Session, field: Field): Promise<number> {
  const { resources, changes } = splitArgs(session.args, field);
  const files = fileOptions(session);
  const options = session.flags;
  const noun = field === 'labels' ? 'label' : 'annotation';
  if (resources.length === 0 && !namesFiles(files))
    throw new CommandError(
      'one or more resources must be specified as <resource> <name> or <resource>/<name>',
    );
  if (changes.set.size + changes.remove.length === 0 && !options.bool('list'))
    throw new CommandError(`at least one ${noun} update is required`);
  const errors: Error[] = [];
  const print = resultPrinter(session);
  const targets = await selectTargets(session, {
    args: resources,
    files,
    selector: options.text('selector'),
    fieldSelector: options.text('field-selector'),
    all: options.bool('all'),
    allNamespaces: options.bool('all-namespaces'),
    latest: !options.bool('local'),
    onError: (error) => errors.push(error),
  });
  const isOne =
    targets.length === 1 &&
    !options.bool('all') &&
    options.text('selector') + options.text('field-selector') === '';
  if (options.text('resource-version') !== '' && !isOne)
    throw new CommandError('--resource-version may only be used with a single resource');
  for (const target of targets)
    try {
      if (options.bool('list') && changes.set.size + changes.remove.length === 0) {
        const { kind, group } = target.resource;
        if (!isOne) session.out(`Listing ${field} for ${kind}.${group}/${target.name}:\n`);
        const values = strings(target.object, 'metadata', field);
        session.out(
          sortedKeys(values)
            .map((key) => `${isOne ? '' : ' '}${key}=${values[key] ?? ''}\n`)
            .join(''),
        );
        continue;
      }
      const { object, word } = await changeOne(session, target, field, changes);
      print(object, word);
    } catch (error) {
      errors.push(asError(error));
    }
  throwCollected(errors);
  return 0;
}

async function changeOne(
  session: Session,
  target: Target,
  field: Field,
  changes: Changes,
): Promise<{ object: Json; word: string }> {
  const noun = field === 'labels' ? 'label' : 'annotation';
  const present = strings(target.object, 'metadata', field);
  if (!session.flags.bool('overwrite')) {
    const taken = [...changes.set].filter(
      ([key, value]) => key in present && present[key] !== value,
    );
    if (field === 'labels' && taken[0])
      throw new CommandError(
        `'${taken[0][0]}' already has a value (${present[taken[0][0]] ?? ''}), and --overwrite is false`,
      );
    if (field === 'annotations' && taken[0])
      throw new CommandError(
        `--overwrite is false but found the following declared annotation(s): '${taken[0][0]}' already has a value (${present[taken[0][0]] ?? ''})`,
      );
  }
  if (field === 'labels')
    for (const key of changes.remove)
      if (!(key in present)) session.out(`label "${key}" not found.\n`);
  const after: Json = jsonClone(target.object);
  const values = ensureMap(after, 'metadata', field);
  const patch: Json = {};
  for (const [key, value] of changes.set) {
    if (present[key] !== value) patch[key] = value;
    values[key] = value;
  }
  for (const key of changes.remove) {
    if (key in present) patch[key] = null;
    Reflect.deleteProperty(values, key);
  }
  const changed = Object.keys(patch).length > 0;
  const word =
    field === 'annotations'
      ? 'annotated'
      : !changed
        ? 'not labeled'
        : changes.set.size > 0
          ? 'labeled'
          : `un${noun}ed`;
  if (
    session.flags.bool('local') ||
    dryRunOf(session) === 'client' ||
    (!changed && field === 'labels')
  )
    return { object: after, word };
  if (!changed) return { object: after, word };
  const resourceVersion = session.flags.text('resource-version');
  const object = await session.api.json('PATCH', urlOf(target), {
    body: { metadata: { [field]: patch, ...(resourceVersion ? { resourceVersion } : {}) } },
    contentType: 'application/merge-patch+json',
    query: writeQuery(session, `kubectl-${noun === 'label' ? 'label' : 'annotate'}`, {
      validation: false,
    }),
  });
  return { object, word };
}
