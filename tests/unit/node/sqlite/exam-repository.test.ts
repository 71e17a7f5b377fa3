import path from 'node:path';
import { expect, test } from 'vitest';
import type { ExamRepository, ExamSession, PracticeSession, TaskAttempt } from '#core/exam';
import { createExamRepository, openDatabase } from '#node/sqlite';
import { scratchDirectory } from './scratch.ts';

const migrationsDirectory = path.resolve('db/migrations');

/** A repository over a file, and the same file opened anew as after a crash. */
function open(file = path.join(scratchDirectory(), 'progress.db')): {
  repository: ExamRepository;
  readonly reopen: () => ExamRepository;
} {
  let database = openDatabase(file, { migrationsDirectory, now: () => 0 });
  return {
    repository: createExamRepository(database),
    reopen: () => {
      database.close();
      database = openDatabase(file, { migrationsDirectory, now: () => 0 });
      return createExamRepository(database);
    },
  };
}

const practice: PracticeSession = {
  sessionId: 'p1',
  taskId: 'tr-node-kubelet',
  seed: 's',
  clusterId: 'practice-p1',
  startedMs: 1000,
  endedMs: null,
  hintsShown: 0,
  solutionShown: false,
  resets: 0,
  baseline: { 'v1/Node/node01': { kind: 'Node' }, 'v1/Pod/a/b': null },
};

const exam: ExamSession = {
  sessionId: 'e1',
  examId: 'mock-30',
  seed: 's',
  startedMs: 1000,
  endsMs: 1_801_000,
  finishedMs: null,
  current: 1,
  currentSinceMs: 5000,
  notes: '메모',
  tasks: [
    {
      taskId: 'a',
      domain: 'storage',
      seed: 's',
      clusterId: 'exam-e1-1',
      weight: 33.25,
      flagged: true,
      spentMs: 4000,
      baseline: {},
    },
  ],
  results: null,
};

const attempt = (overrides: Partial<TaskAttempt>): TaskAttempt => ({
  sessionId: 'p1',
  taskId: 'a',
  seed: 's',
  gradedMs: 2000,
  durationMs: 1000,
  points: 8,
  earned: 4,
  hintsShown: 0,
  solutionShown: false,
  inExam: false,
  ...overrides,
});

test('a practice session comes back as it was saved, and ends', () => {
  const { repository, reopen } = open();
  repository.savePractice(practice);
  repository.savePractice({ ...practice, hintsShown: 2, solutionShown: true, resets: 1 });
  const again = reopen();
  expect(again.practice('p1')).toEqual({
    ...practice,
    hintsShown: 2,
    solutionShown: true,
    resets: 1,
  });
  expect(again.openPractice()).toHaveLength(1);
  again.savePractice({ ...practice, endedMs: 9000 });
  expect(again.openPractice()).toEqual([]);
  expect(again.practice('nobody')).toBeUndefined();
});

test('statistics count sessions and take the best without the solution', () => {
  const { repository } = open();
  repository.recordAttempt(attempt({}));
  repository.recordAttempt(attempt({ earned: 6 }));
  repository.recordAttempt(attempt({ sessionId: 'p2', earned: 8, solutionShown: true }));
  repository.recordAttempt(
    attempt({ sessionId: 'p3', taskId: 'b', earned: 8, solutionShown: true }),
  );
  expect(Object.fromEntries(repository.statistics())).toEqual({
    a: { attempts: 2, bestScore: 75 },
    b: { attempts: 1, bestScore: null },
  });
});

test('an exam in progress survives a crash; a finished one is history', () => {
  const { repository, reopen } = open();
  repository.saveExam({ ...exam, notes: '', current: 0 });
  repository.saveExam(exam);
  const again = reopen();
  expect(again.currentExam()).toEqual(exam);
  again.saveExam({ ...exam, finishedMs: 9000, results: [] });
  again.recordOutcome({
    sessionId: 'e1',
    examId: 'mock-30',
    finishedMs: 9000,
    score: 71.5,
    passed: true,
  });
  expect(again.currentExam()).toBeUndefined();
  expect(again.exam('e1')).toEqual({ ...exam, finishedMs: 9000, results: [] });
  expect(again.outcomes()).toEqual([
    { sessionId: 'e1', examId: 'mock-30', finishedMs: 9000, score: 71.5, passed: true },
  ]);
});

test('a second exam cannot run beside the first', () => {
  const { repository } = open();
  repository.saveExam(exam);
  expect(() => repository.saveExam({ ...exam, sessionId: 'e2' })).toThrow(
    'UNIQUE constraint failed',
  );
});
