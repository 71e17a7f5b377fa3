import { canonicalQuantity } from '../../validation/quantity.ts';
import { type InternalField, internalTypes } from './generated/internal-types.ts';

type Fields = Readonly<Record<string, unknown>>;

/** Fields that stand in a pod's spec on the wire, but in its security context inside the API server. */
const hostFields: readonly InternalField[] = [
  ['HostNetwork', 'hostNetwork', '', 'bool'],
  ['HostPID', 'hostPID', '', 'bool'],
  ['HostIPC', 'hostIPC', '', 'bool'],
  ['ShareProcessNamespace', 'shareProcessNamespace', 'p', 'bool'],
  ['HostUsers', 'hostUsers', 'p', 'bool'],
];
/** Templates have the fields of their metadata beside the spec of what they make. */
const templates: Readonly<Record<string, string>> = {
  PodTemplateSpec: 'PodSpec',
  ResourceClaimTemplateSpec: 'ResourceClaimSpec',
};
const hostNames = new Set(hostFields.map(([go]) => go));

const metadataOrder = [
  ...['name', 'generateName', 'namespace', 'selfLink', 'uid', 'resourceVersion', 'generation'],
  ...['creationTimestamp', 'deletionTimestamp', 'deletionGracePeriodSeconds', 'labels'],
  ...['annotations', 'ownerReferences', 'finalizers', 'managedFields'],
];

/** A map with its keys in Go's order; anything else as it is. */
function byKey(value: unknown): unknown {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return value;
  return Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1)));
}

function zero(type: string): unknown {
  if (type === 'int') return 0;
  if (type === 'bool') return false;
  if (type === 'Quantity') return '0';
  if (type === 'IntOrString') return 0;
  if (type === 'string') return '';
  if (type === 'RawExtension') return null;
  return internalOf(type, {});
}

function valueOf(type: string, value: unknown): unknown {
  if (value === undefined || value === null) return zero(type);
  if (type === 'Quantity') return canonicalQuantity(value);
  return internalOf(type, value as Fields);
}

const isEmpty = (value: unknown): boolean =>
  value === undefined || (typeof value === 'object' && Object.keys(value ?? {}).length === 0);

/** Types of the API proper print as JSON does, which leaves empty lists and maps out. */
function withoutEmpty<T>(value: T): T {
  if (Array.isArray(value)) return value.map(withoutEmpty) as T;
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .filter(([, item]) => !isEmpty(item))
      .map(([key, item]) => [key, withoutEmpty(item as unknown)]),
  ) as T;
}

function internalOf(type: string, value: Fields): unknown {
  if (!(type in internalTypes)) return withoutEmpty(value);
  const result: Record<string, unknown> = {};
  const templated = templates[type];
  if (templated) {
    const metadata = (value['metadata'] ?? {}) as Fields;
    for (const name of metadataOrder)
      if (!isEmpty(metadata[name])) result[name] = byKey(metadata[name]);
    result['Spec'] = internalOf(templated, (value['spec'] as Fields | undefined) ?? {});
    return result;
  }
  const source =
    type === 'PodSpec'
      ? {
          ...value,
          securityContext: {
            ...(value['securityContext'] as Fields | undefined),
            ...Object.fromEntries(
              hostFields
                .map(([, json]) => [json, value[json]] as const)
                .filter(([, item]) => item !== undefined),
            ),
          },
        }
      : value;
  for (const [go, json, shape, kind] of internalTypes[type] ?? []) {
    if (type === 'PodSpec' && hostNames.has(go)) continue;
    const item = source[json];
    const absent = item === undefined || item === null;
    if (shape === 'l') {
      result[go] = absent ? null : (item as unknown[]).map((entry) => valueOf(kind, entry));
    } else if (shape === 'm') {
      result[go] = absent
        ? null
        : Object.fromEntries(
            Object.entries(byKey(item) as Fields).map(([key, entry]) => [
              key,
              valueOf(kind, entry),
            ]),
          );
    } else if (shape === 'p') result[go] = absent ? null : valueOf(kind, item);
    else result[go] = valueOf(kind, item);
  }
  return result;
}

/**
 * The object as the API server's internal type prints it: fields in Go's order and by Go's names.
 * @param type a type of pkg/apis/{core,resource}/types.go, such as `PodSpec`
 */
export function internalJson(type: string, value: unknown, indent = ''): string {
  const text = JSON.stringify(internalOf(type, (value ?? {}) as Fields), undefined, indent);
  return text.replace(/[<>&]/g, (char) => `\\u00${char.charCodeAt(0).toString(16)}`);
}

