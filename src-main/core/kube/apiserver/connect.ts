import { type DeepReadonly, quoted } from '#core/base';
import {
  type ApiRequest,
  type ApiResponse,
  badRequest,
  ConnectionError,
  failure,
  type KubeObject,
  notFound,
  responseText,
  type StatusError,
} from '../machinery/index.ts';
import { admissionRequest, admit, admitFinal, type Call, notServed } from './call.ts';
import type { ProxyTarget } from './options.ts';
import { throughProxy } from './proxy-links.ts';
import { readCurrent } from './registry.ts';

interface PodView {
  readonly spec?: {
    readonly nodeName?: string;
    readonly containers?: readonly { readonly name: string }[];
    readonly initContainers?: readonly { readonly name: string }[];
    readonly ephemeralContainers?: readonly { readonly name: string }[];
  };
  readonly status?: { readonly podIP?: string; readonly phase?: string };
}

const kubeletPort = 10_250;
const methodsOf: Readonly<Record<string, readonly string[]>> = {
  log: ['GET'],
  exec: ['GET', 'POST'],
  attach: ['GET', 'POST'],
  portforward: ['GET', 'POST'],
};

/** Answers log, exec, attach, portforward and proxy: by asking the kubelet, or the pod or service itself. */
export async function handleConnect(call: Call): Promise<ApiResponse> {
  const { info, served, context, request } = call;
  const { subresource } = info;
  const allowed = methodsOf[subresource];
  if (allowed && !allowed.includes(request.method))
    throw failure(
      405,
      'MethodNotAllowed',
      'the server does not allow this method on the requested resource',
      {},
    );
  const { view } = await readCurrent(context, served, info.namespace, podName(info.name));
  const object = view.object;
  if (subresource !== 'log') {
    const kinds: Readonly<Record<string, string>> = {
      exec: 'PodExecOptions',
      attach: 'PodAttachOptions',
      portforward: 'PodPortForwardOptions',
    };
    const options: KubeObject = {
      kind: kinds[subresource] ?? `${served.info.kind}ProxyOptions`,
      apiVersion: 'v1',
      metadata: {},
      ...connectOptions(info.query),
    };
    const admission = admissionRequest(call, 'CONNECT', options, null, {
      dryRun: false,
      options: {},
    });
    await admit(context, admission);
    await admitFinal(context, admission);
  }
  if (subresource === 'proxy') {
    const target = proxyTarget(call, object);
    const redirect = redirectToRoot(call);
    if (redirect) return redirect;
    const path = request.url.split('?')[0] ?? '';
    return throughProxy(await send(call, target, proxyUrl(call)), {
      prefix: path.slice(0, path.length - info.rest.length).replace(/\/$/, ''),
      hosts: [`${target.address}:${target.port}`, request.headers['host']],
    });
  }
  const pod = object as DeepReadonly<KubeObject> & PodView;
  const path = kubeletPath(call, pod);
  const node = pod.spec?.nodeName ?? '';
  if (node === '') {
    if (subresource === 'log') return emptyLog();
    throw badRequest(`pod ${info.name} does not have a host assigned`);
  }
  const answer = await send(call, kubeletOf(call, node), path);
  return subresource === 'log' ? refusedLog(answer, call) : answer;
}

/** A kubelet refuses in plain text; clients get it as a Status. */
async function refusedLog(answer: ApiResponse, { info }: Call): Promise<ApiResponse> {
  const { status } = answer;
  if (status >= 200 && status <= 206) return answer;
  const said = await responseText(answer);
  if (status === 400) throw badRequest(said);
  if (status === 500) throw failure(500, 'InternalError', `Internal error occurred: ${said}`);
  throw failure(
    status,
    status === 404 ? 'NotFound' : '',
    `the server responded with the status code ${status} but did not return more information (get pods ${info.name})`,
  );
}

/** The log of a pod no node has: nothing. */
function emptyLog(): ApiResponse {
  return {
    status: 200,
    headers: { 'content-type': 'text/plain' },
    body: { kind: 'bytes', bytes: new Uint8Array() },
  };
}

function connectOptions(query: URLSearchParams): Record<string, unknown> {
  const options: Record<string, unknown> = {};
  for (const name of ['stdin', 'stdout', 'stderr', 'tty'])
    if (query.get(name) === 'true' || query.get(name) === '1') options[name] = true;
  const container = query.get('container');
  if (container !== null) options['container'] = container;
  const command = query.getAll('command');
  if (command.length > 0) options['command'] = command;
  return options;
}

