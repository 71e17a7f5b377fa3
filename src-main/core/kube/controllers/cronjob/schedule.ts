/** When a cron schedule fires. */
export interface Schedule {
  /** The first time after `afterMs`, ms since the epoch; undefined when there is none within five years. */
  next(afterMs: number): number | undefined;
}

interface Field {
  readonly values: ReadonlySet<number>;
  /** Written as `*` or `?`: days of month and week then do not widen each other. */
  readonly isStar: boolean;
}

const minuteMs = 60_000;
const dayMs = 86_400_000;
const monthNames = 'jan feb mar apr may jun jul aug sep oct nov dec'.split(' ');
const dayNames = 'sun mon tue wed thu fri sat'.split(' ');
const descriptors: Readonly<Record<string, string>> = {
  '@yearly': '0 0 1 1 *',
  '@annually': '0 0 1 1 *',
  '@monthly': '0 0 1 * *',
  '@weekly': '0 0 * * 0',
  '@daily': '0 0 * * *',
  '@midnight': '0 0 * * *',
  '@hourly': '0 * * * *',
};

/**
 * Reads a cron schedule as CronJobs have it.
 *
 * @param timeZone IANA name; absent: UTC, the zone of the controller manager.
 * @throws Error with robfig/cron's text.
 * @see github.com/robfig/cron parser.go, spec.go
 */
export function parseSchedule(text: string, timeZone?: string): Schedule {
  let spec = text.trim();
  let zone = timeZone;
  const prefix = /^(?:CRON_)?TZ=(\S+)\s+(.*)$/.exec(spec);
  if (prefix) [, zone = '', spec = ''] = prefix;
  if (spec === '') throw new Error('empty spec string');
  if (spec.startsWith('@every ')) return everySchedule(spec.slice('@every '.length));
  if (spec.startsWith('@')) {
    const known = descriptors[spec];
    if (known === undefined) throw new Error(`unrecognized descriptor: ${spec}`);
    spec = known;
  }
  const parts = spec.split(/\s+/);
  if (parts.length !== 5)
    throw new Error(`expected exactly 5 fields, found ${parts.length}: [${parts.join(' ')}]`);
  const [minute = '', hour = '', day = '', month = '', weekday = ''] = parts;
  const fields = {
    minute: parseField(minute, 0, 59),
    hour: parseField(hour, 0, 23),
    day: parseField(day, 1, 31),
    month: parseField(month, 1, 12, monthNames, 1),
    weekday: parseField(weekday, 0, 6, dayNames, 0),
  };
  const offset = offsetOf(zone);
  return { next: (afterMs) => nextTime(fields, afterMs, offset) };
}

/** Whether the host knows a time zone. */
export function isTimeZone(name: string): boolean {
  try {
    new Intl.DateTimeFormat('en-US', { timeZone: name });
    return true;
  } catch {
    return false;
  }
}

function everySchedule(text: string): Schedule {
  let totalMs = 0;
  const units: Readonly<Record<string, number>> = { h: 3_600_000, m: minuteMs, s: 1000, ms: 1 };
  for (const [, count, unit = ''] of text.matchAll(/(\d+(?:\.\d+)?)(ms|h|m|s)/g))
    totalMs += Number(count) * (units[unit] ?? 0);
  if (totalMs === 0)
    throw new Error(`failed to parse duration @every ${text}: time: invalid duration "${text}"`);
  const periodMs = Math.max(1000, Math.floor(totalMs / 1000) * 1000);
  return { next: (afterMs) => Math.floor(afterMs / 1000) * 1000 + periodMs };
}

function parseField(
  text: string,
  min: number,
  max: number,
  names: readonly string[] = [],
  base = 0,
): Field {
  const values = new Set<number>();
  let isStar = false;
  const numberOf = (part: string): number => {
    const named = names.indexOf(part.toLowerCase());
    if (named >= 0) return named + base;
    if (!/^\d+$/.test(part))
      throw new Error(
        `failed to parse int from ${part}: strconv.Atoi: parsing "${part}": invalid syntax`,
      );
    return Number(part);
  };
  for (const expression of text.split(',')) {
    const [range = '', stepText, extra] = expression.split('/');
    if (extra !== undefined) throw new Error(`too many slashes: ${expression}`);
    const [low = '', high, tooMuch] = range.split('-');
    if (tooMuch !== undefined) throw new Error(`too many hyphens: ${expression}`);
    let [start, end] = [min, max];
    if (low === '*' || low === '?') {
      if (stepText === undefined || stepText === '1') isStar = true;
    } else {
      start = numberOf(low);
      end = high === undefined ? (stepText === undefined ? start : max) : numberOf(high);
    }
    const step = stepText === undefined ? 1 : numberOf(stepText);
    if (start < min)
      throw new Error(`beginning of range (${start}) below minimum (${min}): ${expression}`);
    if (end > max) throw new Error(`end of range (${end}) above maximum (${max}): ${expression}`);
    if (start > end)
      throw new Error(`beginning of range (${start}) beyond end of range (${end}): ${expression}`);
    if (step === 0) throw new Error(`step of range should be a positive number: ${expression}`);
    for (let value = start; value <= end; value += step) values.add(value);
  }
  return { values, isStar };
}

