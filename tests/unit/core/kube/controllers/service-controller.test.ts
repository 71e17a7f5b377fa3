import { afterEach, expect, test } from 'vitest';
import { type Disposable, seededRandom, silentLogger } from '#core/base';
import {
  type LoadBalancer,
  startServiceController,
} from '../../../../../src-main/core/kube/controllers/index.ts';
import { createInformers } from '../../../../../src-main/core/kube/client/index.ts';
import { startCluster } from './cluster-bench.ts';

const running: Disposable[] = [];
afterEach(() => {
  for (const item of running.splice(0)) item.dispose();
});

/** A cluster whose cloud writes down what it is asked for; `refusals` are what it says instead of an address. */
async function withCloud(refusals: string[] = []) {
  const { client, time } = await startCluster({}, 'none');
  await client
    .resource('namespaces')
    .create({ apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'default' } });
  await addNode(client, 'n1');
  const asked: string[] = [];
  const made = new Set<string>();
  const loadBalancer: LoadBalancer = {
    exists: ({ metadata }) => made.has(metadata.uid ?? ''),
    ensure: ({ metadata }, nodes) => {
      asked.push(`ensure ${metadata.name ?? ''} on ${namesOf(nodes)}`);
      const refusal = refusals.shift();
      if (refusal !== undefined) throw new Error(refusal);
      made.add(metadata.uid ?? '');
      return ['10.0.0.1'];
    },
    update: ({ metadata }, nodes) => {
      asked.push(`update ${metadata.name ?? ''} on ${namesOf(nodes)}`);
    },
    delete: ({ metadata }) => {
      asked.push(`delete ${metadata.name ?? ''}`);
      made.delete(metadata.uid ?? '');
    },
  };
  const start = (): Disposable => {
    const { clock } = time;
    const random = seededRandom('cloud');
    const informers = createInformers(client, clock, { random });
    const controller = startServiceController({
      client,
      informers,
      clock,
      random,
      logger: silentLogger,
      loadBalancer,
    });
    running.push(controller, informers);
    return controller;
  };
  const services = client.resource('services');
  const create = async (name: string, spec: object = {}) => {
    await services.create({
      apiVersion: 'v1',
      kind: 'Service',
      metadata: { name, namespace: 'default' },
      spec: { type: 'LoadBalancer', ports: [{ port: 80 }], ...spec },
    });
    await time.advance(500);
  };
  const told = async () =>
    (await client.resource('events').list({ namespace: 'default' })).items.map(
      ({ reason = '', count }) => `${reason} x${count ?? 0}`,
    );
  const state = async (name: string) => {
    const { metadata, status } = await services.get('default', name);
    return [metadata.finalizers ?? [], status?.loadBalancer?.ingress ?? []];
  };
  return { client, time, services, asked, start, create, told, state };
}

type Client = Awaited<ReturnType<typeof startCluster>>['client'];
const addNode = async (client: Client, name: string, labels: Record<string, string> = {}) => {
  await client
    .resource('nodes')
    .create({ apiVersion: 'v1', kind: 'Node', metadata: { name, labels } });
};
const namesOf = (nodes: Parameters<LoadBalancer['ensure']>[1]): string =>
  nodes.map(({ metadata }) => metadata.name).join(' ') || 'nothing';

const cleanup = 'service.kubernetes.io/load-balancer-cleanup';

test('a Service gets its address, and gives it back before it goes', async () => {
  const { services, asked, start, create, told, state, time } = await withCloud();
  start();
  await create('web');
  expect(await state('web')).toEqual([[cleanup], [{ ip: '10.0.0.1', ipMode: 'VIP' }]]);
  await services.delete('default', 'web');
  await time.advance(500);
  await expect(services.get('default', 'web')).rejects.toThrow('services "web" not found');
  expect(asked).toEqual(['ensure web on n1', 'delete web']);
  expect(await told()).toEqual([
    'EnsuringLoadBalancer x1',
    'EnsuredLoadBalancer x1',
    'DeletingLoadBalancer x1',
    'DeletedLoadBalancer x1',
  ]);
});

