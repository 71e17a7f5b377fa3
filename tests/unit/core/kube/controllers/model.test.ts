import { expect, test } from 'vitest';
import type { DeepReadonly } from '#core/base';
import type { Pod } from '../../../../../src-main/core/kube/apis/index.ts';
import { hasLabels, type ObjectMeta } from '../../../../../src-main/core/kube/machinery/index.ts';
import { type ModelCluster, startModel } from './model.ts';

// Whatever is done to a cluster: when it has come to rest, all that it holds agrees. `MODEL_SEEDS=1000` tries as many,
// `MODEL_SEEDS=500-1000` those from the 500th on.
const [first = 6, last] = (process.env['MODEL_SEEDS'] ?? '6').split('-').map(Number);
const from = last === undefined ? 0 : first;
const count = (last ?? first) - from;
const seeds = Array.from({ length: count }, (_, index) => `model ${from + index}`);
const operations = 40;

interface Any {
  readonly kind: string;
  readonly metadata: DeepReadonly<ObjectMeta>;
}

const keyOf = ({ kind, metadata }: Any): string =>
  `${kind} ${metadata.namespace ?? ''}/${metadata.name ?? ''}`;
const isReady = ({ status }: DeepReadonly<Pod>): boolean =>
  status?.conditions?.some((c) => c.type === 'Ready' && c.status === 'True') ?? false;
const isOver = ({ status }: DeepReadonly<Pod>): boolean =>
  status?.phase === 'Succeeded' || status?.phase === 'Failed';

/** What does not agree, in words. */
async function contradictions({ client, store }: ModelCluster): Promise<string[]> {
  const wrong: string[] = [];
  const all = store.range('/', '0').kvs.map(({ value }) => value.object as unknown as Any);
  const byUid = new Map(all.map((object) => [object.metadata.uid, object]));
  const namespaces = new Set(
    (await client.resource('namespaces').list()).items.map((n) => n.metadata.name),
  );
  for (const object of all) {
    const { metadata } = object;
    if (metadata.deletionTimestamp) wrong.push(`${keyOf(object)} is still going`);
    if (metadata.namespace && !namespaces.has(metadata.namespace))
      wrong.push(`${keyOf(object)} is in no namespace`);
    for (const owner of metadata.ownerReferences ?? [])
      if (!byUid.has(owner.uid))
        wrong.push(`${keyOf(object)} has lost ${owner.kind} ${owner.name}`);
  }
  const pods = (await client.resource('pods').list()).items;
  const nodes = new Set((await client.resource('nodes').list()).items.map((n) => n.metadata.name));
  for (const pod of pods)
    if (!nodes.has(pod.spec?.nodeName ?? ''))
      wrong.push(`${keyOf(pod)} is on node ${pod.spec?.nodeName ?? '-'}`);
  const ofOwner = (uid: string | undefined): DeepReadonly<Pod>[] =>
    pods.filter((pod) => pod.metadata.ownerReferences?.some((o) => o.controller && o.uid === uid));
  const expectEqual = (object: Any, what: string, seen: unknown, wanted: unknown): void => {
    if (seen !== wanted)
      wrong.push(`${keyOf(object)}: ${what} is ${String(seen)}, not ${String(wanted)}`);
  };
  const sets = (await client.resource('replicasets.apps').list()).items;
  for (const set of sets) {
    const members = ofOwner(set.metadata.uid).filter((pod) => !isOver(pod));
    expectEqual(set, 'pods', members.length, set.spec?.replicas);
    expectEqual(set, 'status.replicas', set.status?.replicas, set.spec?.replicas);
    expectEqual(set, 'ready', set.status?.readyReplicas ?? 0, members.filter(isReady).length);
  }
  for (const object of (await client.resource('deployments.apps').list()).items) {
    const { spec, status, metadata } = object;
    const own = sets.filter((s) => s.metadata.ownerReferences?.some((o) => o.uid === metadata.uid));
    const sum = own.reduce((total, set) => total + (set.spec?.replicas ?? 0), 0);
    expectEqual(object, 'replicas of its sets', sum, spec?.replicas);
    expectEqual(object, 'updated', status?.updatedReplicas ?? 0, spec?.replicas);
    expectEqual(object, 'available', status?.availableReplicas ?? 0, spec?.replicas);
    expectEqual(object, 'observed generation', status?.observedGeneration, metadata.generation);
  }
  for (const object of (await client.resource('statefulsets.apps').list()).items) {
    const { spec, status, metadata } = object;
    const names = ofOwner(metadata.uid)
      .map((pod) => pod.metadata.name)
      .sort();
    const wanted = Array.from(
      { length: spec?.replicas ?? 0 },
      (_, i) => `${metadata.name ?? ''}-${i}`,
    );
    expectEqual(object, 'pods', names.join(), wanted.join());
    expectEqual(object, 'updated', status?.updatedReplicas ?? 0, spec?.replicas);
    expectEqual(object, 'revision', status?.currentRevision, status?.updateRevision);
  }
  for (const object of (await client.resource('jobs.batch').list()).items) {
    const { status } = object;
    const end = status?.conditions?.find(
      ({ type, status: is }) => (type === 'Complete' || type === 'Failed') && is === 'True',
    );
    expectEqual(object, 'finished', end !== undefined, true);
    expectEqual(object, 'active', status?.active ?? 0, 0);
    const counted = status?.uncountedTerminatedPods;
    expectEqual(object, 'uncounted', JSON.stringify(counted ?? {}), '{}');
    if (end?.type === 'Complete')
      expectEqual(object, 'succeeded', status?.succeeded, object.spec?.completions);
  }
  for (const pod of pods)
    if (pod.metadata.finalizers?.length && isOver(pod))
      wrong.push(`${keyOf(pod)} keeps ${pod.metadata.finalizers.join()}`);
  await services(client, pods, wrong);
  for (const quota of (await client.resource('resourcequotas').list()).items) {
    const { namespace } = quota.metadata;
    const here = all.filter((object) => object.metadata.namespace === namespace);
    const used = {
      pods: pods.filter((pod) => pod.metadata.namespace === namespace && !isOver(pod)).length,
      services: here.filter(({ kind }) => kind === 'Service').length,
      'count/jobs.batch': here.filter(({ kind }) => kind === 'Job').length,
    };
    for (const [name, amount] of Object.entries(used))
      expectEqual(quota, name, quota.status?.used?.[name], String(amount));
  }
  return wrong;
}

