import { describe, expect, test } from 'vitest';
import {
  type Blueprint,
  bookTime,
  drawExam,
  drawParams,
  type ExamSession,
  examWeights,
  scoreExam,
  selectTask,
  type Task,
  type TaskResult,
} from '#core/exam';
import { fill, fillText } from '../../../../src-main/core/exam/params.ts';

const shares = {
  troubleshooting: 30,
  architecture: 25,
  networking: 20,
  workloads: 15,
  storage: 10,
};
const blueprint: Blueprint = {
  id: 'mock',
  title: { ko: '모의', en: 'Mock' },
  minutes: 30,
  taskCount: 4,
  passPercent: 66,
  domains: shares,
};
const pool = Object.keys(shares).flatMap((domain) =>
  [1, 2, 3, 4].map((number) => ({
    id: `${domain}-${number}`,
    domain,
    weight: number,
    targetSeconds: 300 + 60 * number,
  })),
) as unknown as Task[];

describe('parameters', () => {
  const task = {
    id: 't',
    params: {
      name: { pick: ['a', 'b', 'c'] },
      port: { int: [8080, 8082] as const },
      fault: {
        pick: [
          { id: 'x', n: 1 },
          { id: 'y', n: 2 },
        ],
      },
    },
  } as const;

  test('one seed gives one draw, many seeds give all', () => {
    expect(drawParams(task, 's')).toEqual(drawParams(task, 's'));
    const draws = Array.from({ length: 60 }, (_, seed) => drawParams(task, String(seed)));
    expect(new Set(draws.map((draw) => draw['name']))).toEqual(new Set(['a', 'b', 'c']));
    expect(new Set(draws.map((draw) => draw['port']))).toEqual(new Set([8080, 8081, 8082]));
    expect(new Set(draws.map((draw) => `${draw['fault.id']}${draw['fault.n']}`))).toEqual(
      new Set(['x1', 'y2']),
    );
  });

  test('a whole text takes on the type, a part becomes text', () => {
    const params = { n: 3, name: 'web' };
    expect(fill({ a: '{{n}}', b: ['x-{{n}}'], '{{name}}': true }, params)).toEqual({
      a: 3,
      b: ['x-3'],
      web: true,
    });
    expect(fillText("jsonpath='{.a}' {{ name }}", params)).toBe("jsonpath='{.a}' web");
  });

  test('an unknown name is an error', () => {
    expect(() => fillText('{{nope}}', {})).toThrow('there is no parameter nope');
  });
});

describe('drawing an exam', () => {
  test('is repeatable, without repetition, near the length of the exam', () => {
    for (let seed = 0; seed < 50; seed++) {
      const drawn = drawExam(blueprint, pool, String(seed));
      expect(drawExam(blueprint, pool.toReversed(), String(seed))).toEqual(drawn);
      expect(new Set(drawn).size).toBe(4);
      const seconds = drawn.reduce((sum, task) => sum + task.targetSeconds, 0);
      expect(seconds).toBeGreaterThanOrEqual(0.85 * 1800);
      expect(seconds).toBeLessThanOrEqual(1.05 * 1800);
    }
  });

  test('gives each domain its share over many exams', () => {
    const counts = new Map<string, number>();
    for (let seed = 0; seed < 400; seed++)
      for (const { domain } of drawExam(blueprint, pool, String(seed)))
        counts.set(domain, (counts.get(domain) ?? 0) + 1);
    for (const [domain, share] of Object.entries(shares))
      expect(Math.abs((counts.get(domain) ?? 0) / 16 - share)).toBeLessThan(4);
  });

  test('says when the pool is too small', () => {
    expect(() => drawExam(blueprint, pool.slice(0, 3), 's')).toThrow(
      'exam mock needs 4 tasks, but there are only 3',
    );
  });

  test('weights add up to 100 and follow the domains', () => {
    const drawn = ['troubleshooting-1', 'troubleshooting-3', 'storage-1'].map(
      (id) => pool.find((task) => task.id === id) as Task,
    );
    expect(examWeights(blueprint, drawn).map((weight) => Math.round(weight * 100) / 100)).toEqual([
      18.75, 56.25, 25,
    ]);
  });
});

const result = (earned: number, outcome: 'passed' | 'ungraded' = 'passed'): TaskResult => ({
  taskId: 't',
  points: 4,
  earned,
  checks: [{ id: 'c', description: { ko: '', en: '' }, points: 4, earned, outcome, gate: false }],
});
const session = (results: readonly TaskResult[]): ExamSession => ({
  sessionId: 'e',
  examId: 'mock',
  seed: 's',
  startedMs: 0,
  endsMs: 1_800_000,
  finishedMs: 1,
  current: 0,
  currentSinceMs: 0,
  notes: '',
  tasks: (['troubleshooting', 'storage'] as const).map((domain, index) => ({
    taskId: 't',
    domain,
    seed: 's',
    clusterId: 'c',
    weight: [75, 25][index] ?? 0,
    flagged: false,
    spentMs: 0,
    baseline: {},
  })),
  results,
});

describe('the score', () => {
  test('weighs tasks by their part of the exam', () => {
    expect(scoreExam(session([result(2), result(4)]))).toEqual({
      score: 62.5,
      domains: [
        { domain: 'troubleshooting', points: 75, earned: 37.5 },
        { domain: 'storage', points: 25, earned: 25 },
      ],
    });
  });

  test('leaves out what could not be decided', () => {
    expect(scoreExam(session([result(0, 'ungraded'), result(4)])).score).toBe(100);
  });
});

test('time is booked to the task in front and ends with the exam', () => {
  const first = selectTask(session([]), 1, 60_000);
  expect(first.tasks.map(({ spentMs }) => spentMs)).toEqual([60_000, 0]);
  const last = bookTime(first, 9_000_000);
  expect(last.tasks.map(({ spentMs }) => spentMs)).toEqual([60_000, 1_740_000]);
  expect(bookTime(last, 9_100_000)).toEqual(last);
});
