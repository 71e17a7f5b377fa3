import type { ExamSession } from './sessions.ts';
import { type Domain, domains } from './task.ts';

export interface ExamScore {
  /** Percent, weighted by domain. */
  readonly score: number;
  /** Points of the exam, percent of the whole, of each domain that was drawn. */
  readonly domains: readonly {
    readonly domain: Domain;
    readonly points: number;
    readonly earned: number;
  }[];
}

/**
 * Scores a graded exam: each task's share of its points counts with the task's weight. A check that could not be
 * decided is taken out of its task; a task of nothing else counts for nothing.
 */
export function scoreExam(session: ExamSession): ExamScore {
  const rows = session.tasks.map((task, index) => {
    const result = session.results?.[index];
    const decided = (result?.checks ?? []).filter(({ outcome }) => outcome !== 'ungraded');
    const points = decided.reduce((sum, check) => sum + check.points, 0);
    return {
      domain: task.domain,
      points: points === 0 ? 0 : task.weight,
      earned: points === 0 ? 0 : (task.weight * (result?.earned ?? 0)) / points,
    };
  });
  const total = rows.reduce((sum, { points }) => sum + points, 0);
  const earned = rows.reduce((sum, row) => sum + row.earned, 0);
  return {
    score: total === 0 ? 0 : round((earned / total) * 100),
    domains: domains
      .filter((domain) => rows.some((row) => row.domain === domain))
      .map((domain) => {
        const kin = rows.filter((row) => row.domain === domain);
        return {
          domain,
          points: round(kin.reduce((sum, { points }) => sum + points, 0)),
          earned: round(kin.reduce((sum, row) => sum + row.earned, 0)),
        };
      }),
  };
}

const round = (percent: number): number => Math.round(percent * 10) / 10;
