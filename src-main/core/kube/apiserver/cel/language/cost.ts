import { CelMap, LibraryValue, Optional } from './values.ts';

/** Costs of reading, making and walking values. @see cel-go/common/cost.go */
export const cost = {
  select: 1,
  list: 10,
  map: 30,
  struct: 40,
  perCharacter: 0.1,
  perPattern: 0.25,
};

/** The size a value's cost is reckoned by. */
export function sizeOf(value: unknown): number {
  if (typeof value === 'string') return codePoints(value);
  if (Array.isArray(value) || value instanceof Uint8Array) return value.length;
  if (value instanceof CelMap) return value.size;
  if (value instanceof Optional && value.hasValue) return sizeOf(value.value);
  if (value instanceof LibraryValue) return value.size?.() ?? 1;
  return 1;
}

/** The number of a text's characters, as Go counts them. */
export function codePoints(text: string): number {
  let count = 0;
  for (let i = 0; i < text.length; i++) {
    const unit = text.charCodeAt(i);
    if (unit < 0xdc00 || unit > 0xdfff) count++;
  }
  return count;
}

const characters = (size: number, factor = 1): number =>
  Math.ceil(size * factor * cost.perCharacter);
const pattern = (size: number): number => Math.ceil(size * cost.perPattern);

type CallCost = (args: readonly unknown[], result: unknown) => number;

const constant =
  (value: number): CallCost =>
  () =>
    value;
const walked: CallCost = ([value]) => traversal(value);
const read =
  (factor = 1): CallCost =>
  ([value]) =>
    characters(sizeOf(value), factor);
const searched: CallCost = ([text, expression]) =>
  characters(1 + sizeOf(text)) * pattern(sizeOf(expression));
const smaller: CallCost = ([a, b]) => characters(Math.min(sizeOf(a), sizeOf(b)));

function traversal(value: unknown): number {
  if (typeof value === 'string')
    return Math.trunc(new TextEncoder().encode(value).length * cost.perCharacter);
  if (value instanceof Uint8Array) return Math.trunc(value.length * cost.perCharacter);
  if (Array.isArray(value)) return value.reduce((sum: number, item) => sum + traversal(item), 0);
  if (value instanceof CelMap)
    return value.entries().reduce((sum, [key, item]) => sum + traversal(key) + traversal(item), 0);
  return 1;
}

function selector(length: number): number {
  return (
    cost.list + characters(length) + Math.ceil(Math.ceil(length * 0.5) * (cost.list + cost.struct))
  );
}

/** Costs of functions by name. @see k8s.io/apiserver/pkg/cel/library/cost.go */
const byName: Readonly<Record<string, CallCost>> = {
  // Two checks at most fit one expression.
  check: constant(350_000),
  fieldSelector: ([, text]) => selector(sizeOf(text)),
  labelSelector: ([, text]) => selector(sizeOf(text)),
  ...each(['isSorted', 'sum', 'max', 'min', 'indexOf', 'lastIndexOf'], walked),
  ...each(['url', 'lowerAscii', 'upperAscii', 'substring', 'trim', 'jsonpatch.escapeKey'], read()),
  ...each(['replace', 'split', 'ip.isCanonical'], read(2)),
  join: (_args, result) => characters(sizeOf(result), 2),
  ...each(['find', 'findAll'], searched),
  ...each(['cidr', 'isIP', 'isCIDR', 'quantity', 'isQuantity', 'semver', 'isSemver'], read()),
  validate: ([format, text]) =>
    characters(1 + sizeOf(text)) *
    pattern(format instanceof LibraryValue ? (format.patternLength ?? 0) : 0),
};

const madeList = (factor: number, size: number): number =>
  Math.trunc(size * factor) + 1 + cost.list;

/** Each item of a list is compared with each. */
function compared(list: unknown): number {
  const first: unknown = Array.isArray(list) ? list[0] : undefined;
  const isText = typeof first === 'string' || first instanceof Uint8Array;
  return madeList(isText ? 2 + cost.perCharacter : 2, sizeOf(list) ** 2);
}

const sortable =
  'int uint double bool google.protobuf.Duration google.protobuf.Timestamp string bytes'.split(' ');

/** Costs of overloads. @see cel-go/interpreter/runtimecost.go */
const byOverload: Readonly<Record<string, CallCost>> = {
  list_slice: (_args, result) => madeList(1, sizeOf(result)),
  lists_range: (_args, result) => madeList(1, sizeOf(result)),
  list_reverse: (_args, result) => madeList(1, sizeOf(result)),
  list_flatten: ([list]) => madeList(1, sizeOf(list)),
  list_flatten_int: ([list, depth]) => madeList(Number(depth), sizeOf(list)),
  list_distinct: ([list]) => compared(list),
  ...each(
    sortable.map((type) => `list_${type}_sort`),
    ([list]) => compared(list),
  ),
  ...each(
    sortable.map((type) => `list_${type}_sortByAssociatedKeys`),
    ([, keys]) => compared(keys),
  ),
  ...each(
    ['list_sets_contains_list', 'list_sets_intersects_list'],
    ([a, b]) => 1 + sizeOf(a) * sizeOf(b),
  ),
  list_sets_equivalent_list: ([a, b]) => 1 + 2 * sizeOf(a) * sizeOf(b),
  cidr_ip: constant(1),
  string_to_ip: read(),
  cidr_contains_ip_string: ([range, text]) =>
    characters(sizeOf(range), 2) + characters(sizeOf(text)),
  cidr_contains_ip_ip: ([range]) => characters(sizeOf(range), 2),
  cidr_contains_cidr_string: ([range, text]) =>
    characters(sizeOf(range), 2) + characters(sizeOf(range)) + 1 + characters(sizeOf(text)),
  cidr_contains_cidr: ([range]) => characters(sizeOf(range), 2) + characters(sizeOf(range)) + 1,
  ...each(
    [
      ...['starts_with_string', 'ends_with_string', 'string_to_bytes', 'bytes_to_string'],
      ...['strings_quote', 'string_format'],
    ],
    read(),
  ),
  in_list: ([, list]) => sizeOf(list),
  ...each(
    ['less', 'greater', 'less_equals', 'greater_equals'].flatMap((name) => [
      `${name}_string`,
      `${name}_bytes`,
    ]),
    smaller,
  ),
  not_equals: smaller,
  equals: (args, result) => (args[0] instanceof LibraryValue ? 1 : smaller(args, result)),
  ...each(['add_string', 'add_bytes'], ([a, b]) => characters(sizeOf(a) + sizeOf(b))),
  matches_string: searched,
  contains_string: ([a, b]) => characters(sizeOf(a)) * characters(sizeOf(b)),
};

function each(names: readonly string[], callCost: CallCost): Record<string, CallCost> {
  return Object.fromEntries(names.map((name) => [name, callCost]));
}

/** What a call has cost. */
export function callCost(
  name: string,
  overload: string,
  args: readonly unknown[],
  result: unknown,
): number {
  return (byName[name] ?? byOverload[overload])?.(args, result) ?? 1;
}
