import { describe, expect, test } from 'vitest';

import { encodeProtobuf, strategyFor } from '../../../../../src-main/core/kube/apis/index.ts';
import { podTopologyLabels } from '../../../../../src-main/core/kube/apiserver/admission/pod-topology-labels.ts';
import { type TestServer, testServer } from './server.ts';

const pods = '/api/v1/namespaces/default/pods';
const budgets = '/apis/policy/v1/namespaces/default/poddisruptionbudgets';
const merge = { 'content-type': 'application/merge-patch+json' };
const eviction = { apiVersion: 'policy/v1', kind: 'Eviction', metadata: { name: 'web' } };

async function withPod(): Promise<TestServer> {
  const server = testServer([], { strategyFor });
  await server.send('POST', pods, {
    metadata: { name: 'web', labels: { app: 'web' } },
    spec: { containers: [{ name: 'c', image: 'nginx' }] },
  });
  return server;
}

describe('binding', () => {
  test('puts a pod on a node, once', async () => {
    const { send } = await withPod();
    const binding = { metadata: { name: 'web' }, target: { kind: 'Node', name: 'node01' } };
    const first = await send('POST', `${pods}/web/binding`, binding);
    expect([first.status, first.json]).toEqual([
      201,
      { kind: 'Status', apiVersion: 'v1', metadata: {}, status: 'Success', code: 201 },
    ]);
    const pod = (await send('GET', `${pods}/web`)).json;
    expect(pod.spec.nodeName).toBe('node01');
    expect(pod.status.conditions).toMatchObject([{ type: 'PodScheduled', status: 'True' }]);
    const second = await send('POST', `${pods}/web/binding`, binding);
    expect([second.status, second.json.message]).toEqual([
      409,
      'Operation cannot be fulfilled on pods/binding "web": pod web is already assigned to node "node01"',
    ]);
  });
});

describe('a bound pod', () => {
  test('gets the zone and region of its node, and forgets where it was to go', async () => {
    const { send } = testServer([], { strategyFor }, (state) => [podTopologyLabels(state)]);
    const zone = 'topology.kubernetes.io/zone';
    const labels = { [zone]: 'z1', 'topology.kubernetes.io/region': 'r1', rack: '7' };
    await send('POST', '/api/v1/nodes', { metadata: { name: 'node01', labels } });
    const containers = [{ name: 'c', image: 'nginx' }];
    const bare = { metadata: { name: 'web', labels: { [zone]: 'mine' } }, spec: { containers } };
    await send('POST', pods, bare);
    await send('PATCH', `${pods}/web/status`, { status: { nominatedNodeName: 'node01' } }, merge);
    const target = { kind: 'Node', name: 'node01' };
    await send('POST', `${pods}/web/binding`, { metadata: { name: 'web' }, target });
    const bound = (await send('GET', `${pods}/web`)).json;
    expect(bound.metadata.labels).toEqual({ [zone]: 'z1', 'topology.kubernetes.io/region': 'r1' });
    expect(bound.status.nominatedNodeName).toBeUndefined();
    const placed = { metadata: { name: 'placed' }, spec: { nodeName: 'node01', containers } };
    const made = (await send('POST', pods, placed)).json;
    expect(made.metadata.labels[zone]).toBe('z1');
  });
});

