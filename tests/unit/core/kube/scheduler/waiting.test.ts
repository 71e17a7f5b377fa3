import { describe, expect, test } from 'vitest';
import { node, pod, schedulerBench } from './bench.ts';

const nodes = '/api/v1/nodes';
const pods = '/api/v1/namespaces/default/pods';
const merge = { 'content-type': 'application/merge-patch+json' };

describe('a refused pod waits for what may help', () => {
  test.each([
    {
      why: 'a label of a node',
      spec: { nodeSelector: { disk: 'ssd' } },
      patch: { metadata: { labels: { disk: 'ssd' } } },
    },
    {
      why: 'the end of a cordon',
      node: { spec: { unschedulable: true } },
      spec: {},
      patch: { spec: { unschedulable: false } },
    },
    {
      why: 'the end of a taint',
      node: { spec: { taints: [{ key: 'k', effect: 'NoSchedule' }] } },
      spec: {},
      patch: { spec: { taints: null } },
    },
  ])('$why', async ({ node: more = {}, spec, patch }) => {
    const bench = await schedulerBench();
    await bench.add(node('a', more), pod('p', spec));
    await bench.settle();
    expect(await bench.pod('p')).toMatchObject({ node: undefined, reason: 'Unschedulable' });
    await bench.send('PATCH', `${nodes}/a`, patch, merge);
    await bench.settle();
    expect(await bench.pod('p')).toMatchObject({ node: 'a' });
  });

  test('a new node', async () => {
    const bench = await schedulerBench();
    await bench.add(node('a', { spec: { unschedulable: true } }), pod('p'));
    await bench.settle();
    await bench.add(node('b'));
    await bench.settle();
    expect(await bench.pod('p')).toMatchObject({ node: 'b' });
  });

  test('its own label, which others object to', async () => {
    const bench = await schedulerBench();
    const labelSelector = { matchLabels: { noisy: 'yes' } };
    const required = [{ topologyKey: 'kubernetes.io/hostname', labelSelector }];
    const affinity = {
      podAntiAffinity: { requiredDuringSchedulingIgnoredDuringExecution: required },
    };
    await bench.add(node('a'), pod('quiet', { affinity }));
    await bench.settle();
    await bench.add({
      ...pod('noisy'),
      metadata: { name: 'noisy', namespace: 'default', labels: { noisy: 'yes' } },
    });
    await bench.settle();
    expect(await bench.pod('noisy')).toMatchObject({ node: undefined, reason: 'Unschedulable' });
    await bench.send('PATCH', `${pods}/noisy`, { metadata: { labels: { noisy: 'no' } } }, merge);
    await bench.settle();
    expect(await bench.pod('noisy')).toMatchObject({ node: 'a' });
  });

  test('gates hold a pod back until they are gone', async () => {
    const bench = await schedulerBench();
    await bench.add(node('a'), pod('p', { schedulingGates: [{ name: 'x/y' }] }));
    await bench.settle();
    expect(await bench.pod('p')).toMatchObject({ node: undefined, reason: 'SchedulingGated' });
    await bench.send('PATCH', `${pods}/p`, { spec: { schedulingGates: null } }, merge);
    await bench.settle();
    expect(await bench.pod('p')).toMatchObject({ node: 'a' });
  });
});

