import { expect, test } from 'vitest';
import { failure } from '#tests/renderer/fake-rpc';
import { studyRpc } from '#tests/renderer/study-rpc';
import { lessons } from '#tests/renderer/study-views';
import {
  groupLessons,
  searchLessons,
} from '../../../../../src-renderer/features/learn/lesson-groups.ts';
import { LessonState } from '../../../../../src-renderer/features/learn/lesson-state.svelte.ts';

async function opened(rpc = studyRpc()) {
  const kept = new Map<string, string>();
  const lesson = new LessonState({
    rpc,
    lessonId: 'labels',
    language: () => 'en',
    storage: {
      getItem: (key) => kept.get(key) ?? null,
      setItem: (key, value) => void kept.set(key, value),
      removeItem: (key) => void kept.delete(key),
    },
  });
  await lesson.lesson.load();
  const step = <K extends string>(blockId: K) => {
    const block = lesson.steps.find((each) => each.blockId === blockId);
    if (block === undefined) throw new Error(blockId);
    return block;
  };
  const command = (blockId: string) => {
    const block = step(blockId);
    if (block.kind !== 'command') throw new Error(block.kind);
    return block;
  };
  const question = (blockId: string) => {
    const block = step(blockId);
    if (block.kind === 'command') throw new Error(block.kind);
    return block;
  };
  return { lesson, rpc, command, question };
}

test('running a command types it into a terminal on its machine, line by line, and counts the step', async () => {
  const { lesson, rpc, command } = await opened();
  expect(lesson.doneCount).toBe(1);
  await lesson.run(command('relabel'));
  expect(rpc.typed).toEqual([
    {
      terminalId: 1,
      text: 'kubectl label pods -l app=hello-kiamol-2 --overwrite app=hello-kiamol-x\rkubectl get pods -o wide --show-labels\r',
    },
  ]);
  expect([lesson.isDone('relabel'), lesson.doneCount]).toEqual([true, 2]);
});

test('commands of one machine share a terminal, another machine gets its own', async () => {
  const { lesson, rpc, command } = await opened();
  await lesson.run(command('create'));
  await lesson.run(command('relabel'));
  await lesson.run({ ...command('create'), host: 'node01' });
  expect(rpc.typed.map(({ terminalId }) => terminalId)).toEqual([1, 1, 2]);
  expect(rpc.calls.filter(({ method }) => method === 'lessons.open')).toHaveLength(1);
});

test('a cluster that does not come up is told at the step, and can be asked for again', async () => {
  const rpc = studyRpc({
    'lessons.open': () => {
      throw failure('no space left on device');
    },
  });
  const { lesson, command } = await opened(rpc);
  await lesson.run(command('create'));
  expect([lesson.problemOf('create'), rpc.typed]).toEqual(['no space left on device', []]);
  rpc.answer('lessons.open', studyRpcCluster);
  await lesson.run(command('create'));
  expect([lesson.problemOf('create'), rpc.typed.length]).toEqual([undefined, 1]);
});

const studyRpcCluster = async () => (await import('#tests/renderer/study-rpc')).cluster;

test('a wrong quiz answer is not done, a right one is; choosing again forgets the verdict', async () => {
  const { lesson, question } = await opened();
  const quiz = question('quiz');
  await lesson.check(quiz);
  expect(lesson.verdictOf('quiz')).toBeUndefined();
  lesson.setAnswer('quiz', '0');
  await lesson.check(quiz);
  expect([lesson.verdictOf('quiz')?.correct, lesson.isDone('quiz')]).toEqual([false, false]);
  lesson.resetAnswer('quiz');
  expect(lesson.verdictOf('quiz')).toBeUndefined();
  lesson.setAnswer('quiz', '1');
  await lesson.check(quiz);
  expect([lesson.verdictOf('quiz')?.correct, lesson.isDone('quiz')]).toEqual([true, true]);
});

test('a manifest starts as it is given and is checked as it was mended', async () => {
  const { lesson, rpc, question } = await opened();
  const mistake = question('typo');
  expect(lesson.answerOf(mistake)).toContain('appVersion: apps/v1');
  lesson.setAnswer('typo', 'apiVersion: apps/v1');
  await lesson.check(mistake);
  expect(rpc.calls.filter(({ method }) => method === 'lessons.check')[0]?.params).toEqual({
    lessonId: 'labels',
    blockId: 'typo',
    answer: 'apiVersion: apps/v1',
    language: 'en',
  });
  expect(lesson.isDone('typo')).toBe(true);
  lesson.resetAnswer('typo');
  expect(lesson.answerOf(mistake)).toContain('appVersion');
});

test('lessons are grouped in the order of the curriculum, or by note', () => {
  expect(groupLessons(lessons, 'domain').map(({ id }) => id)).toEqual([
    'architecture',
    'workloads',
    'networking',
    'troubleshooting',
  ]);
  expect(groupLessons(lessons, 'note').map(({ id, lessons: { length } }) => [id, length])).toEqual([
    ['N0', 2],
    ['N2', 1],
    ['N3', 3],
  ]);
});

test.each([
  { query: '', ids: lessons.map(({ lessonId }) => lessonId), why: 'nothing asked' },
  { query: 'ETCD', ids: ['etcd'], why: 'without regard to case' },
  { query: '레이블 localhost', ids: [], why: 'every word must be there' },
  { query: 'n3 address', ids: ['kube-proxy'], why: 'note and English summary' },
  { query: '트러블슈팅', ids: ['scheduler'], why: 'the name of the domain' },
])('a search for "$query": $why', ({ query, ids }) => {
  expect(searchLessons(lessons, query, 'ko').map(({ lessonId }) => lessonId)).toEqual(ids);
});
