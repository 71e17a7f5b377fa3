import { fromUtf8, jsonClone, nameSuffix, sleep } from '#core/base';
import { builtinSchemas, parseYaml, StatusError, strategicMergePatch } from '#core/kube';
import type { CommandSpec } from '../command.ts';
import { resourceUrl } from '../discovery.ts';
import { CommandError } from '../errors.ts';
import {
  at,
  compact,
  has,
  isJson,
  type Json,
  list,
  map,
  nameOf,
  namespaceOf,
  num,
  text,
} from '../json-view.ts';
import { selectTargets, type Target } from '../resources/select.ts';
import { threeWayPatch } from '../resources/three-way.ts';
import type { Session } from '../session.ts';
import { applyProfile, profileNamed } from './debug-profiles.ts';
import { containersOf, pods, readLog, streamCommand } from './streams.ts';

/** Containers to look into pods and nodes with. @see k8s.io/kubectl/pkg/cmd/debug */
export const debugCommand: CommandSpec = {
  name: 'debug',
  short: 'Create debugging sessions for troubleshooting workloads and nodes',
  use: 'kubectl debug (POD | TYPE[[.VERSION].GROUP]/NAME) [ -- COMMAND [args...] ] [options]',
  flags: [
    'filename|f:strings',
    'arguments-only:bool',
    'attach:bool',
    'container|c:string',
    'copy-to:string',
    'custom:string',
    'env:map',
    'image:string',
    'image-pull-policy:string',
    'keep-annotations:bool',
    'keep-init-containers:bool=true',
    'keep-labels:bool',
    'keep-liveness:bool',
    'keep-readiness:bool',
    'keep-startup:bool',
    'profile:string=general',
    'quiet|q:bool',
    'replace:bool',
    'same-node:bool',
    'set-image:map',
    'share-processes:bool=true',
    'stdin|i:bool',
    'target:string',
    'tty|t:bool',
  ],
  run: async (session) => {
    const plan = planOf(session);
    const targets = await selectTargets(session, {
      args: plan.names.map((name) => (name.includes('/') ? name : `pods/${name}`)),
      ...(session.flags.all('filename').length > 0
        ? { files: { filenames: session.flags.all('filename') } }
        : {}),
    });
    let code = 0;
    for (const target of targets) {
      const made = await debugTarget(session, plan, target);
      if (plan.attach && made.container !== '') code = await join(session, made);
    }
    return code;
  },
};

interface Plan {
  readonly names: readonly string[];
  readonly words: readonly string[];
  readonly image: string;
  readonly setImages: ReadonlyMap<string, string>;
  readonly attach: boolean;
  readonly copyTo: string;
  readonly custom: Json | undefined;
}

const imagePattern = /^[a-z0-9]+([._/:@-]+[A-Za-z0-9]+)*$/;

/** The flags, checked in upstream's order. @throws CommandError */
function planOf(session: Session): Plan {
  const { flags, args } = session;
  profileNamed(flags.text('profile'));
  const custom = customProfile(session);
  const words = flags.dashAt < 0 ? [] : args.slice(flags.dashAt);
  const plan: Plan = {
    names: words.length > 0 ? args.slice(0, flags.dashAt) : args,
    words,
    image: flags.text('image'),
    setImages: new Map(pairsOf(flags.all('set-image'))),
    attach: flags.changed('attach') ? flags.bool('attach') : flags.bool('stdin'),
    copyTo: flags.text('copy-to'),
    custom,
  };
  const { image, setImages, copyTo } = plan;
  const container = flags.text('container');
  if (plan.attach && flags.changed('attach') && image === '' && container === '')
    throw new CommandError(
      'you must specify --container or create a new container using --image in order to attach.',
    );
  if (copyTo !== '') {
    if (image === '' && setImages.size === 0 && words.length === 0)
      throw new CommandError('you must specify --image, --set-image or command arguments.');
    if (words.length > 0 && container === '' && image === '')
      throw new CommandError(
        'you must specify an existing container or a new image when specifying args.',
      );
  } else {
    for (const [used, flag] of [
      [flags.bool('replace'), 'replace'],
      [flags.bool('same-node'), 'same-node'],
      [setImages.size > 0, 'set-image'],
    ] as const)
      if (used) throw new CommandError(`--${flag} may only be used with --copy-to.`);
    if (image === '') throw new CommandError('you must specify --image when not using --copy-to.');
  }
  if (image !== '' && !imagePattern.test(image))
    throw new CommandError(`invalid image name "${image}": invalid reference format`);
  if (plan.names.length === 0 && flags.all('filename').length === 0)
    throw new CommandError('NAME or filename is required for debug');
  const policy = flags.text('image-pull-policy');
  if (!['Always', 'IfNotPresent', 'Never', ''].includes(policy))
    throw new CommandError(`invalid image pull policy: ${policy}`);
  for (const [name, each] of setImages)
    if (!imagePattern.test(each))
      throw new CommandError(
        `invalid image name "${each}" for container "${name}": invalid reference format`,
      );
  checkInteraction(session, plan);
  return plan;
}