describe('preemption', () => {
  test('the less important pod makes room', async () => {
    const bench = await schedulerBench();
    const requests = { cpu: '3' };
    await bench.add(
      node('a'),
      node('b', { spec: { unschedulable: true } }),
      pod('low', {}, { requests }),
    );
    await bench.settle();
    await bench.add(pod('high', { priority: 1000 }, { requests }));
    await bench.settle();
    const uid = (await bench.client.resource('pods').get('default', 'high')).metadata.uid ?? '';
    expect(await bench.events('low')).toEqual([
      `Normal Preempted Preempted by pod ${uid} on node a`,
      'Normal Scheduled Successfully assigned default/low to a',
    ]);
    expect(await bench.pod('high')).toEqual({
      node: undefined,
      reason: 'Unschedulable',
      message: '0/2 nodes are available: 1 Insufficient cpu, 1 node(s) were unschedulable.',
      nominated: 'a',
    });
    // The kubelet ends the victim.
    await bench.send('DELETE', `${pods}/low`, { gracePeriodSeconds: 0 });
    await bench.settle();
    expect(await bench.pod('high')).toMatchObject({ node: 'a' });
  });

  test('of pods that nobody has started the last to come may stay', async () => {
    const bench = await schedulerBench();
    const one = { requests: { cpu: '1' } };
    await bench.add(node('a'));
    for (const name of ['first', 'second', 'third']) {
      await bench.add(pod(name, {}, one));
      await bench.settle();
    }
    await bench.add(pod('high', { priority: 1000 }, { requests: { cpu: '3' } }));
    await bench.settle();
    const preempted = async (name: string) =>
      (await bench.events(name)).some((event) => event.includes('Preempted'));
    expect(await Promise.all(['first', 'second', 'third'].map(preempted))).toEqual([
      true,
      true,
      false,
    ]);
  });

  test('pods of equal priority stay', async () => {
    const bench = await schedulerBench();
    const requests = { cpu: '3' };
    await bench.add(node('a'), pod('first', {}, { requests }));
    await bench.settle();
    await bench.add(pod('second', {}, { requests }));
    await bench.settle();
    expect(await bench.pod('second')).toMatchObject({
      message:
        '0/1 nodes are available: 1 Insufficient cpu. no new claims to deallocate, preemption: 0/1 nodes are available: 1 No preemption victims found for incoming pod.',
    });
  });
});

describe('volumes', () => {
  const storageClass = {
    apiVersion: 'storage.k8s.io/v1',
    kind: 'StorageClass',
    metadata: { name: 'local' },
    provisioner: 'kubernetes.io/no-provisioner',
    volumeBindingMode: 'WaitForFirstConsumer',
  };
  const claim = {
    apiVersion: 'v1',
    kind: 'PersistentVolumeClaim',
    metadata: { name: 'c', namespace: 'default' },
    spec: {
      accessModes: ['ReadWriteOnce'],
      storageClassName: 'local',
      resources: { requests: { storage: '1Gi' } },
    },
  };
  const withClaim = { volumes: [{ name: 'd', persistentVolumeClaim: { claimName: 'c' } }] };

  test('no volume for a claim that waits for its first consumer', async () => {
    const bench = await schedulerBench();
    await bench.add(node('a'), storageClass, claim, pod('p', withClaim));
    await bench.settle();
    expect((await bench.pod('p')).message).toBe(
      "0/1 nodes are available: 1 node(s) didn't find available persistent volumes to bind. no new claims to deallocate, preemption: 0/1 nodes are available: 1 Preemption is not helpful for scheduling.",
    );
  });

  test('a provisioned class is told the node that was chosen', async () => {
    const bench = await schedulerBench();
    await bench.add(
      node('a'),
      { ...storageClass, provisioner: 'example.com/p' },
      claim,
      pod('p', withClaim),
    );
    await bench.settle();
    const { metadata } = await bench.client.resource('persistentvolumeclaims').get('default', 'c');
    expect(metadata.annotations?.['volume.kubernetes.io/selected-node']).toBe('a');
    expect(await bench.pod('p')).toMatchObject({ node: undefined, reason: undefined });
  });
});

test('a thousand pods find their place, the same one in every run', async () => {
  const run = async (): Promise<(string | undefined)[]> => {
    const bench = await schedulerBench();
    for (let i = 0; i < 12; i++) await bench.add(node(`n${i}`));
    for (let i = 0; i < 1000; i++)
      await bench.add(pod(`p${i}`, {}, { labels: { app: 'x' }, requests: { cpu: '10m' } }));
    await bench.settle();
    const { items } = await bench.client.resource('pods').list();
    return items.map(({ spec }) => spec?.nodeName);
  };
  const places = await run();
  const counts = new Map<string | undefined, number>();
  for (const place of places) counts.set(place, (counts.get(place) ?? 0) + 1);
  expect([...counts.keys()].includes(undefined)).toBe(false);
  expect(Math.min(...counts.values())).toBeGreaterThan(75);
  expect(Math.max(...counts.values())).toBeLessThan(92);
  expect(await run()).toEqual(places);
});
