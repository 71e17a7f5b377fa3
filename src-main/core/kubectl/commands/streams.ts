import { BrokenPipeError, type ByteSink, type ByteSource, readAll, sleep } from '#core/base';
import { type CommandSession, parseDuration, StatusError } from '#core/kube';
import type { CommandSpec } from '../command.ts';
import { type Resource, resourceUrl } from '../discovery.ts';
import { CommandError, ExitError, UsageError } from '../errors.ts';
import { at, type Json, list, nameOf, namespaceOf, text } from '../json-view.ts';
import { isNotFound, listObjects, parseResourceArgs } from '../resources/select.ts';
import type { Session } from '../session.ts';
import type { KubectlTty } from '../types.ts';
import { checkTime } from './time.ts';
import { selectorOf } from '../resources/label-selector.ts';

export const pods = (session: Session): Resource => session.builtin('', 'v1', 'pods', 'Pod');

/** The pod an argument means: `POD`, `TYPE/NAME`, or one that a workload's selector finds. */
export async function podFor(session: Session, argument: string): Promise<Json> {
  const { namespace, api } = session;
  if (!argument.includes('/')) return api.get(resourceUrl(pods(session), namespace, argument));
  const request = await parseResourceArgs(session, [argument]);
  const [item] = request.kind === 'names' ? request.items : [];
  if (!item) throw new CommandError(`cannot find ${argument}`);
  const object = await api.get(resourceUrl(item.resource, namespace, item.name));
  if (item.resource.kind === 'Pod') return object;
  const found = await podsOf(session, object, item.resource);
  const [first] = found;
  if (!first) throw new CommandError(`timed out waiting for the condition`);
  return first;
}

async function podsOf(
  session: Session,
  object: Json,
  resource: Resource,
  verb = 'attach to',
): Promise<Json[]> {
  const selector =
    resource.kind === 'Service' || resource.kind === 'ReplicationController'
      ? Object.entries((at(object, 'spec', 'selector') ?? {}) as Record<string, string>)
          .map(([key, value]) => `${key}=${value}`)
          .join(',')
      : selectorOf(object);
  if (selector === '')
    throw new CommandError(
      `cannot ${verb} *${resource.version}.${resource.kind}: selector for *${resource.version}.${resource.kind} not implemented`,
    );
  const found = await listObjects(session, pods(session), {
    namespace: session.namespace,
    selector,
  });
  const rank = (pod: Json): number =>
    (text(pod, 'spec', 'nodeName') === '' ? 4 : 0) +
    (text(pod, 'status', 'phase') === 'Running' ? 0 : 2) +
    (isReady(pod) ? 0 : 1);
  return found.sort((a, b) => rank(a) - rank(b));
}

const isReady = (pod: Json): boolean =>
  list(pod, 'status', 'conditions').some(
    (condition) => text(condition, 'type') === 'Ready' && text(condition, 'status') === 'True',
  );

/** The container to use when none was named, and the hint kubectl prints about it. */
export function containerOf(
  session: Session,
  pod: Json,
  named: string,
  tell: ((line: string) => void) | false = (line) => {
    session.err(line);
  },
): string {
  if (named !== '') {
    if (!containersOf(pod).some((container) => text(container, 'name') === named))
      throw new CommandError(
        `container ${named} is not valid for pod ${nameOf(pod)} out of: ${allNames(pod)}`,
      );
    return named;
  }
  const annotated = text(pod, 'metadata', 'annotations', 'kubectl.kubernetes.io/default-container');
  if (annotated !== '') return annotated;
  const first = text(pod, 'spec', 'containers', 0, 'name');
  if (containersOf(pod).length > 1 && tell)
    tell(`Defaulted container "${first}" out of: ${allNames(pod)}\n`);
  return first;
}

/** Containers of every sort, in the order in which they start. */
export function containersOf(pod: Json): readonly unknown[] {
  return ['initContainers', 'containers', 'ephemeralContainers'].flatMap((field) =>
    list(pod, 'spec', field),
  );
}

function allNames(pod: Json): string {
  return [
    ...list(pod, 'spec', 'containers').map((container) => text(container, 'name')),
    ...list(pod, 'spec', 'initContainers').map((container) => `${text(container, 'name')} (init)`),
    ...list(pod, 'spec', 'ephemeralContainers').map(
      (container) => `${text(container, 'name')} (ephem)`,
    ),
  ].join(', ');
}

