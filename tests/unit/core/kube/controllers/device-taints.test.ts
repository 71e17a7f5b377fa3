import { describe, expect, test } from 'vitest';
import { startCluster } from './cluster-bench.ts';

interface Toleration {
  readonly key?: string;
  readonly operator?: string;
  readonly value?: string;
  readonly effect?: string;
  readonly tolerationSeconds?: number;
}
interface Taint {
  readonly key: string;
  readonly value?: string;
  readonly effect: string;
  readonly timeAdded?: string;
}

const driver = 'gpu.example.com';
const broken: Taint = { key: 'broken', value: 'yes', effect: 'NoExecute' };
const tolerant: Toleration = { key: 'broken', operator: 'Exists', effect: 'NoExecute' };

const slice = (name: string, generation: number, devices: Record<string, readonly Taint[]>) => ({
  apiVersion: 'resource.k8s.io/v1' as const,
  kind: 'ResourceSlice' as const,
  metadata: { name },
  spec: {
    driver,
    nodeName: 'n1',
    pool: { name: 'p', generation, resourceSliceCount: 1 },
    devices: Object.entries(devices).map(([device, taints]) => ({
      name: device,
      ...(taints.length === 0 ? {} : { taints: taints.map((taint) => ({ ...taint })) }),
    })),
  },
});

/** A cluster with a pod `user` on a node, whose claims were given the devices named, and no taint. */
async function withUser(
  devices: Record<string, readonly Toleration[]>,
  options: { nodeName?: string } = {},
) {
  const cluster = await startCluster({}, 'device-taint-eviction-controller');
  const { client, time } = cluster;
  const claims = client.resource('resourceclaims.resource.k8s.io');
  const slices = client.resource('resourceslices.resource.k8s.io');
  const pods = client.resource('pods');
  await client
    .resource('namespaces')
    .create({ apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'default' } });
  await slices.create(
    slice('all', 1, Object.fromEntries(Object.keys(devices).map((d) => [d, []]))),
  );
  const pod = await pods.create({
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name: 'user', namespace: 'default', finalizers: ['example.com/look'] },
    spec: {
      containers: [{ name: 'c', image: 'i' }],
      resourceClaims: Object.keys(devices).map((name) => ({ name, resourceClaimName: name })),
      nodeName: options.nodeName ?? 'n1',
    },
  });
  for (const [device, tolerations] of Object.entries(devices)) {
    await claims.create({
      apiVersion: 'resource.k8s.io/v1',
      kind: 'ResourceClaim',
      metadata: { name: device, namespace: 'default' },
      spec: { devices: { requests: [{ name: 'g', exactly: { deviceClassName: 'gpu' } }] } },
    });
    const result = { request: 'g', driver, pool: 'p', device, tolerations };
    await claims.patch(
      'default',
      device,
      'merge',
      {
        status: {
          allocation: { devices: { results: [result] } },
          reservedFor: [{ resource: 'pods', name: 'user', uid: pod.metadata.uid }],
        },
      },
      { subresource: 'status' },
    );
  }
  await time.advance(1000);
  const taint = async (taints: Record<string, readonly Taint[]>, generation = 1) => {
    const all = Object.fromEntries(Object.keys(devices).map((d) => [d, taints[d] ?? []]));
    const present = await slices.get(undefined, 'all');
    const next = slice('all', generation, all);
    await slices.update({
      ...next,
      metadata: { name: 'all', resourceVersion: present.metadata.resourceVersion ?? '' },
    });
    await time.advance(500);
  };
  const isLeaving = async () =>
    (await pods.get('default', 'user')).metadata.deletionTimestamp !== undefined;
  const told = async () =>
    (await client.resource('events').list({ namespace: 'default' })).items
      .filter(({ reason }) => reason === 'DeviceTaintManagerEviction')
      .map(({ message }) => message);
  return { ...cluster, claims, slices, pods, taint, isLeaving, told };
}

