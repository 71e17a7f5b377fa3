import { dayMs, dayNumber, startOfDay, studyDay } from './calendar.ts';
import { liveBlocks } from './content.ts';
import type { PracticeTask, StudyClock, StudyRepository } from './ports.ts';
import { buildQueue } from './queue.ts';
import { createScheduler, type Scheduler } from './scheduler.ts';
import { readSettings, settingsProblem } from './settings.ts';
import {
  type DomainReadiness,
  endOfDay,
  forecastOf,
  heatmapOf,
  readinessOf,
  streakOf,
} from './statistics.ts';
import type {
  Card,
  Grade,
  Lesson,
  LessonBlock,
  MemoryState,
  Settings,
  StudyContent,
} from './types.ts';
import { grades } from './types.ts';

export interface StudyOptions {
  readonly content: StudyContent;
  readonly repository: StudyRepository;
  readonly clock: StudyClock;
}

export interface ReviewCounts {
  readonly newCards: number;
  readonly learning: number;
  readonly due: number;
  readonly done: number;
}

/** The card to answer, and how much there is to do today. */
export interface ReviewState {
  readonly card: Card | null;
  readonly state: MemoryState['state'] | 'new';
  /** What each grade would do, ms from now; zeros without a card. */
  readonly intervalsMs: Readonly<Record<Grade, number>>;
  readonly counts: ReviewCounts;
  readonly canUndo: boolean;
  readonly nextDueMs: number | null;
}

export interface StudyStatistics {
  readonly heatmap: readonly { readonly day: string; readonly reviews: number }[];
  readonly forecast: readonly { readonly day: string; readonly due: number }[];
  readonly retention: number | null;
  readonly reviewsTotal: number;
}

/** The lesson, block or card asked for is not there. */
export class NotInContentError extends Error {
  override readonly name = 'NotInContentError';
}

/** A setting is not what it may be; the message names it. */
export class SettingsError extends Error {
  override readonly name = 'SettingsError';
}

/** A card is mature from an interval of three weeks, as in Anki. */
const matureDays = 21;
const heatmapDays = 365;
const forecastDays = 30;
const longestIntervalDays = 36_500;
/** A card left open over lunch was not thought about for an hour. */
const longestAnswerMs = 10 * 60_000;

/** One learner's lessons, cards and settings. */
export class Study {
  readonly content: StudyContent;
  readonly #repository: StudyRepository;
  readonly #clock: StudyClock;
  readonly #cards: ReadonlyMap<string, Card>;
  readonly #lessons: ReadonlyMap<string, Lesson>;
  #memories = new Map<string, MemoryState>();
  #broughtForward = new Set<string>();

  constructor({ content, repository, clock }: StudyOptions) {
    this.content = content;
    this.#repository = repository;
    this.#clock = clock;
    this.#cards = new Map(content.cards.map((card) => [card.cardId, card]));
    this.#lessons = new Map(content.lessons.map((lesson) => [lesson.lessonId, lesson]));
    this.reload();
  }

  /** Reads everything again: after a backup was restored. */
  reload(): void {
    this.#memories = new Map(this.#repository.memories());
    this.#broughtForward = new Set(this.#repository.broughtForward());
  }

  /** @throws NotInContentError */
  card(cardId: string): Card {
    const card = this.#cards.get(cardId);
    if (!card) throw new NotInContentError(`there is no card ${JSON.stringify(cardId)}`);
    return card;
  }

  /** @throws NotInContentError */
  lesson(lessonId: string): Lesson {
    const lesson = this.#lessons.get(lessonId);
    if (!lesson) throw new NotInContentError(`there is no lesson ${JSON.stringify(lessonId)}`);
    return lesson;
  }

  /** A block of a lesson, in a language. @throws NotInContentError */
  block(
    lessonId: string,
    blockId: string,
    language: 'ko' | 'en',
  ): Exclude<LessonBlock, { kind: 'prose' }> {
    const blocks = liveBlocks(this.lesson(lessonId).blocks[language]);
    const block = blocks.find((each) => each.blockId === blockId);
    if (!block)
      throw new NotInContentError(`lesson ${lessonId} has no block ${JSON.stringify(blockId)}`);
    return block;
  }