/** What is not there is told with the namespace. */
const missingIn =
  (session: Session) =>
  (error: unknown): never => {
    if (!isNotFound(error) || !(error instanceof Error)) throw error;
    throw new CommandError(
      `error from server (NotFound): ${error.message} in namespace "${session.namespace}"`,
    );
  };

export const logsCommand: CommandSpec = {
  name: 'logs',
  interruptCode: () => 1,
  short: 'Print the logs for a container in a pod',
  use: 'kubectl logs [-f] [-p] (POD | TYPE/NAME) [-c CONTAINER] [options]',
  flags: [
    'follow|f:bool',
    'previous|p:bool',
    'container|c:string',
    'tail:int=-1',
    'since:duration=0',
    'since-time:string',
    'timestamps:bool',
    'limit-bytes:int=0',
    'all-containers:bool',
    'all-pods:bool',
    'prefix:bool',
    'selector|l:string',
    'max-log-requests:int=5',
    'ignore-errors:bool',
    'insecure-skip-tls-verify-backend:bool',
    'pod-running-timeout:duration=20s',
  ],
  run: runLogs,
};

async function runLogs(session: Session): Promise<number> {
  const { flags, args } = session;
  const selector = flags.text('selector');
  if (args.length === 0 && selector === '')
    throw new UsageError(
      "expected 'logs [-f] [-p] (POD | TYPE/NAME) [-c CONTAINER]'.\nPOD or TYPE/NAME is a required argument for the logs command",
      { hint: `See '${session.command} -h' for help and examples` },
    );
  if (args.length > 0 && selector !== '')
    throw new UsageError('only a selector (-l) or a POD name is allowed', {
      hint: `See '${session.command} -h' for help and examples`,
    });
  if (flags.changed('since') && flags.changed('since-time'))
    throw new CommandError('at most one of `sinceTime` or `sinceSeconds` may be specified');
  if (flags.int('tail') < -1) throw new CommandError('--tail must be greater than or equal to -1');
  if (flags.text('since-time') !== '') checkTime(flags.text('since-time'));
  const named = flags.text('container') || (args[1] ?? '');
  let chosen: Json[];
  if (selector !== '')
    chosen = await listObjects(session, pods(session), { namespace: session.namespace, selector });
  else {
    const argument = args[0] ?? '';
    if (argument.includes('/') && !/^(po|pod|pods)\//.test(argument)) {
      const request = await parseResourceArgs(session, [argument]);
      const [item] = request.kind === 'names' ? request.items : [];
      if (!item) throw new CommandError(`cannot find ${argument}`);
      const object = await session.api
        .get(resourceUrl(item.resource, session.namespace, item.name))
        .catch(missingIn(session));
      const found = await podsOf(session, object, item.resource, 'get the logs from');
      if (found.length > 1 && !flags.bool('all-pods'))
        session.err(`Found ${found.length} pods, using pod/${nameOf(found[0])}\n`);
      chosen = flags.bool('all-pods') ? found : found.slice(0, 1);
      if (chosen.length === 0) throw new CommandError('timed out waiting for the condition');
    } else chosen = [await podFor(session, argument).catch(missingIn(session))];
  }
  if (chosen.length === 0) {
    session.err(`No resources found in ${session.namespace} namespace.\n`);
    return 0;
  }
  const sources = chosen.flatMap((pod) => {
    const names = flags.bool('all-containers')
      ? containersOf(pod).map((container) => text(container, 'name'))
      : [containerOf(session, pod, named)];
    return names.map((container) => ({ pod, container }));
  });
  const follow = flags.bool('follow');
  if (follow && sources.length > flags.int('max-log-requests'))
    throw new CommandError(
      `you are attempting to follow ${sources.length} log streams, but maximum allowed concurrency is ${flags.int('max-log-requests')}, use --max-log-requests to increase the limit`,
    );
  const tail = flags.changed('tail') ? flags.int('tail') : selector === '' ? -1 : 10;
  const print = async ({ pod, container }: { pod: Json; container: string }): Promise<void> => {
    const response = await session.api.send(
      'GET',
      resourceUrl(pods(session), namespaceOf(pod), nameOf(pod), 'log'),
      {
        accept: 'application/json, */*',
        query: {
          container,
          follow: follow || undefined,
          previous: flags.bool('previous') || undefined,
          timestamps: flags.bool('timestamps') || undefined,
          tailLines: tail < 0 ? undefined : tail,
          sinceSeconds: flags.changed('since')
            ? Math.max(1, Math.ceil((parseDuration(flags.text('since')) ?? 0) / 1000))
            : undefined,
          sinceTime: flags.text('since-time') || undefined,
          limitBytes: flags.int('limit-bytes') || undefined,
        },
      },
    );
    const prefix = flags.bool('prefix') ? `[pod/${nameOf(pod)}/${container}] ` : '';
    await copyLog(
      session,
      response.body.kind === 'source'
        ? response.body.source
        : sourceOf(response.body.kind === 'bytes' ? response.body.bytes : undefined),
      prefix,
    );
  };
  if (follow) await Promise.all(sources.map(print));
  else for (const source of sources) await print(source);
  session.checkInterrupted();
  return 0;
}

