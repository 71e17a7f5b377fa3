import type { ClusterView } from '#contract';
import type { EngineRequest, EngineResponse } from '#core/app';
import { clusterState } from '#tests/engine';
import { testApp } from '#tests/app';
import { drainMicrotasks } from '#tests/sim';
import { describe, expect, test } from 'vitest';

const json = (value: unknown, status = 200): EngineResponse => ({
  status,
  body: JSON.stringify(value),
});

const discovery = (url: string): EngineResponse =>
  json({
    items:
      url === '/api'
        ? [
            {
              metadata: { name: '' },
              versions: [
                {
                  version: 'v1',
                  resources: [
                    row('pods', 'Pod', 'Namespaced', ['po']),
                    row('nodes', 'Node', 'Cluster', ['no']),
                    { ...row('bindings', 'Binding', 'Namespaced', []), verbs: ['create'] },
                  ],
                },
              ],
            },
          ]
        : [
            {
              metadata: { name: 'apps' },
              versions: [
                { version: 'v1', resources: [row('deployments', 'Deployment', 'Namespaced', [])] },
              ],
            },
          ],
  });
const row = (resource: string, kind: string, scope: string, shortNames: string[]) => ({
  resource,
  responseKind: { kind },
  scope,
  shortNames,
  verbs: ['get', 'list'],
});

/** The app over an API server that answers by URL. */
function withApi(answer: (request: EngineRequest) => EngineResponse) {
  const requests: EngineRequest[] = [];
  const test = testApp({
    request: async (_id, request) => {
      requests.push(request);
      return request.url === '/api' || request.url === '/apis'
        ? discovery(request.url)
        : answer(request);
    },
  });
  return { ...test, requests };
}

describe('making clusters', () => {
  test('a name becomes an id that is free, and is remembered for the next start', async () => {
    const { rpc, specs } = testApp();
    const made: string[] = [];
    for (const name of ['My Lab', 'my-lab', '실습', '--', 'x'.repeat(100)])
      made.push((await rpc.call('clusters.create', { name, topology: 'base+1cp' })).clusterId);
    expect(made).toEqual(['my-lab', 'my-lab-2', 'cluster', 'cluster-2', 'x'.repeat(40)]);
    expect(
      specs.map(({ clusterId, persistent, purpose }) => [clusterId, persistent, purpose]),
    ).toEqual(made.map((id) => [id, true, 'playground']));
    expect(new Set(specs.map(({ seed }) => seed)).size).toBe(made.length);
  });

  test('two that are asked for at once get two ids', async () => {
    const { rpc } = testApp();
    const create = () => rpc.call('clusters.create', { name: 'a', topology: 'base+1cp' });
    const views = await Promise.all([create(), create()]);
    expect(views.map(({ clusterId }) => clusterId)).toEqual(['a', 'a-2']);
  });

  test('an empty name is refused', async () => {
    const { rpc } = testApp();
    await expect(rpc.call('clusters.create', { name: ' ', topology: 'base+1cp' })).rejects.toThrow(
      'clusters.create: the name is empty',
    );
  });

  test('it is shown as starting meanwhile, and progress is told', async () => {
    let finish: () => void = () => undefined;
    const { rpc } = testApp({
      create: ({ clusterId }) =>
        new Promise((resolve) => {
          finish = () => resolve(clusterState(clusterId));
        }),
    });
    const [seen, steps]: [ClusterView[], string[]] = [[], []];
    rpc.on('cluster.changed', (view) => void seen.push(view));
    const made = rpc.call(
      'clusters.create',
      { name: 'a', topology: 'base+1cp' },
      { onProgress: ({ step }) => steps.push(step) },
    );
    await drainMicrotasks();
    const listed = await rpc.call('clusters.list', {});
    expect(listed).toMatchObject([{ clusterId: 'a', state: 'starting', machines: [] }]);
    expect(seen).toEqual(listed);
    finish();
    expect((await made).state).toBe('ready');
    expect(steps).toEqual(['cluster.starting']);
  });

  test('one that fails is forgotten, and the pages hear it', async () => {
    const { rpc, specs } = testApp({
      create: () => Promise.reject(new Error('topology "x": unknown')),
    });
    const removed: string[] = [];
    rpc.on('cluster.removed', ({ clusterId }) => removed.push(clusterId));
    await expect(rpc.call('clusters.create', { name: 'a', topology: 'x' })).rejects.toThrow(
      'topology "x": unknown',
    );
    expect(await rpc.call('clusters.list', {})).toEqual([]);
    expect([removed, specs]).toEqual([['a'], []]);
  });

  test('at a start the clusters of before come up again; one that fails is shown with its problem', async () => {
    const { app, rpc, specs } = testApp({
      create: async ({ clusterId }) => {
        if (clusterId === 'bad') throw new Error('the file is damaged');
        return clusterState(clusterId);
      },
    });
    for (const clusterId of ['bad', 'good'])
      specs.push({
        clusterId,
        name: clusterId,
        topology: 'base+1cp',
        purpose: 'playground',
        seed: 's',
        persistent: true,
      });
    await app.resume();
    expect(await rpc.call('clusters.list', {})).toMatchObject([
      { clusterId: 'bad', state: 'failed', problem: expect.stringContaining('damaged') as string },
    ]);
    expect(await rpc.call('clusters.remove', { clusterId: 'bad' })).toEqual({});
    expect(await rpc.call('clusters.list', {})).toEqual([]);
    expect(specs.map(({ clusterId }) => clusterId)).toEqual(['good']);
  });

  test.each([
    { speed: -1, message: 'speed must be between 0 and 1000' },
    { speed: 1001, message: 'speed must be between 0 and 1000' },
  ])('speed $speed is refused', async ({ speed, message }) => {
    const { rpc } = testApp();
    await expect(rpc.call('clusters.setSpeed', { clusterId: 'a', speed })).rejects.toThrow(message);
  });

  test('a cluster that is not there is a Status of its name', async () => {
    const { rpc } = testApp();
    await expect(rpc.call('clusters.remove', { clusterId: 'none' })).rejects.toMatchObject({
      status: { code: 404, reason: 'NotFound', message: 'clusters "none" not found' },
    });
  });
});

