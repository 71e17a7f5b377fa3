import { expect, test } from 'vitest';

import { strategyFor } from '../../../../../src-main/core/kube/apis/index.ts';
import { utf8 } from '#core/base';
import { throughProxy } from '../../../../../src-main/core/kube/apiserver/proxy-links.ts';
import {
  type ApiResponse,
  responseText,
} from '../../../../../src-main/core/kube/machinery/index.ts';
import { testServer } from './server.ts';

const root = '/api/v1/namespaces/default';

/** A server with Services, some of which have pods. */
async function serving(): Promise<ReturnType<typeof testServer>> {
  const api = testServer([], {
    strategyFor,
    connect: (target) => ({
      send: ({ url }) =>
        Promise.resolve({
          status: 200,
          headers: {},
          body: {
            kind: 'bytes',
            bytes: new TextEncoder().encode(
              `${target.scheme}://${target.address}:${target.port}${url}`,
            ),
          },
        }),
    }),
  });
  const named = [
    { name: 'http', port: 8080, targetPort: 80 },
    { name: 'alt', port: 9090, targetPort: 81 },
  ];
  for (const [service, ports] of [
    ['web', named],
    ['idle', named],
    ['outside', [{ port: 80 }]],
  ] as const)
    await api.send('POST', `${root}/services`, { metadata: { name: service }, spec: { ports } });
  const pod = {
    ip: '10.244.1.5',
    nodeName: 'node01',
    targetRef: { kind: 'Pod', name: 'p', namespace: 'default' },
  };
  for (const [service, subsets] of [
    [
      'web',
      [
        {
          addresses: [pod],
          ports: [
            { name: 'http', port: 80 },
            { name: 'alt', port: 81 },
          ],
        },
      ],
    ],
    ['idle', []],
    ['outside', [{ addresses: [{ ip: '192.0.2.7' }], ports: [{ port: 80 }] }]],
  ] as const)
    await api.send('POST', `${root}/endpoints`, { metadata: { name: service }, subsets });
  return api;
}

test.each<[string, string, number, string]>([
  ['a port by the number the Service has', 'web:8080', 200, 'http://10.244.1.5:80/x'],
  ['a port by its name', 'web:alt', 200, 'http://10.244.1.5:81/x'],
  ['a port over TLS', 'https:web:alt', 200, 'https://10.244.1.5:81/x'],
  [
    'a number the pod has, the Service not',
    'web:81',
    503,
    'no service port 81 found for service "web"',
  ],
  ['no port, where all have names', 'web', 503, 'no endpoints available for service "web"'],
  ['a name that is none', 'web:no', 503, 'no endpoints available for service "web:no"'],
  ['no pods', 'idle:http', 503, 'no endpoints available for service "idle"'],
  [
    'an address that is no pod',
    'outside:80',
    503,
    'no endpoints available for service "outside:80"',
  ],
])('a proxied service with %s', async (_what, name, status, answer) => {
  const api = await serving();
  const got = await api.send('GET', `${root}/services/${name}/proxy/x`);
  expect([got.status, got.json?.message ?? got.text]).toEqual([status, answer]);
});

test('a proxied root is asked for with a slash at its end', async () => {
  const api = await serving();
  const got = await api.send('GET', `${root}/services/web:alt/proxy?a=b`);
  expect([got.status, got.headers['location']]).toEqual([
    301,
    `${root}/services/web:alt/proxy/?a=b`,
  ]);
  expect((await api.send('POST', `${root}/services/web:alt/proxy`)).text).toBe(
    'http://10.244.1.5:81/',
  );
});

test.each([
  ['a path of the server', '<a href="/x?y=1#z">x</a>', '<a href="/p/proxy/x?y=1#z">x</a>'],
  ['a path beside it', '<img alt="a" src=\'b.png\'>', '<img alt="a" src="b.png">'],
  ['its own address', '<a href=http://10.0.0.1:80/x>', '<a href="/p/proxy/x">'],
  ['another server', '<a href="https://other/x">', '<a href="https://other/x">'],
  ['what leads there already', '<a href="/p/proxy/x">', '<a href="/p/proxy/x">'],
  ['no link', '<p title="/x">a < b</p>', '<p title="/x">a < b</p>'],
])('a proxied page leads through the proxy: %s', async (_, page, expected) => {
  const at = { prefix: '/p/proxy', hosts: ['10.0.0.1:80', undefined] };
  const answer = (type: string, more = {}): ApiResponse => ({
    status: 200,
    headers: { 'content-type': type, ...more },
    body: { kind: 'bytes', bytes: utf8(page) },
  });
  const seen = async (type: string, more = {}) =>
    responseText(await throughProxy(answer(type, more), at));
  expect(await seen('text/html; charset=utf-8')).toBe(expected);
  expect(await seen('text/plain')).toBe(page);
  expect(await seen('text/html', { 'content-encoding': 'gzip' })).toBe(page);
  const redirect = await throughProxy(answer('text/html', { location: '/login' }), at);
  expect(redirect.headers['location']).toBe('/p/proxy/login');
});