export function sourceOf(bytes: Uint8Array | undefined): ByteSource {
  let rest = bytes;
  return {
    read: () => {
      const chunk = rest;
      rest = undefined;
      return Promise.resolve(chunk && chunk.length > 0 ? chunk : undefined);
    },
  };
}

async function copyLog(session: Session, source: ByteSource, prefix: string): Promise<void> {
  const decoder = new TextDecoder();
  let line = '';
  for (let chunk = await source.read(); chunk; chunk = await source.read()) {
    if (prefix === '') session.outBytes(chunk);
    else {
      line += decoder.decode(chunk, { stream: true });
      const lines = line.split('\n');
      line = lines.pop() ?? '';
      session.out(lines.map((each) => `${prefix}${each}\n`).join(''));
    }
    await session.flush();
    if (session.io.signal.aborted) return;
  }
  if (line !== '') session.out(`${prefix}${line}\n`);
}

export const execCommand: CommandSpec = {
  name: 'exec',
  short: 'Execute a command in a container',
  use: 'kubectl exec (POD | TYPE/NAME) [-c CONTAINER] [flags] -- COMMAND [args...] [options]',
  stopAtFirstArgument: false,
  flags: [
    'container|c:string',
    'stdin|i:bool',
    'tty|t:bool',
    'quiet|q:bool',
    'filename|f:strings',
    'pod-running-timeout:duration=1m',
  ],
  run: async (session) => {
    const { flags, args } = session;
    const dash = flags.dashAt;
    const [target] = dash === 0 ? [] : args;
    const command = dash < 0 ? [] : args.slice(dash);
    if (dash < 0 && args.length > 1)
      throw new CommandError(
        "exec [POD] [COMMAND] is not supported anymore. Use exec [POD] -- [COMMAND] instead\nSee 'kubectl exec -h' for help and examples",
      );
    if (target === undefined)
      throw new CommandError('pod, type/name or --filename must be specified');
    if (command.length === 0)
      throw new CommandError('you must specify at least one command for the container');
    const pod = await podFor(session, target);
    refuseCompleted(pod, 'exec into');
    const container = containerOf(
      session,
      pod,
      flags.text('container'),
      flags.bool('quiet') ? false : undefined,
    );
    return streamCommand(session, pod, 'exec', container, command);
  },
};

export const attachCommand: CommandSpec = {
  name: 'attach',
  short: 'Attach to a running container',
  use: 'kubectl attach (POD | TYPE/NAME) -c CONTAINER [options]',
  flags: [
    'container|c:string',
    'stdin|i:bool',
    'tty|t:bool',
    'quiet|q:bool',
    'pod-running-timeout:duration=1m',
    'detach-keys:string',
  ],
  run: async (session) => {
    const [target] = session.args;
    if (target === undefined)
      throw new UsageError('at least 1 argument is required for attach', {
        hint: `See '${session.command} -h' for help and examples`,
      });
    const pod = await podFor(session, target);
    refuseCompleted(pod, 'attach');
    return streamCommand(
      session,
      pod,
      'attach',
      containerOf(
        session,
        pod,
        session.flags.text('container'),
        session.flags.bool('quiet') ? false : undefined,
      ),
      [],
    );
  },
};

/** @throws CommandError no container of the pod will run any more. */
export function refuseCompleted(pod: Json, doing: string): void {
  const phase = text(pod, 'status', 'phase');
  if (phase === 'Succeeded' || phase === 'Failed')
    throw new CommandError(
      `cannot ${doing} a container in a completed pod; current phase is ${phase}`,
    );
}

