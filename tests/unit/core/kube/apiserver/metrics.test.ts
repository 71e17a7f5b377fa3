import { expect, test } from 'vitest';
import { testServer } from './server.ts';

test('requests for what nobody serves are counted under no name', async () => {
  const { server, send } = testServer();
  for (const name of ['made-up-1', 'made-up-2']) await send('GET', `/api/v1/${name}`);
  const { body } = await server.handle({ method: 'GET', url: '/metrics', headers: {} });
  const text = JSON.stringify(body.kind === 'bytes' ? new TextDecoder().decode(body.bytes) : body);
  expect(text).not.toMatch(/made-up/);
  expect(text).toContain('resource=\\"\\",verb=\\"LIST\\"} 2');
});

test('health checks are told as metrics', async () => {
  const { server } = testServer();
  const { status, headers, body } = await server.handle({
    method: 'GET',
    url: '/metrics/slis',
    headers: {},
  });
  expect([status, headers['content-type']]).toEqual([
    200,
    'text/plain; version=0.0.4; charset=utf-8',
  ]);
  const text = body.kind === 'bytes' ? new TextDecoder().decode(body.bytes) : '';
  expect(text.split('\n').slice(0, 4)).toEqual([
    '# HELP kubernetes_healthcheck [STABLE] This metric records the result of a single healthcheck.',
    '# TYPE kubernetes_healthcheck gauge',
    'kubernetes_healthcheck{name="autoregister-completion",type="healthz"} 1',
    'kubernetes_healthcheck{name="autoregister-completion",type="livez"} 1',
  ]);
});