test('what the cloud refuses is asked again after 5, 10 and 20 seconds', async () => {
  const { start, create, told, state, time, asked } = await withCloud(['full', 'full', 'full']);
  start();
  await create('web');
  expect(await state('web')).toEqual([[cleanup], []]);
  const tries: number[] = [];
  for (let seconds = 1; seconds <= 40; seconds++) {
    const before = asked.length;
    await time.advance(1000);
    if (asked.length > before) tries.push(seconds);
  }
  expect(tries).toEqual([5, 15, 35]);
  expect(await told()).toEqual([
    'EnsuringLoadBalancer x4',
    'SyncLoadBalancerFailed x3',
    'EnsuredLoadBalancer x1',
  ]);
  expect(await state('web')).toEqual([[cleanup], [{ ip: '10.0.0.1', ipMode: 'VIP' }]]);
});

test.each([
  ['another port', { spec: { ports: [{ port: 81 }] } }, true],
  ['source ranges', { spec: { loadBalancerSourceRanges: ['10.0.0.0/8'] } }, true],
  ['an annotation', { metadata: { annotations: { a: 'b' } } }, true],
  ['another policy', { spec: { externalTrafficPolicy: 'Local' } }, true],
  ['a label', { metadata: { labels: { a: 'b' } } }, false],
  ['a selector', { spec: { selector: { a: 'b' } } }, false],
  ['publishNotReadyAddresses', { spec: { publishNotReadyAddresses: true } }, false],
])('%s: the cloud is asked again or not', async (_, patch, isAsked) => {
  const { start, create, services, time, asked } = await withCloud();
  start();
  await create('web');
  await services.patch('default', 'web', 'merge', patch);
  await time.advance(500);
  expect(asked).toHaveLength(isAsked ? 2 : 1);
});

test('Services of another type or with a class are nobody’s business here', async () => {
  const { start, create, asked, told } = await withCloud();
  start();
  await create('plain', { type: 'ClusterIP' });
  await create('classy', { loadBalancerClass: 'example.com/lb' });
  expect([asked, await told()]).toEqual([[], []]);
});

test('what ended while nobody looked is cleaned up at the start', async () => {
  const { services, start, create, asked, state, time } = await withCloud();
  const first = start();
  await create('web');
  first.dispose();
  await services.patch('default', 'web', 'merge', { spec: { type: 'ClusterIP' } });
  start();
  await time.advance(500);
  expect(await state('web')).toEqual([[], []]);
  expect(asked).toEqual(['ensure web on n1', 'delete web']);
});

test('nodes come and go behind a load balancer', async () => {
  const { client, start, create, asked, told, time } = await withCloud();
  const exclude = 'node.kubernetes.io/exclude-from-external-load-balancers';
  start();
  await addNode(client, 'never', { [exclude]: '' });
  await create('web');
  await addNode(client, 'n2');
  await time.advance(500);
  const nodes = client.resource('nodes');
  const label = async (name: string, value: string | null): Promise<void> => {
    await nodes.patch(undefined, name, 'merge', { metadata: { labels: { [exclude]: value } } });
    await time.advance(500);
  };
  await label('n1', 'true');
  await label('n1', 'false');
  await nodes.delete(undefined, 'n2');
  await time.advance(500);
  await label('n1', 'maybe');
  expect(asked).toEqual([
    'ensure web on n1',
    'update web on n1 n2',
    'update web on n2',
    'update web on n1 n2',
    'update web on n1',
    'update web on nothing',
  ]);
  expect(await told()).toEqual([
    'EnsuringLoadBalancer x1',
    'EnsuredLoadBalancer x1',
    'UpdatedLoadBalancer x4',
    'UnAvailableLoadBalancer x1',
  ]);
});
