import { type Card as FsrsCard, type Grade as FsrsGrade, fsrs, Rating, State } from 'ts-fsrs';
import { type Grade, grades, type MemoryState } from './types.ts';

export interface SchedulerOptions {
  /** Chance of recall at which a card falls due, in [0.7, 0.99]. */
  readonly desiredRetention: number;
  readonly maximumIntervalDays: number;
}

/** Decides when a card comes back. */
export interface Scheduler {
  /** What the log names: algorithm and package. */
  readonly version: string;
  /** What each grade would make of a card answered now. */
  preview(memory: MemoryState | undefined, nowMs: number): Readonly<Record<Grade, MemoryState>>;
  /** Chance in [0, 1] that the card is remembered at that moment. */
  retrievability(memory: MemoryState, atMs: number): number;
}

const ratings: Readonly<Record<Grade, FsrsGrade>> = {
  again: Rating.Again,
  hard: Rating.Hard,
  good: Rating.Good,
  easy: Rating.Easy,
};
const states = ['learning', 'review', 'relearning'] as const;

/** FSRS-6 with its default weights, without fuzz: the same answers always give the same schedule. */
export function createScheduler(options: SchedulerOptions): Scheduler {
  const algorithm = fsrs({
    request_retention: options.desiredRetention,
    maximum_interval: options.maximumIntervalDays,
    enable_fuzz: false,
    enable_short_term: true,
    learning_steps: ['1m', '10m'],
    relearning_steps: ['10m'],
  });
  return {
    version: 'fsrs-6 ts-fsrs-5.4.2',
    preview: (memory, nowMs) => {
      const now = new Date(nowMs);
      const card = toCard(memory, nowMs);
      const entries = grades.map(
        (grade) => [grade, toMemory(algorithm.next(card, now, ratings[grade]).card)] as const,
      );
      return Object.fromEntries(entries) as Record<Grade, MemoryState>;
    },
    retrievability: (memory, atMs) =>
      algorithm.get_retrievability(toCard(memory, atMs), new Date(atMs), false),
  };
}

function toCard(memory: MemoryState | undefined, nowMs: number): FsrsCard {
  if (!memory)
    return {
      due: new Date(nowMs),
      stability: 0,
      difficulty: 0,
      elapsed_days: 0,
      scheduled_days: 0,
      learning_steps: 0,
      reps: 0,
      lapses: 0,
      state: State.New,
    };
  return {
    due: new Date(memory.dueMs),
    stability: memory.stability,
    difficulty: memory.difficulty,
    elapsed_days: 0,
    scheduled_days: memory.scheduledDays,
    learning_steps: memory.learningStep,
    reps: memory.reps,
    lapses: memory.lapses,
    state: states.indexOf(memory.state) + 1,
    last_review: new Date(memory.lastReviewMs),
  };
}

function toMemory(card: FsrsCard): MemoryState {
  const state = states[card.state - 1];
  if (!state || !card.last_review) throw new Error(`FSRS left a card in state ${card.state}`);
  return {
    state,
    dueMs: card.due.getTime(),
    stability: card.stability,
    difficulty: card.difficulty,
    scheduledDays: card.scheduled_days,
    learningStep: card.learning_steps,
    reps: card.reps,
    lapses: card.lapses,
    lastReviewMs: card.last_review.getTime(),
  };
}
