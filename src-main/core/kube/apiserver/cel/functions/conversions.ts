import type { Implementations } from '../language/interpreter.ts';
import type { Timestamp } from '../language/values.ts';
import { Duration, Failure, Uint } from '../language/values.ts';
import { moment } from './arithmetic.ts';
import { durationNanos, durationText, timestampNanos, timestampText } from './times.ts';

const same = (value: unknown): unknown => value;
const conversionError = (from: string, to: string): Failure =>
  new Failure(`type conversion error from '${from}' to '${to}'`);
const intOverflow = new Failure('integer overflow');
const uintOverflow = new Failure('unsigned integer overflow');
const range = { int: 2 ** 63, uint: 2 ** 64 };
const second = 1_000_000_000n;

/** A number as Go's `%g` with the shortest digits writes it. */
export function doubleText(value: number): string {
  if (Number.isNaN(value)) return 'NaN';
  if (!Number.isFinite(value)) return value > 0 ? '+Inf' : '-Inf';
  if (Object.is(value, -0)) return '-0';
  const size = Math.abs(value);
  if (size !== 0 && (size < 1e-4 || size >= 1e21))
    return value.toExponential().replace(/e([+-])(\d)$/, 'e$10$2');
  return String(value);
}

function parseDouble(text: string): number | undefined {
  if (/^[+-]?(?:inf|infinity)$/i.test(text)) return text.startsWith('-') ? -Infinity : Infinity;
  if (/^nan$/i.test(text)) return NaN;
  return /^[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?$/.test(text) ? Number(text) : undefined;
}

const bools: Readonly<Record<string, boolean>> = {
  ...{ '1': true, t: true, T: true, TRUE: true, true: true, True: true },
  ...{ '0': false, f: false, F: false, FALSE: false, false: false, False: false },
};

const timestampError = conversionError('string', 'google.protobuf.Timestamp');

/** `int()`, `string()` and their like. */
export const conversions: Implementations = {
  ...Object.fromEntries(
    (
      'bool_to_bool bytes_to_bytes double_to_double duration_to_duration int64_to_int64 ' +
      'string_to_string timestamp_to_timestamp uint64_to_uint64'
    )
      .split(' ')
      .map((id) => [id, same]),
  ),
  string_to_bool: (text: string) =>
    (Object.hasOwn(bools, text) ? bools[text] : undefined) ?? conversionError('string', 'bool'),
  string_to_bytes: (text: string) => new TextEncoder().encode(text),
  bytes_to_string: (value: Uint8Array) => {
    try {
      return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(value);
    } catch {
      return new Failure('invalid UTF-8 in bytes, cannot convert to string');
    }
  },
  int64_to_double: (value: bigint) => Number(value),
  uint64_to_double: ({ value }: Uint) => Number(value),
  string_to_double: (text: string) => parseDouble(text) ?? conversionError('string', 'double'),
  int64_to_duration: (value: bigint) => new Duration(value * second),
  string_to_duration: (text: string) => {
    const nanos = durationNanos(text);
    return nanos === undefined
      ? conversionError('string', 'google.protobuf.Duration')
      : new Duration(nanos);
  },
  double_to_int64: (value: number) =>
    Number.isNaN(value) || value >= range.int || value <= -range.int
      ? intOverflow
      : BigInt(Math.trunc(value)),
  duration_to_int64: ({ nanos }: Duration) => nanos,
  timestamp_to_int64: ({ nanos }: Timestamp) =>
    nanos % second < 0n ? nanos / second - 1n : nanos / second,
  uint64_to_int64: ({ value }: Uint) => (BigInt.asIntN(64, value) === value ? value : intOverflow),
  string_to_int64: (text: string) => {
    const value = /^[+-]?\d+$/.test(text) ? BigInt(text.replace(/^\+/, '')) : undefined;
    return value === undefined || BigInt.asIntN(64, value) !== value
      ? conversionError('string', 'int')
      : value;
  },
  double_to_uint64: (value: number) =>
    Number.isNaN(value) || value < 0 || value >= range.uint
      ? uintOverflow
      : new Uint(BigInt(Math.trunc(value))),
  int64_to_uint64: (value: bigint) => (value < 0n ? uintOverflow : new Uint(value)),
  string_to_uint64: (text: string) => {
    const value = /^\d+$/.test(text) ? BigInt(text) : undefined;
    return value === undefined || BigInt.asUintN(64, value) !== value
      ? conversionError('string', 'uint')
      : new Uint(value);
  },
  int64_to_timestamp: (value: bigint) => moment(value * second),
  string_to_timestamp: (text: string) => {
    const nanos = timestampNanos(text);
    return nanos === undefined ? timestampError : moment(nanos);
  },
  bool_to_string: (value: boolean) => String(value),
  int64_to_string: (value: bigint) => String(value),
  uint64_to_string: ({ value }: Uint) => String(value),
  double_to_string: doubleText,
  duration_to_string: durationText,
  timestamp_to_string: timestampText,
};
