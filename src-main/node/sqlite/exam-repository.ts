import type {
  ExamOutcome,
  ExamRepository,
  ExamSession,
  PracticeSession,
  TaskAttempt,
  TaskStatistics,
} from '#core/exam';
import type { Connection } from './connection.ts';

interface PracticeRow {
  readonly session_id: string;
  readonly task_id: string;
  readonly seed: string;
  readonly cluster_id: string;
  readonly started_ms: number;
  readonly ended_ms: number | null;
  readonly hints_shown: number;
  readonly solution_shown: number;
  readonly resets: number;
  readonly baseline: string;
}

interface ExamRow {
  readonly session_id: string;
  readonly exam_id: string;
  readonly seed: string;
  readonly started_ms: number;
  readonly ends_ms: number;
  readonly finished_ms: number | null;
  readonly current_index: number;
  readonly current_since_ms: number;
  readonly notes: string;
  readonly tasks: string;
  readonly results: string | null;
}

/** Practice sessions, attempts and exams in the database of a user's progress. */
export function createExamRepository(database: Connection): ExamRepository {
  const savePractice = database.prepare(
    `INSERT INTO practice_sessions VALUES (@sessionId, @taskId, @seed, @clusterId, @startedMs, @endedMs,
       @hintsShown, @solutionShown, @resets, @baseline)
     ON CONFLICT (session_id) DO UPDATE SET ended_ms = excluded.ended_ms,
       hints_shown = excluded.hints_shown, solution_shown = excluded.solution_shown,
       resets = excluded.resets, baseline = excluded.baseline`,
  );
  const practice = database.prepare<[string], PracticeRow>(
    'SELECT * FROM practice_sessions WHERE session_id = ?',
  );
  const openPractice = database.prepare<[], PracticeRow>(
    'SELECT * FROM practice_sessions WHERE ended_ms IS NULL ORDER BY started_ms',
  );
  const recordAttempt = database.prepare(
    `INSERT INTO task_attempts (session_id, task_id, seed, graded_ms, duration_ms, points, earned,
       hints_shown, solution_shown, in_exam)
     VALUES (@sessionId, @taskId, @seed, @gradedMs, @durationMs, @points, @earned, @hintsShown,
       @solutionShown, @inExam)`,
  );
  const statistics = database.prepare<
    [],
    { readonly task_id: string; readonly attempts: number; readonly best: number | null }
  >(
    `SELECT task_id, count(DISTINCT session_id) AS attempts,
       max(CASE WHEN solution_shown = 0 AND points > 0 THEN 100.0 * earned / points END) AS best
     FROM task_attempts GROUP BY task_id`,
  );
  const saveExam = database.prepare(
    `INSERT INTO exam_sessions (session_id, exam_id, seed, started_ms, ends_ms, finished_ms,
       current_index, current_since_ms, notes, tasks, results)
     VALUES (@sessionId, @examId, @seed, @startedMs, @endsMs, @finishedMs, @current, @currentSinceMs,
       @notes, @tasks, @results)
     ON CONFLICT (session_id) DO UPDATE SET finished_ms = excluded.finished_ms,
       current_index = excluded.current_index, current_since_ms = excluded.current_since_ms,
       notes = excluded.notes, tasks = excluded.tasks, results = excluded.results`,
  );
  const exam = database.prepare<[string], ExamRow>(
    'SELECT * FROM exam_sessions WHERE session_id = ?',
  );
  const currentExam = database.prepare<[], ExamRow>(
    'SELECT * FROM exam_sessions WHERE finished_ms IS NULL',
  );
  const recordOutcome = database.prepare(
    'UPDATE exam_sessions SET score = @score, passed = @passed WHERE session_id = @sessionId',
  );
  const outcomes = database.prepare<
    [],
    {
      readonly session_id: string;
      readonly exam_id: string;
      readonly finished_ms: number;
      readonly score: number;
      readonly passed: number;
    }
  >(
    `SELECT session_id, exam_id, finished_ms, score, passed FROM exam_sessions
     WHERE score IS NOT NULL ORDER BY finished_ms DESC`,
  );

  return {
    savePractice: (session) => {
      savePractice.run({
        ...session,
        solutionShown: Number(session.solutionShown),
        baseline: JSON.stringify(session.baseline),
      });
    },
    practice: (sessionId) => practiceOf(practice.get(sessionId)),
    openPractice: () => openPractice.all().flatMap((row) => practiceOf(row) ?? []),
    recordAttempt: (attempt: TaskAttempt) => {
      recordAttempt.run({
        ...attempt,
        solutionShown: Number(attempt.solutionShown),
        inExam: Number(attempt.inExam),
      });
    },
    statistics: () =>
      new Map(
        statistics.all().map((row): [string, TaskStatistics] => [
          row.task_id,
          {
            attempts: row.attempts,
            bestScore: row.best === null ? null : Math.round(row.best),
          },
        ]),
      ),
    saveExam: (session) => {
      saveExam.run({
        ...session,
        tasks: JSON.stringify(session.tasks),
        results: session.results && JSON.stringify(session.results),
      });
    },
    exam: (sessionId) => examOf(exam.get(sessionId)),
    currentExam: () => examOf(currentExam.get()),
    recordOutcome: ({ sessionId, score, passed }) => {
      recordOutcome.run({ sessionId, score, passed: Number(passed) });
    },
    outcomes: () =>
      outcomes.all().map((row): ExamOutcome => ({
        sessionId: row.session_id,
        examId: row.exam_id,
        finishedMs: row.finished_ms,
        score: row.score,
        passed: row.passed === 1,
      })),
  };
}

function practiceOf(row: PracticeRow | undefined): PracticeSession | undefined {
  return (
    row && {
      sessionId: row.session_id,
      taskId: row.task_id,
      seed: row.seed,
      clusterId: row.cluster_id,
      startedMs: row.started_ms,
      endedMs: row.ended_ms,
      hintsShown: row.hints_shown,
      solutionShown: row.solution_shown === 1,
      resets: row.resets,
      baseline: JSON.parse(row.baseline) as PracticeSession['baseline'],
    }
  );
}

function examOf(row: ExamRow | undefined): ExamSession | undefined {
  return (
    row && {
      sessionId: row.session_id,
      examId: row.exam_id,
      seed: row.seed,
      startedMs: row.started_ms,
      endsMs: row.ends_ms,
      finishedMs: row.finished_ms,
      current: row.current_index,
      currentSinceMs: row.current_since_ms,
      notes: row.notes,
      tasks: JSON.parse(row.tasks) as ExamSession['tasks'],
      results: row.results === null ? null : (JSON.parse(row.results) as ExamSession['results']),
    }
  );
}
