import { expect, test } from 'vitest';
import { createControllerBench, makeReady } from '#tests/controllers';
import {
  createDeploymentController,
  createStatefulSetController,
} from '../../../../../src-main/core/kube/controllers/index.ts';
import { startCluster } from './cluster-bench.ts';

const template = (app: string, image = 'i:1') => ({
  metadata: { labels: { app } },
  spec: { containers: [{ name: 'c', image }] },
});

test('with all controllers at work, a ReplicaSet adopts the pod that was there before it', async () => {
  const { client, time } = await startCluster();
  const pods = client.resource('pods');
  await pods.create({
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name: 'mine', namespace: 'default', labels: { app: 'web' } },
    spec: { containers: [{ name: 'c', image: 'i:1' }] },
  });
  await client.resource('replicasets.apps').create({
    apiVersion: 'apps/v1',
    kind: 'ReplicaSet',
    metadata: { name: 'web', namespace: 'default' },
    spec: { replicas: 2, selector: { matchLabels: { app: 'web' } }, template: template('web') },
  });
  await time.settle();
  const { items } = await pods.list({ namespace: 'default' });
  expect(items).toHaveLength(2);
  expect(items.map(({ metadata }) => metadata.ownerReferences?.[0]?.name)).toEqual(['web', 'web']);
});

test('a Deployment takes no pod away while the status of an old ReplicaSet lags behind its spec', async () => {
  const bench = createControllerBench();
  const { api, time } = bench;
  await bench.run(createDeploymentController, 'deployment-controller');
  const set = (name: string, image: string, replicas: number, available: number, owner: string) =>
    api.create('replicasets.apps', {
      metadata: {
        name,
        namespace: 'default',
        labels: { app: 'web', 'pod-template-hash': name },
        annotations: { 'deployment.kubernetes.io/desired-replicas': '5' },
        ownerReferences: [
          { apiVersion: 'apps/v1', kind: 'Deployment', name: 'web', uid: owner, controller: true },
        ],
      },
      spec: {
        replicas,
        selector: { matchLabels: { app: 'web', 'pod-template-hash': name } },
        template: template('web', image),
      },
      status: { replicas: available, availableReplicas: available, observedGeneration: 1 },
    });
  const { metadata } = api.create<{ metadata: { uid: string } }>('deployments.apps', {
    metadata: { name: 'web', namespace: 'default' },
    spec: {
      replicas: 5,
      progressDeadlineSeconds: 600,
      paused: true,
      selector: { matchLabels: { app: 'web' } },
      strategy: {
        type: 'RollingUpdate',
        rollingUpdate: { maxSurge: '30%', maxUnavailable: '25%' },
      },
      template: template('web', 'i:2'),
    },
  });
  // Two are wanted, and the three of before are still counted: four of the five must stay available.
  set('old', 'i:1', 2, 3, metadata.uid);
  set('new', 'i:2', 5, 3, metadata.uid);
  await time.settle();
  api.change('deployments.apps', 'web', 'default', (draft) => {
    draft.spec = { ...draft.spec, paused: false };
  });
  await time.settle();
  expect(api.get('replicasets.apps', 'old', 'default')?.spec?.['replicas']).toBe(2);
});

test('an update of a StatefulSet goes on from the top although a pod below is broken', async () => {
  const bench = createControllerBench();
  const { api, time } = bench;
  await bench.run(createStatefulSetController, 'statefulset-controller');
  api.create('statefulsets.apps', {
    metadata: { name: 'db', namespace: 'default' },
    spec: {
      replicas: 3,
      serviceName: 'db',
      podManagementPolicy: 'Parallel',
      selector: { matchLabels: { app: 'db' } },
      template: template('db'),
      // Behind a gate that is off: it changes nothing.
      updateStrategy: { type: 'RollingUpdate', rollingUpdate: { partition: 0, maxUnavailable: 3 } },
    },
  });
  await time.settle();
  for (const name of ['db-1', 'db-2']) makeReady(api, name);
  await time.settle();
  api.change('statefulsets.apps', 'db', 'default', (draft) => {
    draft.spec = { ...draft.spec, template: template('db', 'i:2') };
  });
  await time.settle();
  const images = () =>
    ['db-0', 'db-1', 'db-2'].map((name) => {
      const spec = api.get('pods', name, 'default')?.spec as
        { containers: { image: string }[] } | undefined;
      return spec?.containers[0]?.image;
    });
  expect(images()).toEqual(['i:1', 'i:1', 'i:2']);
  makeReady(api, 'db-2');
  await time.settle();
  expect(images()).toEqual(['i:1', 'i:2', 'i:2']);
});

test('a ReplicaSet whose pods die as soon as they are made does not hold up another', async () => {
  const cluster = await startCluster();
  const { client, time } = cluster;
  const pods = client.resource('pods');
  const set = (name: string, replicas: number) => ({
    apiVersion: 'apps/v1',
    kind: 'ReplicaSet',
    metadata: { name, namespace: 'default' },
    spec: { replicas, selector: { matchLabels: { app: name } }, template: template(name) },
  });
  let dead = 0;
  const killer = cluster.store.watch('/', '0', {
    onEvents: (events) => {
      for (const { key, kv } of events) {
        const { metadata, status } = (kv?.value.object ?? {}) as {
          metadata?: { name: string; labels?: { app?: string } };
          status?: { phase?: string };
        };
        if (!key.includes('/pods/') || metadata?.labels?.app !== 'hot') continue;
        if (status?.phase !== 'Pending') continue;
        const { name } = metadata;
        time.clock.setTimer(5, () => {
          dead += 1;
          void pods
            .patch(
              'default',
              name,
              'merge',
              { status: { phase: 'Failed' } },
              { subresource: 'status' },
            )
            .catch(() => undefined);
        });
      }
    },
  });
  await client.resource('replicasets.apps').create(set('hot', 2));
  await time.advance(500);
  await client.resource('replicasets.apps').create(set('calm', 5));
  await time.advance(500);
  killer.dispose();
  expect(dead).toBeGreaterThan(20);
  const { status } = await client.resource('replicasets.apps').get('default', 'calm');
  expect(status?.replicas).toBe(5);
});