function checkInteraction(session: Session, { copyTo, custom }: Plan): void {
  const { flags } = session;
  const target = flags.text('target');
  if (target !== '') {
    if (copyTo !== '')
      throw new CommandError(
        '--target is incompatible with --copy-to. Use --share-processes instead.',
      );
    if (!flags.bool('quiet'))
      session.out(
        `Targeting container "${target}". If you don't see processes from this container it may be because the container runtime doesn't support this feature.\n`,
      );
  }
  if (flags.bool('tty') && !flags.bool('stdin'))
    throw new CommandError('-i/--stdin is required for containers with -t/--tty=true');
  if (
    custom &&
    ['name', 'command', 'image', 'lifecycle', 'volumeDevices'].some((field) => has(custom, field))
  )
    throw new CommandError(
      'name, command, image, lifecycle and volume devices are not modifiable via custom profile',
    );
  if (flags.text('profile') === 'legacy')
    session.err(
      '--profile=legacy is deprecated and planned to be removed in v1.39. It is recommended to specify other profile, for example "--profile=general".\n',
    );
}

function customProfile(session: Session): Json | undefined {
  const file = session.flags.text('custom');
  if (file === '') return undefined;
  const path = session.path(file);
  if (!session.io.files.exists(path))
    throw new CommandError(
      `must pass a container spec json file for custom profile: open ${file}: no such file or directory`,
    );
  const value = parseYaml(fromUtf8(session.io.files.readFile(path)));
  if (!isJson(value)) throw new CommandError(`${file} does not contain a valid container spec`);
  return value;
}

function pairsOf(values: readonly string[]): [string, string][] {
  return values
    .flatMap((value) => value.split(','))
    .map((pair) => {
      const equals = pair.indexOf('=');
      return [pair.slice(0, equals), pair.slice(equals + 1)];
    });
}

interface Made {
  readonly pod: Json;
  /** Empty when nothing was added that could be attached to. */
  readonly container: string;
}

async function debugTarget(session: Session, plan: Plan, target: Target): Promise<Made> {
  const { resource, object } = target;
  if (resource.kind === 'Node' && resource.group === '') return debugNode(session, plan, target);
  if (resource.kind !== 'Pod' || resource.group !== '')
    throw new CommandError(
      `"${resource.group === '' ? '' : `${resource.group}/`}${resource.version}, Kind=${resource.kind}" not supported by debug`,
    );
  return plan.copyTo === '' ? debugInPod(session, plan, object) : debugCopy(session, plan, object);
}

/** The members that every debugging container has from the flags. */
function containerOfFlags(session: Session, plan: Plan, name: string): Json {
  const { flags } = session;
  const env = pairsOf(flags.all('env')).map(([key, value]) => ({ name: key, value }));
  const words = plan.words.length > 0 ? plan.words : undefined;
  return compact({
    name,
    image: plan.image,
    args: flags.bool('arguments-only') ? words : undefined,
    command: flags.bool('arguments-only') ? undefined : words,
    env: env.length > 0 ? env : undefined,
    imagePullPolicy: flags.text('image-pull-policy') || undefined,
    stdin: flags.bool('stdin') || undefined,
    terminationMessagePolicy: 'File',
    tty: flags.bool('tty') || undefined,
  });
}

