import { expect, test } from 'vitest';
import { failure } from '#tests/renderer/fake-rpc';
import { studyRpc } from '#tests/renderer/study-rpc';
import { card, review } from '#tests/renderer/study-views';
import { ReviewSession } from '../../../../../src-renderer/features/review/review-session.svelte.ts';

async function sitting(rpc = studyRpc()) {
  const clock = { nowMs: 0 };
  const session = new ReviewSession({ rpc, language: () => 'ko', now: () => clock.nowMs });
  await session.view.load();
  return { session, rpc, clock };
}

test('an answer is graded only when it is in sight, with the time it took', async () => {
  const { session, rpc, clock } = await sitting();
  clock.nowMs = 4_200;
  await session.grade('good');
  expect(rpc.calls.map(({ method }) => method)).toEqual(['review.get']);
  session.reveal();
  await session.grade('good');
  expect(rpc.calls.at(-1)).toEqual({
    method: 'review.answer',
    params: { cardId: 'labels-1', grade: 'good', durationMs: 4_200, language: 'ko' },
  });
  expect([session.card?.cardId, session.revealed, session.answered, session.spentMs]).toEqual([
    'labels-2',
    false,
    1,
    4_200,
  ]);
});

test.each([
  { answer: 'kubectl label pod web-1 app=other', correct: true, suggested: 'good' },
  { answer: 'kubectl get pods', correct: false, suggested: 'again' },
])('a check of "$answer" suggests $suggested', async ({ answer, correct, suggested }) => {
  const { session } = await sitting();
  session.answer = answer;
  await session.check();
  expect([session.verdict?.correct, session.revealed, session.suggested]).toEqual([
    correct,
    true,
    suggested,
  ]);
});

test('an empty answer is not sent', async () => {
  const { session, rpc } = await sitting();
  session.answer = '  ';
  await session.check();
  expect(rpc.calls).toHaveLength(1);
});

test('a manifest card starts with its manifest', async () => {
  const manifest = 'kind: Pod\n';
  const { session } = await sitting(
    studyRpc({ 'review.get': () => review({ card: card({ kind: 'manifest', manifest }) }) }),
  );
  expect(session.answer).toBe(manifest);
});

test('a failed grade keeps the card and says why', async () => {
  const rpc = studyRpc({
    'review.answer': () => {
      throw failure('database is locked');
    },
  });
  const { session } = await sitting(rpc);
  session.reveal();
  await session.grade('easy');
  expect([session.card?.cardId, session.revealed, session.problem, session.answered]).toEqual([
    'labels-1',
    true,
    'database is locked',
    0,
  ]);
});

test('undo takes the last answer out of the sitting', async () => {
  const { session } = await sitting();
  session.reveal();
  await session.grade('again');
  expect(session.recalled).toBe(0);
  await session.undo();
  expect([session.answered, session.recalled, session.view.value?.canUndo]).toEqual([
    0,
    null,
    false,
  ]);
  await session.undo();
  expect(session.problem).toBeNull();
});

test('a second key while an answer is under way does nothing', async () => {
  const { session, rpc } = await sitting();
  session.reveal();
  await Promise.all([session.grade('good'), session.grade('good')]);
  expect(rpc.calls.filter(({ method }) => method === 'review.answer')).toHaveLength(1);
});
