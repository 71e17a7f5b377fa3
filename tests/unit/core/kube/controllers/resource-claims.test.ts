import { expect, test } from 'vitest';
import { startCluster } from './cluster-bench.ts';

const finalizer = 'resource.kubernetes.io/delete-protection';
const pod = (name: string, more: object = {}) => ({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { name, namespace: 'default' },
  spec: {
    containers: [{ name: 'c', image: 'i' }],
    resourceClaims: [{ name: 'gpu', resourceClaimName: 'shared' }],
    ...more,
  },
});
const allocation = {
  devices: { results: [{ request: 'g', driver: 'gpu.example.com', pool: 'p', device: 'd' }] },
};

/** A cluster with a claim that is allocated for pods `one` and `two`. */
async function withSharedClaim() {
  const cluster = await startCluster();
  const { client, time } = cluster;
  const claims = client.resource('resourceclaims.resource.k8s.io');
  await claims.create({
    apiVersion: 'resource.k8s.io/v1',
    kind: 'ResourceClaim',
    metadata: { name: 'shared', namespace: 'default', finalizers: [finalizer] },
    spec: { devices: { requests: [{ name: 'g', exactly: { deviceClassName: 'gpu' } }] } },
  });
  const reservedFor = [];
  for (const name of ['one', 'two']) {
    const { metadata } = await client.resource('pods').create(pod(name));
    reservedFor.push({ resource: 'pods', name, uid: metadata.uid ?? '' });
  }
  await claims.patch(
    'default',
    'shared',
    'merge',
    { status: { allocation, reservedFor } },
    { subresource: 'status' },
  );
  await time.advance(1000);
  const state = async () => {
    const { metadata, status } = await claims.get('default', 'shared');
    return {
      finalizers: metadata.finalizers ?? [],
      allocated: status?.allocation !== undefined,
      users: (status?.reservedFor ?? []).map(({ name }) => name),
    };
  };
  return { ...cluster, claims, state };
}

test('a claim is freed when its last pod is gone or done', async () => {
  const { client, time, state } = await withSharedClaim();
  expect(await state()).toEqual({
    finalizers: [finalizer],
    allocated: true,
    users: ['one', 'two'],
  });
  await client
    .resource('pods')
    .patch('default', 'one', 'merge', { status: { phase: 'Failed' } }, { subresource: 'status' });
  await time.advance(1000);
  expect(await state()).toEqual({ finalizers: [finalizer], allocated: true, users: ['two'] });
  await client.resource('pods').delete('default', 'two', { gracePeriodSeconds: 0 });
  await time.advance(1000);
  expect(await state()).toEqual({ finalizers: [], allocated: false, users: [] });
});

test('a claim that is being deleted goes with its last pod', async () => {
  const { client, claims, time, state } = await withSharedClaim();
  await claims.delete('default', 'shared');
  await client.resource('pods').delete('default', 'one', { gracePeriodSeconds: 0 });
  await time.advance(1000);
  expect(await state()).toEqual({ finalizers: [finalizer], allocated: true, users: ['two'] });
  await client.resource('pods').delete('default', 'two', { gracePeriodSeconds: 0 });
  await time.advance(1000);
  await expect(claims.get('default', 'shared')).rejects.toThrow(
    'resourceclaims.resource.k8s.io "shared" not found',
  );
});

test('what is allocated is reserved for a pod that was bound by somebody else', async () => {
  const { client, time, state } = await withSharedClaim();
  await client.resource('pods').create(pod('three', { nodeName: 'n1' }));
  await time.advance(1000);
  expect((await state()).users).toEqual(['one', 'two', 'three']);
});

test('a claim of a template that somebody deletes is not made again', async () => {
  const { client, time } = await startCluster();
  const claims = client.resource('resourceclaims.resource.k8s.io');
  await client
    .resource('pods')
    .create(pod('user', { resourceClaims: [{ name: 'gpu', resourceClaimTemplateName: 'late' }] }));
  await time.advance(1000);
  expect((await claims.list({ namespace: 'default' })).items).toEqual([]);
  await client.resource('resourceclaimtemplates.resource.k8s.io').create({
    apiVersion: 'resource.k8s.io/v1',
    kind: 'ResourceClaimTemplate',
    metadata: { name: 'late', namespace: 'default' },
    spec: {
      spec: { devices: { requests: [{ name: 'g', exactly: { deviceClassName: 'gpu' } }] } },
    },
  });
  await time.advance(1000);
  const [made] = (await claims.list({ namespace: 'default' })).items;
  await claims.delete('default', made?.metadata.name ?? '');
  await time.advance(60_000);
  expect((await claims.list({ namespace: 'default' })).items).toEqual([]);
});
