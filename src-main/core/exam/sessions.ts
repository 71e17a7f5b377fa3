import type { TaskResult } from './grading.ts';
import type { Baseline } from './seeding.ts';
import type { Domain } from './task.ts';

/** One attempt at one task. Times are ms since the epoch on the wall clock. JSON-safe. */
export interface PracticeSession {
  readonly sessionId: string;
  readonly taskId: string;
  readonly seed: string;
  readonly clusterId: string;
  readonly startedMs: number;
  readonly endedMs: number | null;
  readonly hintsShown: number;
  /** A result after it shows no skill of one's own and does not count as best. */
  readonly solutionShown: boolean;
  readonly resets: number;
  readonly baseline: Baseline;
}

export interface ExamTask {
  readonly taskId: string;
  readonly domain: Domain;
  readonly seed: string;
  readonly clusterId: string;
  /** Percent of the exam. */
  readonly weight: number;
  readonly flagged: boolean;
  /** Time it was in front so far, without the present stretch. */
  readonly spentMs: number;
  readonly baseline: Baseline;
}

/** One sitting of an exam; saved at every change, so that a crash loses nothing. */
export interface ExamSession {
  readonly sessionId: string;
  readonly examId: string;
  readonly seed: string;
  readonly startedMs: number;
  readonly endsMs: number;
  readonly finishedMs: number | null;
  /** Index of the task in front, and since when. */
  readonly current: number;
  readonly currentSinceMs: number;
  readonly notes: string;
  readonly tasks: readonly ExamTask[];
  /** Of each task; null until it is graded. */
  readonly results: readonly TaskResult[] | null;
}

/** A graded attempt at a task, for statistics. */
export interface TaskAttempt {
  readonly sessionId: string;
  readonly taskId: string;
  readonly seed: string;
  readonly gradedMs: number;
  readonly durationMs: number;
  readonly points: number;
  readonly earned: number;
  readonly hintsShown: number;
  readonly solutionShown: boolean;
  readonly inExam: boolean;
}

export interface TaskStatistics {
  readonly attempts: number;
  /** Best share of the points without the solution, percent; null when none counts. */
  readonly bestScore: number | null;
}

/** A finished exam in a list. */
export interface ExamOutcome {
  readonly sessionId: string;
  readonly examId: string;
  readonly finishedMs: number;
  /** Percent. */
  readonly score: number;
  readonly passed: boolean;
}

/** Where sessions are kept; what a call has returned from is on disk. */
export interface ExamRepository {
  savePractice(session: PracticeSession): void;
  practice(sessionId: string): PracticeSession | undefined;
  /** Sessions that were never ended: their clusters may be left over. */
  openPractice(): readonly PracticeSession[];
  recordAttempt(attempt: TaskAttempt): void;
  statistics(): ReadonlyMap<string, TaskStatistics>;
  saveExam(session: ExamSession): void;
  exam(sessionId: string): ExamSession | undefined;
  /** The exam that is not finished; undefined when there is none. */
  currentExam(): ExamSession | undefined;
  recordOutcome(outcome: ExamOutcome): void;
  /** Newest first. */
  outcomes(): readonly ExamOutcome[];
}

/** Puts a task in front and books the time of the one before. */
export function selectTask(session: ExamSession, index: number, nowMs: number): ExamSession {
  return { ...bookTime(session, nowMs), current: index };
}

/** Books the time since the task came to the front; time after the end of the exam does not count. */
export function bookTime(session: ExamSession, nowMs: number): ExamSession {
  const until = Math.min(nowMs, session.endsMs);
  const spentMs = Math.max(0, until - session.currentSinceMs);
  return {
    ...session,
    currentSinceMs: Math.max(until, session.currentSinceMs),
    tasks: session.tasks.map((task, index) =>
      index === session.current ? { ...task, spentMs: task.spentMs + spentMs } : task,
    ),
  };
}
