import { expect, test } from 'vitest';
import { strategyFor } from '../../../../../src-main/core/kube/apis/index.ts';
import { testServer } from './server.ts';

const path = '/api/v1/componentstatuses';
const refused =
  'Get "https://127.0.0.1:10259/healthz": dial tcp 127.0.0.1:10259: connect: connection refused';
const server = () =>
  testServer([], {
    strategyFor,
    componentHealth: () =>
      Promise.resolve([
        { name: 'etcd-0', healthy: true, message: 'ok' },
        { name: 'scheduler', healthy: false, message: refused },
      ]),
  });

test('component statuses are asked for, never stored', async () => {
  const { status, json, headers } = await server().send('GET', path, undefined, {
    accept: 'application/json;as=Table;v=v1;g=meta.k8s.io',
  });
  expect([status, (json.rows as { cells: unknown }[]).map(({ cells }) => cells)]).toEqual([
    200,
    [
      ['etcd-0', 'Healthy', 'ok', ''],
      ['scheduler', 'Unhealthy', refused, ''],
    ],
  ]);
  expect(headers['warning']).toBe('299 - "v1 ComponentStatus is deprecated in v1.19+"');
});

test('one component, and one that is not there', async () => {
  const { send } = server();
  expect((await send('GET', `${path}/etcd-0`)).json).toEqual({
    kind: 'ComponentStatus',
    apiVersion: 'v1',
    metadata: { name: 'etcd-0' },
    conditions: [{ type: 'Healthy', status: 'True', message: 'ok' }],
  });
  expect((await send('GET', `${path}/none`)).json).toMatchObject({
    code: 404,
    message: 'componentstatus "none" not found',
  });
});

test.each(['/api/v1/namespaces/default/endpoints', '/api/v1/endpoints'])(
  'answers of %s say what replaces them',
  async (url) => {
    const { headers } = await server().send('GET', url);
    expect(headers['warning']).toBe(
      '299 - "v1 Endpoints is deprecated in v1.33+; use discovery.k8s.io/v1 EndpointSlice"',
    );
  },
);
