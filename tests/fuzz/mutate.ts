import type { Random } from '#core/base';

/** Values that are somewhere else than where they should be. */
const oddValues: readonly unknown[] = [
  null,
  '',
  'x',
  '\u0000',
  '\ud800',
  '<>&\u2028',
  -1,
  0,
  1.5,
  1e300,
  2 ** 53,
  true,
  false,
  [],
  {},
  [[]],
  [null],
  { '': '' },
  { __proto__: null, constructor: 1 },
  '../..',
  'a'.repeat(300),
  '2026-01-01T00:00:00Z',
  '1Gi',
  '10.0.0.1',
  { $patch: 'delete' },
  { $setElementOrder: 1 },
  '%2e%2e',
  '9'.repeat(30),
  { a: { b: { c: {} } } },
];
const oddKeys = [
  'metadata',
  'spec',
  'status',
  'name',
  '__proto__',
  'constructor',
  '',
  'kind',
  'apiVersion',
  '$patch',
  'items',
  'finalizers',
  'labels',
  'ownerReferences',
  'managedFields',
  'generateName',
  'resourceVersion',
  'uid',
  'deletionTimestamp',
];

/** A copy with one to three places changed. */
export function mutated(value: unknown, random: Random): unknown {
  const copy = structuredClone(value);
  for (let times = 1 + random.integer(3); times > 0; times--) changePlace(copy, random);
  return copy;
}

function changePlace(root: unknown, random: Random): void {
  let node = root;
  for (let depth = random.integer(6); ; depth--) {
    if (typeof node !== 'object' || node === null) return;
    const holder = node as Record<string, unknown>;
    const keys = Object.keys(holder);
    const key = keys[random.integer(Math.max(keys.length, 1))];
    const next = key === undefined ? undefined : holder[key];
    if (depth > 0 && typeof next === 'object' && next !== null) {
      node = next;
      continue;
    }
    const odd = structuredClone(oddValues[random.integer(oddValues.length)]);
    const choice = random.integer(4);
    if (choice === 0 && key !== undefined && !Array.isArray(holder)) delete holder[key];
    else if (choice === 1) define(holder, oddKeys[random.integer(oddKeys.length)] ?? 'x', odd);
    else if (key !== undefined) define(holder, key, odd);
    return;
  }
}

function define(holder: Record<string, unknown>, key: string, value: unknown): void {
  if (Array.isArray(holder)) holder.push(value);
  else
    Object.defineProperty(holder, key, {
      value,
      enumerable: true,
      configurable: true,
      writable: true,
    });
}

/** A copy with some bytes changed, cut off, or doubled. */
export function mangled(bytes: Uint8Array, random: Random): Uint8Array {
  const copy = Uint8Array.from(bytes);
  for (let times = 1 + random.integer(4); times > 0 && copy.length > 0; times--)
    copy[random.integer(copy.length)] = random.integer(256);
  switch (random.integer(4)) {
    case 0:
      return copy.subarray(0, random.integer(copy.length + 1));
    case 1: {
      const from = random.integer(copy.length + 1);
      return Uint8Array.from([...copy.subarray(0, from), ...copy.subarray(from >> 1)]);
    }
    default:
      return copy;
  }
}
