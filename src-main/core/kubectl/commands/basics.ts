import { jsonClone } from '#core/base';
import { parseYaml, StatusError } from '#core/kube';
import type { CommandSpec } from '../command.ts';
import { qualifiedKind, resourceUrl } from '../discovery.ts';
import { asError, CommandError, throwCollected, UsageError } from '../errors.ts';
import { at, ensureMap, type Json, text } from '../json-view.ts';
import { fileFlags, fileOptions, requireFiles } from '../resources/manifests.ts';
import {
  isNotFound,
  manifestTargets,
  selectTargets,
  type Target,
  urlOf,
} from '../resources/select.ts';
import { changeFlags, dryRunOf, resultPrinter, validateFlag, writeQuery } from '../results.ts';
import type { Session } from '../session.ts';
import { placed, withSource } from './create.ts';
import { waitGone } from './delete.ts';
import { overridden } from './overrides.ts';
import { sendRaw } from './raw.ts';
import { attachToPod } from './streams.ts';

const selectFlags = [
  'selector|l:string',
  'field-selector:string',
  'all:bool',
  'all-namespaces|A:bool',
];

function select(
  session: Session,
  args: readonly string[],
  onError?: (error: Error) => void,
): Promise<Target[]> {
  const { flags } = session;
  return selectTargets(session, {
    args,
    files: fileOptions(session),
    selector: flags.text('selector'),
    fieldSelector: flags.text('field-selector'),
    all: flags.bool('all'),
    allNamespaces: flags.bool('all-namespaces'),
    ...(onError ? { onError } : {}),
  });
}

export const scaleCommand: CommandSpec = {
  name: 'scale',
  short: 'Set a new size for a deployment, replica set, or replication controller',
  use: 'kubectl scale [--resource-version=version] [--current-replicas=count] --replicas=COUNT (-f FILENAME | TYPE NAME) [options]',
  flags: [
    ...fileFlags,
    ...changeFlags,
    ...selectFlags,
    'replicas:int=0',
    'current-replicas:int=-1',
    'resource-version:string',
    'timeout:duration=0',
  ],
  run: async (session) => {
    const { flags } = session;
    if (!flags.changed('replicas')) throw new CommandError('required flag(s) "replicas" not set');
    if (flags.int('replicas') < 0)
      throw new CommandError(
        'The --replicas=COUNT flag is required, and COUNT must be greater than or equal to 0',
      );
    const errors: Error[] = [];
    const print = resultPrinter(session);
    for (const target of await select(session, session.args, (error) => errors.push(error)))
      try {
        const version = flags.text('resource-version');
        if (flags.int('current-replicas') >= 0 || version !== '') {
          const scale = await session.api.get(urlOf(target, 'scale'));
          const present = text(scale, 'metadata', 'resourceVersion');
          if (version !== '' && present !== version)
            throw new CommandError(`Expected resource version to be ${version}, was ${present}`);
          const now = Number(at(scale, 'spec', 'replicas') ?? 0);
          if (flags.int('current-replicas') >= 0 && now !== flags.int('current-replicas'))
            throw new CommandError(
              `Expected replicas to be ${flags.int('current-replicas')}, was ${now}`,
            );
        }
        if (dryRunOf(session) !== 'client')
          await session.api.json('PATCH', urlOf(target, 'scale'), {
            body: { spec: { replicas: flags.int('replicas') } },
            contentType: 'application/merge-patch+json',
            query: { dryRun: dryRunOf(session) === 'server' ? 'All' : undefined },
          });
        print(target.object, 'scaled');
      } catch (error) {
        errors.push(asError(error));
      }
    throwCollected(errors);
    return 0;
  },
};

