import { dayName, startOfDay, studyDay } from './calendar.ts';
import type { PracticeTask, StudyClock } from './ports.ts';
import type { Scheduler } from './scheduler.ts';
import { type Card, type Domain, domainNames, domains, type MemoryState } from './types.ts';

export interface DomainReadiness {
  readonly domain: Domain;
  readonly weight: number;
  readonly readiness: number | null;
  readonly cardsSeen: number;
  readonly cardsTotal: number;
  readonly tasksSolved: number;
  readonly tasksTotal: number;
}

/** Score from which a task counts as solved. */
const solvedScore = 1;

/**
 * For each domain the chance, today, to recall its cards and to do its tasks, half and half where there are
 * both; what was never tried counts as not known. Null where nothing was tried.
 */
export function readinessOf(
  cards: readonly Card[],
  memories: ReadonlyMap<string, MemoryState>,
  tasks: readonly PracticeTask[],
  scheduler: Scheduler,
  nowMs: number,
): readonly DomainReadiness[] {
  return domainNames.map((domain) => {
    const ofDomain = cards.filter((card) => card.domain === domain);
    const seen = ofDomain.flatMap(({ cardId }) => memories.get(cardId) ?? []);
    const recall = seen.reduce((sum, memory) => sum + scheduler.retrievability(memory, nowMs), 0);
    const own = tasks.filter((task) => task.domain === domain);
    const scores = own.flatMap(({ bestScore }) => bestScore ?? []);
    const parts = [
      ...(ofDomain.length > 0 ? [recall / ofDomain.length] : []),
      ...(own.length > 0 ? [scores.reduce((sum, score) => sum + score, 0) / own.length] : []),
    ];
    const tried = seen.length + scores.length > 0;
    return {
      domain,
      weight: domains[domain].weight,
      readiness: tried ? parts.reduce((sum, part) => sum + part, 0) / parts.length : null,
      cardsSeen: seen.length,
      cardsTotal: ofDomain.length,
      tasksSolved: scores.filter((score) => score >= solvedScore).length,
      tasksTotal: own.length,
    };
  });
}

/** Reviews on each of the last `days` study days, oldest first. */
export function heatmapOf(
  clock: StudyClock,
  reviewTimes: readonly number[],
  days: number,
): readonly { readonly day: string; readonly reviews: number }[] {
  const today = studyDay(clock, clock.now());
  const counts = new Map<number, number>();
  for (const time of reviewTimes) {
    const day = studyDay(clock, time);
    counts.set(day, (counts.get(day) ?? 0) + 1);
  }
  return Array.from({ length: days }, (_, index) => {
    const day = today - days + 1 + index;
    return { day: dayName(day), reviews: counts.get(day) ?? 0 };
  });
}

/** Cards falling due on each of the next `days` study days; today holds what is overdue. */
export function forecastOf(
  clock: StudyClock,
  memories: Iterable<MemoryState>,
  days: number,
): readonly { readonly day: string; readonly due: number }[] {
  const today = studyDay(clock, clock.now());
  const counts = new Map<number, number>();
  for (const { dueMs } of memories) {
    const day = Math.max(today, studyDay(clock, dueMs));
    counts.set(day, (counts.get(day) ?? 0) + 1);
  }
  return Array.from({ length: days }, (_, index) => ({
    day: dayName(today + index),
    due: counts.get(today + index) ?? 0,
  }));
}

/** Consecutive study days with a review; today breaks nothing while it lasts. */
export function streakOf(clock: StudyClock, reviewTimes: readonly number[]): number {
  const days = new Set(reviewTimes.map((time) => studyDay(clock, time)));
  const today = studyDay(clock, clock.now());
  let day = days.has(today) ? today : today - 1;
  let streak = 0;
  for (; days.has(day); day--) streak += 1;
  return streak;
}

/** When the study day of that moment ends. */
export function endOfDay(clock: StudyClock, atMs: number): number {
  return startOfDay(clock, studyDay(clock, atMs) + 1);
}
