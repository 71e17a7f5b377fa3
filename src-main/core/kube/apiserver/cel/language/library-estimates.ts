import { cost as base } from './cost.ts';
import {
  add,
  type CallEstimate,
  characters,
  type Estimate,
  fixed,
  most,
  multiply,
  none,
  type Operand,
  scale,
} from './estimates.ts';

/** Longest pattern that formats are checked with. */
const maxFormatPattern = 128;
const maxFormatSize = 64;

type LibraryEstimate = (
  target: Operand | undefined,
  args: readonly Operand[],
  size: (operand: Operand) => Estimate,
) => CallEstimate | undefined;

const one = { cost: fixed(1) };

/** Reading the target, whose size the result has too. */
const readTarget: LibraryEstimate = (target, _args, size) =>
  target && { cost: characters(size(target)), size: size(target) };

const readFirst =
  (factor = 1): LibraryEstimate =>
  (_target, [first], size) =>
    first && { cost: characters(size(first), factor) };

/** Operations that walk through a list, or a text. */
const walked: LibraryEstimate = (target, _args, size) => {
  if (!target) return undefined;
  const item = itemsOf(target);
  if (!item) return { cost: characters(size(target)) };
  const isText = item.type.text === 'string' || item.type.text === 'bytes';
  const each = isText ? add(fixed(1), characters(size(item))) : fixed(1);
  return { cost: multiply(size(target), each) };
};

function itemsOf({ type, path }: Operand): Operand | undefined {
  const [item] = type.params;
  return item && { type: item, ...(path ? { path: [...path, '@items'] } : {}) };
}

const selector: LibraryEstimate = (_target, args, size) => {
  const [first] = args;
  if (!first || args.length !== 1) return undefined;
  const length = size(first);
  return {
    cost: add(
      fixed(base.list),
      characters(length),
      scale(scale(length, 0.5), base.list + base.struct),
    ),
  };
};

const replaced: LibraryEstimate = (target, [old, by], size) => {
  if (!target || !old || !by) return undefined;
  const [own, from, to] = [size(target), size(old), size(by)];
  let count = { min: 0, max: 0 };
  let kept = { min: 0, max: 0 };
  if (from.min === 0) {
    count = { ...count, max: own.max < most ? own.max + 1 : own.max };
    kept = { ...kept, max: own.max };
  } else if (to.max <= from.min) kept = { ...kept, max: own.max };
  else count = { ...count, max: Math.ceil(own.max / from.min) };
  if (from.max === 0) {
    count = { ...count, min: own.min < most ? own.min + 1 : own.min };
    kept = { ...kept, min: own.min };
  } else if (from.max <= to.min) kept = { ...kept, min: own.min };
  else count = { ...count, min: Math.ceil(own.min / from.max) };
  return { cost: characters(own, 2), size: add(multiply(count, to), kept) };
};

const split: LibraryEstimate = (target, args, size) => {
  if (!target) return undefined;
  const limit = args[1]?.expr;
  const max =
    limit?.kind === 'literal' && typeof limit.value === 'bigint'
      ? Number(BigInt.asUintN(64, limit.value))
      : size(target).max;
  return { cost: characters(size(target), 2), size: { min: 0, max } };
};

const joinedTexts: LibraryEstimate = (target, [separator], size) => {
  if (!target) return undefined;
  const count = size(target);
  const item = itemsOf(target);
  let total = item ? multiply(count, size(item)) : none;
  if (separator)
    total = add(
      total,
      multiply(size(separator), {
        min: Math.max(0, count.min - 1),
        max: Math.max(0, count.max - 1),
      }),
    );
  return { cost: characters(total), size: total };
};

const searched: LibraryEstimate = (target, [pattern], size) =>
  target &&
  pattern && {
    cost: multiply(characters(add(size(target), fixed(1))), scale(size(pattern), base.perPattern)),
    size: { min: 0, max: size(target).max },
  };

const addressSize: Estimate = { min: 4, max: 16 };
const addresses = characters(add(addressSize, addressSize));
const contained = (cost: Estimate, isText: boolean): LibraryEstimate => {
  return (_target, [first], size) =>
    first && { cost: isText ? add(cost, characters(size(first))) : cost };
};
const containsCidr = add(addresses, characters(addressSize), fixed(1));

const equality: LibraryEstimate = (_target, [a, b]) => {
  if (!a || !b || a.type.text !== b.type.text) return undefined;
  switch (a.type.text) {
    case 'net.IP':
    case 'net.CIDR':
    case 'kubernetes.Quantity':
    case 'kubernetes.Semver':
    case 'kubernetes.authorization.Authorizer':
    case 'kubernetes.authorization.PathCheck':
    case 'kubernetes.authorization.GroupCheck':
    case 'kubernetes.authorization.ResourceCheck':
    case 'kubernetes.authorization.Decision':
      return one;
    case 'kubernetes.NamedFormat':
      return { cost: characters({ min: 1, max: maxFormatSize }) };
    case 'kubernetes.URL':
      return { cost: characters({ min: 1, max: b.computed ? Math.max(1, b.computed.max) : 1 }) };
    default:
      return undefined;
  }
};

