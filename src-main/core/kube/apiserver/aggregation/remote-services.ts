import { type DeepReadonly, jsonClone, jsonEqual } from '#core/base';
import {
  type ApiRequest,
  type ApiResponse,
  failure,
  formatTime,
  type KubeObject,
} from '../../machinery/index.ts';
import { at, isMap, mapOf, mapsOf, numberOf, textAt, textOf, textsOf } from '../fields/index.ts';
import type { ServerState, UserInfo } from '../types.ts';
import { aggregationGroup, isAvailable } from './local-services.ts';

/** Where an aggregated server listens. */
export interface ServiceTarget {
  readonly namespace: string;
  readonly name: string;
  readonly port: number;
  /** PEM bundle to check the server with; undefined with `insecureSkipTLSVerify`. */
  readonly caBundle: string | undefined;
}

/**
 * Sends a request to a service inside the cluster over TLS, with the front proxy's client certificate.
 * @throws Error with Go's text when nobody answers.
 */
export type ServiceTransport = (target: ServiceTarget, request: ApiRequest) => Promise<ApiResponse>;

/** Remote APIServices: their condition and the way of requests to them. */
export interface Aggregator {
  /** The remote APIService that serves a group and version; undefined when it is local or unknown. */
  remoteFor(group: string, version: string): DeepReadonly<KubeObject> | undefined;
  /**
   * Hands a request on, with the user in front-proxy headers.
   * @returns the answer; 503 when the service is not available.
   */
  proxy(
    apiService: DeepReadonly<KubeObject>,
    request: ApiRequest,
    user: UserInfo,
  ): Promise<ApiResponse>;
  /**
   * Checks a remote APIService.
   * @returns the object with its new Available condition; undefined when nothing changes.
   */
  checkAvailability(
    apiService: DeepReadonly<KubeObject>,
    nowMs: number,
  ): Promise<KubeObject | undefined>;
}

/** @see k8s.io/kube-aggregator/pkg/apiserver/handler_proxy.go and pkg/controllers/status/remote */
export function createAggregator(state: ServerState, send: ServiceTransport): Aggregator {
  return {
    remoteFor(group, version) {
      const apiService = state.get(aggregationGroup, 'apiservices', '', `${version}.${group}`);
      return isMap(at(apiService, 'spec', 'service')) ? apiService : undefined;
    },
    async proxy(apiService, request, user) {
      if (!isAvailable(apiService)) throw failure(503, 'ServiceUnavailable', 'service unavailable');
      const headers: Record<string, string> = {};
      for (const [name, value] of Object.entries(request.headers))
        // The user is told by these headers alone; credentials stay here.
        if (!name.startsWith('x-remote-') && name !== 'authorization') headers[name] = value;
      headers['x-remote-user'] = user.username;
      if (user.groups.length > 0) headers['x-remote-group'] = user.groups.join(',');
      for (const [key, values] of Object.entries(user.extra ?? {}))
        headers[`x-remote-extra-${encodeURIComponent(key).toLowerCase()}`] = values.join(',');
      try {
        return await send(targetOf(apiService), { ...request, headers });
      } catch (error) {
        const text = error instanceof Error ? error.message : String(error);
        throw failure(503, 'ServiceUnavailable', `error trying to reach service: ${text}`);
      }
    },
    async checkAvailability(apiService, nowMs) {
      if (!isMap(at(apiService, 'spec', 'service'))) return undefined;
      const verdict =
        serviceProblem(state, apiService) ??
        (await discoveryProblem(apiService, send)) ??
        ({ status: 'True', reason: 'Passed', message: 'all checks passed' } as const);
      const conditions = mapsOf(at(apiService, 'status', 'conditions'));
      const old = conditions.find((each) => each['type'] === 'Available');
      const condition = {
        lastTransitionTime:
          old?.['status'] === verdict.status
            ? textOf(old['lastTransitionTime'])
            : formatTime(nowMs),
        ...verdict,
        type: 'Available',
      };
      const next = jsonClone(apiService) as KubeObject;
      next['status'] = {
        ...mapOf(next['status']),
        conditions: [...conditions.filter((each) => each !== old), condition],
      };
      return jsonEqual(next['status'], apiService['status']) ? undefined : next;
    },
  };
}

interface Verdict {
  readonly status: 'True' | 'False' | 'Unknown';
  readonly reason: string;
  readonly message: string;
}

function targetOf(apiService: unknown): ServiceTarget {
  const service = at(apiService, 'spec', 'service');
  const insecure = at(apiService, 'spec', 'insecureSkipTLSVerify') === true;
  return {
    namespace: textAt(service, 'namespace'),
    name: textAt(service, 'name'),
    port: numberOf(at(service, 'port')) ?? 443,
    caBundle: insecure ? undefined : textAt(apiService, 'spec', 'caBundle'),
  };
}

function serviceProblem(state: ServerState, apiService: unknown): Verdict | undefined {
  const { namespace, name, port } = targetOf(apiService);
  const quoted = JSON.stringify(namespace);
  const failed = (reason: string, message: string): Verdict => ({
    status: 'False',
    reason,
    message,
  });
  const service = state.get('', 'services', namespace, name);
  if (!service) return failed('ServiceNotFound', `service/${name} in ${quoted} is not present`);
  if (textAt(service, 'spec', 'type') !== 'ClusterIP') return undefined;
  const servicePort = mapsOf(at(service, 'spec', 'ports')).find((each) => each['port'] === port);
  if (!servicePort)
    return failed(
      'ServicePortError',
      `service/${name} in ${quoted} is not listening on port ${port}`,
    );
  const slices = state
    .list('discovery.k8s.io', 'endpointslices', namespace)
    .filter((slice) => slice.metadata.labels?.['kubernetes.io/service-name'] === name);
  if (slices.length === 0)
    return failed(
      'EndpointsNotFound',
      `cannot find endpointslices for service/${name} in ${quoted}`,
    );
  const portName = textOf(servicePort['name']);
  const active = slices.some(
    (slice) =>
      mapsOf(at(slice, 'ports')).some((each) => textOf(each['name']) === portName) &&
      mapsOf(at(slice, 'endpoints')).some(
        (endpoint) =>
          at(endpoint, 'conditions', 'ready') !== false &&
          textsOf(endpoint['addresses']).length > 0,
      ),
  );
  return active
    ? undefined
    : failed(
        'MissingEndpoints',
        `endpointslices for service/${name} in ${quoted} have no addresses with port name ${JSON.stringify(portName)}`,
      );
}

async function discoveryProblem(
  apiService: unknown,
  send: ServiceTransport,
): Promise<Verdict | undefined> {
  const target = targetOf(apiService);
  const path = `/apis/${textAt(apiService, 'spec', 'group')}/${textAt(apiService, 'spec', 'version')}`;
  const url = `https://${target.name}.${target.namespace}.svc:${target.port}${path}`;
  let why: string;
  try {
    const { status } = await send(target, {
      method: 'GET',
      url: path,
      headers: { 'x-remote-user': 'system:kube-aggregator', 'x-remote-group': 'system:masters' },
    });
    if (status >= 200 && status < 300) return undefined;
    why = `bad status from ${url}: ${status}`;
  } catch (error) {
    why = error instanceof Error ? error.message : String(error);
  }
  return {
    status: 'False',
    reason: 'FailedDiscoveryCheck',
    message: `failing or missing response from ${url}: ${why}`,
  };
}
