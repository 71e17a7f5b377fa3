import type { ApiObject, Domain, Grade, Localized, MemoryState } from './types.ts';

/** The wall clock with its time zone: cards fall due in real time, never in a cluster's. */
export interface StudyClock {
  /** Milliseconds since the Unix epoch. */
  now(): number;
  /** Minutes that local time is ahead of UTC at that moment. */
  offsetMinutes(atMs: number): number;
}

/** An answer as the log keeps it, for ever. */
export interface Review {
  readonly cardId: string;
  readonly reviewedMs: number;
  readonly grade: Grade;
  readonly durationMs: number;
  /** Null for the first answer. */
  readonly before: MemoryState | null;
  readonly after: MemoryState;
  /** The card was due because something failed elsewhere, not by its schedule. */
  readonly broughtForward: boolean;
  /** Algorithm and package that made `after`. */
  readonly scheduler: string;
}

export interface StoredReview extends Review {
  readonly reviewId: number;
}

/** Where progress is kept; every call is one transaction, on disk when it returns. */
export interface StudyRepository {
  memories(): ReadonlyMap<string, MemoryState>;
  /** Ids of cards brought forward and not answered since. */
  broughtForward(): readonly string[];
  addBroughtForward(cardIds: readonly string[], atMs: number): void;
  /** Writes the log row and the card's new state. */
  addReview(review: Review): StoredReview;
  /** The newest review not taken back. */
  lastReview(): StoredReview | undefined;
  /** Marks the log row as taken back and restores the card's state. */
  undoReview(review: StoredReview, atMs: number): void;
  /** Times of the reviews since, oldest first. */
  reviewTimes(sinceMs: number): readonly number[];
  countReviews(): number;
  /** First answers to a card since. */
  countNew(sinceMs: number): number;
  /** Reviews of cards whose interval was at least so long. */
  recall(minimumDays: number): { readonly recalled: number; readonly total: number };
  /** Lesson id → ids of the blocks done, in the order they were done. */
  lessonSteps(): ReadonlyMap<string, readonly string[]>;
  addLessonStep(lessonId: string, blockId: string, atMs: number): void;
  settings(): Readonly<Record<string, unknown>>;
  saveSettings(settings: Readonly<Record<string, unknown>>): void;
}

/** Where an answer is tried out: the cards' own cluster, or that of a lesson. */
export type Place =
  { readonly kind: 'cards' } | { readonly kind: 'lesson'; readonly lessonId: string };

export interface CommandAttempt {
  readonly host: string;
  readonly setup?: string;
  readonly command: string;
  /** References of the objects to read afterwards. */
  readonly reads: readonly string[];
}

export interface CommandOutcome {
  readonly exitCode: number;
  readonly stdout: string;
  readonly stderr: string;
  /** One for each of `reads`; null when it is not there. */
  readonly objects: readonly (ApiObject | null)[];
}

export type DryRunOutcome =
  | { readonly accepted: true; readonly objects: readonly ApiObject[] }
  /** What the API server, or the reading of the YAML, said. */
  | { readonly accepted: false; readonly message: string };

/** Tries answers out on a cluster. */
export interface AnswerRunner {
  /** On the cards' cluster, as it was before any answer; every object has come to rest before it is read. */
  runCommand(attempt: CommandAttempt): Promise<CommandOutcome>;
  /** What the API server would make of the manifest; nothing is changed. */
  dryRun(place: Place, manifest: string): Promise<DryRunOutcome>;
}

export interface PracticeTask {
  readonly taskId: string;
  readonly title: Localized;
  readonly domain: Domain;
  /** In [0, 1]; null when never tried. */
  readonly bestScore: number | null;
}

export interface ExamResult {
  readonly sessionId: string;
  readonly examId: string;
  readonly finishedMs: number;
  readonly score: number;
  readonly passed: boolean;
}

/** What practice and exams know, for readiness and the overview. */
export interface PracticeResults {
  tasks(): readonly PracticeTask[];
  exams(): readonly ExamResult[];
  examInProgress(): boolean;
}

export type BackupReason = 'manual' | 'automatic' | 'before-restore' | 'before-migration';

export interface BackupRecord {
  readonly backupId: string;
  readonly createdMs: number;
  readonly sizeBytes: number;
  readonly reason: BackupReason;
}

/** Backups of the file with all progress. */
export interface BackupStore {
  /** Newest first. */
  list(): readonly BackupRecord[];
  create(reason: BackupReason): Promise<BackupRecord>;
  /**
   * Puts everything back as it was, after a backup of what is.
   * @throws Error there is no such backup, or it is damaged; nothing was changed.
   */
  restore(backupId: string): Promise<void>;
}