const each = (names: string, estimate: LibraryEstimate): Record<string, LibraryEstimate> =>
  Object.fromEntries(names.split(' ').map((name) => [name, estimate]));

const byName: Readonly<Record<string, LibraryEstimate>> = {
  check: () => ({ cost: fixed(350_000) }),
  ...each('fieldSelector labelSelector', selector),
  ...each('isSorted sum max min indexOf lastIndexOf', walked),
  ...each('url jsonpatch.escapeKey', (_target, args, size) => {
    const [first] = args;
    return first && args.length === 1
      ? { cost: characters(size(first)), size: size(first) }
      : undefined;
  }),
  ...each('lowerAscii upperAscii substring trim', readTarget),
  replace: replaced,
  split,
  join: joinedTexts,
  ...each('find findAll', searched),
  ...each('cidr isIP isCIDR quantity isQuantity semver isSemver', readFirst()),
  'ip.isCanonical': readFirst(2),
  validate: (_target, [first], size) =>
    first && {
      cost: scale(characters(size(first)), maxFormatPattern * base.perPattern),
    },
  ...each(
    'serviceAccount path group resource subresource namespace name allowed reason error errored ' +
      'masked prefixLength family isUnspecified isLoopback isLinkLocalMulticast ' +
      'isLinkLocalUnicast isGlobalUnicast format.named sign asInteger isInteger ' +
      'asApproximateFloat isGreaterThan isLessThan compareTo add sub major minor patch ' +
      'getScheme getHostname getHost getPort getEscapedPath getQuery',
    () => one,
  ),
  '_==_': equality,
};

/** A call that makes a list of a size, at a factor for each item. */
const madeList = (factor: number, size: Estimate): CallEstimate => ({
  cost: add(scale(size, factor), fixed(1), fixed(base.list)),
  size,
});

/** A literal whole number; another expression may be as much as the given one. */
function literalCount(operand: Operand | undefined, otherwise: number): number {
  const { expr } = operand ?? {};
  if (expr?.kind !== 'literal' || typeof expr.value !== 'bigint') return otherwise;
  return expr.value < 0n ? 0 : Number(expr.value);
}

const flattened: LibraryEstimate = (target, [depth], size) =>
  target && madeList(depth ? literalCount(depth, most) : 1, size(target));

const sliced: LibraryEstimate = (target, [start, end], size) => {
  if (!target) return undefined;
  const length = literalCount(end, size(target).max) - literalCount(start, 0);
  // Unsigned numbers do not go below nought.
  return madeList(1, fixed(length < 0 ? most : length));
};

/** Each item is compared with each: texts take longer. */
const squared = (type: string, of: 'target' | 'keys'): LibraryEstimate => {
  const factor = type === 'string' || type === 'bytes' ? 2 + base.perCharacter : 2;
  return (target, [keys], size) => {
    const list = of === 'target' ? target : keys;
    return list && madeList(factor, multiply(size(list), size(list)));
  };
};

const setOperation =
  (factor: number): LibraryEstimate =>
  (_target, [a, b], size) =>
    a && b && { cost: add(scale(multiply(size(a), size(b)), factor), fixed(1)) };

const sortable =
  'int uint double bool google.protobuf.Duration google.protobuf.Timestamp string bytes'.split(' ');

const byOverload: Readonly<Record<string, LibraryEstimate>> = {
  list_slice: sliced,
  list_flatten: flattened,
  list_flatten_int: flattened,
  lists_range: (_target, [end]) => madeList(1, fixed(literalCount(end, most))),
  list_reverse: (target, _args, size) => target && madeList(1, size(target)),
  list_distinct: squared('', 'target'),
  ...Object.fromEntries(
    sortable.flatMap((type) => [
      [`list_${type}_sort`, squared(type, 'target')],
      [`list_${type}_sortByAssociatedKeys`, squared(type, 'keys')],
    ]),
  ),
  list_sets_contains_list: setOperation(1),
  list_sets_intersects_list: setOperation(1),
  list_sets_equivalent_list: setOperation(2),
  cidr_ip: () => one,
  string_to_ip: readFirst(),
  cidr_contains_ip_string: contained(addresses, true),
  cidr_contains_ip_ip: contained(addresses, false),
  cidr_contains_cidr_string: contained(containsCidr, true),
  cidr_contains_cidr: contained(containsCidr, false),
};

/** The estimate that the libraries have for a call; undefined: they have none. */
export function libraryEstimate(
  name: string,
  overload: string,
  target: Operand | undefined,
  args: readonly Operand[],
  size: (operand: Operand) => Estimate,
): CallEstimate | undefined {
  const estimate = Object.hasOwn(byName, name) ? byName[name] : byOverload[overload];
  return estimate?.(target, args, size);
}
