import type { Duration, Timestamp } from '../language/values.ts';
import { Failure } from '../language/values.ts';
import type { Implementations } from '../language/interpreter.ts';

const units: Readonly<Record<string, bigint>> = {
  ns: 1n,
  us: 1_000n,
  µs: 1_000n,
  μs: 1_000n,
  ms: 1_000_000n,
  s: 1_000_000_000n,
  m: 60_000_000_000n,
  h: 3_600_000_000_000n,
};
const second = 1_000_000_000n;

/** A duration as Go writes it, in nanoseconds; undefined: it is none. */
export function durationNanos(text: string): bigint | undefined {
  const [, sign = '', rest = ''] = /^([+-]?)(.*)$/s.exec(text) ?? [];
  if (rest === '0') return 0n;
  if (!/^(?:(?:\d+\.?\d*|\.\d+)(?:ns|us|µs|μs|ms|s|m|h))+$/.test(rest)) return undefined;
  let total = 0n;
  for (const [, whole = '', fraction = '', unit = ''] of rest.matchAll(
    /(\d*)\.?(\d*)(ns|us|µs|μs|ms|s|m|h)/g,
  )) {
    const size = units[unit] ?? 1n;
    total += BigInt(whole === '' ? '0' : whole) * size;
    if (fraction !== '') total += (BigInt(fraction) * size) / 10n ** BigInt(fraction.length);
  }
  const signed = sign === '-' ? -total : total;
  return BigInt.asIntN(64, signed) === signed ? signed : undefined;
}

const monthDays = (year: number, month: number): number =>
  new Date(Date.UTC(2000 + (year % 400), month, 0)).getUTCDate();

/** A moment of RFC 3339, in nanoseconds; undefined: it is none. */
export function timestampNanos(text: string): bigint | undefined {
  const match =
    /^(\d{4})-(\d\d)-(\d\d)[Tt](\d\d):(\d\d):(\d\d)(?:[.,](\d+))?(?:[Zz]|([+-])(\d\d):(\d\d))$/.exec(
      text,
    );
  if (!match) return undefined;
  const [year, month, day, hour, minute, seconds] = match.slice(1, 7).map(Number) as [
    number,
    number,
    number,
    number,
    number,
    number,
  ];
  if (month < 1 || month > 12 || day < 1 || day > monthDays(year, month)) return undefined;
  if (hour > 23 || minute > 59 || seconds > 59) return undefined;
  const date = new Date(0);
  date.setUTCFullYear(year, month - 1, day);
  date.setUTCHours(hour, minute, seconds);
  const [, , , , , , , fraction = '', sign = '+', zoneHour = '0', zoneMinute = '0'] = match;
  const offset = BigInt(Number(zoneHour) * 3600 + Number(zoneMinute) * 60);
  const whole = BigInt(date.getTime() / 1000) - (sign === '-' ? -offset : offset);
  return whole * second + BigInt(fraction.slice(0, 9).padEnd(9, '0'));
}

/** A moment as RFC 3339 writes it, with as many digits as it has. */
export function timestampText({ nanos }: Timestamp): string {
  const seconds = floorDivide(nanos, second);
  const fraction = (nanos - seconds * second).toString().padStart(9, '0').replace(/0+$/, '');
  const text = new Date(Number(seconds) * 1000).toISOString().replace(/\.\d+Z$/, '');
  return `${text.replace(/^\+0*(\d{4})/, '$1')}${fraction === '' ? '' : `.${fraction}`}Z`;
}

export const durationText = ({ nanos }: Duration): string => `${Number(nanos) / 1e9}s`;

const floorDivide = (a: bigint, b: bigint): bigint => {
  const quotient = a / b;
  return a % b < 0n ? quotient - 1n : quotient;
};

/** The moment as a date whose UTC fields are those of the time zone. */
function zoned({ nanos }: Timestamp, zone = 'UTC'): Date | Failure {
  const ms = Number(floorDivide(nanos, 1_000_000n));
  if (zone === 'UTC' || zone === '' || zone === 'GMT' || zone === 'Etc/UTC') return new Date(ms);
  const offset = /^([+-]?)(\d\d):(\d\d)$/.exec(zone);
  if (!offset) return new Failure(`unknown time zone ${zone}`);
  const [, sign, hours = '0', minutes = '0'] = offset;
  const shift = (Number(hours) * 60 + Number(minutes)) * 60_000;
  return new Date(sign === '-' ? ms - shift : ms + shift);
}

const dayOfYear = (date: Date): number => {
  const first = new Date(date);
  first.setUTCMonth(0, 1);
  first.setUTCHours(0, 0, 0, 0);
  return Math.floor((date.getTime() - first.getTime()) / 86_400_000);
};

const parts: Readonly<Record<string, (date: Date) => number>> = {
  year: (date) => date.getUTCFullYear(),
  month: (date) => date.getUTCMonth(),
  day_of_year: dayOfYear,
  day_of_month: (date) => date.getUTCDate() - 1,
  day_of_month_1_based: (date) => date.getUTCDate(),
  day_of_week: (date) => date.getUTCDay(),
  hours: (date) => date.getUTCHours(),
  minutes: (date) => date.getUTCMinutes(),
  seconds: (date) => date.getUTCSeconds(),
  milliseconds: (date) => date.getUTCMilliseconds(),
};

function timestampParts(): Implementations {
  const own: Record<string, (value: Timestamp, zone?: string) => unknown> = {};
  for (const [name, of] of Object.entries(parts)) {
    const read = (value: Timestamp, zone?: string): bigint | Failure => {
      const date = zoned(value, zone);
      return date instanceof Failure ? date : BigInt(of(date));
    };
    own[`timestamp_to_${name}`] = read;
    own[`timestamp_to_${name}_${name === 'seconds' ? 'tz' : 'with_tz'}`] = read;
  }
  return own;
}

/** What moments and durations are asked for. */
export const times: Implementations = {
  ...timestampParts(),
  duration_to_hours: ({ nanos }: Duration) => nanos / 3_600_000_000_000n,
  duration_to_minutes: ({ nanos }: Duration) => nanos / 60_000_000_000n,
  duration_to_seconds: ({ nanos }: Duration) => nanos / second,
  duration_to_milliseconds: ({ nanos }: Duration) => nanos / 1_000_000n,
};
