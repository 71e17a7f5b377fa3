import type { Bilingual, Domain } from './common.ts';

export type Tier = 'quick' | 'core' | 'deep';

export interface TaskSummary {
  readonly taskId: string;
  readonly title: Bilingual;
  readonly domain: Domain;
  readonly competencies: readonly string[];
  readonly tier: Tier;
  readonly targetSeconds: number;
  /** Points of the task in an exam, percent of the whole. */
  readonly weight: number;
  readonly bestScore: number | null;
  readonly attempts: number;
}

/** A task on the workbench. */
export interface TaskView {
  readonly sessionId: string;
  readonly taskId: string;
  readonly seed: string;
  readonly title: string;
  /** Markdown. */
  readonly text: string;
  /** Machine to `ssh` to. */
  readonly host: string;
  readonly namespace: string | null;
  readonly clusterId: string;
  readonly targetSeconds: number;
  readonly startedMs: number;
  readonly hintCount: number;
  /** Hints shown so far, Markdown. */
  readonly hints: readonly string[];
  readonly quickref: readonly { readonly label: string; readonly url: string }[];
}

/** What one criterion found. A passed one carries no more than its text. */
export interface CriterionResult {
  readonly criterionId: string;
  readonly description: string;
  readonly points: number;
  readonly earned: number;
  readonly outcome: 'passed' | 'failed' | 'ungraded';
  /** A gate zeroes the task when it fails. */
  readonly gate: boolean;
  readonly expected?: string;
  readonly actual?: string;
  readonly why?: string;
  readonly lessonId?: string;
  readonly cards?: readonly string[];
}

export interface GradeReport {
  readonly taskId: string;
  readonly points: number;
  readonly earned: number;
  readonly criteria: readonly CriterionResult[];
}

export interface ExamSummary {
  readonly examId: string;
  readonly title: Bilingual;
  readonly minutes: number;
  readonly taskCount: number;
  readonly passPercent: number;
}

export interface ExamTaskView {
  readonly index: number;
  readonly taskId: string;
  readonly title: string;
  readonly text: string;
  readonly host: string;
  readonly namespace: string | null;
  /** Where `base` and the host of this task are. */
  readonly clusterId: string;
  readonly weight: number;
  readonly domain: Domain;
  readonly flagged: boolean;
  readonly quickref: readonly { readonly label: string; readonly url: string }[];
}

export interface ExamView {
  readonly sessionId: string;
  readonly examId: string;
  readonly title: string;
  readonly seed: string;
  /** Cluster of the task in front. */
  readonly clusterId: string;
  readonly startedMs: number;
  readonly endsMs: number;
  readonly current: number;
  readonly tasks: readonly ExamTaskView[];
  readonly notes: string;
}

export interface ExamClock {
  readonly sessionId: string;
  readonly remainingMs: number;
}

export interface ExamReport {
  readonly sessionId: string;
  readonly examId: string;
  readonly title: Bilingual;
  readonly seed: string;
  readonly startedMs: number;
  readonly finishedMs: number;
  /** Percent. */
  readonly score: number;
  readonly passPercent: number;
  readonly passed: boolean;
  readonly domains: readonly {
    readonly domain: Domain;
    readonly points: number;
    readonly earned: number;
  }[];
  readonly tasks: readonly {
    readonly taskId: string;
    readonly title: Bilingual;
    readonly domain: Domain;
    readonly weight: number;
    /** Time the task was in front, ms. */
    readonly spentMs: number;
    /** Where it was solved; the cluster stays until another exam begins. */
    readonly clusterId: string;
    readonly report: GradeReport;
  }[];
}
