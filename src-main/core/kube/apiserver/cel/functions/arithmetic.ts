import { compare } from '../language/compare.ts';
import type { Implementations } from '../language/interpreter.ts';
import type { CelMap } from '../language/values.ts';
import {
  Duration,
  equal,
  Failure,
  isKey,
  joinLists,
  LiteralMap,
  Timestamp,
  typeNameOf,
  TypeValue,
  Uint,
} from '../language/values.ts';

const intOverflow = new Failure('integer overflow');
const uintOverflow = new Failure('unsigned integer overflow');
const durationOverflow = new Failure('duration overflow');
const timestampOverflow = new Failure('timestamp overflow');
const divisionByZero = new Failure('division by zero');
const modulusByZero = new Failure('modulus by zero');
const noOrder = new Failure('NaN values cannot be ordered');

const int = (value: bigint): bigint | Failure =>
  BigInt.asIntN(64, value) === value ? value : intOverflow;
const uint = (value: bigint): Uint | Failure =>
  value >= 0n && BigInt.asUintN(64, value) === value ? new Uint(value) : uintOverflow;
const span = (nanos: bigint): Duration | Failure =>
  BigInt.asIntN(64, nanos) === nanos ? new Duration(nanos) : durationOverflow;

const second = 1_000_000_000n;
/** From year 1 to year 9999. */
const [firstSecond, lastSecond] = [-62_135_596_800n, 253_402_300_799n];

/** A moment CEL can hold. */
export const moment = (nanos: bigint): Timestamp | Failure =>
  nanos < firstSecond * second || nanos >= (lastSecond + 1n) * second
    ? timestampOverflow
    : new Timestamp(nanos);

type Whole = (a: bigint, b: bigint) => bigint | Failure;

function forIntegers(name: string, run: Whole): Implementations {
  const checked =
    <T>(wrap: (value: bigint) => T) =>
    (a: bigint, b: bigint): T | Failure => {
      const value = run(a, b);
      return value instanceof Failure ? value : wrap(value);
    };
  const unsigned = checked(uint);
  return {
    [`${name}_int64`]: checked(int),
    [`${name}_uint64`]: (a: Uint, b: Uint) => unsigned(a.value, b.value),
  };
}

/** Each pair of types that has an order has an overload. */
function comparisons(): Implementations {
  const tests: Readonly<Record<string, (order: number) => boolean>> = {
    less: (order) => order < 0,
    less_equals: (order) => order <= 0,
    greater: (order) => order > 0,
    greater_equals: (order) => order >= 0,
  };
  const types = (
    'bool int64 int64_double int64_uint64 uint64 uint64_double uint64_int64 double double_int64 ' +
    'double_uint64 string bytes timestamp duration'
  ).split(' ');
  const own: Record<string, (a: unknown, b: unknown) => unknown> = {};
  for (const [name, test] of Object.entries(tests))
    for (const type of types)
      own[`${name}_${type}`] = (a, b) => {
        const order = compare(a, b) ?? NaN;
        return Number.isNaN(order) ? noOrder : test(order);
      };
  return own;
}

const isIn = (item: unknown, list: readonly unknown[]): boolean =>
  list.some((each) => equal(item, each));

/** Operators of numbers, texts, lists, maps and times. */
export const arithmetic: Implementations = {
  logical_not: (value: boolean) => !value,
  negate_int64: (value: bigint) => int(-value),
  negate_double: (value: number) => -value,
  in_list: isIn,
  in_map: (key: unknown, map: CelMap) => map.has(key),
  ...forIntegers('add', (a, b) => a + b),
  ...forIntegers('subtract', (a, b) => a - b),
  ...forIntegers('multiply', (a, b) => a * b),
  ...forIntegers('divide', (a, b) => (b === 0n ? divisionByZero : a / b)),
  ...forIntegers('modulo', (a, b) => (b === 0n ? modulusByZero : a % b)),
  add_double: (a: number, b: number) => a + b,
  subtract_double: (a: number, b: number) => a - b,
  multiply_double: (a: number, b: number) => a * b,
  divide_double: (a: number, b: number) => a / b,
  add_string: (a: string, b: string) => a + b,
  add_bytes: (a: Uint8Array, b: Uint8Array) => Uint8Array.from([...a, ...b]),
  add_list: joinLists,
  add_duration_duration: (a: Duration, b: Duration) => span(a.nanos + b.nanos),
  add_duration_timestamp: (a: Duration, b: Timestamp) => moment(a.nanos + b.nanos),
  add_timestamp_duration: (a: Timestamp, b: Duration) => moment(a.nanos + b.nanos),
  subtract_duration_duration: (a: Duration, b: Duration) => span(a.nanos - b.nanos),
  subtract_timestamp_duration: (a: Timestamp, b: Duration) => moment(a.nanos - b.nanos),
  subtract_timestamp_timestamp: (a: Timestamp, b: Timestamp) => span(a.nanos - b.nanos),
  ...comparisons(),
  type: (value: unknown) => new TypeValue(typeNameOf(value)),
  to_dyn: (value: unknown) => value,
  '@mapInsert_map_key_value': (map: CelMap, key: unknown, value: unknown) =>
    inserted(map, [[key, value]]),
  '@mapInsert_map_map': (map: CelMap, more: CelMap) => inserted(map, more.entries()),
};

function inserted(map: CelMap, more: (readonly [unknown, unknown])[]): CelMap | Failure {
  for (const [key] of more) {
    const shown = key instanceof Uint ? key.value : (key as string);
    if (map.get(key) !== undefined)
      return new Failure(`insert failed: key ${shown} already exists`);
    if (!isKey(key)) return new Failure('unsupported key type');
  }
  return new LiteralMap([...map.entries(), ...more]);
}
