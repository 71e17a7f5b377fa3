import { type ByteSink, type ByteSource, jsonClone, utf8 } from '#core/base';
import type { Pod } from '../apis/index.ts';
import type {
  ApiRequest,
  ApiResponse,
  CommandResult,
  CommandSession,
  StreamSession,
} from '../machinery/index.ts';
import { readContainerLog } from './container-logs.ts';
import { errorText, type KubeletContext } from './context.ts';
import { type AttachedProcess, type ContainerStatus, CriError, type ExecRequest } from './cri.ts';
import { latestOf, liveSandbox, type PodCache } from './pod-cache.ts';
import {
  allContainers,
  type ContainerStatusView,
  findContainer,
  podKey,
  uidOf,
  type PodView,
} from './pods.ts';
import { cadvisorMetrics } from './cadvisor-metrics.ts';
import { kubeletMetrics } from './own-metrics.ts';
import { NodeCpuTime, resourceMetrics, type StatsDeps, statsSummary } from './stats.ts';
import type { StatusManager } from './status-manager.ts';

export interface ServerDeps {
  readonly context: KubeletContext;
  readonly cache: PodCache;
  readonly statuses: StatusManager;
  readonly pods: () => readonly PodView[];
  readonly probes: { readonly metrics: () => string };
}

/** A request that is answered with a status and a line of text. */
class HttpError extends Error {
  override readonly name = 'HttpError';
  readonly status: number;

  constructor(status: number, message: string) {
    super(message);
    this.status = status;
  }
}

const text = (status: number, body: string, type = 'text/plain; charset=utf-8'): ApiResponse => ({
  status,
  headers: { 'content-type': type },
  body: { kind: 'bytes', bytes: utf8(body) },
});
const json = (object: object): ApiResponse => text(200, JSON.stringify(object), 'application/json');
const session = (stream: StreamSession): ApiResponse => ({
  status: 101,
  headers: {},
  body: { kind: 'session', session: stream },
});

/**
 * The kubelet's own API, as the API server and `curl` on the node use it.
 * @see pkg/kubelet/server/server.go
 */
export class KubeletServer {
  readonly #deps: ServerDeps & StatsDeps;

  constructor(deps: ServerDeps) {
    this.#deps = { ...deps, nodeCpu: new NodeCpuTime() };
  }