function nextTime(
  fields: Readonly<Record<'minute' | 'hour' | 'day' | 'month' | 'weekday', Field>>,
  afterMs: number,
  offset: (ms: number) => number,
): number | undefined {
  const { minute, hour, day, month, weekday } = fields;
  let localMs = (Math.floor((afterMs + offset(afterMs)) / minuteMs) + 1) * minuteMs;
  const limitMs = localMs + 5 * 366 * dayMs;
  while (localMs < limitMs) {
    const date = new Date(localMs);
    if (!month.values.has(date.getUTCMonth() + 1)) {
      localMs = Date.UTC(date.getUTCFullYear(), date.getUTCMonth() + 1, 1);
      continue;
    }
    const onDay = day.values.has(date.getUTCDate());
    const onWeekday = weekday.values.has(date.getUTCDay());
    const matchesDay = day.isStar || weekday.isStar ? onDay && onWeekday : onDay || onWeekday;
    if (!matchesDay) {
      localMs = (Math.floor(localMs / dayMs) + 1) * dayMs;
      continue;
    }
    if (!hour.values.has(date.getUTCHours())) {
      localMs = (Math.floor(localMs / 3_600_000) + 1) * 3_600_000;
      continue;
    }
    if (!minute.values.has(date.getUTCMinutes())) {
      localMs += minuteMs;
      continue;
    }
    const utcMs = localMs - offset(localMs - offset(localMs));
    // A time the clocks skip does not exist; one they repeat comes once.
    if (utcMs > afterMs && utcMs + offset(utcMs) === localMs) return utcMs;
    localMs += minuteMs;
  }
  return undefined;
}

/** Local time minus UTC at an instant, ms. */
function offsetOf(zone: string | undefined): (ms: number) => number {
  if (zone === undefined || zone === 'UTC' || zone === 'Etc/UTC') return () => 0;
  const format = new Intl.DateTimeFormat('en-US', {
    timeZone: zone,
    hourCycle: 'h23',
    year: 'numeric',
    month: 'numeric',
    day: 'numeric',
    hour: 'numeric',
    minute: 'numeric',
    second: 'numeric',
  });
  return (ms) => {
    const parts = Object.fromEntries(
      format.formatToParts(ms).map(({ type, value }) => [type, Number(value)]),
    );
    const local = Date.UTC(
      parts['year'] ?? 0,
      (parts['month'] ?? 1) - 1,
      parts['day'],
      parts['hour'],
      parts['minute'],
      parts['second'],
    );
    return local - Math.floor(ms / 1000) * 1000;
  };
}

/** What has been missed since the last start. @throws Error the schedule never comes. @see cronjob/utils.go, mostRecentScheduleTime */
export function missedSchedule(
  schedule: Schedule,
  earliestMs: number,
  nowMs: number,
): { readonly lastMs?: number; readonly isMany: boolean } {
  const first = schedule.next(earliestMs);
  // The 31st of February.
  if (first === undefined)
    throw new Error('time difference between two schedules is less than 1 second');
  if (first > nowMs) return { isMany: false };
  const second = schedule.next(first);
  if (second === undefined || second > nowMs) return { lastMs: first, isMany: false };
  const estimate = (nowMs - first) / (second - first) + 1;
  // A long stop with a dense schedule: look back from now instead of counting up from then.
  let lastMs = first;
  for (let spanMs = 2 * (second - first); estimate > 100; spanMs *= 4) {
    const candidate = schedule.next(Math.max(first, nowMs - spanMs));
    if (candidate === undefined || candidate > nowMs) continue;
    lastMs = candidate;
    break;
  }
  for (let next = schedule.next(lastMs); next !== undefined && next <= nowMs;) {
    lastMs = next;
    next = schedule.next(lastMs);
  }
  return { lastMs, isMany: estimate > 100 };
}