function profiled(
  session: Session,
  plan: Plan,
  style: 'ephemeral' | 'copy' | 'node',
  pod: Json,
  container: string,
): void {
  const { flags } = session;
  applyProfile(profileNamed(flags.text('profile')), style, pod, container, {
    labels: flags.bool('keep-labels'),
    annotations: flags.bool('keep-annotations'),
    liveness: flags.bool('keep-liveness'),
    readiness: flags.bool('keep-readiness'),
    startup: flags.bool('keep-startup'),
    initContainers: flags.bool('keep-init-containers'),
  });
  const field = style === 'ephemeral' ? 'ephemeralContainers' : 'containers';
  const schema = builtinSchemas.get('io.k8s.api.core.v1.Container');
  if (plan.custom && schema) {
    const { custom } = plan;
    map(pod, 'spec')[field] = list(pod, 'spec', field)
      .filter(isJson)
      .map((each) =>
        text(each, 'name') === container
          ? strategicMergePatch(each, custom, schema, builtinSchemas)
          : each,
      );
  }
}

async function debugNode(session: Session, plan: Plan, { name }: Target): Promise<Made> {
  const { flags, io } = session;
  const container = flags.text('container') || 'debugger';
  const podName = `node-debugger-${name}-${nameSuffix(io.random)}`;
  if (!flags.bool('quiet'))
    session.out(`Creating debugging pod ${podName} with container ${container} on node ${name}.\n`);
  const pod: Json = {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name: podName, labels: { 'app.kubernetes.io/managed-by': 'kubectl-debug' } },
    spec: {
      containers: [containerOfFlags(session, plan, container)],
      nodeName: name,
      restartPolicy: 'Never',
      tolerations: [{ operator: 'Exists' }],
    },
  };
  profiled(session, plan, 'node', pod, container);
  const url = resourceUrl(pods(session), session.namespace);
  return { pod: await session.api.json('POST', url, { body: pod }), container };
}

async function debugInPod(session: Session, plan: Plan, pod: Json): Promise<Made> {
  const container = debuggerName(session, pod);
  const after = jsonClone(pod);
  const added: Json = compact({
    ...containerOfFlags(session, plan, container),
    targetContainerName: session.flags.text('target') || undefined,
  });
  map(after, 'spec')['ephemeralContainers'] = [
    ...list(after, 'spec', 'ephemeralContainers'),
    added,
  ];
  profiled(session, plan, 'ephemeral', after, container);
  warnOfUser(session, after, 'ephemeralContainers', container);
  const { patch = {} } = threeWayPatch(pod, after, pod) ?? {};
  const url = resourceUrl(pods(session), namespaceOf(pod), nameOf(pod), 'ephemeralcontainers');
  try {
    const changed = await session.api.json('PATCH', url, {
      body: patch,
      contentType: 'application/strategic-merge-patch+json',
    });
    return { pod: changed, container };
  } catch (error) {
    if (
      error instanceof StatusError &&
      error.status.reason === 'NotFound' &&
      !error.status.details?.name
    )
      throw new CommandError(
        `ephemeral containers are disabled for this cluster (error from server: "${error.message}")`,
      );
    throw error;
  }
}

async function debugCopy(session: Session, plan: Plan, pod: Json): Promise<Made> {
  const { flags } = session;
  const spec = jsonClone(map(pod, 'spec'));
  delete spec['ephemeralContainers'];
  if (flags.changed('share-processes'))
    spec['shareProcessNamespace'] = flags.bool('share-processes');
  if (!flags.bool('same-node')) delete spec['nodeName'];
  const copy: Json = {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: compact({
      name: plan.copyTo,
      namespace: namespaceOf(pod),
      annotations: at(pod, 'metadata', 'annotations'),
      labels: at(pod, 'metadata', 'labels'),
    }),
    spec,
  };
  const containers = list(spec, 'containers').filter(isJson);
  spec['containers'] = containers;
  for (const each of containers) {
    const image = plan.setImages.get(text(each, 'name')) ?? plan.setImages.get('*');
    if (image !== undefined) each['image'] = image;
  }
  const container = changeCopy(session, plan, copy, containers);
  if (container !== '') {
    profiled(session, plan, 'copy', copy, container);
    warnOfUser(session, copy, 'containers', container);
  }
  const url = resourceUrl(pods(session), namespaceOf(pod));
  const made = await session.api.json('POST', url, { body: copy });
  if (flags.bool('replace'))
    await session.api.json('DELETE', `${url}/${nameOf(pod)}`, {
      body: { kind: 'DeleteOptions', apiVersion: 'v1', gracePeriodSeconds: 0 },
    });
  return { pod: made, container };
}

