import { cpSync } from 'node:fs';
import path from 'node:path';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import type { EventFrame } from '#contract';
import { type CallContext, examDomain, type Handlers, hurry } from '#core/app';
import { seededRandom, silentLogger, SimClock } from '#core/base';
import type { ExamRepository } from '#core/exam';
import { drawExam, instantiate, scriptOf } from '#core/exam';
import { readExams, readTasks } from '#node/content';
import { createExamRepository, openDatabase } from '#node/sqlite';
import { clusterSpec, startEngine, type TestEngine } from '#tests/lab';

const tasks = readTasks('content');
const blueprints = readExams('content', tasks);
const context = (signal = new AbortController().signal): CallContext => ({
  signal,
  progress: () => undefined,
  connection: { port: {} as never },
});
const language = 'ko' as const;

let lab: TestEngine;
beforeAll(async () => {
  lab = await startEngine();
});
afterAll(() => lab.stop());
afterEach(async () => {
  for (const { clusterId } of await lab.engine.list()) await lab.engine.remove(clusterId);
});

interface Room {
  readonly clock: SimClock;
  readonly repository: ExamRepository;
  readonly told: EventFrame[];
  readonly missed: string[];
  handlers: Handlers;
  /** The program starts anew over the same progress. */
  restart(): void;
}

function openRoom(): Room {
  const clock = new SimClock(Date.parse('2026-11-21T09:00:00Z'));
  const database = openDatabase(':memory:', {
    migrationsDirectory: path.resolve('db/migrations'),
    now: () => clock.now(),
  });
  const repository = createExamRepository(database);
  const told: EventFrame[] = [];
  const missed: string[] = [];
  let starts = 0;
  const open = (): Handlers =>
    examDomain({
      engine: lab.engine,
      repository,
      tasks,
      blueprints,
      clock,
      random: seededRandom(`room ${starts++}`),
      logger: silentLogger,
      onMissed: ({ cards, competencies }) => missed.push(...cards, ...competencies),
    })((frame) => told.push(frame)) as Handlers;
  const room: Room = {
    clock,
    repository,
    told,
    missed,
    handlers: open(),
    restart: () => (room.handlers = open()),
  };
  return room;
}

async function solve(clusterId: string, taskId: string, seed: string): Promise<void> {
  const task = tasks.find(({ id }) => id === taskId);
  if (!task) throw new Error(taskId);
  const instance = instantiate(task, seed);
  await hurry(
    lab.engine,
    clusterId,
    lab.engine.run(clusterId, instance.host, scriptOf(instance, 'ref.sh')),
  );
}

test('practice: hints, a check, the solution, a reset, another check', async () => {
  const room = openRoom();
  const { handlers, repository } = room;
  const taskId = 'tr-log-lines';
  const view = await handlers['tasks.start']({ taskId, seed: 'abc', language }, context());
  expect(view).toMatchObject({ seed: 'abc', host: 'controlplane', hintCount: 2, hints: [] });
  expect(view.text).not.toContain('{{');
  const { sessionId, clusterId } = view;

  const hinted = await handlers['tasks.hint']({ sessionId, language }, context());
  expect(hinted.hints).toHaveLength(1);
  const before = await handlers['tasks.check']({ sessionId, language }, context());
  expect(before).toMatchObject({ points: 4, earned: 0 });
  expect(before.criteria[0]).toMatchObject({ outcome: 'failed', lessonId: 'pods-and-deployments' });
  expect(before.criteria[0]?.why).toContain('파일이 없습니다');
  expect(room.missed).toContain('logs-tail');
  expect(room.told.map(({ payload }) => payload)).toContainEqual({ what: 'cards' });

  await solve(clusterId, taskId, 'abc');
  const after = await handlers['tasks.check']({ sessionId, language }, context());
  expect(after).toMatchObject({ points: 4, earned: 4 });
  expect(Object.keys(after.criteria[0] ?? {})).toEqual([
    'criterionId',
    'description',
    'points',
    'earned',
    'outcome',
    'gate',
  ]);

  await handlers['tasks.reset']({ sessionId, language }, context());
  expect((await handlers['tasks.check']({ sessionId, language }, context())).earned).toBe(0);
  const { markdown } = await handlers['tasks.solution']({ sessionId, language }, context());
  expect(markdown).toContain('kubectl -n');
  expect(repository.statistics().get(taskId)).toEqual({ attempts: 1, bestScore: 100 });
  expect(
    (await handlers['tasks.list']({}, context())).find((one) => one.taskId === taskId),
  ).toMatchObject({
    bestScore: 100,
    attempts: 1,
  });

  await handlers['tasks.end']({ sessionId }, context());
  await expect(lab.engine.get(clusterId)).rejects.toThrow('not found');
  await expect(handlers['tasks.check']({ sessionId, language }, context())).rejects.toThrow(
    'this session has ended; start the task again',
  );
}, 60_000);

test('practice: a broken node is broken again after a reset', async () => {
  const { handlers } = openRoom();
  const taskId = 'tr-node-kubelet';
  const view = await handlers['tasks.start']({ taskId, seed: 'abc', language }, context());
  const { sessionId, clusterId } = view;
  await solve(clusterId, taskId, 'abc');
  expect((await handlers['tasks.check']({ sessionId, language }, context())).earned).toBe(7);
  await handlers['tasks.reset']({ sessionId, language }, context());
  expect((await handlers['tasks.check']({ sessionId, language }, context())).earned).toBe(0);
}, 60_000);

