import type { Bilingual, Domain } from './common.ts';

export interface LessonSummary {
  readonly lessonId: string;
  readonly title: Bilingual;
  readonly summary: Bilingual;
  readonly domain: Domain;
  readonly competencies: readonly string[];
  /** Which of the user's notes it was made of: `N0` … `N4`. */
  readonly note: string;
  readonly minutes: number;
  readonly stepCount: number;
  readonly stepsDone: number;
  readonly cardCount: number;
}

/** A lesson is a list of blocks; prose is Markdown, rendered and sanitised by the page. */
export type LessonBlock =
  | { readonly kind: 'prose'; readonly markdown: string }
  | {
      readonly kind: 'command';
      readonly blockId: string;
      /** Typed into the lesson's terminal by the run button. */
      readonly command: string;
      /** Machine it is meant for: `controlplane` … */
      readonly host: string;
      readonly note?: string;
    }
  | {
      readonly kind: 'mistake';
      readonly blockId: string;
      readonly prompt: string;
      /** The broken manifest the reader is to mend. */
      readonly manifest: string;
    }
  | {
      readonly kind: 'quiz';
      readonly blockId: string;
      readonly question: string;
      readonly options: readonly string[];
    };

export interface LessonView {
  readonly lessonId: string;
  readonly title: string;
  readonly blocks: readonly LessonBlock[];
  readonly done: readonly string[];
}

/** What a check of a typed answer, a manifest or a quiz found. */
export interface Verdict {
  readonly correct: boolean;
  /** Why, in the asked language: the server's own message where one was given. */
  readonly explanation: string;
  readonly expected?: string;
  readonly actual?: string;
}

export type CardKind = 'basic' | 'cloze' | 'typed' | 'command' | 'manifest';

export interface CardView {
  readonly cardId: string;
  readonly kind: CardKind;
  readonly lessonId: string;
  readonly domain: Domain;
  /** Markdown; a cloze shows `[…]` where its answer is hidden. */
  readonly front: string;
  readonly back: string;
  /** For `manifest`: the text the editor starts with. */
  readonly manifest?: string;
  readonly state: 'new' | 'learning' | 'review' | 'relearning';
  /** What each grade would do, in milliseconds from now. */
  readonly intervalsMs: {
    readonly again: number;
    readonly hard: number;
    readonly good: number;
    readonly easy: number;
  };
}

export type Grade = 'again' | 'hard' | 'good' | 'easy';

export interface ReviewCounts {
  readonly newCards: number;
  readonly learning: number;
  readonly due: number;
  /** Answered today. */
  readonly done: number;
}

export interface ReviewView {
  readonly card: CardView | null;
  readonly counts: ReviewCounts;
  /** Whether `review.undo` has something to take back. */
  readonly canUndo: boolean;
  /** When the next card falls due, ms since the epoch; null when none ever will. */
  readonly nextDueMs: number | null;
}

export interface DomainReadiness {
  readonly domain: Domain;
  /** Share of the exam, percent. */
  readonly weight: number;
  /** Estimated chance to recall or do what the domain asks, in [0, 1]; null without evidence. */
  readonly readiness: number | null;
  readonly cardsSeen: number;
  readonly cardsTotal: number;
  readonly tasksSolved: number;
  readonly tasksTotal: number;
}

export interface TodayView {
  readonly counts: ReviewCounts;
  readonly nextLesson: LessonSummary | null;
  readonly drill: {
    readonly taskId: string;
    readonly title: Bilingual;
    readonly domain: Domain;
  } | null;
  readonly examDate: string | null;
  readonly daysToExam: number | null;
  readonly domains: readonly DomainReadiness[];
  /** Consecutive days with at least one review, up to today. */
  readonly streakDays: number;
  readonly examInProgress: boolean;
}

export interface ProgressView {
  readonly domains: readonly DomainReadiness[];
  /** Reviews of each day of the last 365, oldest first: `YYYY-MM-DD`. */
  readonly heatmap: readonly { readonly day: string; readonly reviews: number }[];
  /** Cards falling due on each of the next 30 days. */
  readonly forecast: readonly { readonly day: string; readonly due: number }[];
  /** Share of reviews of mature cards that were recalled, in [0, 1]; null without any. */
  readonly retention: number | null;
  readonly reviewsTotal: number;
  readonly exams: readonly {
    readonly sessionId: string;
    readonly examId: string;
    readonly finishedMs: number;
    readonly score: number;
    readonly passed: boolean;
  }[];
}

export interface Settings {
  /** `system` follows the browser. */
  readonly language: 'system' | 'ko' | 'en';
  readonly theme: 'system' | 'light' | 'dark';
  /** `YYYY-MM-DD`, or null. */
  readonly examDate: string | null;
  readonly newCardsPerDay: number;
  /** FSRS' desired retention, in [0.7, 0.99]. */
  readonly desiredRetention: number;
  readonly terminalFontSize: number;
  /** Vim keys in editors. */
  readonly vimKeys: boolean;
}

export interface BackupView {
  readonly backupId: string;
  readonly createdMs: number;
  readonly sizeBytes: number;
  readonly reason: 'manual' | 'automatic' | 'before-restore' | 'before-migration';
}
