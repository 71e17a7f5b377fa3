import { quoted } from '#core/base';

const second = 1000;
const minute = 60 * second;
const hour = 60 * minute;

/** `5d`, with the smaller unit added when it is not zero: `5d3h`. */
const pair = (big: number, bigUnit: string, small: number, smallUnit: string): string =>
  small === 0 ? `${big}${bigUnit}` : `${big}${bigUnit}${small}${smallUnit}`;

/**
 * A span of time in two or three digits, as tables print it: `95s`, `2m30s`, `3h`, `5d`. Clocks may differ by two seconds.
 * @param ms milliseconds
 * @see k8s.io/apimachinery/pkg/util/duration/duration.go
 */
export function humanDuration(ms: number): string {
  const seconds = Math.trunc(ms / second);
  if (seconds < -1) return '<invalid>';
  if (seconds < 0) return '0s';
  if (seconds < 120) return `${seconds}s`;
  const minutes = Math.trunc(ms / minute);
  if (minutes < 10) return pair(minutes, 'm', seconds % 60, 's');
  if (minutes < 180) return `${minutes}m`;
  const hours = Math.trunc(ms / hour);
  if (hours < 8) return pair(hours, 'h', minutes % 60, 'm');
  if (hours < 48) return `${hours}h`;
  const days = Math.trunc(hours / 24);
  if (hours < 24 * 8) return pair(days, 'd', hours % 24, 'h');
  if (hours < 24 * 365 * 2) return `${days}d`;
  const years = Math.trunc(days / 365);
  return hours < 24 * 365 * 8 ? pair(years, 'y', days % 365, 'd') : `${years}y`;
}

/** A duration as Go prints it: `1m30s`, `500ms`, `0s`. */
export function formatDuration(ms: number): string {
  if (ms === 0) return '0s';
  const sign = ms < 0 ? '-' : '';
  const span = Math.abs(ms);
  if (span < second) return `${sign}${span}ms`;
  const hours = Math.floor(span / hour);
  const minutes = Math.floor((span % hour) / minute);
  const seconds = `${Number(((span % minute) / second).toFixed(9))}s`;
  if (hours > 0) return `${sign}${hours}h${minutes}m${seconds}`;
  return minutes > 0 ? `${sign}${minutes}m${seconds}` : `${sign}${seconds}`;
}

const unitMs: Readonly<Record<string, number>> = {
  ns: 1e-6,
  us: 1e-3,
  µs: 1e-3,
  μs: 1e-3,
  ms: 1,
  s: second,
  m: minute,
  h: hour,
};

/** Milliseconds of a duration as Go writes it; undefined when the text is none. */
export function parseDuration(text: string): number | undefined {
  const read = readDuration(text);
  return typeof read === 'number' ? read : undefined;
}

/** What Go says of a text that is no duration; undefined of one that is. */
export function durationFault(text: string): string | undefined {
  const read = readDuration(text);
  return typeof read === 'number' ? undefined : read.fault;
}

/** Go counts nanoseconds in 63 bits. */
const longestMs = 2 ** 63 / 1e6;

/** @see Go's time.ParseDuration */
function readDuration(text: string): number | { readonly fault: string } {
  const invalid = { fault: `time: invalid duration ${quoted(text)}` };
  const sign = /^[+-]/.exec(text)?.[0] ?? '';
  let rest = text.slice(sign.length);
  if (rest === '0') return 0;
  if (rest === '') return invalid;
  let total = 0;
  while (rest !== '') {
    const [, amount = ''] = /^(\d+(?:\.\d*)?|\.\d+)/.exec(rest) ?? [];
    if (amount === '') return invalid;
    const [unit = ''] = /^[^\d.]*/.exec(rest.slice(amount.length)) ?? [];
    if (unit === '') return { fault: `time: missing unit in duration ${quoted(text)}` };
    const ms = Object.hasOwn(unitMs, unit) ? unitMs[unit] : undefined;
    if (ms === undefined)
      return { fault: `time: unknown unit ${quoted(unit)} in duration ${quoted(text)}` };
    total += Number(amount) * ms;
    rest = rest.slice(amount.length + unit.length);
  }
  if (total > longestMs) return invalid;
  return sign === '-' ? -total : total;
}
