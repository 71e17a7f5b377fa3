import { describe, expect, test } from 'vitest';
import { strategyFor } from '../../../../../src-main/core/kube/apis/index.ts';
import { type TestServer, testServer } from './server.ts';

const deployments = '/apis/apps/v1/namespaces/default/deployments';
const d = `${deployments}/d`;
const lastApplied = 'kubectl.kubernetes.io/last-applied-configuration';
const ssa = { 'content-type': 'application/apply-patch+yaml' };
const strategic = { 'content-type': 'application/strategic-merge-patch+json' };

const config = (replicas: number) => ({
  apiVersion: 'apps/v1',
  kind: 'Deployment',
  metadata: { name: 'd', namespace: 'default' },
  spec: {
    replicas,
    selector: { matchLabels: { app: 'd' } },
    template: {
      metadata: { labels: { app: 'd' } },
      spec: { containers: [{ image: 'nginx:1', name: 'a', args: ['<a> & b'] }] },
    },
  },
});

/** A deployment as `kubectl apply` leaves it, then taken over by `kubectl apply --server-side`. */
async function applied(): Promise<TestServer> {
  const server = testServer([], { strategyFor });
  const { metadata, ...rest } = config(0);
  await server.send('POST', `${deployments}?fieldManager=kubectl-client-side-apply`, {
    ...rest,
    metadata: {
      ...metadata,
      annotations: {
        [lastApplied]: `${JSON.stringify({ ...rest, metadata: { annotations: {}, ...metadata } })}\n`,
      },
    },
  });
  await server.send(
    'PATCH',
    `${d}?fieldManager=kubectl&force=true`,
    JSON.stringify(config(0)),
    ssa,
  );
  return server;
}

describe('kubectl moves from client-side to server-side apply', () => {
  test('the annotation follows what was applied, as Go encodes it', async () => {
    const { send } = await applied();
    const { json } = await send('GET', d);
    expect(json.metadata.annotations[lastApplied]).toBe(
      '{"apiVersion":"apps/v1","kind":"Deployment","metadata":{"name":"d","namespace":"default"},"spec":{"replicas":0,"selector":{"matchLabels":{"app":"d"}},"template":{"metadata":{"labels":{"app":"d"}},"spec":{"containers":[{"args":["\\u003ca\\u003e \\u0026 b"],"image":"nginx:1","name":"a"}]}}}}\n',
    );
  });

  test('other managers leave the annotation alone', async () => {
    const { send } = await applied();
    const before = (await send('GET', d)).json.metadata.annotations;
    await send('PATCH', `${d}?fieldManager=other&force=true`, JSON.stringify(config(3)), ssa);
    const { json } = await send('GET', d);
    expect([json.spec.replicas, json.metadata.annotations]).toEqual([3, before]);
  });

  test('a field scaled since is a conflict, though the annotation names it', async () => {
    const { send } = await applied();
    await send('PUT', `${d}/scale?fieldManager=kubectl`, {
      apiVersion: 'autoscaling/v1',
      kind: 'Scale',
      metadata: { name: 'd', namespace: 'default' },
      spec: { replicas: 1 },
    });
    const { status, json } = await send(
      'PATCH',
      `${d}?fieldManager=kubectl&force=false`,
      JSON.stringify(config(0)),
      ssa,
    );
    expect([status, json.message]).toEqual([
      409,
      'Apply failed with 1 conflict: conflict with "kubectl" with subresource "scale" using apps/v1: .spec.replicas',
    ]);
  });
});

describe('values of another type', () => {
  test.each([
    [true, '&value.valueUnstructured{Value:true}'],
    [5, '&value.valueUnstructured{Value:5}'],
    [{ a: 'b' }, '&value.valueUnstructured{Value:map[string]interface {}{"a":"b"}}'],
  ])('apply refuses %j as a text', async (value, printed) => {
    const { send } = await applied();
    const { json } = await send(
      'PATCH',
      `${d}?fieldManager=other`,
      JSON.stringify({ ...config(0), spec: { ...config(0).spec, strategy: { type: value } } }),
      ssa,
    );
    expect(json.message).toBe(
      `failed to create typed patch object (default/d; apps/v1, Kind=Deployment): .spec.strategy.type: expected string, got ${printed}`,
    );
  });

  test('quantities may be numbers', async () => {
    const { send } = await applied();
    const [container] = config(0).spec.template.spec.containers;
    const draft = config(0);
    const { json } = await send(
      'PATCH',
      `${d}?fieldManager=kubectl`,
      JSON.stringify({
        ...draft,
        spec: {
          ...draft.spec,
          template: {
            ...draft.spec.template,
            spec: { containers: [{ ...container, resources: { limits: { cpu: 1 } } }] },
          },
        },
      }),
      ssa,
    );
    expect(json.spec.template.spec.containers[0].resources.limits).toEqual({ cpu: '1' });
  });

  test('a strategic merge patch is printed as merging left it', async () => {
    const { send } = await applied();
    const { status, json } = await send(
      'PATCH',
      d,
      {
        spec: {
          template: {
            spec: {
              '$setElementOrder/containers': [{ name: 'a' }],
              containers: [{ name: 'a', env: [{ name: true }] }],
            },
          },
        },
      },
      strategic,
    );
    expect([status, json.message]).toEqual([
      422,
      ' "" is invalid: patch: Invalid value: "map[spec:map[template:map[spec:map[]]]]": unrecognized type: string',
    ]);
  });

  test('a manager gives up the annotations, the last it had below metadata', async () => {
    const { send } = testServer([], { strategyFor });
    const maps = '/api/v1/namespaces/default/configmaps';
    const map = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'm' }, data: { a: '1' } };
    const mine = { ...map, metadata: { name: 'm', annotations: { [lastApplied]: '{}' } } };
    const apply = (body: unknown) =>
      send('PATCH', `${maps}/m?fieldManager=mine`, JSON.stringify(body), ssa);
    await apply(mine);
    const { status, json } = await apply(map);
    expect([status, json.metadata.name, json.metadata.annotations, json.data]).toEqual([
      200,
      'm',
      undefined,
      { a: '1' },
    ]);
  });
});