export const patchCommand: CommandSpec = {
  name: 'patch',
  short: 'Update fields of a resource',
  use: 'kubectl patch (-f FILENAME | TYPE NAME) [-p PATCH|--patch-file FILE] [options]',
  flags: [
    ...fileFlags,
    ...changeFlags,
    'patch|p:string',
    'patch-file:string',
    'type:string=strategic',
    'local:bool',
    'subresource:string',
  ],
  run: async (session) => {
    const { flags } = session;
    const types: Readonly<Record<string, string>> = {
      json: 'application/json-patch+json',
      merge: 'application/merge-patch+json',
      strategic: 'application/strategic-merge-patch+json',
    };
    const contentType = types[flags.text('type').toLowerCase()];
    if (contentType === undefined)
      throw new CommandError(
        `--type must be one of [json merge strategic], not "${flags.text('type')}"`,
      );
    if (flags.text('patch') === '' && flags.text('patch-file') === '')
      throw new CommandError(
        'must specify --patch or --patch-file containing the contents of the patch',
      );
    const source =
      flags.text('patch') === ''
        ? new TextDecoder().decode(
            session.io.files.readFile(session.path(flags.text('patch-file'))),
          )
        : flags.text('patch');
    let patch: unknown;
    try {
      patch = parseYaml(source);
    } catch (error) {
      // What begins as JSON goes to the server as it is.
      if (source.trimStart().startsWith('{'))
        throw new StatusError({
          kind: 'Status',
          apiVersion: 'v1',
          metadata: {},
          status: 'Failure',
          reason: 'BadRequest',
          message: 'unexpected end of JSON input',
          code: 400,
        });
      throw new CommandError(
        `unable to parse "${source}": yaml: ${error instanceof Error ? (error.message.split('\n')[0] ?? '') : ''}`,
      );
    }
    const errors: Error[] = [];
    const print = resultPrinter(session);
    const targets = await selectTargets(session, {
      args: session.args,
      files: fileOptions(session),
      latest: false,
      subresource: flags.text('subresource'),
      onError: (error) => errors.push(error),
    });
    if (targets.length === 0 && errors.length === 0)
      throw new CommandError('no objects passed to patch');
    for (const target of targets)
      try {
        if (dryRunOf(session) === 'client') {
          print(target.object, 'patched');
          continue;
        }
        const object = await session.api.json('PATCH', urlOf(target, flags.text('subresource')), {
          body: patch,
          contentType,
          query: writeQuery(session, 'kubectl-patch', { validation: false }),
        });
        const before = text(target.object, 'metadata', 'resourceVersion');
        const same = target.source === '' && before === text(object, 'metadata', 'resourceVersion');
        print(object, same ? 'patched (no change)' : 'patched');
      } catch (error) {
        errors.push(asError(error));
      }
    throwCollected(errors);
    return 0;
  },
};

export const replaceCommand: CommandSpec = {
  name: 'replace',
  short: 'Replace a resource by file name or stdin',
  use: 'kubectl replace -f FILENAME [options]',
  flags: [
    ...fileFlags,
    ...changeFlags,
    validateFlag,
    'save-config:bool',
    'force:bool',
    'cascade:string=background?background',
    'grace-period:int=-1',
    'timeout:duration=0',
    'wait:bool',
    'subresource:string',
    'raw:string',
  ],
  run: async (session) => {
    const { flags } = session;
    if (flags.changed('raw')) return sendRaw(session, 'PUT');
    const files = fileOptions(session);
    requireFiles(files);
    const errors: Error[] = [];
    const print = resultPrinter(session);
    const targets = await manifestTargets(session, files, (error) => errors.push(error));
    const force = flags.bool('force');
    if (force) {
      const gone: Target[] = [];
      for (const target of targets)
        try {
          await session.api.json('DELETE', urlOf(target), {
            body: {
              kind: 'DeleteOptions',
              apiVersion: 'v1',
              propagationPolicy: 'Background',
              ...(flags.int('grace-period') >= 0
                ? { gracePeriodSeconds: flags.int('grace-period') }
                : {}),
            },
          });
          session.out(
            `${qualifiedKind(target.resource)} "${target.name}" deleted from ${target.namespace} namespace\n`.replace(
              ' from  namespace',
              '',
            ),
          );
          gone.push({ ...target, object: {} });
        } catch (error) {
          if (!isNotFound(error)) throw asError(error);
        }
      await waitGone(session, gone, flags.duration('timeout'));
    }
    for (const target of targets)
      try {
        const body = jsonClone(placed(target));
        if (dryRunOf(session) === 'client') {
          print(body, 'replaced');
          continue;
        }
        const query = writeQuery(session, 'kubectl-replace');
        if (force) {
          print(
            await session.api.json('POST', resourceUrl(target.resource, target.namespace), {
              body,
              query: { ...query, fieldManager: 'kubectl-create' },
            }),
            'replaced',
          );
          continue;
        }
        const metadata = ensureMap(body, 'metadata');
        if (metadata['resourceVersion'] === undefined) {
          const current = await session.api.get(urlOf(target));
          metadata['resourceVersion'] = at(current, 'metadata', 'resourceVersion');
        }
        print(
          await session.api.json('PUT', urlOf(target, flags.text('subresource')), { body, query }),
          'replaced',
        );
      } catch (error) {
        errors.push(force ? asError(error) : withSource(error, 'replacing', target.source));
      }
    throwCollected(errors);
    return 0;
  },
};

export const runCommand: CommandSpec = {
  name: 'run',
  short: 'Run a particular image on the cluster',
  use: 'kubectl run NAME --image=image [--env="key=value"] [--port=port] [--dry-run=server|client] [--overrides=inline-json] [--command] -- [COMMAND] [args...] [options]',
  flags: [
    ...changeFlags,
    'image:string',
    'env|e:array',
    'port:string',
    'labels|l:string',
    'restart:string=Always',
    'command:bool',
    'rm:bool',
    'stdin|i:bool',
    'tty|t:bool',
    'attach:bool',
    'expose:bool',
    'overrides:string',
    'override-type:string=merge',
    'image-pull-policy:string',
    'annotations:array',
    'privileged:bool',
    'quiet|q:bool',
    'leave-stdin-open:bool',
    'pod-running-timeout:duration=1m',
    'save-config:bool',
    'grace-period:int=-1',
    'force:bool',
    'wait:bool',
    'timeout:duration=0',
    'cascade:string=background?background',
  ],
  run: runPod,
};

