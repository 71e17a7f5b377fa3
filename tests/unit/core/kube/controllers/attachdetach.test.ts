import { expect, test } from 'vitest';
import { type Cluster, startCluster } from './cluster-bench.ts';

const controller = 'persistentvolume-attach-detach-controller';
const handle = 'kubernetes.io/csi/csi.example.com^h';

/** Two nodes and a volume bound to the claim `data`. */
async function bench(): Promise<Cluster> {
  const cluster = await startCluster({}, controller);
  const { client } = cluster;
  const create = (resource: 'namespaces' | 'nodes', name: string): Promise<unknown> =>
    client.resource(resource).create({
      apiVersion: 'v1',
      kind: resource === 'nodes' ? 'Node' : 'Namespace',
      metadata: {
        name,
        annotations: { 'volumes.kubernetes.io/controller-managed-attach-detach': 'true' },
      },
    });
  await create('namespaces', 'default');
  for (const node of ['a', 'b']) {
    await create('nodes', node);
    await setReady(cluster, node, 'True');
  }
  const claim = await client.resource('persistentvolumeclaims').create({
    apiVersion: 'v1',
    kind: 'PersistentVolumeClaim',
    metadata: { name: 'data', namespace: 'default' },
    spec: {
      storageClassName: '',
      volumeName: 'pv',
      accessModes: ['ReadWriteOnce'],
      resources: { requests: { storage: '1Gi' } },
    },
  });
  await client
    .resource('persistentvolumeclaims')
    .patch('default', 'data', 'merge', { status: { phase: 'Bound' } }, { subresource: 'status' });
  await client.resource('persistentvolumes').create({
    apiVersion: 'v1',
    kind: 'PersistentVolume',
    metadata: { name: 'pv' },
    spec: {
      capacity: { storage: '1Gi' },
      accessModes: ['ReadWriteOnce'],
      csi: { driver: 'csi.example.com', volumeHandle: 'h' },
      claimRef: {
        apiVersion: 'v1',
        kind: 'PersistentVolumeClaim',
        namespace: 'default',
        name: 'data',
        uid: claim.metadata.uid ?? '',
      },
    },
  });
  return cluster;
}

async function setReady({ client }: Cluster, node: string, status: string): Promise<void> {
  await client
    .resource('nodes')
    .patch(
      undefined,
      node,
      'merge',
      { status: { conditions: [{ type: 'Ready', status }] } },
      { subresource: 'status' },
    );
}

async function pod({ client }: Cluster, name: string, nodeName: string): Promise<void> {
  await client.resource('pods').create({
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name, namespace: 'default' },
    spec: {
      nodeName,
      containers: [{ name: 'c', image: 'i' }],
      volumes: [{ name: 'v', persistentVolumeClaim: { claimName: 'data' } }],
    },
  });
}

async function attachments({ client }: Cluster): Promise<string[]> {
  const { items } = await client.resource('volumeattachments.storage.k8s.io').list();
  return items.map(({ spec }) => spec.nodeName);
}

async function answerAttached({ client }: Cluster): Promise<void> {
  const resource = client.resource('volumeattachments.storage.k8s.io');
  for (const { metadata } of (await resource.list()).items)
    await resource.patch(
      undefined,
      metadata.name ?? '',
      'merge',
      { status: { attached: true } },
      { subresource: 'status' },
    );
}

async function eventsOf({ client }: Cluster, name: string): Promise<string[]> {
  const { items } = await client.resource('events').list({ namespace: 'default' });
  return items
    .filter(({ involvedObject }) => involvedObject.name === name)
    .map(({ type, reason, message }) => `${type ?? ''} ${reason ?? ''} ${message ?? ''}`);
}

test('an attacher that never answers is told of every two minutes', async () => {
  const cluster = await bench();
  await pod(cluster, 'p', 'a');
  await cluster.time.advance(119_000);
  expect(await attachments(cluster)).toEqual(['a']);
  expect(await eventsOf(cluster, 'p')).toEqual([]);
  await cluster.time.advance(2000);
  expect(await eventsOf(cluster, 'p')).toEqual([
    'Warning FailedAttachVolume AttachVolume.Attach failed for volume "pv" : timed out waiting for external-attacher of csi.example.com CSI driver to attach volume h',
  ]);
});

test('a volume leaves a node that is not ready after six minutes, although it says it uses it', async () => {
  const cluster = await bench();
  const { client, time } = cluster;
  await pod(cluster, 'p', 'a');
  await time.advance(1000);
  await answerAttached(cluster);
  await time.advance(3000);
  const nodes = client.resource('nodes');
  expect((await nodes.get(undefined, 'a')).status?.volumesAttached).toEqual([
    { name: handle, devicePath: '' },
  ]);
  await nodes.patch(
    undefined,
    'a',
    'merge',
    { status: { volumesInUse: [handle] } },
    { subresource: 'status' },
  );
  await client.resource('pods').delete('default', 'p', { gracePeriodSeconds: 0 });
  await pod(cluster, 'q', 'b');
  await time.advance(10 * 60_000);
  // It is ready: it may still write.
  expect(await attachments(cluster)).toEqual(['a']);
  expect(await eventsOf(cluster, 'q')).toEqual([
    'Warning FailedAttachVolume Multi-Attach error for volume "pv" Volume is already exclusively attached to one node and can\'t be attached to another',
  ]);
  await setReady(cluster, 'a', 'Unknown');
  await time.advance(2000);
  expect(await attachments(cluster)).toEqual(['b']);
  expect((await nodes.get(undefined, 'a')).status?.volumesAttached).toBeUndefined();
});

test('an attachment that somebody removes is made again within a minute', async () => {
  const cluster = await bench();
  await pod(cluster, 'p', 'a');
  await cluster.time.advance(1000);
  await answerAttached(cluster);
  await cluster.time.advance(3000);
  await cluster.client.resource('volumeattachments.storage.k8s.io').deleteCollection();
  await cluster.time.advance(5000);
  expect(await attachments(cluster)).toEqual([]);
  await cluster.time.advance(60_000);
  expect(await attachments(cluster)).toEqual(['a']);
});
