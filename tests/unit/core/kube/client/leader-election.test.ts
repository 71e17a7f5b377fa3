import { expect, test } from 'vitest';
import { seededRandom, silentLogger } from '#core/base';
import {
  createClient,
  createEventRecorder,
  runLeaderElection,
} from '../../../../../src-main/core/kube/client/index.ts';
import { FakeApi } from '#tests/fake-api';
import { TestTime } from '#tests/sim';

interface Spec {
  holderIdentity: string;
  leaseTransitions: number;
  leaseDurationSeconds: number;
}

function bench() {
  const time = new TestTime();
  const api = new FakeApi(time.clock);
  const led: string[] = [];
  const candidate = (identity: string) => {
    const client = createClient(api.transport, {
      userAgent: identity,
      clock: time.clock,
      logger: silentLogger,
    });
    const random = seededRandom(identity);
    return runLeaderElection({
      client,
      clock: time.clock,
      random,
      logger: silentLogger,
      namespace: 'kube-system',
      name: 'kube-scheduler',
      identity,
      recorder: createEventRecorder(client, {
        component: 'default-scheduler',
        clock: time.clock,
        random,
        logger: silentLogger,
      }),
      onStartedLeading: () => led.push(`${identity} leads`),
      onStoppedLeading: () => led.push(`${identity} lost`),
    });
  };
  const spec = (): Spec =>
    api.get('leases.coordination.k8s.io', 'kube-scheduler', 'kube-system')?.spec as never;
  return { time, api, led, candidate, spec };
}

test('another takes the lease fifteen seconds after the last sign of a leader that died', async () => {
  const { time, api, led, candidate, spec } = bench();
  const first = candidate('a');
  await time.advance(1000);
  candidate('b');
  await time.advance(60_000);
  expect(led).toEqual(['a leads']);
  expect(spec()).toMatchObject({ holderIdentity: 'a', leaseTransitions: 0 });
  first.dispose();
  await time.advance(12_500);
  expect(led).toEqual(['a leads']);
  await time.advance(7500);
  expect(led).toEqual(['a leads', 'b leads']);
  expect(spec()).toMatchObject({
    holderIdentity: 'b',
    leaseTransitions: 1,
    leaseDurationSeconds: 15,
  });
  expect(api.list('events').map(({ message }) => message as string)).toEqual([
    'a became leader',
    'b became leader',
  ]);
});

test('a leader that is told to end gives the lease up, and another has it at its next try', async () => {
  const { time, led, candidate, spec } = bench();
  const first = candidate('a');
  await time.advance(1000);
  const second = candidate('b');
  await time.advance(20_000);
  await second.release();
  expect(spec().holderIdentity).toBe('a');
  candidate('c');
  await time.advance(1000);
  await first.release();
  expect(spec()).toMatchObject({
    holderIdentity: '',
    leaseTransitions: 0,
    leaseDurationSeconds: 1,
  });
  await time.advance(5000);
  expect(led).toEqual(['a leads', 'c leads']);
  expect(spec()).toMatchObject({ holderIdentity: 'c', leaseTransitions: 1 });
});

test('a leader whose lease somebody else has taken steps down', async () => {
  const { time, api, led, candidate } = bench();
  candidate('a');
  await time.advance(5000);
  api.change('leases.coordination.k8s.io', 'kube-scheduler', 'kube-system', (draft) => {
    (draft['spec'] as Record<string, unknown>)['holderIdentity'] = 'thief';
    (draft['spec'] as Record<string, unknown>)['leaseDurationSeconds'] = 3600;
  });
  await time.advance(15_000);
  expect(led).toEqual(['a leads', 'a lost']);
});
