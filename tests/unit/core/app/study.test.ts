import { afterAll, beforeAll, expect, test } from 'vitest';
import type { EventFrame } from '#contract';
import { type CallContext, studyDomain } from '#core/app';
import type { BackupStore, CommandCard, ManifestCard } from '#core/study';
import { addDefaultServiceAccount, apiEngine } from '#tests/api-engine';
import { type ControlPlane, startControlPlane } from '#tests/control-plane';
import { basicCard, lesson, startStudy } from '#tests/study';

let plane: ControlPlane;
beforeAll(async () => {
  plane = await startControlPlane({ controllers: false });
  await addDefaultServiceAccount(plane.admin);
});
afterAll(() => plane.stop());

const context = { progress: () => undefined } as unknown as CallContext;
const pod = (field: string, image = 'nginx'): string =>
  `apiVersion: v1\nkind: Pod\nmetadata:\n  name: front\n  ${field}:\n    tier: web\nspec:\n  containers:\n    - name: web\n      image: ${image}\n`;
const expectation = [
  { object: 'v1/Pod/default/front', fields: { 'metadata.labels.tier': 'web' } },
] as const;

const manifestCard: ManifestCard = {
  ...basicCard('labels'),
  kind: 'manifest',
  front: { ko: '고쳐 보세요', en: 'Mend it' },
  back: { ko: '', en: 'It is `labels`.' },
  manifest: pod('lables'),
  answer: pod('labels'),
  expect: expectation,
};
const commandCard: CommandCard = {
  ...basicCard('nodes'),
  kind: 'command',
  front: { ko: '', en: 'List the nodes' },
  back: { ko: '', en: 'Well done.' },
  host: 'controlplane',
  setup: 'echo ready',
  answer: 'kubectl get nodes',
  expect: { output: ['node01'] },
};
const mistake = {
  kind: 'mistake' as const,
  blockId: 'typo',
  prompt: 'Mend it',
  manifest: pod('lables'),
  solution: pod('labels'),
  expect: expectation,
  why: 'The field is labels.',
};

function start() {
  const one = lesson('one');
  const blocks = [...one.blocks.en, mistake];
  const fixture = startStudy({
    content: {
      lessons: [{ ...one, blocks: { ko: blocks, en: blocks } }, lesson('two', { note: 'N1' })],
      cards: [basicCard('plain'), manifestCard, commandCard],
    },
  });
  const events: EventFrame[] = [];
  const engine = apiEngine(plane.admin);
  const backups: BackupStore = {
    list: () => [],
    create: () => Promise.reject(new Error('not asked for')),
    restore: () => Promise.resolve(),
  };
  const made = studyDomain({ study: fixture.study, engine: engine.engine, backups })((frame) =>
    events.push(frame),
  );
  return { ...fixture, engine, events, handlers: made as Required<typeof made> };
}

test('a mended manifest is judged by the API server, a broken one in its words', async () => {
  const { handlers } = start();
  const check = (answer: string) =>
    handlers['review.check']({ cardId: 'labels', answer, language: 'en' }, context);
  expect(await check(manifestCard.answer)).toEqual({
    correct: true,
    explanation: 'It is `labels`.',
  });
  expect(await check(manifestCard.manifest)).toEqual({
    correct: false,
    explanation:
      'Pod in version "v1" cannot be handled as a Pod: strict decoding error: unknown field "metadata.lables"',
  });
});

test.each([
  { answer: '', message: 'no objects passed to apply' },
  { answer: 'kind: Pod', message: 'error validating data: apiVersion not set' },
  { answer: 'a: b', message: 'error validating data: [apiVersion not set, kind not set]' },
  {
    answer: 'apiVersion: apps/v1\nkind: DemonSet',
    message: 'no matches for kind "DemonSet" in version "apps/v1"\nensure CRDs are installed first',
  },
  {
    answer: pod('labels').replace('name: front', 'name: Front'),
    message: 'metadata.name: Invalid value: "Front": a lowercase RFC 1123 subdomain must consist',
  },
  { answer: 'a:\n\t- b', message: 'error converting YAML to JSON: ' },
])('of $answer it is said: $message', async ({ answer, message }) => {
  const { handlers } = start();
  const verdict = await handlers['review.check'](
    { cardId: 'labels', answer, language: 'en' },
    context,
  );
  expect(verdict.correct).toBe(false);
  expect(verdict.explanation).toContain(message);
});