  review(): ReviewState {
    const nowMs = this.#clock.now();
    const todayMs = startOfDay(this.#clock, studyDay(this.#clock, nowMs));
    const queue = buildQueue({
      cards: this.content.cards,
      memories: this.#memories,
      broughtForward: this.#broughtForward,
      begunLessons: new Set(this.#repository.lessonSteps().keys()),
      nowMs,
      dayEndMs: endOfDay(this.#clock, nowMs),
      newLeft: this.settings().newCardsPerDay - this.#repository.countNew(todayMs),
    });
    const card = queue.next ?? null;
    const memory = card ? this.#memories.get(card.cardId) : undefined;
    const preview = card ? this.#scheduler().preview(memory, nowMs) : undefined;
    const last = this.#repository.lastReview();
    return {
      card,
      state: memory?.state ?? 'new',
      intervalsMs: Object.fromEntries(
        grades.map((grade) => [grade, preview ? preview[grade].dueMs - nowMs : 0]),
      ) as Record<Grade, number>,
      counts: {
        newCards: queue.newCards,
        learning: queue.learning,
        due: queue.due,
        done: this.#repository.reviewTimes(todayMs).length,
      },
      canUndo: last !== undefined && last.reviewedMs >= todayMs,
      nextDueMs: queue.nextDueMs ?? null,
    };
  }

  /**
   * Grades a card now.
   * @param durationMs from showing the card to the grade.
   * @throws NotInContentError
   */
  answer(cardId: string, grade: Grade, durationMs: number): void {
    this.card(cardId);
    const nowMs = this.#clock.now();
    const scheduler = this.#scheduler();
    const before = this.#memories.get(cardId);
    const after = scheduler.preview(before, nowMs)[grade];
    this.#repository.addReview({
      cardId,
      reviewedMs: nowMs,
      grade,
      durationMs: Math.round(Math.min(Math.max(0, durationMs), longestAnswerMs)),
      before: before ?? null,
      after,
      broughtForward: this.#broughtForward.has(cardId),
      scheduler: scheduler.version,
    });
    this.#memories.set(cardId, after);
    this.#broughtForward.delete(cardId);
  }

  /** Takes back the last answer of today, one more with each call; false when there is none. */
  undo(): boolean {
    const nowMs = this.#clock.now();
    const last = this.#repository.lastReview();
    if (!last || last.reviewedMs < startOfDay(this.#clock, studyDay(this.#clock, nowMs)))
      return false;
    this.#repository.undoReview(last, nowMs);
    if (last.before) this.#memories.set(last.cardId, last.before);
    else this.#memories.delete(last.cardId);
    if (last.broughtForward) this.#broughtForward.add(last.cardId);
    return true;
  }

  /** Makes cards due now, whatever their schedule: what they ask was failed elsewhere. Unknown ids are left out. */
  bringForward(cardIds: readonly string[]): void {
    const known = cardIds.filter((cardId) => this.#cards.has(cardId));
    this.#repository.addBroughtForward(known, this.#clock.now());
    for (const cardId of known) this.#broughtForward.add(cardId);
  }

  /** Ids of the first cards that ask for one of these competencies, in the order of the content. */
  cardsOf(competencies: readonly string[], limit: number): readonly string[] {
    return this.content.cards
      .filter((card) => card.competencies.some((each) => competencies.includes(each)))
      .slice(0, limit)
      .map(({ cardId }) => cardId);
  }

  /** Ids of the blocks done, in the order of the lesson. @throws NotInContentError */
  stepsDone(lessonId: string): readonly string[] {
    const done = new Set(this.#repository.lessonSteps().get(lessonId));
    return liveBlocks(this.lesson(lessonId).blocks.en)
      .map(({ blockId }) => blockId)
      .filter((blockId) => done.has(blockId));
  }

  /** @throws NotInContentError */
  markDone(lessonId: string, blockId: string): void {
    this.block(lessonId, blockId, 'en');
    this.#repository.addLessonStep(lessonId, blockId, this.#clock.now());
  }

  /** The lesson to go on with: the first begun and not finished, else the first not begun. */
  nextLesson(): Lesson | undefined {
    const progress = this.content.lessons.map((lesson) => ({
      lesson,
      done: this.stepsDone(lesson.lessonId).length,
      total: liveBlocks(lesson.blocks.en).length,
    }));
    const open = progress.filter(({ done, total }) => done < total);
    return (open.find(({ done }) => done > 0) ?? open[0])?.lesson;
  }

  readiness(tasks: readonly PracticeTask[]): readonly DomainReadiness[] {
    const nowMs = this.#clock.now();
    return readinessOf(this.content.cards, this.#memories, tasks, this.#scheduler(), nowMs);
  }

  statistics(): StudyStatistics {
    const { recalled, total } = this.#repository.recall(matureDays);
    return {
      heatmap: heatmapOf(this.#clock, this.#reviewTimes(), heatmapDays),
      forecast: forecastOf(this.#clock, this.#memories.values(), forecastDays),
      retention: total === 0 ? null : recalled / total,
      reviewsTotal: this.#repository.countReviews(),
    };
  }

  streakDays(): number {
    return streakOf(this.#clock, this.#reviewTimes());
  }

  settings(): Settings {
    return readSettings(this.#repository.settings());
  }

  /** @throws SettingsError nothing was changed. */
  updateSettings(changes: Readonly<Record<string, unknown>>): Settings {
    const problem = settingsProblem(changes);
    if (problem !== undefined) throw new SettingsError(problem);
    this.#repository.saveSettings(changes);
    return this.settings();
  }

  /** Days until the exam, 0 on its day; null without a date or after it. */
  daysToExam(): number | null {
    const { examDate } = this.settings();
    const day = examDate === null ? undefined : dayNumber(examDate);
    if (day === undefined) return null;
    const left = day - studyDay(this.#clock, this.#clock.now());
    return left >= 0 ? left : null;
  }

  /** With the exam ahead no interval jumps past it: every card is seen once more before. */
  #scheduler(): Scheduler {
    const days = this.daysToExam();
    return createScheduler({
      desiredRetention: this.settings().desiredRetention,
      maximumIntervalDays: days === null ? longestIntervalDays : Math.max(1, days - 1),
    });
  }

  #reviewTimes(): readonly number[] {
    return this.#repository.reviewTimes(this.#clock.now() - (heatmapDays + 1) * dayMs);
  }
}
