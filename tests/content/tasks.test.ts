import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createTaskCluster, hurry, rewind } from '#core/app';
import {
  applies,
  domains,
  drawExam,
  drawParams,
  gradeTask,
  instantiate,
  scriptOf,
  seedTask,
  type Task,
  type TaskResult,
} from '#core/exam';
import { readExams, readStudyContent, readTasks } from '#node/content';
import { clusterSpec, startEngine, type TestEngine } from '#tests/lab';

const contentFolder = path.resolve('content');
const tasks = readTasks(contentFolder);
const exams = readExams(contentFolder, tasks);

const clusterId = 'proof';
const scriptTimeoutMs = 600_000;

/** The fewest seeds of which every variant of every record (a fault, a pair of nodes) is drawn; two at least. */
function seedsOf(task: Task): readonly string[] {
  const wanted = new Set(
    Object.entries(task.params).flatMap(([name, spec]) =>
      'pick' in spec && typeof spec.pick[0] === 'object'
        ? spec.pick.map((item) => `${name} ${JSON.stringify(Object.values(item)[0])}`)
        : [],
    ),
  );
  const seeds: string[] = [];
  for (let number = 1; number < 200 && (wanted.size > 0 || seeds.length < 2); number++) {
    const params = drawParams(task, `seed ${number}`);
    const drawn = Object.entries(task.params).flatMap(([name, spec]) => {
      const first = 'pick' in spec && typeof spec.pick[0] === 'object' ? spec.pick[0] : undefined;
      const field = first && Object.keys(first)[0];
      return field ? [`${name} ${JSON.stringify(params[`${name}.${field}`])}`] : [];
    });
    if (wanted.size > 0 && !drawn.some((variant) => wanted.has(variant))) continue;
    for (const variant of drawn) wanted.delete(variant);
    seeds.push(`seed ${number}`);
  }
  return seeds;
}

interface Attempt {
  /** Undefined: nothing is done. */
  readonly file: string | undefined;
  readonly least: number;
  readonly most: number;
}

function attemptsOf(task: Task, seed: string): readonly Attempt[] {
  const params = drawParams(task, seed);
  return [
    { file: undefined, least: 0, most: 0 },
    ...Object.keys(task.scripts)
      .filter((file) => file === 'ref.sh' || file.startsWith('alt-'))
      .map((file) => ({ file, least: 100, most: 100 })),
    ...task.wrong
      .filter(({ when }) => applies(when, params))
      .map(({ file, score: [least, most] }) => ({ file, least, most })),
  ];
}

const findings = (result: TaskResult): string =>
  result.checks
    .map(({ id, outcome, expected, actual }) =>
      outcome === 'passed' ? `${id}: passed` : `${id}: ${outcome}: ${expected} but ${actual}`,
    )
    .join('\n');

describe('the collection', () => {
  test('covers all domains with at least twelve tasks in all tiers', () => {
    expect(tasks.length).toBeGreaterThanOrEqual(12);
    for (const domain of domains)
      expect(tasks.filter((task) => task.domain === domain).length).toBeGreaterThanOrEqual(2);
    expect(new Set(tasks.map(({ tier }) => tier))).toEqual(new Set(['quick', 'core', 'deep']));
  });

  test.each(tasks.map((task) => ({ task, id: task.id })))(
    '$id: time fits its tier, an alternative and a wrong way are proven',
    ({ task }) => {
      const [least, most] = { quick: [30, 240], core: [241, 540], deep: [541, 840] }[task.tier] as [
        number,
        number,
      ];
      expect(task.targetSeconds).toBeGreaterThanOrEqual(least);
      expect(task.targetSeconds).toBeLessThanOrEqual(most);
      expect(Object.keys(task.scripts).some((file) => file.startsWith('alt-'))).toBe(true);
      expect(task.wrong.length).toBeGreaterThan(0);
      expect(Object.keys(task.scripts).filter((file) => file.startsWith('wrong-')).sort()).toEqual(
        [...new Set(task.wrong.map(({ file }) => file))].sort(),
      );
    },
  );

  test('tasks that share a cluster never share a namespace', () => {
    const owners = new Map<string, string>();
    for (const task of tasks.filter(({ lab }) => lab.namespace && !lab.isolated))
      for (const namespace of new Set(
        Array.from({ length: 100 }, (_, seed) => instantiate(task, String(seed)).namespace ?? ''),
      )) {
        expect(owners.get(namespace) ?? task.id).toBe(task.id);
        owners.set(namespace, task.id);
      }
  });

  test.each([
    { id: 'mock-30', minutes: 30, taskCount: 4 },
    { id: 'mock-120', minutes: 120, taskCount: 16 },
  ])('$id draws $taskCount tasks and passes at 66 percent', ({ id, minutes, taskCount }) => {
    const exam = exams.find((one) => one.id === id);
    expect(exam).toMatchObject({ minutes, taskCount, passPercent: 66 });
    expect(exam && new Set(drawExam(exam, tasks, 'seed')).size).toBe(taskCount);
  });

  test('what a failed check names exists', () => {
    const { lessons, cards } = readStudyContent(contentFolder);
    const known = new Set([...lessons.map(({ lessonId }) => lessonId), ...cards.map(({ cardId }) => cardId)]);
    const named = tasks.flatMap((task) => [
      ...(task.lesson === undefined ? [] : [task.lesson]),
      ...task.checks.flatMap(({ miss = [] }) =>
        miss.flatMap((one) => [...(one.lesson === undefined ? [] : [one.lesson]), ...(one.cards ?? [])]),
      ),
    ]);
    expect(named.filter((id) => !known.has(id))).toEqual([]);
    expect(named.length).toBeGreaterThan(0);
  });
});

describe('on the running engine', () => {
  let lab: TestEngine;
  beforeAll(async () => {
    lab = await startEngine();
    await lab.engine.create(clusterSpec({ clusterId }));
    await lab.engine.mark(clusterId, 'pristine');
  }, 60_000);
  afterAll(() => lab.stop());

  const rows = tasks.flatMap((task) =>
    seedsOf(task).flatMap((seed) =>
      attemptsOf(task, seed).map((attempt) => ({ ...attempt, task, seed, id: task.id })),
    ),
  );
  test.each(rows)(
    '$id, $seed: $file earns $least to $most percent',
    async ({ task, seed, file, least, most }) => {
      const { engine } = lab;
      await rewind(engine, clusterId, 'pristine');
      const instance = instantiate(task, seed);
      const baseline = await seedTask(createTaskCluster(engine, clusterId), instance);
      let output = '';
      if (file !== undefined) {
        const run = await hurry(
          engine,
          clusterId,
          engine.run(clusterId, instance.host, scriptOf(instance, file), {
            timeoutMs: scriptTimeoutMs,
          }),
        );
        output = run.stdout + run.stderr;
      }
      const result = await gradeTask(createTaskCluster(engine, clusterId), instance, baseline);
      const percent = (100 * result.earned) / result.points;
      const story = `${findings(result)}\n${output}`;
      expect(result.checks.filter(({ outcome }) => outcome === 'ungraded'), story).toEqual([]);
      expect(percent, story).toBeGreaterThanOrEqual(least);
      expect(percent, story).toBeLessThanOrEqual(most);
    },
    60_000,
  );
});
