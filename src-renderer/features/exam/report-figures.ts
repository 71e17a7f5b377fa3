import type { Domain, ExamReport } from '#contract';

type ReportTask = ExamReport['tasks'][number];

/** Percent of a task's points that were earned; 0 for a task without points. */
export const taskPercent = ({ report }: ReportTask): number =>
  report.points === 0 ? 0 : Math.round((report.earned / report.points) * 100);

export interface ReportFigures {
  /** The task that took the longest. */
  readonly slowest: ReportTask | null;
  /** Where most points were lost, when any were. */
  readonly weakest: Domain | null;
}

/** What to look at first in a report. */
export function figuresOf(report: ExamReport): ReportFigures {
  const slowest = report.tasks.reduce<ReportTask | null>(
    (longest, task) => (task.spentMs > (longest?.spentMs ?? 0) ? task : longest),
    null,
  );
  const lost = (entry: ExamReport['domains'][number]): number => entry.points - entry.earned;
  const weakest = report.domains.reduce<ExamReport['domains'][number] | null>(
    (worst, entry) => (lost(entry) > (worst ? lost(worst) : 0) ? entry : worst),
    null,
  );
  return { slowest, weakest: weakest?.domain ?? null };
}