/** The whole log of a container. */
export async function readLog(session: Session, pod: Json, container: string): Promise<Uint8Array> {
  const url = resourceUrl(pods(session), namespaceOf(pod), nameOf(pod), 'log');
  const { body } = await session.api.send('GET', url, { accept: '*/*', query: { container } });
  if (body.kind === 'bytes') return body.bytes;
  return body.kind === 'source' ? readAll(body.source) : new Uint8Array();
}

/** Streams at this end of a container's process. */
export interface LocalStreams {
  readonly stdin?: ByteSource;
  readonly stdout: ByteSink;
  readonly stderr: ByteSink;
}

/**
 * Runs a program in a container on streams of the caller's own.
 * @throws ExitError its exit code is not 0, or the user had enough.
 */
export async function runInContainer(
  session: Session,
  pod: Json,
  container: string,
  command: readonly string[],
  streams: LocalStreams,
): Promise<void> {
  const wanted = streams.stdin ? ['stdin', 'stdout', 'stderr'] : ['stdout', 'stderr'];
  const running = await openCommand(session, pod, 'exec', container, command, wanted);
  await carry(session, running, streams);
}

/** `exec` and `attach`: the streams of a container's process, until it ends. */
export async function streamCommand(
  session: Session,
  pod: Json,
  verb: 'exec' | 'attach',
  container: string,
  command: readonly string[],
): Promise<number> {
  const { flags, io } = session;
  const quiet = flags.bool('quiet');
  const stdin = flags.bool('stdin');
  let wantsTty = flags.bool('tty');
  if (verb === 'attach') {
    const allocated = containerHasTty(pod, container);
    if (wantsTty && !allocated && !quiet)
      session.err(`error: Unable to use a TTY - container ${container} did not allocate one\n`);
    wantsTty = allocated;
  }
  const tty = stdin && wantsTty ? io.tty : undefined;
  if (stdin && wantsTty && !tty && !quiet)
    session.err('Unable to use a TTY - input is not a terminal or the right kind of file\n');
  if (verb === 'attach' && !quiet)
    session.err(
      "All commands and output from this session will be recorded in container logs, including credentials and sensitive information passed through the command prompt.\nIf you don't see a command prompt, try pressing enter.\n",
    );
  const wanted = [...(stdin ? ['stdin'] : []), 'stdout', tty ? 'tty' : 'stderr'];
  const running = await openCommand(session, pod, verb, container, command, wanted);
  const { stdout, stderr } = io;
  const streams = { ...(stdin ? { stdin: io.stdin } : {}), stdout, stderr };
  if (tty) await carryTerminal(session, running, streams, tty);
  else {
    await session.flush();
    await carry(session, running, streams);
  }
  return 0;
}

function containerHasTty(pod: Json, name: string): boolean {
  return (
    at(
      containersOf(pod).find((each) => text(each, 'name') === name),
      'tty',
    ) === true
  );
}

/** A kubelet says in plain text why it opens no stream; a Status is told as it is. */
function refused(error: unknown): never {
  const cause =
    error instanceof StatusError
      ? error.status.details?.causes?.find(({ reason }) => reason === 'UnexpectedServerResponse')
      : undefined;
  if (cause) throw new CommandError(`unable to upgrade connection: ${cause.message ?? ''}`);
  if (error instanceof StatusError && error.status.reason === 'BadRequest')
    throw new CommandError(`unable to upgrade connection: ${error.message}`);
  throw error;
}

/**
 * Asks for an upgraded connection to a container's process.
 * @param wanted the streams, and `tty`.
 * @throws CommandError the server answers without one.
 */
async function openCommand(
  session: Session,
  pod: Json,
  verb: 'exec' | 'attach',
  container: string,
  command: readonly string[],
  wanted: readonly string[],
): Promise<CommandSession> {
  const query = new URLSearchParams();
  for (const word of command) query.append('command', word);
  query.append('container', container);
  for (const stream of wanted) query.append(stream, 'true');
  const path = resourceUrl(pods(session), namespaceOf(pod), nameOf(pod), verb);
  const response = await session.api
    .send('POST', `${path}?${query.toString()}`, { accept: '*/*' })
    .catch(refused);
  if (response.body.kind !== 'session' || response.body.session.kind !== 'command')
    throw new CommandError('unable to upgrade connection: the server offers no stream');
  return response.body.session;
}

