import { jsonClone } from '#core/base';
import { parseQuantity, StatusError } from '#core/kube';
import type { CommandSpec } from '../command.ts';
import { asError, CommandError, throwCollected } from '../errors.ts';
import { isJson, type Json, list, map, text } from '../json-view.ts';
import { fileFlags, fileOptions } from '../resources/manifests.ts';
import { selectTargets, type Target, urlOf } from '../resources/select.ts';
import { threeWayPatch } from '../resources/three-way.ts';
import { changeFlags, dryRunOf, resultPrinter, writeQuery } from '../results.ts';
import type { Session } from '../session.ts';
import { setSelector, setSubject } from './set-bindings.ts';

const flags = [...fileFlags, ...changeFlags, 'selector|l:string', 'all:bool', 'local:bool'];

/** The pod spec within a workload; undefined for kinds without one. */
function podSpec(object: Json): Json | undefined {
  const paths = [
    ['spec', 'jobTemplate', 'spec', 'template', 'spec'],
    ['spec', 'template', 'spec'],
    ['spec'],
  ];
  for (const path of paths) {
    const spec = map(object, ...path);
    if (Array.isArray(spec['containers'])) return spec;
  }
  return undefined;
}

/** A change of objects with pod templates, of which anything else is refused. */
interface Change {
  /** What the object's line says of it. */
  readonly word: string;
  /** What a patch that the server refuses is told with. */
  readonly failure: string;
  readonly edit: (object: Json, target: Target) => void;
}

async function targetsOf(
  session: Session,
  resources: readonly string[],
  onError?: (error: Error) => void,
): Promise<Target[]> {
  const { flags: options } = session;
  return selectTargets(session, {
    args: resources,
    files: fileOptions(session),
    selector: options.text('selector'),
    all: options.bool('all'),
    ...(onError ? { onError } : {}),
  });
}

/** Changes each object and sends what differs. */
async function change(
  session: Session,
  targets: readonly Target[],
  { word, failure, edit }: Change,
  errors: Error[],
): Promise<number> {
  const print = resultPrinter(session);
  for (const target of targets)
    try {
      const { resource, name } = target;
      if (!podSpec(target.object))
        throw new CommandError(
          `${resource.resource}/${name} the object is not a pod or does not have a pod template: *${resource.version}.${resource.kind}`,
        );
      const after = jsonClone(target.object);
      edit(after, target);
      const patch = threeWayPatch(target.object, after, target.object);
      if (!patch) continue;
      if (dryRunOf(session) === 'client') {
        print(after, word);
        continue;
      }
      const changed = session.api.json('PATCH', urlOf(target), {
        body: patch.patch,
        contentType: patch.strategic
          ? 'application/strategic-merge-patch+json'
          : 'application/merge-patch+json',
        query: writeQuery(session, 'kubectl-set', { validation: false }),
      });
      print(
        await changed.catch((error: unknown) => {
          throw error instanceof StatusError
            ? new CommandError(`${failure} ${error.message}`)
            : error;
        }),
        word,
      );
    } catch (error) {
      errors.push(asError(error));
    }
  throwCollected(errors);
  return 0;
}

function containersOf(object: Json, pattern = '*'): Json[] {
  const spec = podSpec(object);
  const all = [...list(spec, 'initContainers'), ...list(spec, 'containers')].filter(isJson);
  const matches = new RegExp(
    `^${pattern
      .replace(/[.+^${}()|[\]\\]/g, '\\$&')
      .replaceAll('*', '.*')
      .replaceAll('?', '.')}$`,
  );
  return all.filter((container) => matches.test(text(container, 'name')));
}

/** Splits `k=v` words from resources. */
function splitPairs(args: readonly string[]): { resources: string[]; pairs: string[] } {
  const isPair = (arg: string): boolean =>
    arg.indexOf('=') > 0 || (arg.endsWith('-') && arg.length > 1);
  return { resources: args.filter((arg) => !isPair(arg)), pairs: args.filter(isPair) };
}

