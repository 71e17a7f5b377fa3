import { compare } from '../language/compare.ts';
import type { Implementations } from '../language/interpreter.ts';
import {
  CelMap,
  Duration,
  equal,
  Failure,
  noSuchOverload,
  Optional,
  Timestamp,
  Uint,
} from '../language/values.ts';
import { codePoints } from '../language/cost.ts';

type List = readonly unknown[];
type ListFunction = (list: List) => unknown;

const types = 'int uint double bool duration timestamp string bytes'.split(' ');
const sums: Readonly<Record<string, unknown>> = {
  int: 0n,
  uint: new Uint(0n),
  double: 0,
  duration: new Duration(0n),
};
/** Some overloads are named after the protocol buffers' types. */
const longNames: Readonly<Record<string, string>> = {
  duration: 'google.protobuf.Duration',
  timestamp: 'google.protobuf.Timestamp',
};

const isSorted: ListFunction = (list) =>
  list.every((item, i) => i === 0 || (compare(list[i - 1], item) ?? 1) <= 0);

const extreme =
  (name: 'min' | 'max', sign: number): ListFunction =>
  (list) => {
    const [first, ...rest] = list;
    if (first === undefined) return new Failure(`${name} called on empty list`);
    return rest.reduce(
      (best: unknown, item) => ((compare(item, best) ?? 0) * sign > 0 ? item : best),
      first,
    );
  };

function sum(list: List, zero: unknown): unknown {
  return list.reduce((total, item) => {
    if (typeof total === 'number' && typeof item === 'number') return total + item;
    if (typeof total === 'bigint' && typeof item === 'bigint') return checked(total + item);
    if (total instanceof Uint && item instanceof Uint) return new Uint(total.value + item.value);
    if (total instanceof Duration && item instanceof Duration)
      return new Duration(total.nanos + item.nanos);
    return total instanceof Failure ? total : noSuchOverload;
  }, zero);
}

const checked = (value: bigint): bigint | Failure =>
  BigInt.asIntN(64, value) === value ? value : new Failure('integer overflow');

/** Sorts by keys; keys have one type that has an order. */
function sortedBy(list: List, keys: List): List | Failure {
  const places = keys.map((key, i) => ({ key, i }));
  let failed = false;
  places.sort((a, b) => {
    const order = compare(a.key, b.key);
    if (order === undefined) failed = true;
    return order === undefined || order === 0 ? a.i - b.i : order;
  });
  if (failed) return new Failure('list elements must have the same type');
  return places.map(({ i }) => list[i]);
}

function byType(): Implementations {
  const own: Record<string, (list: List, keys: List) => unknown> = {};
  for (const type of types) {
    const long = longNames[type] ?? type;
    own[`list_${type}_is_sorted_bool`] = isSorted;
    own[`list_${type}_min_${type}`] = extreme('min', -1);
    own[`list_${type}_max_${type}`] = extreme('max', 1);
    own[`list_${type}_sum_${type}`] = (list) => sum(list, sums[type]);
    own[`list_${long}_sort`] = (list) => sortedBy(list, list);
    own[`list_${long}_sortByAssociatedKeys`] = sortedBy;
  }
  return own;
}

const maxRange = 10_000_000n;

const unique = (list: List): List => {
  const known = new Set<unknown>();
  const others: unknown[] = [];
  return list.filter((item) => {
    if (typeof item === 'string' || typeof item === 'boolean') {
      if (known.has(item)) return false;
      known.add(item);
      return true;
    }
    if (others.some((each) => equal(each, item))) return false;
    others.push(item);
    return true;
  });
};

function flattened(list: List, depth: number): unknown[] {
  return list.flatMap((item) => {
    if (!Array.isArray(item)) return [item];
    return depth > 1 ? flattened(item, depth - 1) : (item as unknown[]);
  });
}

function slice(list: List, start: bigint, end: bigint): List | Failure {
  if (start < 0n || end < 0n)
    return new Failure(`cannot slice(${start}, ${end}), negative indexes not supported`);
  if (start > end)
    return new Failure(
      `cannot slice(${start}, ${end}), start index must be less than or equal to end index`,
    );
  if (end > BigInt(list.length))
    return new Failure(`cannot slice(${start}, ${end}), list is length ${list.length}`);
  return list.slice(Number(start), Number(end));
}

const has = (list: List, part: List): boolean =>
  part.every((item) => list.some((each) => equal(each, item)));

const isZero = (value: unknown): boolean =>
  value === null ||
  value === false ||
  value === 0 ||
  value === 0n ||
  value === '' ||
  (value instanceof Uint && value.value === 0n) ||
  (value instanceof Duration && value.nanos === 0n) ||
  (value instanceof Timestamp && value.nanos === -62_135_596_800_000_000_000n) ||
  ((Array.isArray(value) || value instanceof Uint8Array) && value.length === 0) ||
  (value instanceof CelMap && value.size === 0);

const unwrapped = (list: readonly Optional[]): unknown[] =>
  list.filter(({ hasValue }) => hasValue).map(({ value }) => value);

const size = ({ length }: { readonly length: number }): bigint => BigInt(length);
const mapSize = (map: CelMap): bigint => BigInt(map.size);
const textSize = (text: string): bigint => BigInt(codePoints(text));

/** Lists, sets, sizes and optional values. */
export const lists: Implementations = {
  ...byType(),
  size_list: size,
  list_size: size,
  size_bytes: size,
  bytes_size: size,
  size_map: mapSize,
  map_size: mapSize,
  size_string: textSize,
  string_size: textSize,
  list_a_index_of_int: (list: List, item: unknown) =>
    BigInt(list.findIndex((each) => equal(each, item))),
  list_a_last_index_of_int: (list: List, item: unknown) =>
    BigInt(list.findLastIndex((each) => equal(each, item))),
  list_distinct: unique,
  list_first: (list: List) => (list.length > 0 ? Optional.of(list[0]) : Optional.none),
  list_last: (list: List) => (list.length > 0 ? Optional.of(list.at(-1)) : Optional.none),
  list_flatten: (list: List) => flattened(list, 1),
  list_flatten_int: (list: List, depth: bigint) =>
    depth < 0n ? new Failure('level must be non-negative') : flattened(list, Number(depth)),
  list_reverse: (list: List) => list.toReversed(),
  list_slice: slice,
  lists_range: (end: bigint) =>
    end > maxRange
      ? new Failure('operation cancelled: actual cost limit exceeded')
      : Array.from({ length: Math.max(0, Number(end)) }, (_, i) => BigInt(i)),
  list_sets_contains_list: has,
  list_sets_equivalent_list: (a: List, b: List) => has(a, b) && has(b, a),
  list_sets_intersects_list: (a: List, b: List) => a.some((item) => has(b, [item])),
  optional_none: () => Optional.none,
  optional_of: (value: unknown) => Optional.of(value),
  optional_ofNonZeroValue: (value: unknown) => (isZero(value) ? Optional.none : Optional.of(value)),
  optional_hasValue: ({ hasValue }: Optional) => hasValue,
  optional_value: ({ hasValue, value }: Optional) =>
    hasValue ? value : new Failure('optional.none() dereference'),
  optional_or_optional: (a: Optional, b: Optional) => (a.hasValue ? a : b),
  optional_orValue_value: (a: Optional, b: unknown) => (a.hasValue ? a.value : b),
  optional_unwrap: unwrapped,
  optional_unwrapOpt: unwrapped,
};