async function runPod(session: Session): Promise<number> {
  const { flags } = session;
  if (!flags.changed('image')) throw new CommandError('required flag(s) "image" not set');
  const before = flags.dashAt < 0 ? session.args : session.args.slice(0, flags.dashAt);
  const [name, ...rest] = before;
  if (name === undefined)
    throw new UsageError('NAME is required for run', {
      hint: `See '${session.command} -h' for help and examples`,
    });
  const words = [...rest, ...(flags.dashAt < 0 ? [] : session.args.slice(flags.dashAt))];
  const image = flags.text('image');
  if (!/^[a-z0-9]+([._/:@-]+[A-Za-z0-9]+)*$/.test(image))
    throw new CommandError(`Invalid image name "${image}": invalid reference format`);
  const interactive = flags.bool('stdin') || flags.bool('attach') || flags.bool('tty');
  if (flags.bool('tty') && !flags.bool('stdin'))
    throw new UsageError('stdin is required for containers with -t/--tty=true', {
      hint: `See '${session.command} -h' for help and examples`,
    });
  if (flags.bool('rm') && !interactive)
    throw new CommandError('--rm should only be used for attached containers');
  const restart = flags.text('restart');
  if (!['Always', 'OnFailure', 'Never'].includes(restart))
    throw new CommandError(
      `invalid restart policy: ${restart}\nSee 'kubectl run -h' for help and examples`,
    );
  const labels =
    flags.text('labels') === ''
      ? { run: name }
      : Object.fromEntries(
          flags
            .text('labels')
            .split(',')
            .map((pair) => {
              const [key = '', ...value] = pair.split('=');
              return [key, value.join('=')];
            }),
        );
  const annotations = Object.fromEntries(
    flags.all('annotations').map((pair) => {
      const [key = '', ...value] = pair.split('=');
      return [key, value.join('=')];
    }),
  );
  const env = flags.all('env').map((pair) => {
    const equals = pair.indexOf('=');
    if (equals <= 0) throw new CommandError(`invalid env: ${pair}`);
    return { name: pair.slice(0, equals), value: pair.slice(equals + 1) };
  });
  const port = flags.text('port');
  if (flags.bool('expose') && port === '')
    throw new CommandError('--port must be set when exposing a service');
  const container: Json = {
    name,
    image,
    ...(words.length > 0 ? (flags.bool('command') ? { command: words } : { args: words }) : {}),
    ...(port === '' ? {} : { ports: [{ containerPort: Number(port) }] }),
    ...(env.length > 0 ? { env } : {}),
    resources: {},
    ...(flags.text('image-pull-policy') === ''
      ? {}
      : { imagePullPolicy: flags.text('image-pull-policy') }),
    ...(flags.bool('privileged') ? { securityContext: { privileged: true } } : {}),
    ...(flags.bool('stdin')
      ? { stdin: true, ...(flags.bool('leave-stdin-open') ? {} : { stdinOnce: true }) }
      : {}),
    ...(flags.bool('tty') ? { tty: true } : {}),
  };
  let pod: Json = {
    kind: 'Pod',
    apiVersion: 'v1',
    metadata: {
      name,
      ...(session.settings.explicitNamespace ? { namespace: session.namespace } : {}),
      labels,
      ...(Object.keys(annotations).length > 0 ? { annotations } : {}),
    },
    spec: { containers: [container], restartPolicy: restart, dnsPolicy: 'ClusterFirst' },
    status: {},
  };
  if (flags.text('overrides') !== '')
    pod = overridden(pod, flags.text('overrides'), flags.text('override-type'));
  const print = resultPrinter(session, { keepOrder: true });
  const resource = session.builtin('', 'v1', 'pods', 'Pod');
  const create = async (object: Json, path: typeof resource): Promise<Json> =>
    dryRunOf(session) === 'client'
      ? object
      : session.api.json('POST', resourceUrl(path, session.namespace), {
          body: object,
          query: writeQuery(session, 'kubectl-run', { validation: false }),
        });
  const created: { resource: typeof resource; object: Json }[] = [];
  if (flags.bool('expose')) {
    const services = session.builtin('', 'v1', 'services', 'Service');
    const service = {
      kind: 'Service',
      apiVersion: 'v1',
      metadata: {
        name,
        ...(session.settings.explicitNamespace ? { namespace: session.namespace } : {}),
      },
      spec: {
        ports: [{ protocol: 'TCP', port: Number(port), targetPort: Number(port) }],
        selector: labels,
      },
      status: { loadBalancer: {} },
    };
    const object = await create(service, services);
    created.push({ resource: services, object });
    print(object, 'created');
  }
  const object = await create(pod, resource);
  created.push({ resource, object });
  if (!interactive || dryRunOf(session) !== 'none') {
    print(object, 'created');
    return 0;
  }
  return attachToPod(session, name, created);
}
