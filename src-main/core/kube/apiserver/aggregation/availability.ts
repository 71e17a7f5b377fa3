import { type DeepReadonly, jsonClone, jsonEqual, quoted } from '#core/base';
import { formatTime, type KubeObject } from '../../machinery/index.ts';
import { at, mapOf, mapsOf, textAt, textOf } from '../fields/index.ts';
import type { ServerState } from '../types.ts';
import { serviceOf } from './api-services.ts';
import type { RemoteServices } from './remote-services.ts';

interface Verdict {
  readonly status: 'True' | 'False';
  readonly reason: string;
  readonly message: string;
}

const failed = (reason: string, message: string): Verdict => ({ status: 'False', reason, message });

/**
 * Whether the server behind an APIService can be used.
 * @returns the APIService with its new Available condition; undefined when nothing changes.
 * @see k8s.io/kube-aggregator/pkg/controllers/status/remote/remote_available_controller.go
 */
export async function checkAvailability(
  state: ServerState,
  remote: RemoteServices,
  apiService: DeepReadonly<KubeObject>,
  nowMs: () => number,
): Promise<KubeObject | undefined> {
  const verdict: Verdict = serviceProblem(state, apiService) ??
    (await discoveryProblem(remote, apiService)) ?? {
      status: 'True',
      reason: 'Passed',
      message: 'all checks passed',
    };
  const conditions = mapsOf(at(apiService, 'status', 'conditions'));
  const old = conditions.find((each) => each['type'] === 'Available');
  const condition = {
    lastTransitionTime:
      old?.['status'] === verdict.status ? textOf(old['lastTransitionTime']) : formatTime(nowMs()),
    ...verdict,
    type: 'Available',
  };
  const next = jsonClone(apiService) as KubeObject;
  next['status'] = {
    ...mapOf(next['status']),
    conditions: [...conditions.filter((each) => each !== old), condition],
  };
  return jsonEqual(next['status'], apiService['status']) ? undefined : next;
}

function serviceProblem(state: ServerState, apiService: unknown): Verdict | undefined {
  const { namespace, name, port } = serviceOf(apiService);
  const where = `service/${name} in ${quoted(namespace)}`;
  const service = state.get('', 'services', namespace, name);
  if (!service) return failed('ServiceNotFound', `${where} is not present`);
  if (textAt(service, 'spec', 'type') !== 'ClusterIP') return undefined;
  const servicePort = mapsOf(at(service, 'spec', 'ports')).find((each) => each['port'] === port);
  if (!servicePort) return failed('ServicePortError', `${where} is not listening on port ${port}`);
  const slices = state
    .list('discovery.k8s.io', 'endpointslices', namespace)
    .filter((slice) => slice.metadata.labels?.['kubernetes.io/service-name'] === name);
  if (slices.length === 0)
    return failed('EndpointsNotFound', `cannot find endpointslices for ${where}`);
  const portName = textOf(servicePort['name']);
  const active = slices.some(
    (slice) =>
      mapsOf(at(slice, 'ports')).some(
        (each) => textOf(each['name']) === portName && typeof each['port'] === 'number',
      ) &&
      mapsOf(at(slice, 'endpoints')).some(
        (endpoint) => at(endpoint, 'conditions', 'ready') !== false,
      ),
  );
  return active
    ? undefined
    : failed(
        'MissingEndpoints',
        `endpointslices for ${where} have no addresses with port name ${quoted(portName)}`,
      );
}

async function discoveryProblem(
  remote: RemoteServices,
  apiService: unknown,
): Promise<Verdict | undefined> {
  const group = textAt(apiService, 'spec', 'group');
  const path = `/apis/${group}/${textAt(apiService, 'spec', 'version')}`;
  const answer = await remote.discover(apiService, path);
  if (!('error' in answer)) {
    const { status, url } = answer;
    return status >= 200 && status < 300
      ? undefined
      : failed(
          'FailedDiscoveryCheck',
          `failing or missing response from ${url}: bad status from ${url}: ${status}`,
        );
  }
  const { url, error } = answer;
  return failed(
    'FailedDiscoveryCheck',
    url === undefined
      ? error
      : `failing or missing response from ${url}: Get ${quoted(url)}: ${error}`,
  );
}