describe('the object browser', () => {
  test('kinds are those that can be listed', async () => {
    const { rpc } = withApi(() => json({}));
    expect(await rpc.call('clusters.kinds', { clusterId: 'a' })).toEqual([
      {
        group: '',
        version: 'v1',
        resource: 'pods',
        kind: 'Pod',
        namespaced: true,
        shortNames: ['po'],
      },
      {
        group: '',
        version: 'v1',
        resource: 'nodes',
        kind: 'Node',
        namespaced: false,
        shortNames: ['no'],
      },
      {
        group: 'apps',
        version: 'v1',
        resource: 'deployments',
        kind: 'Deployment',
        namespaced: true,
        shortNames: [],
      },
    ]);
  });

  test('a table is put together from its pages, cells as text', async () => {
    const columnDefinitions = [
      { name: 'Name', type: 'string', priority: 0 },
      { name: 'Restarts', type: 'integer', priority: 0 },
    ];
    const page = (name: string, more: string) =>
      json({
        metadata: { resourceVersion: '42', ...(more === '' ? {} : { continue: more }) },
        columnDefinitions,
        rows: [
          { cells: [name, 3], object: { metadata: { name, namespace: 'ns', uid: `u-${name}` } } },
        ],
      });
    const { rpc, requests } = withApi(({ url }) =>
      url.includes('continue=') ? page('b', '') : page('a', 'next'),
    );
    const table = await rpc.call('clusters.objects', {
      clusterId: 'a',
      group: '',
      version: 'v1',
      resource: 'pods',
      namespace: 'ns',
    });
    expect(table).toEqual({
      columns: [
        { name: 'Name', priority: 0 },
        { name: 'Restarts', priority: 0 },
      ],
      rows: [
        { namespace: 'ns', name: 'a', uid: 'u-a', cells: ['a', '3'] },
        { namespace: 'ns', name: 'b', uid: 'u-b', cells: ['b', '3'] },
      ],
      revision: 42,
    });
    expect(requests.map(({ url }) => url)).toEqual([
      '/api/v1/namespaces/ns/pods?limit=500',
      '/api/v1/namespaces/ns/pods?limit=500&continue=next',
    ]);
    expect(requests[0]?.headers?.['accept']).toContain('as=Table');
  });

  test('an object is YAML without managed fields; a name cannot leave its path', async () => {
    const { rpc, requests } = withApi(() =>
      json({
        apiVersion: 'v1',
        kind: 'Node',
        metadata: { name: 'node01', managedFields: [{ manager: 'kubelet' }] },
      }),
    );
    const call = { clusterId: 'a', group: '', version: 'v1', resource: 'nodes', namespace: null };
    expect(await rpc.call('clusters.object', { ...call, name: 'node01' })).toEqual({
      yaml: 'apiVersion: v1\nkind: Node\nmetadata:\n  name: node01\n',
    });
    await rpc.call('clusters.object', { ...call, name: '../secrets?x=' });
    expect(requests.at(-1)?.url).toBe('/api/v1/nodes/..%2Fsecrets%3Fx%3D');
  });

  test("the server's own Status reaches the page", async () => {
    const { rpc } = withApi(() =>
      json(
        {
          kind: 'Status',
          apiVersion: 'v1',
          metadata: {},
          status: 'Failure',
          reason: 'NotFound',
          message: 'pods "x" not found',
          code: 404,
        },
        404,
      ),
    );
    const call = {
      clusterId: 'a',
      group: '',
      version: 'v1',
      resource: 'pods',
      namespace: 'd',
      name: 'x',
    };
    await expect(rpc.call('clusters.object', call)).rejects.toMatchObject({
      message: 'pods "x" not found',
      status: { code: 404, reason: 'NotFound' },
    });
  });
});