async function services(
  client: ModelCluster['client'],
  pods: readonly DeepReadonly<Pod>[],
  wrong: string[],
): Promise<void> {
  const { items } = await client.resource('services').list();
  const slices = (await client.resource('endpointslices.discovery.k8s.io').list()).items;
  const taken = new Set<string | number>();
  for (const service of items) {
    const { metadata, spec } = service;
    for (const value of [spec?.clusterIP, ...(spec?.ports ?? []).map(({ nodePort }) => nodePort)]) {
      if (!value) continue;
      if (taken.has(value)) wrong.push(`${keyOf(service)}: ${value} is taken twice`);
      taken.add(value);
    }
    if (!spec?.selector) continue;
    const wanted = pods
      .filter(
        (pod) =>
          pod.metadata.namespace === metadata.namespace &&
          hasLabels(spec.selector ?? {}, pod.metadata.labels) &&
          isReady(pod) &&
          !isOver(pod),
      )
      .map((pod) => pod.status?.podIP ?? '')
      .sort()
      .join();
    const sliced = slices
      .filter(
        (slice) =>
          slice.metadata.namespace === metadata.namespace &&
          slice.metadata.labels?.['kubernetes.io/service-name'] === metadata.name,
      )
      .flatMap(({ endpoints }) => endpoints ?? [])
      .filter(({ conditions }) => conditions?.ready)
      .flatMap(({ addresses }) => addresses)
      .sort()
      .join();
    if (sliced !== wanted) wrong.push(`${keyOf(service)}: slices have ${sliced}, not ${wanted}`);
    const endpoints = await client
      .resource('endpoints')
      .get(metadata.namespace, metadata.name ?? '');
    const listed = (endpoints.subsets ?? [])
      .flatMap(({ addresses }) => addresses ?? [])
      .map(({ ip }) => ip)
      .sort()
      .join();
    if (listed !== wanted) wrong.push(`${keyOf(service)}: endpoints have ${listed}, not ${wanted}`);
  }
}

test.each(seeds)('%s: what a cluster holds agrees when it has come to rest', async (seed) => {
  const cluster = await startModel(seed);
  for (let i = 0; i < operations; i++) await cluster.act();
  await cluster.time.advance(20 * 60_000);
  await cluster.time.settle();
  expect(await contradictions(cluster), cluster.done.join('\n')).toEqual([]);
});

test.each(seeds.slice(0, Math.max(2, count / 2)))('%s: the same is done twice', async (seed) => {
  const run = async (): Promise<readonly string[]> => {
    const cluster = await startModel(seed);
    for (let i = 0; i < operations / 2; i++) await cluster.act();
    await cluster.time.advance(60_000);
    return cluster.history;
  };
  const [first, second] = [await run(), await run()];
  const differs = first.findIndex((write, index) => write !== second[index]);
  expect(differs < 0 ? [] : [first[differs], second[differs]]).toEqual([]);
  expect(second).toHaveLength(first.length);
});