describe('eviction', () => {
  test('a budget that is used up keeps the pod', async () => {
    const { send } = await withPod();
    await send(
      'PATCH',
      `${pods}/web/status`,
      { status: { phase: 'Running', conditions: [{ type: 'Ready', status: 'True' }] } },
      merge,
    );
    await send('POST', budgets, {
      metadata: { name: 'pdb' },
      spec: { minAvailable: 1, selector: { matchLabels: { app: 'web' } } },
    });
    const status = {
      observedGeneration: 1,
      disruptionsAllowed: 0,
      currentHealthy: 1,
      desiredHealthy: 1,
      expectedPods: 1,
    };
    await send('PATCH', `${budgets}/pdb/status`, { status }, merge);
    const refused = await send('POST', `${pods}/web/eviction`, eviction);
    expect(refused.json).toEqual({
      kind: 'Status',
      apiVersion: 'v1',
      metadata: {},
      status: 'Failure',
      message: "Cannot evict pod as it would violate the pod's disruption budget.",
      reason: 'TooManyRequests',
      details: {
        causes: [
          {
            reason: 'DisruptionBudget',
            message: 'The disruption budget pdb needs 1 healthy pods and has 1 currently',
          },
        ],
      },
      code: 429,
    });
    await send('PATCH', `${budgets}/pdb/status`, { status: { disruptionsAllowed: 1 } }, merge);
    expect((await send('POST', `${pods}/web/eviction`, eviction)).status).toBe(201);
    expect((await send('GET', `${pods}/web`)).status).toBe(404);
    const { json } = await send('GET', `${budgets}/pdb`);
    expect([
      json.status.disruptionsAllowed,
      Object.keys(json.status.disruptedPods as object),
    ]).toEqual([0, ['web']]);
  });

  test('a pod in two budgets cannot be evicted', async () => {
    const { send } = await withPod();
    await send('PATCH', `${pods}/web/status`, { status: { phase: 'Running' } }, merge);
    for (const name of ['one', 'two'])
      await send('POST', budgets, {
        metadata: { name },
        spec: { minAvailable: 0, selector: { matchLabels: { app: 'web' } } },
      });
    expect((await send('POST', `${pods}/web/eviction`, eviction)).json).toEqual({
      kind: 'Status',
      apiVersion: 'v1',
      metadata: {},
      status: 'Failure',
      message:
        'This pod has more than one PodDisruptionBudget, which the eviction subresource does not support.',
      code: 500,
    });
  });
});

describe('resizing', () => {
  test('a pod keeps its class of service', async () => {
    const { send } = await withPod();
    const spec = { containers: [{ name: 'c', resources: { requests: { cpu: '50m' } } }] };
    const strategic = { 'content-type': 'application/strategic-merge-patch+json' };
    const refused = await send('PATCH', `${pods}/web/resize`, { spec }, strategic);
    expect([refused.status, refused.json.message]).toEqual([
      422,
      'Pod "web" is invalid: spec: Invalid value: "BestEffort": Pod QOS Class may not change as a result of resizing',
    ]);
  });
});

test.each([
  ['ephemeralcontainers', 'static pods do not support ephemeral containers'],
  ['resize', 'static pods cannot be resized'],
])('%s of a static pod is refused', async (subresource, message) => {
  const { send } = testServer([], { strategyFor });
  await send('POST', pods, {
    metadata: { name: 'static', annotations: { 'kubernetes.io/config.mirror': 'x' } },
    spec: { nodeName: 'node01', containers: [{ name: 'c', image: 'nginx' }] },
  });
  const strategic = { 'content-type': 'application/strategic-merge-patch+json' };
  const spec = {
    ephemeralContainers: [{ name: 'd', image: 'busybox' }],
    containers: [{ name: 'c', resources: { requests: { cpu: '50m' } } }],
  };
  const refused = await send('PATCH', `${pods}/static/${subresource}`, { spec }, strategic);
  expect([refused.status, refused.json.message]).toEqual([
    422,
    `Pod "static" is invalid: []: Forbidden: ${message}`,
  ]);
});

describe('bodies', () => {
  test('protobuf comes in and goes out', async () => {
    const { server } = testServer();
    const map = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'a' }, data: { k: 'v' } };
    const response = await server.handle({
      method: 'POST',
      url: '/api/v1/namespaces/default/configmaps',
      headers: {
        'content-type': 'application/vnd.kubernetes.protobuf',
        accept: 'application/vnd.kubernetes.protobuf,application/json',
      },
      body: encodeProtobuf(map),
    });
    expect([response.status, response.headers['content-type'], response.body.kind]).toEqual([
      201,
      'application/vnd.kubernetes.protobuf',
      'bytes',
    ]);
  });
});

describe('subresources that are the object itself', () => {
  test('take over its labels and annotations as well', async () => {
    const { send } = testServer([], { strategyFor });
    const namespaces = '/api/v1/namespaces';
    const made = (await send('POST', namespaces, { metadata: { name: 'n' } })).json;
    const { json } = await send('PUT', `${namespaces}/n/finalize`, {
      ...(made as object),
      metadata: { ...made.metadata, annotations: { a: 'b' }, labels: { l: 'm' } },
      status: { phase: 'Terminating' },
    });
    expect([json.metadata.annotations, json.metadata.labels.l, json.status.phase]).toEqual([
      { a: 'b' },
      'm',
      'Active',
    ]);
  });
});
