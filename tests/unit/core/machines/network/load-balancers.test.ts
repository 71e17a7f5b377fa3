import { beforeEach, expect, test } from 'vitest';
import { fromUtf8, seededRandom, utf8 } from '#core/base';
import type { ApiResponse, ServicePortRule } from '#core/kube';
import {
  createNetwork,
  type Listener,
  type MachineNetwork,
  type NetNamespace,
  type Network,
} from '../../../../../src-main/core/machines/network/index.ts';
import { TestTime } from '#tests/sim';

const address = '172.30.255.200';
let time: TestTime;
let network: Network;
let node1: MachineNetwork;
let node2: MachineNetwork;
let client: NetNamespace;

const answering = (status: number, text: (client: string) => string): Listener => ({
  kind: 'http',
  handle: (_, peer) =>
    Promise.resolve<ApiResponse>({
      status,
      headers: {},
      body: { kind: 'bytes', bytes: utf8(text(peer.address)) },
    }),
});

const rule = (over: Partial<ServicePortRule> = {}): ServicePortRule => ({
  name: 'default/web',
  protocol: 'tcp',
  port: 80,
  clusterIps: ['10.96.0.5'],
  endpoints: [{ address: '10.244.2.2', port: 8080 }],
  loadBalancerIps: [address],
  ...over,
});

/** What a client gets, with how long a failure took. */
async function get(from: NetNamespace, port = 80, timeoutMs?: number): Promise<string> {
  const begunMs = time.clock.now();
  const answer = from.dial(address, port, 'tcp', timeoutMs === undefined ? {} : { timeoutMs }).then(
    async ({ listener, peer }) => {
      if (listener.kind !== 'http') return listener.kind;
      const { body } = await listener.handle({ method: 'GET', url: '/', headers: {} }, peer);
      return body.kind === 'bytes' ? fromUtf8(body.bytes) : body.kind;
    },
    (error: unknown) =>
      `${(error as Error).message} after ${(time.clock.now() - begunMs) / 1000} s`,
  );
  await time.settle();
  return answer;
}

function balance(healthPort = 10256): void {
  network.loadBalancers.set(address, {
    ports: [{ port: 80, protocol: 'tcp' }],
    backends: ['node01', 'node02'],
    healthCheck: { port: healthPort, path: '/healthz' },
  });
}

beforeEach(() => {
  time = new TestTime();
  network = createNetwork({ clock: time.clock, random: seededRandom('balancers') });
  node1 = network.addMachine({ name: 'node01', address: '172.30.2.2' });
  node2 = network.addMachine({ name: 'node02', address: '172.30.2.3' });
  client = network.addHost('client', '192.0.2.7');
  const pod = node2.addSandbox('web', '10.244.2.0/24');
  pod.namespace.listen(
    8080,
    answering(200, (source) => `web for ${source}`),
  );
  for (const node of [node1, node2])
    node.namespace.listen(
      10256,
      answering(200, () => 'ok'),
    );
});

test('a client outside reaches the pod through any node, whose address the pod sees', async () => {
  balance();
  for (const node of [node1, node2]) node.rules.replace([rule()]);
  const seen = new Set<string>();
  for (let tries = 0; tries < 12; tries++) seen.add(await get(client));
  expect([...seen].sort()).toEqual(['web for 172.30.2.2', 'web for 172.30.2.3']);
});

test('a node goes there by its own rules, without the load balancer', async () => {
  node1.rules.replace([rule()]);
  expect(await get(node1.namespace)).toBe('web for 172.30.2.2');
});

test('a node whose check fails, that is off or silent gets nothing', async () => {
  balance(30_100);
  for (const node of [node1, node2]) node.rules.replace([rule()]);
  expect(await get(client, 80, 2000)).toBe(`dial tcp ${address}:80: i/o timeout after 2 s`);
  node1.namespace.listen(
    30_100,
    answering(503, () => ''),
  );
  node2.namespace.listen(
    30_100,
    answering(200, () => ''),
  );
  for (let tries = 0; tries < 4; tries++) expect(await get(client)).toBe('web for 172.30.2.3');
  node2.powered = false;
  expect(await get(client, 80, 2000)).toBe(`dial tcp ${address}:80: i/o timeout after 2 s`);
});

test('under externalTrafficPolicy Local the pod sees the client, and nodes without pods are dead ends', async () => {
  balance();
  node1.rules.replace([rule({ localEndpoints: [] })]);
  node2.rules.replace([rule({ localEndpoints: [{ address: '10.244.2.2', port: 8080 }] })]);
  const seen = new Set<string>();
  for (let tries = 0; tries < 12; tries++) seen.add(await get(client, 80, 1000));
  expect([...seen].sort()).toEqual([
    `dial tcp ${address}:80: i/o timeout after 1 s`,
    'web for 192.0.2.7',
  ]);
  // The nodes themselves are let through to every pod.
  expect(await get(node1.namespace)).toBe('web for 172.30.2.2');
});

test('clients outside loadBalancerSourceRanges wait in vain, nodes as well', async () => {
  balance();
  const only = [rule({ loadBalancerSources: ['192.0.2.0/29', '172.30.2.3/32'] })];
  for (const node of [node1, node2]) node.rules.replace(only);
  const stranger = network.addHost('stranger', '192.0.2.8');
  expect(await get(client)).toMatch(/^web for /);
  expect(await get(node2.namespace)).toMatch(/^web for /);
  expect(await get(stranger, 80, 3000)).toBe(`dial tcp ${address}:80: i/o timeout after 3 s`);
  expect(await get(node1.namespace, 80, 3000)).toBe(
    `dial tcp ${address}:80: i/o timeout after 3 s`,
  );
});

test('without endpoints the connection is refused; a port that is not balanced and an address that is no more time out', async () => {
  balance();
  for (const node of [node1, node2]) node.rules.replace([rule({ endpoints: [] })]);
  expect(await get(client)).toBe(`dial tcp ${address}:80: connect: connection refused after 0 s`);
  expect(await get(client, 81, 1000)).toBe(`dial tcp ${address}:81: i/o timeout after 1 s`);
  network.loadBalancers.delete(address);
  expect(await get(client, 80, 1000)).toBe(`dial tcp ${address}:80: i/o timeout after 1 s`);
});
