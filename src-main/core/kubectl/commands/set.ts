import { jsonClone } from '#core/base';
import type { CommandSpec } from '../command.ts';
import { asError, CommandError, throwCollected } from '../errors.ts';
import { isJson, type Json, list, map, text } from '../json-view.ts';
import { fileFlags, fileOptions } from '../resources/manifests.ts';
import { selectTargets, urlOf } from '../resources/select.ts';
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

/** Changes each named object and sends what differs. */
async function change(
  session: Session,
  resources: readonly string[],
  word: string,
  edit: (object: Json) => void,
): Promise<number> {
  const errors: Error[] = [];
  const print = resultPrinter(session);
  const options = session.flags;
  const targets = await selectTargets(session, {
    args: resources,
    files: fileOptions(session),
    selector: options.text('selector'),
    all: options.bool('all'),
    onError: (error) => errors.push(error),
  });
  for (const target of targets)
    try {
      const after = jsonClone(target.object);
      edit(after);
      const patch = threeWayPatch(target.object, after, target.object);
      if (!patch) continue;
      if (dryRunOf(session) === 'client') {
        print(after, word);
        continue;
      }
      print(
        await session.api.json('PATCH', urlOf(target), {
          body: patch.patch,
          contentType: patch.strategic
            ? 'application/strategic-merge-patch+json'
            : 'application/merge-patch+json',
          query: writeQuery(session, 'kubectl-set', { validation: false }),
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
    arg.includes('=') || (arg.endsWith('-') && arg.length > 1);
  return { resources: args.filter((arg) => !isPair(arg)), pairs: args.filter(isPair) };
}

const setImage: CommandSpec = {
  name: 'image',
  short: 'Update the image of a pod template',
  use: 'kubectl set image (-f FILENAME | TYPE NAME) CONTAINER_NAME_1=CONTAINER_IMAGE_1 ... CONTAINER_NAME_N=CONTAINER_IMAGE_N [options]',
  flags,
  run: async (session) => {
    const { resources, pairs } = splitPairs(session.args);
    if (resources.length > 0 && pairs.length === 0)
      throw new CommandError('at least one image update is required');
    return change(session, resources, 'image updated', (object) => {
      for (const pair of pairs) {
        const [name = '', ...image] = pair.split('=');
        const found = containersOf(object, name);
        if (found.length === 0) throw new CommandError(`unable to find container named "${name}"`);
        for (const container of found) container['image'] = image.join('=');
      }
    });
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
      const targets = await selectTargets(session, {
        args: resources,
        files: fileOptions(session),
        selector: session.flags.text('selector'),
        all: session.flags.bool('all'),
      });
      for (const target of targets)
        for (const container of containersOf(target.object, pattern)) {
          session.out(
            `# ${target.resource.kind} ${target.name}, container ${text(container, 'name')}\n`,
          );
          for (const variable of list(container, 'env'))
            session.out(`${text(variable, 'name')}=${text(variable, 'value')}\n`);
        }
      return 0;
    }
    const added = await fromSource(session);
    if (all.length === 0 && added.length === 0)
      throw new CommandError('at least one environment variable must be provided');
    return change(session, resources, 'env updated', (object) => {
      for (const container of containersOf(object, pattern)) {
        let env = [...(list(container, 'env') as Json[])];
        const put = (variable: Json): void => {
          const index = env.findIndex((each) => each['name'] === variable['name']);
          if (index < 0) env.push(variable);
          else env[index] = variable;
        };
        for (const variable of added) put(variable);
        for (const pair of all) {
          const equals = pair.indexOf('=');
          if (equals < 0) env = env.filter((each) => each['name'] !== pair.slice(0, -1));
          else put({ name: pair.slice(0, equals), value: pair.slice(equals + 1) });
        }
        container['env'] = env;
      }
    });
  },
};

async function fromSource(session: Session): Promise<Json[]> {
  const from = session.flags.text('from');
  if (from === '') return [];
  const [source] = await selectTargets(session, { args: [from] });
  if (!source) return [];
  const key = source.resource.kind === 'Secret' ? 'secretKeyRef' : 'configMapKeyRef';
  const keys = session.flags.all('keys');
  return Object.keys(map(source.object, 'data'))
    .sort()
    .filter((name) => keys.length === 0 || keys.includes(name))
    .map((name) => ({
      name: `${session.flags.text('prefix')}${name.toUpperCase().replace(/[^A-Z0-9_]/g, '_')}`,
      valueFrom: { [key]: { key: name, name: source.name } },
    }));
}

const setResources: CommandSpec = {
  name: 'resources',
  short: 'Update resource requests/limits on objects with pod templates',
  flags: [...flags, 'containers|c:string=*', 'limits:string', 'requests:string'],
  run: async (session) => {
    const amounts = (value: string): Json =>
      Object.fromEntries(
        value
          .split(',')
          .filter((part) => part !== '')
          .map((part) => [part.split('=')[0] ?? '', part.split('=')[1] ?? '']),
      );
    const [limits, requests] = [
      amounts(session.flags.text('limits')),
      amounts(session.flags.text('requests')),
    ];
    if (Object.keys(limits).length + Object.keys(requests).length === 0)
      throw new CommandError(
        'you must specify an update to requests or limits (in the form of --requests/--limits)',
      );
    return change(session, session.args, 'resource requirements updated', (object) => {
      for (const container of containersOf(object, session.flags.text('containers'))) {
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
    });
  },
};

const setServiceAccount: CommandSpec = {
  name: 'serviceaccount',
  aliases: ['sa'],
  short: 'Update the service account of a resource',
  flags,
  run: async (session) => {
    const account = session.args.at(-1);
    if (account === undefined) throw new CommandError('serviceaccount is required');
    return change(session, session.args.slice(0, -1), 'serviceaccount updated', (object) => {
      const spec = podSpec(object);
      if (spec) spec['serviceAccountName'] = account;
      if (spec) spec['serviceAccount'] = account;
    });
  },
};

export const setCommand: CommandSpec = {
  name: 'set',
  short: 'Set specific features on objects',
  use: 'kubectl set SUBCOMMAND [options]',
  commands: [setImage, setResources, setSelector, setSubject, setServiceAccount, setEnv],
};
