import { expect, test } from 'vitest';
import { seededRandom, silentLogger } from '#core/base';
import { FakeApi } from '#tests/fake-api';
import { TestTime } from '#tests/sim';
import {
  createClient,
  createEventRecorder,
  createInformers,
  runController,
  runLeaderElection,
  WorkQueue,
} from '../../../../../src-main/core/kube/client/index.ts';
import type { ObjectKey } from '../../../../../src-main/core/kube/machinery/index.ts';

function setUp() {
  const time = new TestTime();
  const { clock } = time;
  const api = new FakeApi(clock);
  const client = createClient(api.transport, { userAgent: 'test', clock, logger: silentLogger });
  return { time, clock, api, client, random: seededRandom('client') };
}

test('an informer shows what exists, follows changes, and survives a server that drops watches', async () => {
  const { api, client, clock, time } = setUp();
  api.create('pods', { metadata: { name: 'a', namespace: 'n' } });
  const informers = createInformers(client, clock);
  const pods = informers.for('pods');
  expect(informers.for('pods')).toBe(pods);
  const seen: string[] = [];
  pods.addHandler({
    onAdd: ({ metadata }) => seen.push(`add ${metadata.name ?? ''}`),
    onUpdate: (_, { metadata }) => seen.push(`update ${metadata.name ?? ''}`),
    onDelete: ({ metadata }) => seen.push(`delete ${metadata.name ?? ''}`),
  });
  informers.start();
  await informers.waitForSync();
  await time.settle();
  api.create('pods', { metadata: { name: 'b', namespace: 'n' } });
  api.change('pods', 'a', 'n', (pod) => (pod.metadata.labels = { x: 'y' }));
  await time.settle();
  api.dropWatches();
  api.delete('pods', 'b', 'n');
  await time.settle();
  expect(seen).toEqual(['add a', 'add b', 'update a', 'delete b']);
  expect(pods.list('n', { matchLabels: { x: 'y' } }).map(({ metadata }) => metadata.name)).toEqual([
    'a',
  ]);
  expect(pods.list('other')).toEqual([]);
});

test('a failure of the API is a StatusError with its reason', async () => {
  const { client } = setUp();
  await expect(client.resource('pods').get('n', 'gone')).rejects.toMatchObject({
    name: 'StatusError',
    status: { reason: 'NotFound', code: 404 },
  });
});

test('a queue takes a key once, again after a change under way, and backs off from 5 ms', async () => {
  const { clock, time } = setUp();
  const queue = new WorkQueue<ObjectKey>(clock);
  const startMs = clock.now();
  const runs: number[] = [];
  const key = 'n/a' as ObjectKey;
  runController({
    name: 'test',
    queue,
    clock,
    logger: silentLogger,
    reconcile: () => {
      runs.push(clock.now() - startMs);
      if (runs.length < 5) throw new Error('not yet');
      return Promise.resolve({});
    },
  });
  queue.add(key);
  queue.add(key);
  await time.settle();
  expect(runs).toEqual([0, 5, 15, 35, 75]);
  expect(queue.numRequeues(key)).toBe(0);
});

test('equal events are counted, similar ones combined, floods dropped', async () => {
  const { api, client, clock, time, random } = setUp();
  const recorder = createEventRecorder(client, {
    component: 'c',
    clock,
    random,
    logger: silentLogger,
  });
  const pod = { apiVersion: 'v1', kind: 'Pod', namespace: 'n', name: 'a', uid: 'u' };
  for (let i = 0; i < 3; i++) recorder.event(pod, 'Normal', 'Same', 'text');
  await time.settle();
  const [event] = api.list('events');
  expect(event).toMatchObject({
    count: 3,
    reason: 'Same',
    message: 'text',
    source: { component: 'c' },
    reportingComponent: 'c',
    reportingInstance: '',
    type: 'Normal',
  });
  expect(event?.metadata.name).toMatch(/^a\.[0-9a-f]{16}$/);
  // All within a millisecond, and yet in order by name.
  for (const each of ['First', 'Second', 'Third']) recorder.event(pod, 'Normal', each, 'text');
  await time.settle();
  const inOrder = api
    .list('events')
    .toSorted((a, b) => ((a.metadata.name ?? '') < (b.metadata.name ?? '') ? -1 : 1))
    .map(({ reason }) => reason);
  expect(inOrder).toEqual(['Same', 'First', 'Second', 'Third']);
  for (let i = 0; i < 12; i++) recorder.event(pod, 'Warning', 'Similar', `text ${i}`);
  await time.settle();
  const messages = api
    .list('events')
    .map(({ message, count }) => `${String(message)} x${String(count)}`);
  expect(messages.at(-1)).toBe('(combined from similar events): text 11 x3');
  expect(messages).toHaveLength(3 + 11);
  for (let i = 0; i < 40; i++) recorder.event(pod, 'Warning', `Flood${i}`, 'text');
  await time.settle();
  expect(api.list('events')).toHaveLength(3 + 11 + 13);
});

test('one of two candidates leads; the other takes over when the lease runs out', async () => {
  const { api, client, clock, time, random } = setUp();
  const history: string[] = [];
  const candidate = (identity: string) =>
    runLeaderElection({
      client,
      clock,
      random,
      logger: silentLogger,
      namespace: 'kube-system',
      name: 'kube-scheduler',
      identity,
      onStartedLeading: () => history.push(`${identity} leads`),
      onStoppedLeading: () => history.push(`${identity} stopped`),
    });
  const first = candidate('one');
  await time.advance(1000);
  candidate('two');
  await time.advance(60_000);
  expect(history).toEqual(['one leads']);
  first.dispose();
  await time.advance(30_000);
  expect(history).toEqual(['one leads', 'two leads']);
  expect(
    api.get('leases.coordination.k8s.io', 'kube-scheduler', 'kube-system')?.spec,
  ).toMatchObject({
    holderIdentity: 'two',
    leaseDurationSeconds: 15,
    leaseTransitions: 1,
  });
});
