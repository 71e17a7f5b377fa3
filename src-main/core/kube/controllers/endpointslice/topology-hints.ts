import type { Endpoint } from '../../apis/index.ts';
import { parseQuantity } from '../../machinery/index.ts';
import { nodeCondition, type NodeView } from '../shared/nodes.ts';
import type { ServiceView } from './service-pods.ts';

const zoneLabel = 'topology.kubernetes.io/zone';
/** How much more than its share an endpoint may be asked to do. */
const overloadThreshold = 0.2;

/** Why endpoints get no hints, or that they do; goes into an event on the Service. */
export interface HintsEvent {
  readonly type: 'Normal' | 'Warning';
  readonly reason: 'TopologyAwareHintsEnabled' | 'TopologyAwareHintsDisabled';
  readonly message: string;
}

/** Whether a Service asks for hints in proportion to the CPUs of zones. */
export function wantsTopologyHints({ metadata }: ServiceView): boolean {
  const { annotations = {} } = metadata;
  const mode =
    annotations['service.kubernetes.io/topology-aware-hints'] ??
    annotations['service.kubernetes.io/topology-mode'];
  return mode === 'Auto' || mode === 'auto';
}

/**
 * The share of the cluster's CPUs that each zone has.
 *
 * @returns undefined when not all nodes tell their zone and CPUs, or there is one zone only.
 * @see k8s.io/endpointslice/topologycache/topologycache.go, SetNodes
 */
export function cpuShares(nodes: readonly NodeView[]): ReadonlyMap<string, number> | undefined {
  const byZone = new Map<string, number>();
  let total = 0;
  for (const node of nodes) {
    const labels = node.metadata.labels ?? {};
    if ('node-role.kubernetes.io/control-plane' in labels) continue;
    if ('node-role.kubernetes.io/master' in labels) continue;
    if (nodeCondition(node, 'Ready')?.status !== 'True') continue;
    const zone = labels[zoneLabel];
    const cpu = Number(parseQuantity(node.status?.allocatable?.['cpu'] ?? '0').nano / 1_000_000n);
    if (!zone || cpu === 0) return undefined;
    byZone.set(zone, (byZone.get(zone) ?? 0) + cpu);
    total += cpu;
  }
  if (byZone.size < 2) return undefined;
  return new Map([...byZone].map(([zone, cpu]) => [zone, cpu / total]));
}

interface Allocation {
  readonly minimum: number;
  readonly desired: number;
}

function allocationsOf(
  shares: ReadonlyMap<string, number> | undefined,
  count: number,
): Map<string, Allocation> | string {
  if (!shares)
    return 'Insufficient Node information: allocatable CPU or zone not specified on one or more nodes';
  const numbers = `(${count} endpoints, ${shares.size} zones)`;
  if (shares.size > count) return `Insufficient number of endpoints ${numbers}`;
  const allocations = new Map<string, Allocation>();
  let left = count;
  for (const [zone, share] of shares) {
    const desired = share * count;
    const minimum = Math.ceil(desired / (1 + overloadThreshold));
    allocations.set(zone, { minimum, desired: Math.max(desired, minimum) });
    left -= minimum;
  }
  return left < 0
    ? `Unable to allocate minimum required endpoints to each zone without exceeding overload threshold ${numbers}`
    : allocations;
}

/**
 * Gives each ready endpoint to a zone, its own if that does not have too many.
 *
 * @returns why none of them got a hint; undefined when all did.
 * @see k8s.io/endpointslice/topologycache/topologycache.go, AddHints
 */
export function addTopologyHints(
  endpoints: readonly Endpoint[],
  shares: ReadonlyMap<string, number> | undefined,
): string | undefined {
  const ready = endpoints.filter(({ conditions }) => conditions?.ready === true);
  const allocations = allocationsOf(shares, ready.length);
  if (typeof allocations === 'string') return allocations;
  if (ready.some(({ zone }) => !zone)) return 'One or more endpoints do not have a zone specified';
  const counts = new Map<string, number>();
  for (const { zone = '' } of ready) counts.set(zone, (counts.get(zone) ?? 0) + 1);
  const { giving, receiving } = movesBetween(allocations, counts);
  for (const endpoint of ready) {
    const { zone = '' } = endpoint;
    let name = zone;
    const [receiver] = receiving;
    if (receiver && (giving.get(zone) ?? 0) > 0) {
      name = receiver[0];
      takeOne(giving, zone);
      takeOne(receiving, name);
    }
    endpoint.hints = { forZones: [{ name }] };
  }
  return undefined;
}

function takeOne(zones: Map<string, number>, zone: string): void {
  const left = (zones.get(zone) ?? 0) - 1;
  if (left > 0) zones.set(zone, left);
  else zones.delete(zone);
}

/** How many endpoints zones that have too many give to those that have too few. */
function movesBetween(
  allocations: ReadonlyMap<string, Allocation>,
  counts: ReadonlyMap<string, number>,
): { giving: Map<string, number>; receiving: Map<string, number> } {
  const surplus = new Map<string, number>();
  const need = new Map<string, number>();
  for (const [zone, { desired }] of allocations) {
    const has = counts.get(zone) ?? 0;
    if (has > desired) surplus.set(zone, has - desired);
    else if (has < desired) need.set(zone, desired - has);
  }
  const giving = new Map<string, number>();
  const receiving = new Map<string, number>();
  const most = (zones: ReadonlyMap<string, number>): [string, number] =>
    [...zones].reduce((a, b) => (b[1] > a[1] ? b : a), ['', 0]);
  for (;;) {
    const [from, give] = most(surplus);
    const [to, receive] = most(need);
    if (from === '' || to === '' || (give < 1 && receive < 1) || give < 0.5 || receive < 0.5)
      return { giving, receiving };
    giving.set(from, (giving.get(from) ?? 0) + 1);
    surplus.set(from, give - 1);
    receiving.set(to, (receiving.get(to) ?? 0) + 1);
    need.set(to, receive - 1);
  }
}
