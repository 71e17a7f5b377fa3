import { fromUtf8 } from '#core/base';
import type { ApiResponse } from '#core/kube';
import { expect, test } from 'vitest';
import { healthAnswer } from '../../../../../src-main/core/lab/programs/health-port.ts';

// What the secure ports of kube-controller-manager and kube-scheduler v1.36.3 answered.
const textOf = ({ body }: ApiResponse): string =>
  body.kind === 'bytes' ? fromUtf8(body.bytes) : '';

test.each(['/healthz', '/livez', '/readyz', '/healthz?verbose'])('%s is for everybody', (url) => {
  const answer = healthAnswer({ method: 'GET', url, headers: {} });
  expect([answer.status, textOf(answer)]).toEqual([200, 'ok']);
});

test.each([
  ['GET', '/metrics', 'get'],
  ['POST', '/metrics', 'post'],
  ['GET', '/configz?x=1', 'get'],
] as const)('%s %s is not for the anonymous', (method, url, verb) => {
  const answer = healthAnswer({ method, url, headers: {} });
  expect(answer.headers).toEqual({
    'content-type': 'application/json',
    'cache-control': 'no-cache, private',
    'x-content-type-options': 'nosniff',
  });
  expect(answer.status).toBe(403);
  expect(textOf(answer)).toBe(`{
  "kind": "Status",
  "apiVersion": "v1",
  "metadata": {},
  "status": "Failure",
  "message": "forbidden: User \\"system:anonymous\\" cannot ${verb} path \\"${url.split('?')[0] ?? ''}\\"",
  "reason": "Forbidden",
  "details": {},
  "code": 403
}`);
});

test('a token that nobody issued is refused', () => {
  const headers = { authorization: 'Bearer xyz' };
  const answer = healthAnswer({ method: 'GET', url: '/metrics', headers });
  expect(answer.status).toBe(401);
  expect(JSON.parse(textOf(answer))).toEqual({
    kind: 'Status',
    apiVersion: 'v1',
    metadata: {},
    status: 'Failure',
    message: 'Unauthorized',
    reason: 'Unauthorized',
    code: 401,
  });
});
