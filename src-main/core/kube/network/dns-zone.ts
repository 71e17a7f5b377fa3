import type { DeepReadonly } from '#core/base';
import type { EndpointSlice, Pod, Service } from '../apis/index.ts';

/** What the cluster's DNS knows of the API. */
export interface ZoneState {
  service(namespace: string, name: string): DeepReadonly<Service> | undefined;
  slices(namespace: string, service: string): readonly DeepReadonly<EndpointSlice>[];
  /** Used by `pods verified`. */
  podAt(namespace: string, address: string): DeepReadonly<Pod> | undefined;
  namespaceExists(namespace: string): boolean;
  /** The Service that has a cluster address. */
  serviceAt(address: string): DeepReadonly<Service> | undefined;
  /** The endpoint with a hostname or not that has an address, and its Service. */
  endpointAt(
    address: string,
  ): { readonly service: string; readonly namespace: string; readonly host: string } | undefined;
}

export interface ZoneOptions {
  /** `cluster.local`, without dots at the ends. */
  readonly zone: string;
  readonly pods: 'disabled' | 'insecure' | 'verified';
}

export type ZoneRecord =
  | { readonly type: 'A'; readonly name: string; readonly address: string }
  | { readonly type: 'CNAME'; readonly name: string; readonly target: string }
  | {
      readonly type: 'SRV';
      readonly name: string;
      readonly port: number;
      readonly weight: number;
      readonly target: string;
    };

/** `outside`: not this zone's to answer. `none`: the name does not exist. An empty list: it has no such record. */
export type ZoneAnswer = 'outside' | 'none' | readonly ZoneRecord[];

/**
 * Answers a name of the cluster's zone.
 * @see the DNS-based service discovery specification of github.com/kubernetes/dns, version 1.1.0
 */
export function answerName(
  name: string,
  type: 'A' | 'AAAA' | 'SRV' | 'CNAME' | 'ANY',
  state: ZoneState,
  { zone, pods }: ZoneOptions,
): ZoneAnswer {
  const lower = name.toLowerCase();
  if (lower === zone) return [];
  if (!lower.endsWith(`.${zone}`)) return 'outside';
  const labels = lower.slice(0, -zone.length - 1).split('.');
  const kind = labels.pop();
  if (kind === undefined || (kind !== 'svc' && kind !== 'pod'))
    return lower === `dns-version.${zone}` ? [] : 'none';
  const namespace = labels.pop();
  if (namespace === undefined) return [];
  if (!state.namespaceExists(namespace)) return 'none';
  if (kind === 'pod') return podAnswer(lower, labels, namespace, type, state, pods);
  const serviceName = labels.pop();
  if (serviceName === undefined) return [];
  const service = state.service(namespace, serviceName);
  if (!service) return 'none';
  return serviceAnswer(lower, labels, service, type, state, zone);
}

function podAnswer(
  name: string,
  labels: readonly string[],
  namespace: string,
  type: string,
  state: ZoneState,
  mode: ZoneOptions['pods'],
): ZoneAnswer {
  if (labels.length === 0) return [];
  const address = labels.join('.').replaceAll('-', '.');
  const valid = labels.length === 1 && /^\d{1,3}(?:\.\d{1,3}){3}$/.test(address);
  if (!valid || mode === 'disabled') return 'none';
  if (mode === 'verified' && !state.podAt(namespace, address)) return 'none';
  return type === 'A' || type === 'ANY' ? [{ type: 'A', name, address }] : [];
}

function serviceAnswer(
  name: string,
  labels: readonly string[],
  service: DeepReadonly<Service>,
  type: string,
  state: ZoneState,
  zone: string,
): ZoneAnswer {
  const { spec } = service;
  const domain = `${service.metadata.name ?? ''}.${service.metadata.namespace ?? ''}.svc.${zone}`;
  if (spec?.type === 'ExternalName') {
    if (labels.length > 0) return 'none';
    return [{ type: 'CNAME', name, target: spec.externalName ?? '' }];
  }
  const headless = spec?.clusterIP === 'None';
  const endpoints = readyEndpoints(service, state);
  const wantsAddress = type === 'A' || type === 'ANY';
  if (labels.length === 0) {
    if (type === 'SRV') return [];
    if (!headless) return wantsAddress ? [{ type: 'A', name, address: spec?.clusterIP ?? '' }] : [];
    if (endpoints.length === 0) return 'none';
    return wantsAddress ? endpoints.map(({ address }) => ({ type: 'A', name, address })) : [];
  }
  // _port._protocol.service…
  if (labels.length === 2 && labels[0]?.startsWith('_') && labels[1]?.startsWith('_')) {
    const portName = labels[0].slice(1);
    const protocol = labels[1].slice(1).toUpperCase();
    const port = spec?.ports?.find(
      (candidate) => candidate.name === portName && (candidate.protocol ?? 'TCP') === protocol,
    );
    if (!port) return 'none';
    if (type !== 'SRV' && type !== 'ANY') return [];
    if (!headless) return [{ type: 'SRV', name, port: port.port, weight: 100, target: domain }];
    const weight = Math.max(1, Math.floor(100 / Math.max(1, endpoints.length)));
    return endpoints.map(({ host, ports }) => ({
      type: 'SRV',
      name,
      port: ports.get(portName) ?? port.port,
      weight,
      target: `${host}.${domain}`,
    }));
  }
  if (labels.length === 1 && headless) {
    const matching = endpoints.filter(({ host }) => host === labels[0]);
    if (matching.length === 0) return 'none';
    return wantsAddress ? matching.map(({ address }) => ({ type: 'A', name, address })) : [];
  }
  return 'none';
}

interface EndpointRecord {
  readonly address: string;
  readonly host: string;
  readonly ports: ReadonlyMap<string, number>;
}

function readyEndpoints(service: DeepReadonly<Service>, state: ZoneState): EndpointRecord[] {
  const { namespace = '', name = '' } = service.metadata;
  const evenNotReady = service.spec?.publishNotReadyAddresses === true;
  const seen = new Set<string>();
  const records: EndpointRecord[] = [];
  for (const slice of state.slices(namespace, name)) {
    const ports = new Map((slice.ports ?? []).map((port) => [port.name ?? '', port.port ?? 0]));
    for (const endpoint of slice.endpoints ?? []) {
      const address = endpoint.addresses[0];
      if (address === undefined || seen.has(address)) continue;
      if (endpoint.conditions?.ready === false && !evenNotReady) continue;
      seen.add(address);
      records.push({ address, host: endpoint.hostname ?? address.replaceAll('.', '-'), ports });
    }
  }
  return records;
}

/** The name of an address of the cluster (PTR), or undefined. */
export function answerAddress(
  address: string,
  state: ZoneState,
  { zone }: ZoneOptions,
): string | undefined {
  const service = state.serviceAt(address);
  if (service)
    return `${service.metadata.name ?? ''}.${service.metadata.namespace ?? ''}.svc.${zone}`;
  const endpoint = state.endpointAt(address);
  if (!endpoint) return undefined;
  return `${endpoint.host}.${endpoint.service}.${endpoint.namespace}.svc.${zone}`;
}