/** Adds the debugging container to a copy, or changes the one that was named; its name. */
function changeCopy(session: Session, plan: Plan, copy: Json, containers: Json[]): string {
  const { flags } = session;
  let name = flags.text('container');
  const all = [...containers, ...list(copy, 'spec', 'initContainers').filter(isJson)];
  let container = all.find((each) => text(each, 'name') === name);
  if (!container) {
    if (plan.image === '') {
      if (plan.setImages.size > 0) return '';
      throw new CommandError('you must specify image when creating new container');
    }
    if (name === '') name = debuggerName(session, copy);
    container = { name, terminationMessagePolicy: 'File' };
    containers.push(container);
  }
  const given = containerOfFlags(session, plan, name);
  if (plan.words.length > 0 && !flags.bool('arguments-only')) delete container['args'];
  for (const field of ['args', 'command', 'env', 'imagePullPolicy'] as const)
    if (given[field] !== undefined) container[field] = given[field];
  if (plan.image !== '') container['image'] = plan.image;
  for (const field of ['stdin', 'tty'] as const)
    if (flags.bool(field)) container[field] = true;
    else delete container[field];
  return name;
}

function debuggerName(session: Session, pod: Json): string {
  const { flags, io } = session;
  if (flags.text('container') !== '') return flags.text('container');
  const taken = new Set(containersOf(pod).map((each) => text(each, 'name')));
  let name = '';
  while (name === '' || taken.has(name)) name = `debugger-${nameSuffix(io.random)}`;
  if (!flags.bool('quiet')) session.out(`Defaulting debug container name to ${name}.\n`);
  return name;
}

function warnOfUser(session: Session, pod: Json, field: string, container: string): void {
  const user = num(pod, 'spec', 'securityContext', 'runAsUser');
  const found = list(pod, 'spec', field).find((each) => text(each, 'name') === container);
  const context = map(found, 'securityContext');
  if (user === 0 || Object.keys(context).length === 0 || context['runAsUser'] === 0) return;
  if (context['privileged'] !== true && list(context, 'capabilities', 'add').length === 0) return;
  session.err(
    'Warning: Non-root user is configured for the entire target Pod, and some capabilities granted by debug profile may not work. Please consider using "--custom" with a custom profile that specifies "securityContext.runAsUser: 0".\n',
  );
}

const statusOf = (pod: Json, container: string): unknown =>
  ['initContainerStatuses', 'containerStatuses', 'ephemeralContainerStatuses']
    .flatMap((field) => list(pod, 'status', field))
    .find((status) => text(status, 'name') === container);

/** Waits for the container and joins its process; of one that has ended the log is shown. */
async function join(session: Session, { pod: made, container }: Made): Promise<number> {
  const url = resourceUrl(pods(session), namespaceOf(made), nameOf(made));
  let pod = made;
  let told = '';
  for (;;) {
    const state = map(statusOf(pod, container), 'state');
    if (state['running'] || state['terminated']) break;
    const why = text(state, 'waiting', 'message');
    if (why !== '' && why !== told && !session.flags.bool('quiet'))
      session.err(`Warning: container ${container}: ${why}\n`);
    told = why || told;
    await session.flush();
    await sleep(session.io.clock, 200, session.io.signal);
    session.checkInterrupted();
    pod = await session.api.get(url);
  }
  if (!has(statusOf(pod, container), 'state', 'terminated'))
    return streamCommand(session, pod, 'attach', container, []);
  session.outBytes(await readLog(session, pod, container));
  return 0;
}
