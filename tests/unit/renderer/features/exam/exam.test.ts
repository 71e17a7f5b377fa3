import { expect, test, vi } from 'vitest';
import { ExamSession } from '../../../../../src-renderer/features/exam/exam-session.svelte.ts';
import {
  figuresOf,
  taskPercent,
} from '../../../../../src-renderer/features/exam/report-figures.ts';
import { failure, fakeRpc } from '../../../../support/renderer/fake-rpc.ts';
import { labAnswers } from '../../../../support/renderer/lab-rpc.ts';
import { exam, report } from '../../../../support/renderer/lab-views.ts';
import { sampleNowMs } from '../../../../support/renderer/study-views.ts';

const minuteMs = 60_000;

function sitting(minutes = 40) {
  const rpc = fakeRpc(labAnswers());
  const finished: string[] = [];
  const session = new ExamSession({
    rpc,
    exam: exam({ startedMs: sampleNowMs, endsMs: sampleNowMs + minutes * minuteMs }),
    language: () => 'ko',
    now: () => sampleNowMs,
    onfinished: (sessionId) => finished.push(sessionId),
  });
  return { rpc, session, finished };
}

test.each([
  { to: [39, 31], alert: null, urgency: 'calm', why: 'nothing yet' },
  { to: [30], alert: 30, urgency: 'soon', why: 'half an hour' },
  { to: [29, 15], alert: 15, urgency: 'soon', why: 'a quarter' },
  { to: [14, 5], alert: 5, urgency: 'last', why: 'the last minutes' },
  { to: [4], alert: 5, urgency: 'last', why: 'after a sleep only the latest is told' },
])('with $to minutes left the alert is $alert: $why', ({ to, alert, urgency }) => {
  const { rpc, session } = sitting();
  for (const minutes of to)
    rpc.emit('exam.clock', { sessionId: 'e1', remainingMs: minutes * minuteMs });
  expect([session.alert, session.urgency]).toEqual([alert, urgency]);
});

test.each([
  { left: 30, alert: null, urgency: 'calm' },
  { left: 16, alert: null, urgency: 'calm' },
  { left: 15, alert: 15, urgency: 'soon' },
  { left: 5, alert: 5, urgency: 'last' },
])('in an exam of half an hour $left minutes are $urgency', ({ left, alert, urgency }) => {
  const { rpc, session } = sitting(30);
  rpc.emit('exam.clock', { sessionId: 'e1', remainingMs: left * minuteMs });
  expect([session.alert, session.urgency]).toEqual([alert, urgency]);
});

test('the clock of another exam is not ours', () => {
  const { rpc, session } = sitting();
  rpc.emit('exam.clock', { sessionId: 'other', remainingMs: 1 });
  expect(session.remainingMs).toBe(40 * minuteMs);
});

test('when time is up the exam is handed in, once', async () => {
  const { rpc, session, finished } = sitting();
  rpc.emit('exam.clock', { sessionId: 'e1', remainingMs: 0 });
  rpc.emit('exam.clock', { sessionId: 'e1', remainingMs: 0 });
  expect(session.grading).toBe(true);
  await vi.waitFor(() => expect(finished).toEqual(['e1']));
  expect(rpc.calls.filter(({ method }) => method === 'exams.submit').length).toBe(1);
});

test('going through the tasks stays within them, and flags stay', async () => {
  const { rpc, session } = sitting();
  await session.previous();
  expect(rpc.calls).toEqual([]);
  await session.next();
  await session.toggleFlag(1);
  expect([session.exam.current, session.flaggedCount]).toEqual([1, 2]);
  await session.toggleFlag(2);
  expect(session.flaggedCount).toBe(1);
});

test('notes are stored before the exam is handed in', async () => {
  const { rpc, session } = sitting();
  session.writeNotes('3: check again');
  expect(session.notesState).toBe('saving');
  await session.submit();
  expect(rpc.calls.map(({ method }) => method)).toEqual(['exams.notes', 'exams.submit']);
  expect(session.notesState).toBe('saved');
});

test('a failed submission keeps the exam and says why', async () => {
  const { rpc, session, finished } = sitting();
  rpc.answer('exams.submit', () => {
    throw failure('the cluster does not answer');
  });
  await session.submit();
  expect([session.error, session.grading, finished]).toEqual([
    'the cluster does not answer',
    false,
    [],
  ]);
});

test('a report names the slowest task and the domain that cost most', () => {
  const { slowest, weakest } = figuresOf(report());
  expect([slowest?.taskId, weakest]).toEqual(['netpol-allow-from', 'troubleshooting']);
  expect(report().tasks.map(taskPercent)).toEqual([43, 100]);
  const clean = report({ tasks: [], domains: [{ domain: 'storage', points: 10, earned: 10 }] });
  expect(figuresOf(clean)).toEqual({ slowest: null, weakest: null });
});