/** Carries the streams until the process has ended. @throws ExitError it failed, or the user had enough. */
async function carry(
  session: Session,
  running: CommandSession,
  { stdin, stdout, stderr }: LocalStreams,
): Promise<void> {
  const { signal } = session.io;
  const abort = (): void => {
    running.close();
  };
  if (signal.aborted) abort();
  signal.addEventListener('abort', abort, { once: true });
  try {
    if (stdin && running.stdin) void feed(stdin, running.stdin);
    await Promise.all([drain(running.stdout, stdout), drain(running.stderr, stderr)]);
    const result = await running.result;
    session.checkInterrupted();
    if (result.status === 'NonZeroExitCode')
      throw new ExitError(`command terminated with exit code ${result.exitCode}`, result.exitCode);
    if (result.status === 'Failure') throw new CommandError(result.message);
  } finally {
    signal.removeEventListener('abort', abort);
  }
}

/** The same with the terminal in the hands of the process. */
async function carryTerminal(
  session: Session,
  running: CommandSession,
  streams: LocalStreams,
  tty: KubectlTty,
): Promise<void> {
  const resize = (): void => {
    running.resize(tty.columns, tty.rows);
  };
  tty.setRaw(true);
  const resizing = tty.onResize(resize);
  try {
    resize();
    await session.flush();
    await carry(session, running, streams);
  } finally {
    resizing.dispose();
    tty.setRaw(false);
  }
}

async function feed(source: ByteSource, sink: ByteSink): Promise<void> {
  try {
    for (let chunk = await source.read(); chunk; chunk = await source.read())
      await sink.write(chunk);
  } catch (error) {
    if (!(error instanceof BrokenPipeError)) throw error;
  } finally {
    sink.end();
  }
}

async function drain(source: ByteSource | undefined, sink: ByteSink): Promise<void> {
  if (!source) return;
  for (let chunk = await source.read(); chunk; chunk = await source.read()) await sink.write(chunk);
}

/** `run -it`, `run --attach`: waits for the pod, joins its process, and removes what was made for `--rm`. */
export async function attachToPod(
  session: Session,
  name: string,
  created: readonly { resource: Resource; object: Json }[],
): Promise<number> {
  const { flags } = session;
  const deadline = session.now + flags.duration('pod-running-timeout');
  const url = resourceUrl(pods(session), session.namespace, name);
  let code: number;
  try {
    let pod = await session.api.get(url);
    while (!['Running', 'Succeeded', 'Failed'].includes(text(pod, 'status', 'phase'))) {
      if (session.now > deadline) throw new CommandError('timed out waiting for the condition');
      await sleep(session.io.clock, 200, session.io.signal);
      pod = await session.api.get(url);
    }
    const container = containerOf(session, pod, '', flags.bool('quiet') ? false : undefined);
    const fromLog = async (): Promise<number> => {
      const ended = await exitCodeOf(session, url, container);
      session.outBytes(await readLog(session, pod, container));
      return ended;
    };
    code =
      text(pod, 'status', 'phase') === 'Running'
        ? await streamCommand(session, pod, 'attach', container, []).catch((error: unknown) => {
            if (!(error instanceof CommandError)) throw error;
            // It ended between the look at it and the connection.
            session.err(
              `warning: couldn't attach to pod/${name}, falling back to streaming logs: ${error.message}\n`,
            );
            return fromLog();
          })
        : await fromLog();
    if (flags.text('restart') === 'Never')
      code = code === 0 ? await exitCodeOf(session, url, container) : code;
  } finally {
    if (flags.bool('rm'))
      for (const { resource, object } of created) {
        await session.api
          .json('DELETE', resourceUrl(resource, session.namespace, nameOf(object)), {
            body: { kind: 'DeleteOptions', apiVersion: 'v1', propagationPolicy: 'Background' },
          })
          .catch(() => undefined);
        session.out(
          `${resource.singular} "${nameOf(object)}" deleted from ${session.namespace} namespace\n`,
        );
      }
  }
  if (code !== 0) throw new ExitError(`pod ${session.namespace}/${name} terminated (Error)`, code);
  return 0;
}

async function exitCodeOf(session: Session, url: string, container: string): Promise<number> {
  for (let tries = 0; tries < 150; tries++) {
    const pod = await session.api.get(url);
    const status = list(pod, 'status', 'containerStatuses').find(
      (each) => text(each, 'name') === container,
    );
    const code = at(status, 'state', 'terminated', 'exitCode');
    if (typeof code === 'number') return code;
    await sleep(session.io.clock, 200, session.io.signal);
  }
  return 0;
}