/** `https:name:port` of a proxied name is the name with a scheme and a port. */
function podName(name: string): string {
  const parts = name.split(':');
  return parts.length === 3 ? (parts[1] ?? '') : (parts[0] ?? '');
}

function portOf(name: string): string {
  const parts = name.split(':');
  return parts.length === 3 ? (parts[2] ?? '') : (parts[1] ?? '');
}

/** The container the request means. @throws StatusError 400 */
function containerOf(call: Call, pod: PodView): string {
  const { name } = call.info;
  const wanted = call.info.query.get('container') ?? '';
  const containers = pod.spec?.containers ?? [];
  const all = [
    ...(pod.spec?.initContainers ?? []),
    ...containers,
    ...(pod.spec?.ephemeralContainers ?? []),
  ].map((each) => each.name);
  if (wanted !== '') {
    if (!all.includes(wanted)) throw badRequest(`container ${wanted} is not valid for pod ${name}`);
    return wanted;
  }
  if (containers.length === 1) return containers[0]?.name ?? '';
  const choice = containers.length === 0 ? '' : `, choose one of: [${all.join(' ')}]`;
  throw badRequest(`a container name must be specified for pod ${name}${choice}`);
}

/** The kubelet's own URL for the stream. @see pkg/registry/core/pod/strategy.go, LogLocation and streamLocation */
function kubeletPath(call: Call, pod: PodView): string {
  const { info } = call;
  const { query, subresource } = info;
  const where = `${info.namespace}/${info.name}`;
  const out = new URLSearchParams();
  const copyTrue = (from: string, to: string): void => {
    if (query.get(from) === 'true' || query.get(from) === '1')
      out.set(to, subresource === 'log' ? 'true' : '1');
  };
  if (subresource === 'portforward') {
    for (const port of query.getAll('ports')) out.append('port', port);
    return withQuery(`/portForward/${where}`, out);
  }
  const container = containerOf(call, pod);
  if (subresource === 'log') {
    for (const name of ['follow', 'previous', 'timestamps']) copyTrue(name, name);
    for (const name of ['sinceSeconds', 'sinceTime', 'tailLines', 'limitBytes', 'stream']) {
      const value = query.get(name);
      if (value !== null) out.set(name, value);
    }
    return withQuery(`/containerLogs/${where}/${container}`, out);
  }
  copyTrue('stdin', 'input');
  copyTrue('stdout', 'output');
  copyTrue('stderr', 'error');
  copyTrue('tty', 'tty');
  for (const command of query.getAll('command')) out.append('command', command);
  return withQuery(`/${subresource}/${where}/${container}`, out);
}

function withQuery(path: string, query: URLSearchParams): string {
  const text = query.toString();
  return text === '' ? path : `${path}?${text}`;
}

/** @throws StatusError 404 */
function kubeletOf(call: Call, node: string): ProxyTarget {
  const object = call.context.options.state.get('', 'nodes', '', node);
  if (!object) throw notFound({ group: '', resource: 'nodes' }, node);
  const status = (object['status'] ?? {}) as {
    readonly addresses?: readonly { readonly type: string; readonly address: string }[];
    readonly daemonEndpoints?: { readonly kubeletEndpoint?: { readonly Port?: number } };
  };
  const address = ['InternalIP', 'ExternalIP', 'Hostname']
    .map((type) => status.addresses?.find((each) => each.type === type)?.address)
    .find((each) => each !== undefined);
  if (address === undefined)
    throw failure(
      500,
      'InternalError',
      `Internal error occurred: no preferred addresses found; known addresses: []`,
      {
        causes: [{ message: 'no preferred addresses found; known addresses: []' }],
      },
    );
  return {
    node,
    address,
    port: status.daemonEndpoints?.kubeletEndpoint?.Port ?? kubeletPort,
    scheme: 'https',
  };
}

interface EndpointsView {
  readonly subsets?: readonly {
    readonly addresses?: readonly {
      readonly ip: string;
      readonly nodeName?: string;
      readonly targetRef?: { readonly kind?: string };
    }[];
    readonly ports?: readonly { readonly name?: string; readonly port: number }[];
  }[];
}

interface ServiceView {
  readonly spec?: { readonly ports?: readonly { readonly name?: string; readonly port: number }[] };
}

