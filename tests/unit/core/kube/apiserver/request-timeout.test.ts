import { expect, test } from 'vitest';
import { testServer } from './server.ts';

test.each([
  { timeout: 'invalid', fault: 'time: invalid duration "invalid"' },
  { timeout: '-', fault: 'time: invalid duration "-"' },
  { timeout: '5', fault: 'time: missing unit in duration "5"' },
  { timeout: '1h5', fault: 'time: missing unit in duration "1h5"' },
  { timeout: '1x', fault: 'time: unknown unit "x" in duration "1x"' },
])('a request that may take $timeout is refused', async ({ timeout, fault }) => {
  const { status, json } = await testServer().send('GET', `/version?timeout=${timeout}`);
  expect(status).toBe(400);
  expect(json).toMatchObject({
    message: `invalid timeout specified in the request URL - ${fault}`,
    reason: 'BadRequest',
  });
});

test.each([
  { url: '/version?timeout=3m', why: 'more than the server allows is what it allows' },
  { url: '/version?timeout=0s', why: 'none of the client’s own' },
  { url: '/version?timeout=', why: 'none' },
])('$url is served: $why', async ({ url }) => {
  expect((await testServer().send('GET', url)).status).toBe(200);
});

test('a watch ends when its own seconds are over, whatever the timeout says', async () => {
  const { server } = testServer();
  const url = '/api/v1/namespaces?watch=true&timeoutSeconds=1&timeout=x';
  expect((await server.handle({ method: 'GET', url, headers: {} })).body.kind).toBe('watch');
});
