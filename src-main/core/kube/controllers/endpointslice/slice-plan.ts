import type { DeepReadonly } from '#core/base';
import type { Endpoint, Endpoints, EndpointSlice, Service } from '../../apis/index.ts';
import { controllerReference } from '../../client/index.ts';
import { fnv128a } from '../../machinery/index.ts';
import { mutableCopy } from '../shared/context.ts';
import { semanticJson, semanticEqual } from '../shared/hash.ts';

type SliceView = DeepReadonly<EndpointSlice>;
/** A port of a slice. */
export type SlicePort = NonNullable<EndpointSlice['ports']>[number];
type Draft = EndpointSlice & { endpoints: Endpoint[] };

export function sizeOf(slice: SliceView): number {
  return slice.endpoints?.length ?? 0;
}

/** A new slice without endpoints, owned by the Service or Endpoints it is made for. */
export function blankSlice(
  owner: DeepReadonly<Service | Endpoints>,
  ownerKind: 'Service' | 'Endpoints',
  addressType: EndpointSlice['addressType'],
  labels: Readonly<Record<string, string>>,
  ports: readonly SlicePort[],
): EndpointSlice {
  const { name = '', namespace } = owner.metadata;
  return {
    apiVersion: 'discovery.k8s.io/v1',
    kind: 'EndpointSlice',
    metadata: {
      generateName: `${name}-`,
      ...(namespace ? { namespace } : {}),
      labels: { ...labels },
      ownerReferences: [controllerReference(owner, 'v1', ownerKind)],
    },
    addressType,
    ports: inUpstreamOrder(ports),
    endpoints: [],
  };
}

/** By the hash of what Go prints of each. @see k8s.io/endpointslice/util/controller_utils.go, portsInOrder */
function inUpstreamOrder(ports: readonly SlicePort[]): SlicePort[] {
  if (ports.length < 2) return [...ports];
  return ports
    .map((port) => ({ port, hash: fnv128a(printed(port)) }))
    .sort((a, b) => (a.hash < b.hash ? -1 : 1))
    .map(({ port }) => port);
}

const printed = ({ name, protocol, port, appProtocol }: SlicePort): string =>
  `(v1.EndpointPort){Name:(*string)${name ?? ''} Protocol:(*v1.Protocol)${protocol ?? ''} Port:(*int32)${port ?? 0} AppProtocol:(*string)${appProtocol ?? '<nil>'}}`;

export interface SlicePlan {
  readonly create: EndpointSlice[];
  readonly update: EndpointSlice[];
  readonly remove: SliceView[];
}

export interface WantedEndpoints {
  readonly ports: readonly SlicePort[];
  readonly endpoints: Endpoint[];
}

export interface PlanOptions {
  readonly maxPerSlice: number;
  /** A new, empty slice of these ports. */
  readonly blank: (ports: readonly SlicePort[]) => EndpointSlice;
  /** The labels a slice should have. */
  readonly labels: Readonly<Record<string, string>>;
}

/** Equal for slices that may share endpoints: the order of ports does not matter. */
export function portsKey(ports: readonly DeepReadonly<SlicePort>[] | undefined): string {
  return (ports ?? []).map(semanticJson).sort().join('\n');
}

function endpointKey(endpoint: DeepReadonly<Endpoint>): string {
  return JSON.stringify([
    [...endpoint.addresses].sort(),
    endpoint.targetRef?.kind,
    endpoint.targetRef?.namespace,
    endpoint.targetRef?.name,
    endpoint.targetRef?.uid,
    endpoint.nodeName ?? '',
    endpoint.hostname ?? '',
  ]);
}

/**
 * Spreads endpoints over slices with as few writes as possible: endpoints stay where they are, changed slices
 * take new ones first, then the fullest unchanged slice that has room for all, then new slices.
 *
 * @see k8s.io/endpointslice/reconciler.go, reconcileByPortMapping
 */
export function planSlices(
  existing: readonly SliceView[],
  wanted: ReadonlyMap<string, WantedEndpoints>,
  options: PlanOptions,
): SlicePlan {
  const plan: SlicePlan = { create: [], update: [], remove: [] };
  const byPorts = new Map<string, SliceView[]>();
  for (const slice of existing) {
    const key = portsKey(slice.ports);
    byPorts.set(key, [...(byPorts.get(key) ?? []), slice]);
  }
  for (const [key, { ports, endpoints }] of wanted)
    planPorts(byPorts.get(key) ?? [], ports, endpoints, options, plan);
  for (const [key, slices] of byPorts) if (!wanted.has(key)) plan.remove.push(...slices);
  return plan;
}

function planPorts(
  existing: readonly SliceView[],
  ports: readonly SlicePort[],
  endpoints: readonly Endpoint[],
  options: PlanOptions,
  plan: SlicePlan,
): void {
  const missing = new Map(endpoints.map((endpoint) => [endpointKey(endpoint), endpoint]));
  const changed: Draft[] = [];
  const unchanged: SliceView[] = [];
  const emptied: SliceView[] = [];
  for (const slice of existing) {
    const kept: Endpoint[] = [];
    let isDifferent = false;
    for (const endpoint of slice.endpoints ?? []) {
      const key = endpointKey(endpoint);
      const now = missing.get(key);
      if (!now) continue;
      missing.delete(key);
      kept.push(now);
      if (!semanticEqual(now, endpoint)) isDifferent = true;
    }
    const labelsChanged = !semanticEqual(slice.metadata.labels, options.labels);
    if (isDifferent || kept.length !== (slice.endpoints ?? []).length) {
      if (kept.length === 0) emptied.push(slice);
      else changed.push(withEndpoints(slice, kept, options.labels));
    } else if (labelsChanged) changed.push(withEndpoints(slice, kept, options.labels));
    else unchanged.push(slice);
  }

  const rest = [...missing.values()];
  for (const slice of [...changed].sort((a, b) => b.endpoints.length - a.endpoints.length))
    while (rest.length > 0 && slice.endpoints.length < options.maxPerSlice)
      slice.endpoints.push(rest.shift() as Endpoint);
  while (rest.length > 0) {
    const room = unchanged
      .filter((slice) => sizeOf(slice) + rest.length <= options.maxPerSlice)
      .sort((a, b) => sizeOf(b) - sizeOf(a))[0];
    const reusable = emptied.shift();
    if (room && rest.length < options.maxPerSlice) {
      unchanged.splice(unchanged.indexOf(room), 1);
      const draft = withEndpoints(room, [], options.labels);
      draft.endpoints = [...mutableCopy<Endpoint[]>(room.endpoints ?? []), ...rest.splice(0)];
      changed.push(draft);
      if (reusable) emptied.unshift(reusable);
    } else if (reusable) {
      changed.push(withEndpoints(reusable, rest.splice(0, options.maxPerSlice), options.labels));
    } else {
      const draft = options.blank(ports);
      draft.endpoints = rest.splice(0, options.maxPerSlice);
      plan.create.push(draft);
    }
  }
  plan.update.push(...changed);
  plan.remove.push(...emptied);
}

function withEndpoints(
  slice: SliceView,
  endpoints: Endpoint[],
  labels: Readonly<Record<string, string>>,
): Draft {
  const draft = mutableCopy<EndpointSlice>(slice);
  draft.metadata.labels = { ...labels };
  return { ...draft, endpoints };
}
