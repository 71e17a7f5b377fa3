/** A field's bounds, and the names it knows. */
interface Bounds {
  readonly min: number;
  readonly max: number;
  readonly names?: readonly string[];
}

const months = ['jan', 'feb', 'mar', 'apr', 'may', 'jun', 'jul', 'aug', 'sep', 'oct', 'nov', 'dec'];
const days = ['sun', 'mon', 'tue', 'wed', 'thu', 'fri', 'sat'];
const fields: readonly Bounds[] = [
  { min: 0, max: 59 },
  { min: 0, max: 23 },
  { min: 1, max: 31 },
  { min: 1, max: 12, names: months },
  { min: 0, max: 6, names: days },
];
const descriptors = new Set([
  '@yearly',
  '@annually',
  '@monthly',
  '@weekly',
  '@daily',
  '@midnight',
  '@hourly',
]);

class ScheduleError extends Error {}

function parseNumber(text: string, { names, min }: Bounds): number {
  const index = names?.indexOf(text.toLowerCase()) ?? -1;
  return index >= 0 ? index + min : parseInteger(text);
}

function parseInteger(text: string): number {
  if (!/^[+-]?\d+$/.test(text)) {
    const quoted = JSON.stringify(text);
    throw new ScheduleError(
      `failed to parse int from ${text}: strconv.Atoi: parsing ${quoted}: invalid syntax`,
    );
  }
  const value = Number(text);
  if (value < 0) throw new ScheduleError(`negative number (${value}) not allowed: ${text}`);
  return value;
}

function checkRange(text: string, bounds: Bounds): void {
  const [range = '', stepText, ...rest] = text.split('/');
  const [low = '', high, ...more] = range.split('-');
  let start = bounds.min;
  let end = bounds.max;
  if (low !== '*' && low !== '?') {
    start = parseNumber(low, bounds);
    end = high === undefined ? start : parseNumber(high, bounds);
    if (more.length > 0) throw new ScheduleError(`too many hyphens: ${text}`);
  }
  let step = 1;
  if (rest.length > 0) throw new ScheduleError(`too many slashes: ${text}`);
  if (stepText !== undefined) {
    step = parseInteger(stepText);
    if (high === undefined) end = bounds.max;
  }
  if (start < bounds.min) {
    throw new ScheduleError(`beginning of range (${start}) below minimum (${bounds.min}): ${text}`);
  }
  if (end > bounds.max) {
    throw new ScheduleError(`end of range (${end}) above maximum (${bounds.max}): ${text}`);
  }
  if (start > end) {
    throw new ScheduleError(`beginning of range (${start}) beyond end of range (${end}): ${text}`);
  }
  if (step === 0) {
    throw new ScheduleError(`step of range should be a positive number: ${text}`);
  }
}

function check(schedule: string): void {
  let spec = schedule;
  if (/^(CRON_)?TZ=/.test(spec)) spec = spec.slice(spec.indexOf(' ')).trim();
  if (spec.startsWith('@')) {
    const duration = /^@every (.*)$/.exec(spec)?.[1];
    if (duration !== undefined) {
      if (!/^(\d+(\.\d+)?(ns|us|µs|ms|s|m|h))+$/.test(duration)) {
        const quoted = JSON.stringify(duration);
        throw new ScheduleError(
          `failed to parse duration ${spec}: time: invalid duration ${quoted}`,
        );
      }
    } else if (!descriptors.has(spec)) {
      throw new ScheduleError(`unrecognized descriptor: ${spec}`);
    }
    return;
  }
  const parts = spec.split(/\s+/).filter((part) => part !== '');
  if (parts.length !== 5) {
    throw new ScheduleError(
      `expected exactly 5 fields, found ${parts.length}: [${parts.join(' ')}]`,
    );
  }
  fields.forEach((bounds, index) => {
    for (const range of (parts[index] ?? '').split(',')) {
      if (range !== '') checkRange(range, bounds);
    }
  });
}

/**
 * What is wrong with a CronJob's schedule, in the words of the parser Kubernetes uses; nothing when all is well.
 * @see github.com/robfig/cron/v3/parser.go
 */
export function cronScheduleError(schedule: string): string | undefined {
  try {
    check(schedule);
    return undefined;
  } catch (error) {
    if (error instanceof ScheduleError) return error.message;
    throw error;
  }
}
