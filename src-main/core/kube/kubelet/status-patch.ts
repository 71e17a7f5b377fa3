import { jsonEqual } from '#core/base';
import type { PodStatus } from '../apis/index.ts';
import type { PodStatusView } from './pods.ts';

/** Lists merged by key in a strategic merge patch of a pod's status. */
const mergeKeys: Readonly<Record<string, string>> = {
  conditions: 'type',
  hostIPs: 'ip',
  podIPs: 'ip',
};
/** Fields of others: what the kubelet does not say about them stays. */
const foreign: ReadonlySet<string> = new Set([
  'nominatedNodeName',
  'resize',
  'resourceClaimStatuses',
  'extendedResourceClaimStatus',
]);

type Item = Readonly<Record<string, unknown>>;

/** The strategic merge patch that makes one status the other; undefined when they are equal. */
export function statusPatch(from: PodStatusView, to: PodStatus): object | undefined {
  const patch: Record<string, unknown> = {};
  const old = from as Item;
  const wanted = to as unknown as Item;
  for (const field of new Set([...Object.keys(old), ...Object.keys(wanted)])) {
    const [before, after] = [old[field], wanted[field]];
    if (after === undefined) {
      if (before !== undefined && !foreign.has(field)) patch[field] = null;
    } else if (mergeKeys[field] !== undefined)
      mergeList(patch, field, mergeKeys[field] ?? '', (before ?? []) as Item[], after as Item[]);
    else if (!sameToReaders(before, after)) patch[field] = after;
  }
  return Object.keys(patch).length === 0 ? undefined : patch;
}

function mergeList(
  patch: Record<string, unknown>,
  field: string,
  key: string,
  before: readonly Item[],
  after: readonly Item[],
): void {
  const changed: Record<string, unknown>[] = [];
  for (const item of after) {
    const old = before.find((other) => other[key] === item[key]);
    if (old && sameToReaders(old, item)) continue;
    const gone = Object.keys(old ?? {}).filter(
      (name) => old?.[name] !== null && item[name] === undefined,
    );
    changed.push({ ...item, ...Object.fromEntries(gone.map((name) => [name, null])) });
  }
  for (const old of before)
    if (!after.some((item) => item[key] === old[key]))
      changed.push({ $patch: 'delete', [key]: old[key] });
  const order = after.map((item) => item[key]);
  const oldOrder = before.map((item) => item[key]);
  if (changed.length === 0 && jsonEqual(order, oldOrder)) return;
  if (changed.length > 0) patch[field] = changed;
  patch[`$setElementOrder/${field}`] = after.map((item) => ({ [key]: item[key] }));
}

/** Equality in which nulls say nothing: an absent time is sent as null. */
function sameToReaders(a: unknown, b: unknown): boolean {
  if (a === b) return true;
  if (typeof a !== 'object' || typeof b !== 'object' || a === null || b === null) return false;
  if (Array.isArray(a) || Array.isArray(b))
    return (
      Array.isArray(a) &&
      Array.isArray(b) &&
      a.length === b.length &&
      a.every((item, index) => sameToReaders(item, b[index]))
    );
  const [one, other] = [a as Item, b as Item];
  for (const key in one)
    if (!sameToReaders(one[key] ?? undefined, other[key] ?? undefined)) return false;
  for (const key in other)
    if ((other[key] ?? undefined) !== undefined && (one[key] ?? undefined) === undefined)
      return false;
  return true;
}