const setImage: CommandSpec = {
  name: 'image',
  short: 'Update the image of a pod template',
  use: 'kubectl set image (-f FILENAME | TYPE NAME) CONTAINER_NAME_1=CONTAINER_IMAGE_1 ... CONTAINER_NAME_N=CONTAINER_IMAGE_N [options]',
  flags,
  run: async (session) => {
    const { resources, pairs } = splitPairs(session.args);
    const errors: Error[] = [];
    const targets = await targetsOf(session, resources, (error) => errors.push(error));
    if (resources.length > 0 && pairs.length === 0)
      throw new CommandError('at least one image update is required');
    const edit = (object: Json): void => {
      for (const pair of pairs) {
        const [name = '', ...image] = pair.split('=');
        const found = containersOf(object, name);
        if (found.length === 0) throw new CommandError(`unable to find container named "${name}"`);
        for (const container of found) container['image'] = image.join('=');
      }
    };
    const failure = 'failed to patch image update to pod template:';
    return change(session, targets, { word: 'image updated', failure, edit }, errors);
  },
};

const setEnv: CommandSpec = {
  name: 'env',
  short: 'Update environment variables on a pod template',
  use: 'kubectl set env RESOURCE/NAME KEY_1=VAL_1 ... KEY_N=VAL_N [options]',
  flags: [
    ...flags,
    'containers|c:string=*',
    'env|e:array',
    'list:bool',
    'overwrite:bool=true',
    'from:string',
    'prefix:string',
    'keys:strings',
    'resolve:bool',
  ],
  run: async (session) => {
    const { resources, pairs } = splitPairs(session.args);
    const all = [...pairs, ...session.flags.all('env')];
    const pattern = session.flags.text('containers');
    if (session.flags.bool('list')) {
      for (const target of await targetsOf(session, resources))
        for (const container of containersOf(target.object, pattern)) {
          session.out(
            `# ${target.resource.kind} ${target.name}, container ${text(container, 'name')}\n`,
          );
          for (const variable of list(container, 'env')) session.out(listed(variable));
        }
      return 0;
    }
    const { set, remove } = environmentOf(all);
    const added = await fromSource(session);
    const errors: Error[] = [];
    const targets = await targetsOf(session, resources, (error) => errors.push(error));
    const edit = (object: Json, { resource, name }: Target): void => {
      const chosen = containersOf(object, pattern);
      if (chosen.length === 0)
        session.err(
          `Warning: ${resource.kind}/${name} does not have any containers matching ${JSON.stringify(pattern)}\n`,
        );
      for (const container of chosen) {
        let env = [...(list(container, 'env') as Json[])];
        for (const variable of [...added, ...set]) {
          const index = env.findIndex((each) => each['name'] === variable['name']);
          if (index < 0) env.push(variable);
          else env[index] = variable;
        }
        env = env.filter((each) => !remove.includes(text(each, 'name')));
        if (env.length > 0 || 'env' in container) container['env'] = env;
      }
    };
    const failure = 'failed to patch env update to pod template:';
    return change(session, targets, { word: 'env updated', failure, edit }, errors);
  },
};

/** A variable as `--list` shows it: of one that is taken from elsewhere, where from. */
function listed(variable: unknown): string {
  const name = text(variable, 'name');
  for (const [field, noun] of [
    ['configMapKeyRef', 'configmap'],
    ['secretKeyRef', 'secret'],
  ] as const) {
    const source = map(variable, 'valueFrom', field);
    if (Object.keys(source).length > 0)
      return `# ${name} from ${noun} ${text(source, 'name')}, key ${text(source, 'key')}\n`;
  }
  const path = text(variable, 'valueFrom', 'fieldRef', 'fieldPath');
  return path === ''
    ? `${name}=${text(variable, 'value')}\n`
    : `# ${name} from field path ${path}\n`;
}

/** What `KEY=VALUE` and `KEY-` ask for. @throws CommandError */
function environmentOf(pairs: readonly string[]): { set: Json[]; remove: string[] } {
  const set: Json[] = [];
  const remove: string[] = [];
  for (const pair of pairs) {
    const equals = pair.indexOf('=');
    const name = equals < 0 ? pair.slice(0, -1) : pair.slice(0, equals);
    if (equals < 0) remove.push(name);
    else if (!/^[-._a-zA-Z][-._a-zA-Z0-9]*$/.test(name))
      throw new CommandError(
        `${JSON.stringify(name)} is not a valid key name: a valid environment variable name must consist of alphabetic characters, digits, '_', '-', or '.', and must not start with a digit (e.g. 'my.env-name', or 'MY_ENV.NAME', or 'MyEnvName1', regex used for validation is '[-._a-zA-Z][-._a-zA-Z0-9]*')`,
      );
    else set.push({ name, value: pair.slice(equals + 1) });
  }
  if (set.some((variable) => remove.includes(text(variable, 'name'))))
    throw new CommandError(
      'can not both modify and remove the same environment variable in the same command',
    );
  return { set, remove };
}