  async handle(request: ApiRequest): Promise<ApiResponse> {
    const { pathname, searchParams } = new URL(request.url, 'https://localhost');
    const [, verb = '', ...rest] = pathname.split('/');
    const parts = rest.map(decodeURIComponent);
    try {
      switch (verb) {
        case 'healthz':
          return text(200, 'ok');
        case 'pods':
          return json(this.#podList(this.#deps.pods()));
        case 'runningpods':
          return json(
            this.#podList(
              this.#deps
                .pods()
                .filter((pod) => liveSandbox(this.#deps.cache.get(uidOf(pod))) !== undefined),
            ),
          );
        case 'configz':
          return json({ kubeletconfig: this.#deps.context.config });
        case 'stats':
          if (parts[0] === 'summary') return json(await statsSummary(this.#deps));
          break;
        case 'metrics':
          if (parts.length === 0)
            return text(200, kubeletMetrics(this.#deps), 'text/plain; version=0.0.4');
          if (parts[0] === 'cadvisor')
            return text(200, await cadvisorMetrics(this.#deps), 'text/plain; version=0.0.4');
          if (parts[0] === 'probes')
            return text(200, this.#deps.probes.metrics(), 'text/plain; version=0.0.4');
          if (parts[0] === 'resource')
            return text(200, await resourceMetrics(this.#deps), 'text/plain; version=0.0.4');
          break;
        case 'containerLogs':
          return this.#logs(parts, searchParams);
        case 'exec':
          return session(await this.#exec(parts, searchParams));
        case 'attach':
          return session(await this.#attach(parts, searchParams));
        case 'portForward':
          return session(this.#portForward(parts));
      }
      return text(404, '404 page not found\n');
    } catch (error) {
      if (error instanceof HttpError) return text(error.status, error.message);
      if (error instanceof CriError)
        return text(500, `rpc error: code = ${error.code} desc = ${error.message}`);
      throw error;
    }
  }

  #podList(pods: readonly PodView[]): object {
    const items = pods.map((pod) => {
      const { apiVersion: _version, kind: _kind, ...item } = jsonClone(pod) as Pod;
      return { ...item, status: this.#deps.statuses.get(uidOf(pod)) ?? item.status ?? {} };
    });
    return { kind: 'PodList', apiVersion: 'v1', metadata: {}, items };
  }

  #pod(namespace: string, name: string, missing: string): PodView {
    const found = this.#deps.pods().find((pod) => podKey(pod) === `${namespace}/${name}`);
    if (found) return found;
    throw new HttpError(404, missing);
  }

  #logs(
    [namespace = '', name = '', container = '']: readonly string[],
    query: URLSearchParams,
  ): ApiResponse {
    const { context, cache, statuses } = this.#deps;
    const pod = this.#pod(namespace, name, `pod ${JSON.stringify(name)} does not exist`);
    if (!findContainer(pod, container))
      throw new HttpError(
        404,
        `container ${JSON.stringify(container)} not found in pod ${JSON.stringify(name)}`,
      );
    const status = statuses.get(uidOf(pod)) ?? pod.status ?? {};
    const shown = [
      ...(status.containerStatuses ?? []),
      ...(status.initContainerStatuses ?? []),
      ...(status.ephemeralContainerStatuses ?? []),
    ].find((item) => item.name === container);
    const id = logContainer(shown, name, container, query.get('previous') === 'true');
    const found = cache.container(id);
    const path = found?.logPath ?? '';
    if (!found || path === '' || cache.isStale)
      return text(200, `unable to retrieve container logs for containerd://${id}`);
    const number = (key: string): number | undefined => {
      const value = query.get(key);
      return value === null || value === '' ? undefined : Number(value);
    };
    const since = number('sinceSeconds');
    const sinceTime = query.get('sinceTime');
    const sinceMs =
      since !== undefined
        ? context.clock.now() - since * 1000
        : sinceTime
          ? Date.parse(sinceTime)
          : undefined;
    const tailLines = number('tailLines');
    const limitBytes = number('limitBytes');
    const stream = query.get('stream');
    const { source, close } = readContainerLog(
      context,
      path,
      {
        follow: query.get('follow') === 'true',
        timestamps: query.get('timestamps') === 'true',
        stream: stream === 'Stdout' || stream === 'Stderr' ? stream : 'All',
        ...(tailLines === undefined ? {} : { tailLines }),
        ...(limitBytes === undefined ? {} : { limitBytes }),
        ...(sinceMs === undefined ? {} : { sinceMs }),
      },
      () => cache.container(id)?.state !== 'CONTAINER_RUNNING',
      (callback) =>
        context.host.runtime.onEvent((event) => {
          if (event.containerId === id && (event.type === 'stopped' || event.type === 'deleted'))
            callback();
        }),
    );
    return {
      status: 200,
      headers: { 'content-type': 'text/plain' },
      body: { kind: 'source', source, close },
    };
  }

  /** `<namespace>/<pod>[/<uid>]/<container>` */
  #running(parts: readonly string[], missing: (container: string) => string): ContainerStatus {
    const [namespace = '', name = ''] = parts;
    const container = parts.at(-1) ?? '';
    const pod = this.#pod(namespace, name, 'pod does not exist');
    const status = latestOf(this.#deps.cache.get(uidOf(pod)), container);
    if (status?.state === 'CONTAINER_RUNNING') return status;
    const names = allContainers(pod).map((item) => item.container.name);
    const outOf =
      names.length > 1 && !names.includes(container) ? ` out of: ${names.join(', ')}` : '';
    throw new HttpError(500, `${missing(container)}${outOf}`);
  }

  async #exec(parts: readonly string[], query: URLSearchParams): Promise<StreamSession> {
    const status = this.#running(parts, (name) => `container not found (${JSON.stringify(name)})`);
    const request: ExecRequest = { command: query.getAll('command'), ...streams(query) };
    return this.#session(request, () => this.#deps.context.host.runtime.exec(status.id, request));
  }

  async #attach(parts: readonly string[], query: URLSearchParams): Promise<StreamSession> {
    const name = `${parts[1] ?? ''}_${parts[0] ?? ''}`;
    const status = this.#running(
      parts,
      (container) => `container ${container} not found in pod ${name}`,
    );
    const request = streams(query);
    // There is no exit code for those who look on: an attachment ends well however the container does.
    return this.#session(
      { command: [], ...request },
      () => this.#deps.context.host.runtime.attach(status.id, request),
      () => ({ status: 'Success' }),
    );
  }

  /** The runtime's refusal is told on the error stream of a session. */
  async #session(
    request: ExecRequest,
    open: () => Promise<AttachedProcess>,
    resultOf = resultOfExit,
  ): Promise<StreamSession> {
    let process: AttachedProcess;
    try {
      process = await open();
    } catch (error) {
      if (error instanceof CriError && error.code === 'Unavailable') throw error;
      return {
        kind: 'command',
        tty: request.tty,
        ...askedStreams(request),
        resize: () => undefined,
        result: Promise.resolve({ status: 'Failure', message: failureText(error) }),
        close: () => undefined,
      };
    }
    const result: Promise<CommandResult> = process.exit.then(resultOf, (error: unknown) => ({
      status: 'Failure',
      message: failureText(error),
    }));
    return {
      kind: 'command',
      tty: request.tty,
      ...askedStreams(request, process),
      resize: (columns, rows) => process.resize(columns, rows),
      result,
      close: () => process.close(),
    };
  }

  #portForward([namespace = '', name = '']: readonly string[]): StreamSession {
    const pod = this.#pod(namespace, name, 'pod does not exist');
    const sandbox = liveSandbox(this.#deps.cache.get(uidOf(pod)));
    if (!sandbox) throw new HttpError(500, `sandbox not found for pod ${name}_${namespace}`);
    const { runtime } = this.#deps.context.host;
    return {
      kind: 'port-forward',
      open: async (port) => {
        try {
          return await runtime.portForward(sandbox.id, port);
        } catch (error) {
          throw new Error(
            `error forwarding port ${port} to pod ${sandbox.id}, uid : ${errorText(error)}`,
          );
        }
      },
      close: () => undefined,
    };
  }
}

function streams(query: URLSearchParams): Omit<ExecRequest, 'command'> {
  const is = (...names: string[]): boolean =>
    names.some((name) => ['1', 'true'].includes(query.get(name) ?? ''));
  const tty = is('tty');
  return {
    stdin: is('input', 'stdin'),
    stdout: is('output', 'stdout'),
    stderr: is('error', 'stderr') && !tty,
    tty,
  };
}

const nothing: ByteSource = { read: () => Promise.resolve(undefined) };
const discard: ByteSink = { write: () => Promise.resolve(), end: () => undefined };

/** All the streams a client asked for and will open, also those nothing comes of. */
function askedStreams(
  request: ExecRequest,
  process?: AttachedProcess,
): Pick<CommandSession, 'stdin' | 'stdout' | 'stderr'> {
  return {
    ...(request.stdin ? { stdin: process?.stdin ?? discard } : {}),
    ...(request.stdout ? { stdout: process?.stdout ?? nothing } : {}),
    ...(request.stderr ? { stderr: process?.stderr ?? nothing } : {}),
  };
}

function resultOfExit(exitCode: number): CommandResult {
  return exitCode === 0
    ? { status: 'Success' }
    : {
        status: 'NonZeroExitCode',
        exitCode,
        message: `command terminated with non-zero exit code: exit status ${exitCode}`,
      };
}

function failureText(error: unknown): string {
  return `Internal error occurred: error executing command in container: ${errorText(error)}`;
}

/**
 * The container whose log is meant. @throws HttpError 400 it has none.
 * @see pkg/kubelet/kubelet_pods.go, validateContainerLogStatus
 */
function logContainer(
  status: ContainerStatusView | undefined,
  pod: string,
  container: string,
  previous: boolean,
): string {
  const where = `container ${JSON.stringify(container)} in pod ${JSON.stringify(pod)}`;
  const refuse = (message: string): never => {
    throw new HttpError(400, message);
  };
  const bare = (id: string): string => id.replace(/^\w+:\/\//, '');
  if (!status) return refuse(`${where} is not available`);
  const { running, terminated, waiting } = status.state ?? {};
  const last = status.lastState?.terminated;
  if (previous)
    return last?.containerID
      ? bare(last.containerID)
      : refuse(`previous terminated ${where} not found`);
  if (running) return bare(status.containerID ?? '');
  if (terminated?.containerID) return bare(terminated.containerID);
  if (terminated ?? last)
    return last?.containerID ? bare(last.containerID) : refuse(`${where} is terminated`);
  switch (waiting?.reason) {
    case 'ErrImagePull':
      return refuse(`${where} is waiting to start: image can't be pulled`);
    case 'ImagePullBackOff':
      return refuse(`${where} is waiting to start: trying and failing to pull image`);
    case undefined:
      return refuse(`${where} is waiting to start - no logs yet`);
    default:
      return refuse(`${where} is waiting to start: ${waiting?.reason ?? ''}`);
  }
}
