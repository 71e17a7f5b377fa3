import { expect, test } from 'vitest';
import { type ControllerBench, createControllerBench, makeReady } from '#tests/controllers';
import type { FakeObject } from '#tests/fake-api';
import {
  createDeploymentController,
  createReplicaSetController,
} from '../../../../../src-main/core/kube/controllers/index.ts';

const web = (overrides: object = {}) => ({
  metadata: { name: 'web', namespace: 'default' },
  spec: {
    replicas: 3,
    revisionHistoryLimit: 10,
    progressDeadlineSeconds: 600,
    selector: { matchLabels: { app: 'web' } },
    strategy: { type: 'RollingUpdate', rollingUpdate: { maxSurge: '25%', maxUnavailable: '25%' } },
    template: {
      metadata: { labels: { app: 'web' } },
      spec: { containers: [{ name: 'web', image: 'nginx:1.25' }] },
    },
    ...overrides,
  },
});

async function start(): Promise<ControllerBench> {
  const bench = createControllerBench();
  await bench.run(createDeploymentController, 'deployment-controller');
  await bench.run(createReplicaSetController, 'replicaset-controller');
  return bench;
}

/** Readies pods one round after the other until nothing changes. */
async function rollOut({ api, time }: ControllerBench): Promise<void> {
  for (;;) {
    await time.settle();
    const waiting = api.list('pods').filter((pod) => pod.status?.['phase'] !== 'Running');
    if (waiting.length === 0) return;
    for (const pod of waiting) makeReady(api, pod.metadata.name ?? '');
  }
}

const setNames = ({ api }: ControllerBench) =>
  api.list('replicasets.apps').map(({ metadata }) => metadata.name ?? '');

const masked = (bench: ControllerBench, texts: string[]) =>
  texts.map((text) =>
    setNames(bench).reduce(
      (masked, name, index) => masked.replaceAll(name, `SET${index + 1}`),
      text,
    ),
  );

const conditions = ({ api }: ControllerBench) =>
  (
    api.get('deployments.apps', 'web', 'default')?.status?.['conditions'] as {
      type: string;
      status: string;
      reason: string;
      message: string;
    }[]
  ).map(({ type, status, reason, message }) => `${type}=${status} ${reason}: ${message}`);

test('a new Deployment gets a ReplicaSet, pods, a revision and upstream conditions', async () => {
  const bench = await start();
  const { api } = bench;
  api.create('deployments.apps', web());
  await rollOut(bench);

  const deployment = api.get('deployments.apps', 'web', 'default') as FakeObject;
  expect(deployment.status).toMatchObject({
    replicas: 3,
    updatedReplicas: 3,
    readyReplicas: 3,
    availableReplicas: 3,
    observedGeneration: 1,
  });
  expect(masked(bench, conditions(bench))).toEqual([
    'Available=True MinimumReplicasAvailable: Deployment has minimum availability.',
    'Progressing=True NewReplicaSetAvailable: ReplicaSet "SET1" has successfully progressed.',
  ]);
  expect(masked(bench, bench.events('web'))).toEqual([
    'ScalingReplicaSet Scaled up replica set SET1 from 0 to 3',
  ]);
  const [set] = api.list('replicasets.apps');
  const hash = set?.metadata.labels?.['pod-template-hash'] ?? '';
  expect(hash).toMatch(/^[bcdfghjklmnpqrstvwxz2456789]{8,10}$/);
  expect(set?.metadata.name).toBe(`web-${hash}`);
  expect((set?.metadata as { annotations?: object }).annotations).toEqual({
    'deployment.kubernetes.io/desired-replicas': '3',
    'deployment.kubernetes.io/max-replicas': '4',
    'deployment.kubernetes.io/revision': '1',
  });
  expect(bench.events(set?.metadata.name ?? '')).toHaveLength(3);
  expect(bench.events(set?.metadata.name ?? '')[0]).toBe(
    `SuccessfulCreate Created pod: ${api.list('pods')[0]?.metadata.name ?? ''}`,
  );
});