test('practice: a start that is cancelled leaves no cluster behind', async () => {
  const { handlers, repository } = openRoom();
  const abort = new AbortController();
  abort.abort(new Error('cancelled'));
  await expect(
    handlers['tasks.start']({ taskId: 'tr-log-lines', language }, context(abort.signal)),
  ).rejects.toThrow('cancelled');
  expect(await lab.engine.list()).toEqual([]);
  expect(repository.openPractice()).toEqual([]);
}, 60_000);

test('an exam: a crash right after the start mends nothing', async () => {
  const { handlers } = openRoom();
  const blueprint = blueprints.find(({ id }) => id === 'mock-30');
  if (!blueprint) throw new Error('mock-30');
  let seed = '';
  for (let number = 0; seed === ''; number++)
    if (drawExam(blueprint, tasks, `${number}`).some(({ id }) => id === 'tr-scheduler-manifest'))
      seed = `${number}`;
  const view = await handlers['exams.start']({ examId: 'mock-30', seed, language }, context());
  const broken = view.tasks.find(({ taskId }) => taskId === 'tr-scheduler-manifest');
  const { clusterId = '', host = '' } = broken ?? {};
  const manifest = '/etc/kubernetes/manifests/kube-scheduler.yaml';
  const before = await lab.engine.readFile(clusterId, host, manifest);

  // What a power cut leaves on the disk.
  const folder = `${lab.folder}-after`;
  cpSync(lab.folder, folder, { recursive: true });
  const after = await startEngine(silentLogger, folder);
  const { topology = '' } =
    (await lab.engine.list()).find((state) => state.clusterId === clusterId) ?? {};
  await after.engine.create(
    clusterSpec({ clusterId, topology, seed, purpose: 'exam', persistent: true }),
  );
  expect(await after.engine.readFile(clusterId, host, manifest)).toBe(before);
  await after.stop();
}, 60_000);

test('an exam: draw, flags, notes, time per task, a crash, submission and report', async () => {
  const room = openRoom();
  const { clock, told } = room;
  const view = await room.handlers['exams.start'](
    { examId: 'mock-30', seed: 'spring', language },
    context(),
  );
  const { sessionId } = view;
  expect(view.tasks).toHaveLength(4);
  expect(view.tasks.reduce((sum, task) => sum + task.weight, 0)).toBeGreaterThanOrEqual(99);
  expect(view.endsMs - view.startedMs).toBe(30 * 60_000);
  expect(told).toContainEqual({
    kind: 'event',
    event: 'exam.clock',
    payload: { sessionId, remainingMs: 1_800_000 },
  });
  await expect(
    room.handlers['exams.start']({ examId: 'mock-30', language }, context()),
  ).rejects.toThrow('an exam is in progress: go on with it or submit it');

  clock.moveTo(clock.now() + 500);
  await room.handlers['exams.flag']({ sessionId, index: 2, flagged: true, language }, context());
  await room.handlers['exams.notes']({ sessionId, notes: '2번 다시' }, context());
  while (clock.step(view.startedMs + 60_000)) await Promise.resolve();
  clock.moveTo(view.startedMs + 60_000);
  await room.handlers['exams.select']({ sessionId, index: 1, language }, context());
  await expect(
    room.handlers['exams.select']({ sessionId, index: 4, language }, context()),
  ).rejects.toThrow('the exam has tasks 0 to 3, not 4');

  room.restart();
  const resumed = await room.handlers['exams.current']({ language }, context());
  expect(resumed).toMatchObject({ sessionId, current: 1, notes: '2번 다시', endsMs: view.endsMs });
  expect(resumed?.tasks[2]?.flagged).toBe(true);

  const first = view.tasks[0];
  if (first) await solve(first.clusterId, first.taskId, 'spring');
  const report = await room.handlers['exams.submit']({ sessionId, language }, context());
  expect(report.tasks.map(({ report: { earned, points } }) => earned / points)).toEqual([
    1, 0, 0, 0,
  ]);
  expect(report.tasks[0]?.spentMs).toBe(60_000);
  expect(report.passed).toBe(false);
  expect(Math.abs(report.score - (first?.weight ?? 0))).toBeLessThan(1);
  expect(await room.handlers['exams.current']({ language }, context())).toBeNull();
  expect(await room.handlers['exams.report']({ sessionId, language }, context())).toEqual(report);
  expect(await room.handlers['exams.history']({}, context())).toEqual([
    {
      sessionId,
      examId: 'mock-30',
      finishedMs: report.finishedMs,
      score: report.score,
      passed: false,
    },
  ]);
}, 90_000);

test('an exam whose time runs out is graded by itself and takes nothing more', async () => {
  const { clock, handlers, repository } = openRoom();
  const view = await handlers['exams.start'](
    { examId: 'mock-30', seed: 'late', language },
    context(),
  );
  const { sessionId } = view;
  while (clock.step(view.endsMs)) await Promise.resolve();
  await expect(handlers['exams.notes']({ sessionId, notes: 'late' }, context())).rejects.toThrow(
    'the exam is over',
  );
  // Waits behind the grading that the clock began.
  expect(await handlers['exams.current']({ language }, context())).toBeNull();
  expect(repository.outcomes()).toMatchObject([{ sessionId, finishedMs: view.endsMs, score: 0 }]);
}, 90_000);