async function fromSource(session: Session): Promise<Json[]> {
  const from = session.flags.text('from');
  if (from === '') return [];
  const [source] = await selectTargets(session, { args: [from] });
  if (!source) return [];
  const { kind } = source.resource;
  if (kind !== 'Secret' && kind !== 'ConfigMap')
    throw new CommandError('unsupported resource specified in --from');
  const key = kind === 'Secret' ? 'secretKeyRef' : 'configMapKeyRef';
  const keys = session.flags.all('keys');
  const variableOf = (name: string): string => {
    const variable = name.toUpperCase().replace(/[^A-Z0-9_]/g, '_');
    if (variable !== name) session.err(`Warning: key ${name} transferred to ${variable}\n`);
    return variable;
  };
  return Object.keys(map(source.object, 'data'))
    .sort()
    .filter((name) => keys.length === 0 || keys.includes(name))
    .map((name) => ({
      name: `${session.flags.text('prefix')}${variableOf(name)}`,
      valueFrom: { [key]: { key: name, name: source.name } },
    }));
}

const setResources: CommandSpec = {
  name: 'resources',
  short: 'Update resource requests/limits on objects with pod templates',
  flags: [...flags, 'containers|c:string=*', 'limits:string', 'requests:string'],
  run: async (session) => {
    const errors: Error[] = [];
    const targets = await targetsOf(session, session.args, (error) => errors.push(error));
    const limits = amountsOf(session.flags.text('limits'));
    const requests = amountsOf(session.flags.text('requests'));
    if (Object.keys(limits).length + Object.keys(requests).length === 0)
      throw new CommandError(
        'you must specify an update to requests or limits (in the form of --requests/--limits)',
      );
    const pattern = session.flags.text('containers');
    const edit = (object: Json): void => {
      const chosen = containersOf(object, pattern);
      if (chosen.length === 0) throw new CommandError(`unable to find container named ${pattern}`);
      for (const container of chosen) {
        const now = map(container, 'resources');
        container['resources'] = {
          ...now,
          ...(Object.keys(limits).length > 0
            ? { limits: { ...map(now, 'limits'), ...limits } }
            : {}),
          ...(Object.keys(requests).length > 0
            ? { requests: { ...map(now, 'requests'), ...requests } }
            : {}),
        };
      }
    };
    const failure = 'failed to patch resources update to pod template';
    return change(
      session,
      targets,
      { word: 'resource requirements updated', failure, edit },
      errors,
    );
  },
};

/** `cpu=1,memory=1Gi`. @throws CommandError */
function amountsOf(value: string): Json {
  const parts = value === '' ? [] : value.split(',');
  return Object.fromEntries(
    parts.map((part) => {
      const [name = '', amount, ...more] = part.split('=');
      if (amount === undefined || more.length > 0)
        throw new CommandError(`Invalid argument syntax ${part}, expected <resource>=<value>`);
      parseQuantity(amount);
      return [name, amount];
    }),
  );
}

const setServiceAccount: CommandSpec = {
  name: 'serviceaccount',
  aliases: ['sa'],
  short: 'Update the service account of a resource',
  flags,
  run: async (session) => {
    const account = session.args.at(-1);
    if (account === undefined) throw new CommandError('serviceaccount is required');
    const errors: Error[] = [];
    const resources = session.args.slice(0, -1);
    const targets = await targetsOf(session, resources, (error) => errors.push(error));
    const edit = (object: Json): void => {
      const spec = podSpec(object);
      if (spec) spec['serviceAccountName'] = account;
      if (spec) spec['serviceAccount'] = account;
    };
    const failure = 'failed to patch ServiceAccountName';
    return change(session, targets, { word: 'serviceaccount updated', failure, edit }, errors);
  },
};

export const setCommand: CommandSpec = {
  name: 'set',
  short: 'Set specific features on objects',
  use: 'kubectl set SUBCOMMAND [options]',
  commands: [setImage, setResources, setSelector, setSubject, setServiceAccount, setEnv],
};
