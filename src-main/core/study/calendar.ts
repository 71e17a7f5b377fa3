import type { StudyClock } from './ports.ts';

const minuteMs = 60_000;
export const dayMs = 86_400_000;
/** A study day begins at four in the morning, local time: who learns after midnight is still in yesterday. */
const boundaryMs = 4 * 3_600_000;

/** Number of the study day that a moment lies in; consecutive days have consecutive numbers. */
export function studyDay(clock: StudyClock, atMs: number): number {
  return Math.floor((atMs + clock.offsetMinutes(atMs) * minuteMs - boundaryMs) / dayMs);
}

/** When a study day begins, ms since the epoch. */
export function startOfDay(clock: StudyClock, day: number): number {
  const local = day * dayMs + boundaryMs;
  const guess = local - clock.offsetMinutes(local) * minuteMs;
  // Around a change of daylight saving time the first guess used the other side's offset.
  return local - clock.offsetMinutes(guess) * minuteMs;
}

/** `YYYY-MM-DD` of a study day. */
export function dayName(day: number): string {
  return new Date(day * dayMs).toISOString().slice(0, 10);
}

/** The day a `YYYY-MM-DD` names; undefined when there is no such date. */
export function dayNumber(name: string): number | undefined {
  if (!/^\d{4}-\d\d-\d\d$/.test(name)) return undefined;
  const time = Date.parse(`${name}T00:00:00Z`);
  if (Number.isNaN(time)) return undefined;
  const day = time / dayMs;
  return dayName(day) === name ? day : undefined;
}
