import {
  CelMap,
  Duration,
  Failure,
  Timestamp,
  typeNameOf,
  TypeValue,
  Uint,
} from '../language/values.ts';
import { doubleText } from './conversions.ts';
import { durationText, timestampText } from './times.ts';

/** `'%d of %s'.format([1, 'x'])`. @see cel-go/ext/formatting.go */
export function formatText(pattern: string, values: readonly unknown[]): string | Failure {
  let text = '';
  let next = 0;
  for (let at = 0; at < pattern.length;) {
    if (pattern[at] !== '%') {
      text += pattern.charAt(at);
      at += 1;
      continue;
    }
    if (pattern[at + 1] === '%') {
      text += '%';
      at += 2;
      continue;
    }
    if (next >= values.length) return new Failure(`index ${next} out of range`);
    if (at + 1 >= pattern.length) return new Failure('unexpected end of string');
    const [all = '', , digits, verb = ''] = /^%(\.(\d*))?([^])?/u.exec(pattern.slice(at)) ?? [];
    const precision = digits === undefined ? 6 : Number(digits);
    const shown = clause(verb, values[next++], precision);
    if (shown instanceof Failure) return shown;
    text += shown;
    at += all.length;
  }
  return text;
}

const during = (message: string): Failure => new Failure(`error during formatting: ${message}`);

const only = (verb: string, types: string, value: unknown): Failure =>
  during(`${verb} clause can only be used on ${types}, was given ${typeNameOf(value)}`);

function clause(verb: string, value: unknown, precision: number): string | Failure {
  const whole = value instanceof Uint ? value.value : typeof value === 'bigint' ? value : undefined;
  switch (verb) {
    case 's':
      return plainText(value, false) ?? noText(value);
    case 'd':
      return whole === undefined ? only('decimal', 'integers', value) : String(whole);
    case 'f':
      return realText(value, 'fixed-point', (number) => number.toFixed(precision));
    case 'e':
      return realText(value, 'scientific', (number) =>
        scientificText(number.toExponential(precision)),
      );
    case 'b':
      if (typeof value === 'boolean') return value ? '1' : '0';
      return whole === undefined ? only('binary', 'integers and bools', value) : whole.toString(2);
    case 'o':
      return whole === undefined ? only('octal', 'integers', value) : whole.toString(8);
    case 'x':
    case 'X': {
      const hex = whole === undefined ? hexOf(value) : whole.toString(16);
      if (hex === undefined) return only('hex', 'integers, byte buffers, and strings', value);
      return verb === 'X' ? hex.toUpperCase() : hex;
    }
    default:
      return new Failure(
        `could not parse formatting clause: unrecognized formatting clause "${verb}"`,
      );
  }
}

const superscripts = ['⁰', '¹', '²', '³', '⁴', '⁵', '⁶', '⁷', '⁸', '⁹'];

/** `1.5e+4` as `1.5×10⁰⁴`. */
function scientificText(text: string): string {
  const [, digits = '', sign = '', exponent = ''] = /^(.*)e([+-])(\d+)$/.exec(text) ?? [];
  const raised = [...exponent.padStart(2, '0')]
    .map((digit) => superscripts[Number(digit)])
    .join('');
  return `${digits}×10${sign === '-' ? '⁻' : ''}${raised}`;
}

function hexOf(value: unknown): string | undefined {
  const bytes = typeof value === 'string' ? new TextEncoder().encode(value) : value;
  if (!(bytes instanceof Uint8Array)) return undefined;
  return [...bytes].map((byte) => byte.toString(16).padStart(2, '0')).join('');
}

function realText(
  value: unknown,
  name: string,
  shown: (value: number) => string,
): string | Failure {
  const number =
    typeof value === 'string' && /^(?:NaN|-?Infinity)$/.test(value) ? Number(value) : value;
  if (typeof number !== 'number') return only(name, 'doubles', value);
  if (Number.isNaN(number)) return 'NaN';
  if (!Number.isFinite(number)) return number > 0 ? '∞' : '-∞';
  return shown(number);
}

const noText = (value: unknown): Failure =>
  during(
    `string clause can only be used on strings, bools, bytes, ints, doubles, maps, lists, types, durations, and timestamps, was given ${typeNameOf(value)}`,
  );

/** A value as `%s` shows it; within lists and maps some are quoted. Undefined: it has no text. */
function plainText(value: unknown, inside: boolean): string | undefined {
  const quoted = (text: string): string => (inside ? `"${text}"` : text);
  if (typeof value === 'string') return quoted(value);
  if (typeof value === 'boolean' || typeof value === 'bigint') return String(value);
  if (typeof value === 'number') return inside ? value.toFixed(6) : doubleText(value);
  if (value === null) return 'null';
  if (value instanceof Uint) return String(value.value);
  if (value instanceof TypeValue) return value.name;
  if (value instanceof Timestamp)
    return inside ? `timestamp("${timestampText(value)}")` : timestampText(value);
  if (value instanceof Duration)
    return inside ? `duration("${durationText(value)}")` : durationText(value);
  if (value instanceof Uint8Array) return quoted(new TextDecoder().decode(value));
  if (Array.isArray(value)) {
    const items = value.map((item) => plainText(item, true));
    return items.includes(undefined) ? undefined : `[${items.join(', ')}]`;
  }
  if (!(value instanceof CelMap)) return undefined;
  const entries = value
    .entries()
    .map(([key, item]) => [plainText(key, true), plainText(item, true)] as const);
  if (entries.some(([key, item]) => key === undefined || item === undefined)) return undefined;
  return `{${entries
    .map(([key, item]) => `${key ?? ''}:${item ?? ''}`)
    .sort()
    .join(', ')}}`;
}