function proxyTarget(call: Call, object: DeepReadonly<KubeObject>): ProxyTarget {
  const { info, served } = call;
  const scheme = info.name.startsWith('https:') ? 'https' : 'http';
  const port = portOf(info.name);
  if (served.info.kind === 'Node') return kubeletOf(call, object.metadata.name ?? '');
  if (served.info.kind === 'Pod') {
    const pod = object as PodView;
    if (!pod.status?.podIP) throw badRequest(`address not allowed`);
    const declared = ((
      object['spec'] as { containers?: { ports?: { containerPort?: number }[] }[] } | undefined
    )?.containers ?? [])[0]?.ports?.[0]?.containerPort;
    return {
      node: pod.spec?.nodeName ?? '',
      address: pod.status.podIP,
      port: Number(port) || declared || (scheme === 'https' ? 443 : 80),
      scheme,
    };
  }
  return { ...podOfService(call, object as ServiceView, port), scheme };
}

/**
 * A pod behind a service. A port is asked for by its name or by the service's number, and an unnamed one by nothing.
 * @see pkg/registry/core/service/storage/storage.go, ResourceLocation
 */
function podOfService(
  { info, context }: Call,
  service: ServiceView,
  asked: string,
): Omit<ProxyTarget, 'scheme'> {
  const name = podName(info.name);
  const unavailable = (text: string): StatusError => failure(503, 'ServiceUnavailable', text);
  let portName = asked;
  if (/^[+-]?\d+$/.test(asked)) {
    const found = service.spec?.ports?.find(({ port }) => port === Number(asked));
    if (!found)
      throw unavailable(`no service port ${Number(asked)} found for service ${quoted(name)}`);
    portName = found.name ?? '';
  }
  const endpoints = context.options.state.get('', 'endpoints', info.namespace, name);
  if (!endpoints) throw notFound({ group: '', resource: 'endpoints' }, name);
  const { subsets = [] } = endpoints as EndpointsView;
  if (subsets.length === 0) throw unavailable(`no endpoints available for service ${quoted(name)}`);
  for (const { addresses = [], ports = [] } of subsets) {
    const port = ports.find((each) => (each.name ?? '') === portName)?.port;
    // Addresses that are no pod's are never asked.
    const pods = addresses.filter(({ targetRef }) => targetRef?.kind === 'Pod');
    const chosen = pods[context.options.random.integer(Math.max(1, pods.length))];
    if (port !== undefined && chosen)
      return { node: chosen.nodeName ?? '', address: chosen.ip, port };
  }
  throw unavailable(`no endpoints available for service ${quoted(info.name)}`);
}

/**
 * Pages behind a proxy name what is beside them, so that their own path must end in a slash.
 * @see k8s.io/apimachinery/pkg/util/proxy/upgradeaware.go, proxyRedirectsforRootPath
 */
function redirectToRoot({ info, request }: Call): ApiResponse | undefined {
  const [path = '', ...query] = request.url.split('?');
  if (info.rest !== '' || path.endsWith('/')) return undefined;
  if (request.method !== 'GET' && request.method !== 'HEAD') return undefined;
  const location = `${path}/${query.length > 0 ? `?${query.join('?')}` : ''}`;
  return { status: 301, headers: { location }, body: { kind: 'none' } };
}

function proxyUrl(call: Call): string {
  const question = call.request.url.indexOf('?');
  return (call.info.rest || '/') + (question < 0 ? '' : call.request.url.slice(question));
}

async function send(call: Call, target: ProxyTarget, url: string): Promise<ApiResponse> {
  const { connect } = call.context.options;
  if (!connect) throw notServed();
  const { request } = call;
  const headers: Record<string, string> = { ...request.headers };
  delete headers['authorization'];
  const forwarded: ApiRequest = { ...request, url, headers };
  try {
    return await connect(target).send(forwarded);
  } catch (error) {
    if (!(error instanceof ConnectionError)) throw error;
    const address = `${target.address}:${target.port}`;
    const proxied = call.info.subresource === 'proxy';
    const verb = request.method === 'POST' ? 'Post' : 'Get';
    throw proxied
      ? failure(503, 'ServiceUnavailable', `error trying to reach service: ${error.message}`)
      : failure(
          500,
          call.info.subresource === 'log' ? '' : 'InternalError',
          call.info.subresource === 'log'
            ? `${verb} "https://${address}${url}": ${error.message}`
            : `error dialing backend: ${error.message}`,
        );
  }
}