describe('applying YAML', () => {
  test('each document is applied by the server, without what only the server writes', async () => {
    const { rpc, requests } = withApi(() => json({}));
    const yaml = `
apiVersion: v1
kind: List
items:
- apiVersion: v1
  kind: Pod
  metadata: { name: a, namespace: ns, resourceVersion: "7", managedFields: [] }
  status: { phase: Running }
---
apiVersion: apps/v1
kind: Deployment
metadata: { name: web }
spec: { replicas: 2 }
---
`;
    expect(await rpc.call('clusters.apply', { clusterId: 'a', yaml })).toEqual({
      applied: ['pod/a serverside-applied', 'deployment.apps/web serverside-applied'],
    });
    const patches = requests.filter(({ method }) => method === 'PATCH');
    expect(patches.map(({ url, body }) => [url, JSON.parse(body ?? '') as unknown])).toEqual([
      [
        '/api/v1/namespaces/ns/pods/a?fieldManager=kijabi-editor&force=true&fieldValidation=Strict',
        { apiVersion: 'v1', kind: 'Pod', metadata: { name: 'a', namespace: 'ns' } },
      ],
      [
        '/apis/apps/v1/namespaces/default/deployments/web?fieldManager=kijabi-editor&force=true&fieldValidation=Strict',
        {
          apiVersion: 'apps/v1',
          kind: 'Deployment',
          metadata: { name: 'web' },
          spec: { replicas: 2 },
        },
      ],
    ]);
  });

  test.each([
    { yaml: '', message: 'no objects passed to apply' },
    { yaml: 'a: [', message: /^error parsing YAML: / },
    { yaml: '- 1', message: 'document 1: an object is expected' },
    { yaml: 'kind: Pod', message: 'document 1: apiVersion not set' },
    { yaml: 'apiVersion: v1', message: 'document 1: kind not set' },
    {
      yaml: 'apiVersion: v1\nkind: Pod',
      message: 'document 1: metadata.name: Required value: name is required',
    },
    {
      yaml: 'apiVersion: app/v1\nkind: Deployment\nmetadata: { name: a }',
      message: 'no matches for kind "Deployment" in version "app/v1"',
    },
  ])('$yaml is refused: $message', async ({ yaml, message }) => {
    const { rpc } = withApi(() => json({}));
    await expect(rpc.call('clusters.apply', { clusterId: 'a', yaml })).rejects.toThrow(message);
  });
});

test('events are in order of their last occurrence, old and new forms alike', async () => {
  const { rpc } = withApi(() =>
    json({
      items: [
        {
          metadata: { namespace: 'ns' },
          type: 'Normal',
          reason: 'Scheduled',
          message: 'assigned',
          eventTime: '2026-01-01T10:00:05.000000Z',
          reportingComponent: 'default-scheduler',
          involvedObject: { kind: 'Pod', name: 'a' },
        },
        {
          metadata: { namespace: 'ns' },
          type: 'Warning',
          reason: 'BackOff',
          message: 'again',
          count: 4,
          firstTimestamp: '2026-01-01T10:00:00Z',
          lastTimestamp: '2026-01-01T10:00:01Z',
          source: { component: 'kubelet' },
          involvedObject: { kind: 'Pod', name: 'b' },
        },
      ],
    }),
  );
  const events = await rpc.call('clusters.events', { clusterId: 'a', namespace: null });
  expect(events).toEqual([
    {
      timeMs: Date.parse('2026-01-01T10:00:01Z'),
      type: 'Warning',
      reason: 'BackOff',
      object: 'pod/b',
      namespace: 'ns',
      message: 'again',
      count: 4,
      source: 'kubelet',
    },
    {
      timeMs: Date.parse('2026-01-01T10:00:05Z'),
      type: 'Normal',
      reason: 'Scheduled',
      object: 'pod/a',
      namespace: 'ns',
      message: 'assigned',
      count: 1,
      source: 'default-scheduler',
    },
  ]);
});

test('a write is three stations; heartbeats and events are left out', async () => {
  const entry = { timeMs: 1, type: 'update', subresource: '' } as const;
  const { rpc } = testApp({
    history: async () => [
      {
        ...entry,
        revision: 2,
        key: 'deployments/d/web',
        manager: 'kubectl-create',
        type: 'create',
      },
      { ...entry, revision: 3, key: 'leases/kube-system/x', manager: 'kubelet' },
      { ...entry, revision: 4, key: 'events/d/x', manager: 'kubelet' },
      { ...entry, revision: 5, key: 'pods/d/web', manager: 'kubelet', subresource: 'status' },
      { ...entry, revision: 6, key: 'namespaces/d', manager: 'kube-apiserver' },
    ],
  });
  const stations = await rpc.call('clusters.stations', { clusterId: 'a', revision: 1 });
  expect(stations.map((each) => [each.revision, each.station, each.actor, each.action])).toEqual([
    [2, 'client', 'kubectl', 'create'],
    [2, 'api-server', 'kube-apiserver', 'create'],
    [2, 'etcd', 'etcd', 'put'],
    [5, 'kubelet', 'kubelet', 'update status'],
    [5, 'api-server', 'kube-apiserver', 'update status'],
    [5, 'etcd', 'etcd', 'put'],
    [6, 'api-server', 'kube-apiserver', 'update'],
    [6, 'etcd', 'etcd', 'put'],
  ]);
});
