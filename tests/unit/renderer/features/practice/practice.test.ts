import { expect, test } from 'vitest';
import {
  byDomain,
  PracticeFilter,
} from '../../../../../src-renderer/features/practice/practice-list.svelte.ts';
import { WorkbenchState } from '../../../../../src-renderer/features/practice/workbench-state.svelte.ts';
import { failure, fakeRpc } from '../../../../support/renderer/fake-rpc.ts';
import { labAnswers } from '../../../../support/renderer/lab-rpc.ts';
import { grade, task, taskSummaries } from '../../../../support/renderer/lab-views.ts';
import { sampleNowMs } from '../../../../support/renderer/study-views.ts';

test.each<{ set: (filter: PracticeFilter) => void; ids: string[]; why: string }>([
  {
    set: () => undefined,
    ids: ['netpol-allow-from', 'expose-deployment', 'kubelet-down'],
    why: 'nothing chosen',
  },
  {
    set: (filter) => filter.setDomain('networking'),
    ids: ['netpol-allow-from', 'expose-deployment'],
    why: 'domain',
  },
  { set: (filter) => (filter.tier = 'deep'), ids: ['kubelet-down'], why: 'tier' },
  {
    set: (filter) => (filter.competency = 'tr.components'),
    ids: ['kubelet-down'],
    why: 'competency',
  },
  { set: (filter) => (filter.state = 'solved'), ids: ['expose-deployment'], why: 'full marks' },
  {
    set: (filter) => (filter.state = 'unsolved'),
    ids: ['netpol-allow-from'],
    why: 'tried, not solved',
  },
  { set: (filter) => (filter.state = 'untried'), ids: ['kubelet-down'], why: 'never tried' },
  {
    set: (filter) => (filter.query = 'node expose'),
    ids: ['expose-deployment'],
    why: 'every word must be there',
  },
])('the list by $why', ({ set, ids }) => {
  const filter = new PracticeFilter();
  set(filter);
  expect(filter.apply(taskSummaries, ({ en }) => en).map(({ taskId }) => taskId)).toEqual(ids);
});

test('tasks stand under their domains, in the order of the curriculum', () => {
  expect(
    byDomain(taskSummaries, ['troubleshooting', 'storage', 'networking']).map((group) => [
      group.domain,
      group.tasks.length,
    ]),
  ).toEqual([
    ['troubleshooting', 1],
    ['networking', 2],
  ]);
});

const bench = (rpc = fakeRpc(labAnswers())) => ({
  rpc,
  state: new WorkbenchState(rpc, task(), () => sampleNowMs),
});

test('a check keeps its result and when it was made; a reset drops it', async () => {
  const { state } = bench();
  expect(await state.check('ko')).toBe(true);
  expect([state.report, state.checkedMs]).toEqual([grade(), 180_000]);
  await state.reset('ko');
  expect(state.report).toBeNull();
});

test('hints open one by one until none is left', async () => {
  const { state, rpc } = bench();
  expect(state.hintsLeft).toBe(2);
  await state.hint('ko');
  await state.hint('ko');
  expect([state.task.hints.length, state.hintsLeft]).toEqual([3, 0]);
  expect(await state.hint('ko')).toBe(false);
  expect(rpc.calls.length).toBe(2);
});

test('one thing at a time, and a failure says why', async () => {
  const { state, rpc } = bench();
  rpc.answer('tasks.check', () => {
    throw failure('this session has ended; start the task again', 'Gone', 410);
  });
  const first = state.check('ko');
  expect(await state.reset('ko')).toBe(false);
  expect(await first).toBe(false);
  expect([state.error, state.work]).toEqual(['this session has ended; start the task again', null]);
});
