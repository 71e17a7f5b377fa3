import type { DeepReadonly } from '#core/base';
import type { NodeSelector } from '../../apis/index.ts';
import { matchesNodeTerm } from '../../machinery/index.ts';
import type { NodeView } from '../views.ts';
import type { SliceView } from './types.ts';

/** Amounts by counter, in the texts of the slices, by set. */
type CounterSets = ReadonlyMap<
  string,
  Readonly<Record<string, { readonly value: string | number }>>
>;

/** Devices of one driver that belong together, as far as a node sees them. */
export interface Pool {
  readonly driver: string;
  readonly name: string;
  /** Slices are missing, or devices contradict each other: nothing is taken from it. */
  readonly state: 'usable' | 'incomplete' | 'invalid';
  readonly slices: readonly SliceView[];
  /** Of the pool, but for other nodes: their devices consume counters too. */
  readonly elsewhere: readonly SliceView[];
  readonly counterSets: CounterSets;
}

interface Place {
  readonly nodeName?: string;
  readonly allNodes?: boolean;
  readonly nodeSelector?: DeepReadonly<NodeSelector>;
}

/** Whether something is to be had on a node. */
export function isOnNode({ nodeName, allNodes, nodeSelector }: Place, node: NodeView): boolean {
  if (nodeName) return node.metadata.name === nodeName;
  if (allNodes) return true;
  const { name, labels } = node.metadata;
  return (nodeSelector?.nodeSelectorTerms ?? []).some((term) =>
    matchesNodeTerm(term, { name, labels }),
  );
}

const hasCounters = ({ spec }: SliceView): boolean => (spec.sharedCounters?.length ?? 0) > 0;

function isRelevant(slice: SliceView, node: NodeView): boolean {
  const { spec } = slice;
  // Sets of counters are needed wherever the devices are.
  if (hasCounters(slice)) return true;
  if (spec.perDeviceNodeSelection)
    return (spec.devices ?? []).some((device) => isOnNode(device, node));
  return isOnNode(spec, node);
}

/**
 * The pools with devices for a node, those whose devices need conditions before a binding at the end.
 * @see k8s.io/dynamic-resource-allocation/structured/internal/incubating/pools_incubating.go, GatherPools
 */
export function gatherPools(all: readonly SliceView[], node: NodeView): Pool[] {
  const groups = new Map<string, SliceView[]>();
  for (const slice of all) {
    if (!isRelevant(slice, node)) continue;
    const { driver, pool } = slice.spec;
    const key = JSON.stringify([driver, pool.name]);
    const group = groups.get(key);
    const newest = group?.[0]?.spec.pool.generation ?? -1;
    if (!group || pool.generation > newest) groups.set(key, [slice]);
    else if (pool.generation === newest) group.push(slice);
  }
  const pools = [...groups.values()].flatMap((slices) => poolOf(slices, all) ?? []);
  const text = ({ driver, name }: Pool): readonly [string, string] => [driver, name];
  const order = (a: Pool, b: Pool): number => {
    const [x, y] = [text(a), text(b)];
    const at = x[0] === y[0] ? 1 : 0;
    return x[at] < y[at] ? -1 : x[at] > y[at] ? 1 : 0;
  };
  const waits = (pool: Pool): boolean =>
    pool.slices.some(({ spec }) => spec.devices?.some((device) => device.bindingConditions));
  return [...pools.filter((pool) => !waits(pool)).sort(order), ...pools.filter(waits).sort(order)];
}

/** @returns nothing if the pool is being replaced by a newer generation. */
function poolOf(slices: readonly SliceView[], all: readonly SliceView[]): Pool | undefined {
  const [first] = slices;
  if (!first) return undefined;
  const { driver, pool } = first.spec;
  const { generation, resourceSliceCount } = pool;
  let whole = slices;
  if (slices.length !== resourceSliceCount) {
    // Slices that are of no use to this node count as well.
    const same = all.filter(({ spec }) => spec.driver === driver && spec.pool.name === pool.name);
    if (same.some(({ spec }) => spec.pool.generation > generation)) return undefined;
    whole = same.filter(({ spec }) => spec.pool.generation === generation);
  }
  const id = { driver, name: pool.name };
  const empty = { slices: [], elsewhere: [], counterSets: new Map() };
  if (whole.length !== resourceSliceCount) return { ...id, state: 'incomplete', ...empty };
  const byName = [...slices].sort((a, b) =>
    (a.metadata.name ?? '') < (b.metadata.name ?? '') ? -1 : 1,
  );
  const mine = byName.filter((slice) => !hasCounters(slice));
  const known = new Set(slices.map(({ metadata }) => metadata.name));
  const elsewhere = whole.filter(({ metadata }) => !known.has(metadata.name));
  const counterSets = counterSetsOf(byName);
  const isValid =
    hasUniqueDevices(mine) && counterSets && hasCountersOf([...byName, ...elsewhere], counterSets);
  return isValid
    ? { ...id, state: 'usable', slices: mine, elsewhere, counterSets }
    : { ...id, state: 'invalid', ...empty };
}

function hasUniqueDevices(slices: readonly SliceView[]): boolean {
  const names = slices.flatMap(({ spec }) => (spec.devices ?? []).map(({ name }) => name));
  return new Set(names).size === names.length;
}

/** @returns nothing if a name stands for two sets. */
function counterSetsOf(slices: readonly SliceView[]): CounterSets | undefined {
  const sets = slices.flatMap(({ spec }) => spec.sharedCounters ?? []);
  const byName = new Map(sets.map(({ name, counters }) => [name, counters]));
  return byName.size === sets.length ? byName : undefined;
}

/** Whether all that devices consume is there. */
function hasCountersOf(slices: readonly SliceView[], sets: CounterSets): boolean {
  return slices.every(({ spec }) =>
    (spec.devices ?? []).every(({ consumesCounters = [] }) =>
      consumesCounters.every(({ counterSet, counters }) => {
        const set = sets.get(counterSet);
        return set !== undefined && Object.keys(counters).every((name) => name in set);
      }),
    ),
  );
}