test('a manifest for an object that is already there is applied over it', async () => {
  const { handlers } = start();
  const made = await plane.admin.send({
    method: 'POST',
    url: '/api/v1/namespaces/default/pods',
    headers: { 'content-type': 'application/yaml' },
    body: new TextEncoder().encode(pod('labels')),
  });
  expect(made.status).toBe(201);
  const check = (answer: string) =>
    handlers['lessons.check'](
      { lessonId: 'one', blockId: 'typo', answer, language: 'en' },
      context,
    );
  expect(await check(pod('labels', 'nginx:1.28'))).toMatchObject({ correct: true });
  await plane.admin.send({
    method: 'DELETE',
    url: '/api/v1/namespaces/default/pods/front?gracePeriodSeconds=0',
    headers: {},
  });
});

test('each command is tried on a clean cluster', async () => {
  const { handlers, engine } = start();
  engine.result = { exitCode: 0, stdout: 'node01   Ready', stderr: '' };
  const check = (answer: string) =>
    handlers['review.check']({ cardId: 'nodes', answer, language: 'en' }, context);
  expect(await check('kubectl get no')).toEqual({ correct: true, explanation: 'Well done.' });
  engine.result = { exitCode: 127, stdout: '', stderr: 'bash: kubctl: command not found\n' };
  await expect(check('kubctl get no')).rejects.toThrow("the card's setup failed");
  expect(engine.calls).toEqual([
    'create cards',
    'mark cards clean',
    'run cards controlplane: echo ready',
    'run cards controlplane: kubectl get no',
    'reset cards clean',
    'run cards controlplane: echo ready',
  ]);
});

test('lessons show no answers, and a right answer marks its block done', async () => {
  const { handlers, events } = start();
  const { blocks } = await handlers['lessons.get']({ lessonId: 'one', language: 'en' }, context);
  expect(blocks.at(-1)).toEqual({
    kind: 'mistake',
    blockId: 'typo',
    prompt: 'Mend it',
    manifest: pod('lables'),
  });
  expect(JSON.stringify(blocks)).not.toContain('because');
  const check = (blockId: string, answer: string) =>
    handlers['lessons.check']({ lessonId: 'one', blockId, answer, language: 'en' }, context);
  expect(await check('ask', '0')).toEqual({
    correct: false,
    explanation: 'because',
    expected: 'that',
  });
  expect(events).toEqual([]);
  expect(await check('ask', '1')).toEqual({ correct: true, explanation: 'because' });
  expect(await check('typo', pod('labels'))).toMatchObject({ correct: true });
  await handlers['lessons.markDone']({ lessonId: 'one', blockId: 'look' }, context);
  expect(events).toHaveLength(3);
  const [summary] = await handlers['lessons.list']({}, context);
  expect(summary).toMatchObject({ stepCount: 3, stepsDone: 3, cardCount: 3 });
  await expect(check('look', '1')).rejects.toMatchObject({ status: { code: 400 } });
});

test('a lesson opens its own cluster once', async () => {
  const { handlers, engine } = start();
  const open = () => handlers['lessons.open']({ lessonId: 'two' }, context);
  const [view] = await Promise.all([open(), open()]);
  expect(view).toMatchObject({ clusterId: 'lesson-two', purpose: 'lesson' });
  await open();
  expect(engine.calls).toEqual(['create lesson-two']);
});

test('answering, undoing and the view of today go together', async () => {
  const { handlers } = start();
  const answered = await handlers['review.answer'](
    { cardId: 'plain', grade: 'easy', durationMs: 900, language: 'ko' },
    context,
  );
  expect(answered).toMatchObject({
    card: { cardId: 'labels', kind: 'manifest', front: '고쳐 보세요', manifest: pod('lables') },
    counts: { newCards: 2, done: 1 },
    canUndo: true,
  });
  expect(await handlers['today.get']({}, context)).toMatchObject({
    counts: { done: 1 },
    nextLesson: { lessonId: 'one' },
    drill: null,
    daysToExam: null,
    streakDays: 1,
    examInProgress: false,
  });
  const progress = await handlers['progress.get']({}, context);
  expect(progress.heatmap.at(-1)).toEqual({ day: '2026-03-02', reviews: 1 });
  expect(await handlers['review.undo']({ language: 'ko' }, context)).toMatchObject({
    card: { cardId: 'plain', state: 'new' },
    canUndo: false,
  });
});

test('what is wrong leaves as a Status', async () => {
  const { handlers } = start();
  await expect(
    handlers['lessons.get']({ lessonId: 'x', language: 'en' }, context),
  ).rejects.toMatchObject({ status: { code: 404, message: 'there is no lesson "x"' } });
  await expect(
    handlers['settings.update']({ changes: { desiredRetention: 2 } }, context),
  ).rejects.toMatchObject({
    status: {
      code: 400,
      message: 'settings: desiredRetention must be a number from 0.7 to 0.99',
    },
  });
  await expect(
    handlers['review.check']({ cardId: 'plain', answer: '', language: 'en' }, context),
  ).rejects.toMatchObject({ status: { code: 400 } });
});
