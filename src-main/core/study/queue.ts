import type { Card, MemoryState } from './types.ts';

export interface QueueInput {
  /** In the order they are to be learnt. */
  readonly cards: readonly Card[];
  readonly memories: ReadonlyMap<string, MemoryState>;
  readonly broughtForward: ReadonlySet<string>;
  /** Lessons the reader has begun: their new cards come first. */
  readonly begunLessons: ReadonlySet<string>;
  readonly nowMs: number;
  /** End of the study day; a review card is due all day. */
  readonly dayEndMs: number;
  /** New cards that may still be shown today. */
  readonly newLeft: number;
}

export interface Queue {
  readonly next: Card | undefined;
  readonly newCards: number;
  readonly learning: number;
  readonly due: number;
  /** When the next card falls due if none is now; undefined when none ever will. */
  readonly nextDueMs: number | undefined;
}

/** A learning card may come this much early when nothing else is left, as in Anki. */
const learnAheadMs = 20 * 60_000;

/**
 * What to learn next: learning steps that are due, what failed elsewhere, due reviews by due time, new cards up
 * to the day's limit, then learning steps due soon.
 */
export function buildQueue(input: QueueInput): Queue {
  const { memories, broughtForward, nowMs } = input;
  type Known = { readonly card: Card; readonly memory: MemoryState };
  const learning: Known[] = [];
  const reviews: Known[] = [];
  const fresh: Card[] = [];
  let laterMs = Infinity;
  for (const card of input.cards) {
    const memory = memories.get(card.cardId);
    if (!memory) fresh.push(card);
    else if (memory.state !== 'review') {
      if (memory.dueMs < input.dayEndMs) learning.push({ card, memory });
      else laterMs = Math.min(laterMs, memory.dueMs);
    } else if (memory.dueMs < input.dayEndMs || broughtForward.has(card.cardId))
      reviews.push({ card, memory });
    else laterMs = Math.min(laterMs, memory.dueMs);
  }
  const byDue = (a: Known, b: Known): number => a.memory.dueMs - b.memory.dueMs;
  learning.sort(byDue);
  reviews.sort((a, b) => rank(b) - rank(a) || byDue(a, b));
  function rank({ card }: Known): number {
    return Number(broughtForward.has(card.cardId));
  }
  const called = fresh.filter(({ cardId }) => broughtForward.has(cardId));
  const rest = fresh.filter(({ cardId }) => !broughtForward.has(cardId));
  const begun = rest.filter(({ lessonId }) => input.begunLessons.has(lessonId));
  const others = rest.filter(({ lessonId }) => !input.begunLessons.has(lessonId));
  const newCards = [...called, ...[...begun, ...others].slice(0, Math.max(0, input.newLeft))];
  const [step] = learning;
  const dueStep = step && step.memory.dueMs <= nowMs ? step.card : undefined;
  const soonStep = step && step.memory.dueMs <= nowMs + learnAheadMs ? step.card : undefined;
  const next = dueStep ?? called[0] ?? reviews[0]?.card ?? newCards[0] ?? soonStep;
  const upcomingMs = Math.min(step?.memory.dueMs ?? Infinity, laterMs);
  return {
    next,
    newCards: newCards.length,
    learning: learning.length,
    due: reviews.length,
    nextDueMs: next ? nowMs : Number.isFinite(upcomingMs) ? upcomingMs : undefined,
  };
}