/** Whether two objects are the same inside the API server: no list is an empty list, but no struct is not an empty one. */
export function internalEqual(type: string, a: unknown, b: unknown): boolean {
  const text = (value: unknown): string =>
    JSON.stringify(internalOf(type, (value ?? {}) as Fields), (_key, item: unknown) =>
      typeof item === 'object' && item !== null && Object.keys(item).length === 0 ? null : item,
    );
  return text(a) === text(b);
}

/** Pairs of equal lines by the longest common run first, as Python's difflib and its Go port match them. */
function matchingBlocks(a: readonly string[], b: readonly string[]): [number, number, number][] {
  const places = new Map<string, number[]>();
  b.forEach((line, index) => {
    const list = places.get(line);
    if (list) list.push(index);
    else places.set(line, [index]);
  });
  // Lines in more than one per cent of a long text are not anchors.
  if (b.length >= 200) {
    const limit = Math.floor(b.length / 100) + 1;
    for (const [line, list] of places) if (list.length > limit) places.delete(line);
  }
  const blocks: [number, number, number][] = [];
  const queue: [number, number, number, number][] = [[0, a.length, 0, b.length]];
  for (let next = queue.pop(); next; next = queue.pop()) {
    const [aLow, aHigh, bLow, bHigh] = next;
    const [i, j, size] = longestMatch(a, b, places, next);
    if (size === 0) continue;
    blocks.push([i, j, size]);
    queue.push([aLow, i, bLow, j], [i + size, aHigh, j + size, bHigh]);
  }
  return blocks.sort((left, right) => left[0] - right[0]);
}

function longestMatch(
  a: readonly string[],
  b: readonly string[],
  places: ReadonlyMap<string, number[]>,
  [aLow, aHigh, bLow, bHigh]: readonly [number, number, number, number],
): [number, number, number] {
  let best: [number, number, number] = [aLow, bLow, 0];
  let lengths = new Map<number, number>();
  for (let i = aLow; i < aHigh; i++) {
    const row = new Map<number, number>();
    for (const j of places.get(a[i] ?? '') ?? []) {
      if (j < bLow) continue;
      if (j >= bHigh) break;
      const size = (lengths.get(j - 1) ?? 0) + 1;
      row.set(j, size);
      if (size > best[2]) best = [i - size + 1, j - size + 1, size];
    }
    lengths = row;
  }
  let [i, j, size] = best;
  while (i > aLow && j > bLow && a[i - 1] === b[j - 1]) [i, j, size] = [i - 1, j - 1, size + 1];
  while (i + size < aHigh && j + size < bHigh && a[i + size] === b[j + size]) size++;
  return [i, j, size];
}

interface Change {
  readonly a: [number, number];
  readonly b: [number, number];
}

/** A unified diff with three lines of context and no file names. */
export function unifiedDiff(before: string, after: string): string {
  const a = before.split('\n');
  const b = after.split('\n');
  const changes: Change[] = [];
  let [aAt, bAt] = [0, 0];
  for (const [i, j, size] of [...matchingBlocks(a, b), [a.length, b.length, 0] as const]) {
    if (aAt < i || bAt < j) changes.push({ a: [aAt, i], b: [bAt, j] });
    [aAt, bAt] = [i + size, j + size];
  }
  const groups: Change[][] = [];
  for (const change of changes) {
    const last = groups[groups.length - 1];
    const previous = last?.[last.length - 1];
    if (last && previous && change.a[0] - previous.a[1] <= 6) last.push(change);
    else groups.push([change]);
  }
  const span = (from: number, to: number): string =>
    to - from === 1 ? String(from + 1) : `${to - from === 0 ? from : from + 1},${to - from}`;
  let text = '';
  for (const group of groups) {
    const first = group[0];
    const last = group[group.length - 1];
    if (!first || !last) continue;
    const aFrom = Math.max(first.a[0] - 3, 0);
    const bFrom = Math.max(first.b[0] - 3, 0);
    const aTo = Math.min(last.a[1] + 3, a.length);
    const bTo = Math.min(last.b[1] + 3, b.length);
    text += `@@ -${span(aFrom, aTo)} +${span(bFrom, bTo)} @@\n`;
    let at = aFrom;
    for (const change of group) {
      for (const line of a.slice(at, change.a[0])) text += ` ${line}\n`;
      for (const line of a.slice(...change.a)) text += `-${line}\n`;
      for (const line of b.slice(...change.b)) text += `+${line}\n`;
      at = change.a[1];
    }
    for (const line of a.slice(at, aTo)) text += ` ${line}\n`;
  }
  return text;
}

/** What differs between two specs, as upstream's messages show it. */
export function specDiff(type: string, before: unknown, after: unknown): string {
  return unifiedDiff(internalJson(type, before, ' '), internalJson(type, after, ' '));
}