test('a rolling update of three goes one up, one down, as 25% and 25% allow', async () => {
  const bench = await start();
  const { api } = bench;
  api.create('deployments.apps', web());
  await rollOut(bench);
  api.change('deployments.apps', 'web', 'default', (draft) => {
    (draft.spec as { template: { spec: object } }).template.spec = {
      containers: [{ name: 'web', image: 'nginx:1.26' }],
    };
  });
  await rollOut(bench);
  // Recorded from v1.36.3.
  expect(masked(bench, bench.events('web'))).toEqual([
    'ScalingReplicaSet Scaled up replica set SET1 from 0 to 3',
    'ScalingReplicaSet Scaled up replica set SET2 from 0 to 1',
    'ScalingReplicaSet Scaled down replica set SET1 from 3 to 2',
    'ScalingReplicaSet Scaled up replica set SET2 from 1 to 2',
    'ScalingReplicaSet Scaled down replica set SET1 from 2 to 1',
    'ScalingReplicaSet Scaled up replica set SET2 from 2 to 3',
    'ScalingReplicaSet Scaled down replica set SET1 from 1 to 0',
  ]);
  expect(api.list('pods')).toHaveLength(3);
});

test('scaling a paused Deployment keeps its ReplicaSet and notes the pause', async () => {
  const bench = await start();
  const { api } = bench;
  api.create('deployments.apps', web());
  await rollOut(bench);
  api.change('deployments.apps', 'web', 'default', (draft) => {
    Object.assign(draft.spec ?? {}, { paused: true, replicas: 5 });
  });
  await rollOut(bench);
  expect(masked(bench, conditions(bench))).toEqual([
    'Progressing=Unknown DeploymentPaused: Deployment is paused',
    'Available=True MinimumReplicasAvailable: Deployment has minimum availability.',
  ]);
  expect(api.list('pods')).toHaveLength(5);
});

test('a rollout that does not move is timed out after the deadline', async () => {
  const bench = await start();
  bench.api.create('deployments.apps', web());
  await bench.time.settle();
  await bench.time.advance(700_000);
  expect(masked(bench, conditions(bench))).toEqual([
    'Available=False MinimumReplicasUnavailable: Deployment does not have minimum availability.',
    'Progressing=False ProgressDeadlineExceeded: ReplicaSet "SET1" has timed out progressing.',
  ]);
});

test('revisions go on from one that no double can hold', async () => {
  const bench = await start();
  const { api, time } = bench;
  api.create('replicasets.apps', {
    metadata: {
      name: 'before',
      namespace: 'default',
      labels: { app: 'web' },
      annotations: { 'deployment.kubernetes.io/revision': '3546343826724305832' },
    },
    spec: {
      replicas: 0,
      selector: { matchLabels: { app: 'web' } },
      template: {
        metadata: { labels: { app: 'web' } },
        spec: { containers: [{ name: 'web', image: 'httpd' }] },
      },
    },
  });
  await time.settle();
  api.create('deployments.apps', web());
  await rollOut(bench);
  expect(api.get('deployments.apps', 'web', 'default')?.metadata).toMatchObject({
    annotations: { 'deployment.kubernetes.io/revision': '3546343826724305833' },
  });
});

test('a pod whose label changes is released and replaced; one that matches is adopted', async () => {
  const bench = await start();
  const { api, time } = bench;
  api.create('deployments.apps', web());
  await rollOut(bench);
  const released = api.list('pods')[0]?.metadata.name ?? '';
  api.change('pods', released, 'default', (pod) => {
    pod.metadata.labels = { ...pod.metadata.labels, app: 'released' };
  });
  await rollOut(bench);
  expect(api.get('pods', released, 'default')?.metadata.ownerReferences).toEqual([]);
  expect(api.list('pods')).toHaveLength(4);

  const [set] = api.list('replicasets.apps');
  const newest = api.list('pods').at(-1)?.metadata.name ?? '';
  api.change('pods', newest, 'default', (pod) => delete pod.metadata.ownerReferences);
  await time.settle();
  expect(api.get('pods', newest, 'default')?.metadata.ownerReferences?.[0]?.uid).toBe(
    set?.metadata.uid,
  );
});