describe('a pod leaves its tainted device', () => {
  test('at once where nothing is tolerated, and its status and an event say why', async () => {
    const { client, pods, taint, isLeaving } = await withUser({ a: [] });
    await taint({ a: [broken] });
    expect(await isLeaving()).toBe(true);
    const { status } = await pods.get('default', 'user');
    expect(status?.conditions).toContainEqual({
      type: 'DisruptionTarget',
      status: 'True',
      lastProbeTime: null,
      lastTransitionTime: expect.any(String) as string,
      reason: 'DeletionByDeviceTaintManager',
      message: 'Device Taint manager: deleting due to NoExecute taint',
    });
    const [event] = (await client.resource('events').list({ namespace: 'default' })).items.filter(
      ({ reason }) => reason === 'DeviceTaintManagerEviction',
    );
    expect(event).toMatchObject({
      type: 'Normal',
      message: 'Marking for deletion',
      source: { component: 'device-taint-eviction-controller' },
      involvedObject: { kind: 'Pod', namespace: 'default', name: 'user', apiVersion: 'v1' },
    });
  });

  test.each([
    ['a taint that only keeps others away', [], { key: 'broken', effect: 'NoSchedule' }],
    ['a taint for information', [], { key: 'broken', effect: 'None' }],
    ['a taint that is tolerated', [tolerant], broken],
    [
      'a taint whose value is tolerated',
      [{ ...tolerant, operator: 'Equal', value: 'yes' }],
      broken,
    ],
    ['any taint, if all are tolerated', [{ operator: 'Exists', effect: 'NoExecute' }], broken],
    [
      'a taint that is tolerated for ever by one and for a while by another',
      [{ ...tolerant, tolerationSeconds: 1 }, tolerant],
      broken,
    ],
  ] as const)('not for %s', async (_, tolerations, taintOfDevice) => {
    const { taint, isLeaving, told, time } = await withUser({ a: tolerations });
    await taint({ a: [taintOfDevice] });
    await time.advance(60_000);
    expect(await isLeaving()).toBe(false);
    expect(await told()).toEqual([]);
  });

  test.each([
    ['another value', [{ ...tolerant, operator: 'Equal', value: 'no' }]],
    ['another key', [{ ...tolerant, key: 'hot' }]],
    ['every effect, which means none here', [{ key: 'broken', operator: 'Exists' }]],
    ['another effect', [{ ...tolerant, effect: 'NoSchedule' }]],
    ['a negative while', [{ ...tolerant, tolerationSeconds: -5 }]],
  ] as const)('if its claim tolerates %s', async (_, tolerations) => {
    const { taint, isLeaving } = await withUser({ a: tolerations });
    await taint({ a: [broken] });
    expect(await isLeaving()).toBe(true);
  });

  test('not before it is on a node', async () => {
    const { taint, isLeaving } = await withUser({ a: [] }, { nodeName: '' });
    await taint({ a: [broken] });
    expect(await isLeaving()).toBe(false);
  });

  test('not for a device of a generation that is replaced', async () => {
    const { slices, taint, time, isLeaving, told } = await withUser({
      a: [{ ...tolerant, tolerationSeconds: 5 }],
    });
    await taint({ a: [broken] });
    await slices.create(slice('newer', 2, { a: [] }));
    await time.advance(10_000);
    expect(await isLeaving()).toBe(false);
    expect(await told()).toEqual(['Cancelling deletion']);
    await slices.delete(undefined, 'newer');
    await time.advance(500);
    expect(await isLeaving()).toBe(true);
  });
});

describe('a while that is tolerated', () => {
  test('counts from when the taint was added, by the shortest of all that match', async () => {
    const { taint, isLeaving, time } = await withUser({
      a: [
        { ...tolerant, tolerationSeconds: 30 },
        { operator: 'Exists', effect: 'NoExecute', tolerationSeconds: 20 },
      ],
    });
    await taint({ a: [broken] });
    await time.advance(18_500);
    expect(await isLeaving()).toBe(false);
    await time.advance(2_000);
    expect(await isLeaving()).toBe(true);
  });

  test('ends with the first of several devices', async () => {
    const { taint, isLeaving, time } = await withUser({
      a: [{ ...tolerant, tolerationSeconds: 100 }],
      b: [{ ...tolerant, tolerationSeconds: 20 }],
    });
    await taint({ a: [broken], b: [broken] });
    await time.advance(18_500);
    expect(await isLeaving()).toBe(false);
    await time.advance(2_000);
    expect(await isLeaving()).toBe(true);
  });

  test('is over once the taint has gone, which is told; it begins again with a new one', async () => {
    const { taint, isLeaving, time, told } = await withUser({
      a: [{ ...tolerant, tolerationSeconds: 20 }],
    });
    await taint({ a: [broken] });
    await time.advance(15_000);
    await taint({});
    expect(await told()).toEqual(['Cancelling deletion']);
    await taint({ a: [broken] });
    await time.advance(18_500);
    expect(await isLeaving()).toBe(false);
    await time.advance(2_000);
    expect(await isLeaving()).toBe(true);
    expect(await told()).toEqual(['Cancelling deletion', 'Marking for deletion']);
  });

  test('may lie in the future', async () => {
    const { taint, isLeaving, time } = await withUser({ a: [] });
    const timeAdded = new Date(time.clock.now() + 30_000).toISOString().replace(/\.\d+/, '');
    await taint({ a: [{ ...broken, timeAdded }] });
    await time.advance(28_000);
    expect(await isLeaving()).toBe(false);
    await time.advance(3_000);
    expect(await isLeaving()).toBe(true);
  });

  test('does not go over to another pod of the name', async () => {
    const { pods, taint, time, told } = await withUser({
      a: [{ ...tolerant, tolerationSeconds: 20 }],
    });
    await taint({ a: [broken] });
    await pods.patch('default', 'user', 'merge', { metadata: { finalizers: null } });
    await pods.delete('default', 'user', { gracePeriodSeconds: 0 });
    await pods.create({
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: { name: 'user', namespace: 'default' },
      spec: { nodeName: 'n2', containers: [{ name: 'c', image: 'i' }] },
    });
    await time.advance(60_000);
    expect((await pods.get('default', 'user')).metadata.deletionTimestamp).toBeUndefined();
    expect(await told()).toEqual([]);
  });
});

test('a claim that is freed holds nobody to its device any more', async () => {
  const { claims, taint, time, isLeaving, told } = await withUser({
    a: [{ ...tolerant, tolerationSeconds: 20 }],
  });
  await taint({ a: [broken] });
  const free = { status: { allocation: null, reservedFor: null } };
  await claims.patch('default', 'a', 'merge', free, { subresource: 'status' });
  await time.advance(60_000);
  expect(await isLeaving()).toBe(false);
  expect(await told()).toEqual(['Cancelling deletion']);
});
