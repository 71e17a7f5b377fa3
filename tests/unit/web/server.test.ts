import { mkdtempSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, request } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { WebSocket } from 'ws';
import { PortTakenError, startWebServer, type WebServer } from '../../../src-main/web/server.ts';

interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly body: string;
}

const folder = mkdtempSync(join(tmpdir(), 'kijabi-web-'));
const page = join(folder, 'page');
let server: WebServer;
let cookie = '';
let connections = 0;

function ask(
  path: string,
  headers: Record<string, string> = {},
  method = 'GET',
  of: WebServer = server,
): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const outgoing = request(
      { host: '127.0.0.1', port: of.port, path, method, headers, agent: false },
      (incoming) => {
        let body = '';
        incoming.setEncoding('utf8').on('data', (text: string) => (body += text));
        incoming.on('end', () =>
          resolve({ status: incoming.statusCode ?? 0, headers: incoming.headers, body }),
        );
      },
    );
    outgoing.once('error', reject);
    outgoing.end();
  });
}

async function logIn(of: WebServer): Promise<string> {
  const { pathname, search } = new URL(of.launchUrl);
  const { headers } = await ask(pathname + search, {}, 'GET', of);
  return headers['set-cookie']?.[0]?.split(';')[0] ?? '';
}

const start = (port = 0): Promise<WebServer> =>
  startWebServer({ pageRoot: page, port, onConnection: () => (connections += 1) });

beforeAll(async () => {
  mkdirSync(join(page, 'assets'), { recursive: true });
  writeFileSync(join(page, 'index.html'), '<!doctype html><title>Kijabi</title>');
  writeFileSync(join(page, 'assets', 'a.js'), 'export {};');
  writeFileSync(join(folder, 'secret.txt'), 'secret');
  mkdirSync(join(folder, 'page-beside'));
  writeFileSync(join(folder, 'page-beside', 'secret.txt'), 'secret');
  server = await start();
  cookie = await logIn(server);
});
afterAll(() => {
  server.dispose();
  rmSync(folder, { recursive: true });
});

describe('with a session', () => {
  test.each([
    { path: '/', status: 200, cache: 'no-store', type: 'text/html; charset=utf-8' },
    {
      path: '/assets/a.js',
      status: 200,
      cache: 'private, max-age=31536000, immutable',
      type: 'text/javascript; charset=utf-8',
    },
  ])('$path is served', async ({ path, status, cache, type }) => {
    const answer = await ask(path, { cookie });
    expect(answer.status).toBe(status);
    expect(answer.headers['cache-control']).toBe(cache);
    expect(answer.headers['content-type']).toBe(type);
  });

  test.each([
    '/../secret.txt',
    '/..%2fsecret.txt',
    '/%2e%2e/secret.txt',
    '/..%5csecret.txt',
    '/assets/../../secret.txt',
    '/../page-beside/secret.txt',
    '/%00',
    '/index.html%00.js',
    '/%E0%A4%A',
    '/assets',
    '/nothing',
  ])('%s is not found', async (path) => {
    const answer = await ask(path, { cookie });
    expect(answer.status).toBe(404);
    expect(answer.body).not.toContain('secret');
  });

  test('HEAD has the headers and no body', async () => {
    const answer = await ask('/', { cookie }, 'HEAD');
    expect(answer).toMatchObject({ status: 200, body: '' });
  });

  test.each(['POST', 'PUT', 'DELETE', 'PATCH', 'OPTIONS', 'TRACE'])(
    '%s is refused',
    async (method) => {
      expect((await ask('/', { cookie }, method)).status).toBe(405);
    },
  );

  test('every answer has the security headers, and none has CORS headers', async () => {
    for (const { headers } of [await ask('/', { cookie }), await ask('/'), await ask('/none')]) {
      expect(headers['content-security-policy']).toContain("default-src 'none'");
      expect(headers['content-security-policy']).toContain("script-src 'self'");
      expect(headers['content-security-policy']).toContain("frame-ancestors 'none'");
      expect(headers['x-content-type-options']).toBe('nosniff');
      expect(headers['x-frame-options']).toBe('DENY');
      expect(headers['referrer-policy']).toBe('no-referrer');
      expect(Object.keys(headers).filter((name) => name.startsWith('access-control'))).toEqual([]);
    }
  });
});

describe('who is asking', () => {
  const own = (): number => server.port;

  test.each([
    { host: 'evil.com', why: 'another name: DNS rebinding' },
    { host: '127.0.0.1', why: 'no port' },
    { host: '127.0.0.1:1', why: 'another port' },
    { host: '127.0.0.1.evil.com:PORT', why: 'begins like ours' },
    { host: 'evil.com#127.0.0.1:PORT', why: 'ends like ours' },
    { host: '0.0.0.0:PORT', why: 'reaches us on some systems' },
    { host: '[::1]:PORT', why: 'not bound' },
  ])('Host $host is refused: $why', async ({ host }) => {
    const answer = await ask('/', { cookie, host: host.replace('PORT', String(own())) });
    expect(answer).toMatchObject({ status: 403, body: 'this host name is not allowed\n' });
  });

  test('Host localhost is ours', async () => {
    expect((await ask('/', { cookie, host: `localhost:${own()}` })).status).toBe(200);
  });

  test.each([
    { origin: 'http://evil.com', why: 'another site' },
    { origin: 'http://127.0.0.1.evil.com', why: 'begins like ours' },
    { origin: 'http://127.0.0.1.evil.com:PORT', why: 'begins like ours, with our port' },
    { origin: 'http://127.0.0.1', why: 'another port' },
    { origin: 'http://127.0.0.1:1', why: 'another program of this computer' },
    { origin: 'https://127.0.0.1:PORT', why: 'another scheme' },
    { origin: 'null', why: 'a sandboxed frame or a file' },
    { origin: '', why: 'empty' },
  ])('Origin "$origin" is refused: $why', async ({ origin }) => {
    const answer = await ask('/', { cookie, origin: origin.replace('PORT', String(own())) });
    expect(answer.status).toBe(403);
  });

  test('a request that another site made is refused even without Origin', async () => {
    expect((await ask('/', { cookie, 'sec-fetch-site': 'cross-site' })).status).toBe(403);
  });
});

describe('the launch link', () => {
  test('opens a session once: a second use is refused and tells what to do', async () => {
    const other = await start();
    try {
      const { pathname, search } = new URL(other.launchUrl);
      const first = await ask(pathname + search, {}, 'GET', other);
      expect(first).toMatchObject({ status: 303, headers: { location: '/' } });
      expect(first.headers['set-cookie']?.[0]).toMatch(
        new RegExp(`^kijabi-${other.port}=[0-9a-f]{64}; Path=/; HttpOnly; SameSite=Strict$`),
      );
      expect(first.headers['cache-control']).toBe('no-store');
      expect(await ask(pathname + search, {}, 'GET', other)).toMatchObject({
        status: 403,
        body: 'this launch link is wrong or was used already: start Kijabi again for a new one\n',
      });
    } finally {
      other.dispose();
    }
  });

  test('does not carry the session to a page that holds one already', async () => {
    const answer = await ask('/?token=anything', { cookie });
    expect(answer).toMatchObject({ status: 303, headers: { location: '/' } });
    expect(answer.headers['set-cookie']).toBeUndefined();
  });

  test.each(['', '0'.repeat(64), 'ä', 'x'.repeat(10_000)])(
    'a wrong token "%.20s" is refused',
    async (token) => {
      expect((await ask(`/?token=${encodeURIComponent(token)}`)).status).toBe(403);
    },
  );

  test.each([
    { header: '', why: 'none' },
    { header: 'kijabi-1=PORTSESSION', why: 'the name of another port' },
    { header: 'COOKIE0', why: 'a longer value' },
    { header: 'kijabi-PORT=', why: 'an empty value' },
  ])('without a session nothing is served: $why', async ({ header }) => {
    const sent = header.replace('COOKIE', cookie).replace('PORT', String(server.port));
    expect(await ask('/', { cookie: sent })).toMatchObject({
      status: 401,
      body: 'open Kijabi by the link that it printed when it started\n',
    });
  });

  test('a session of one host opens no other', async () => {
    const other = await start();
    try {
      const value = cookie.split('=')[1] ?? '';
      const foreign = `kijabi-${other.port}=${value}`;
      expect((await ask('/', { cookie: foreign }, 'GET', other)).status).toBe(401);
    } finally {
      other.dispose();
    }
  });
});

describe('the WebSocket', () => {
  const connect = (path: string, headers: Record<string, string>): Promise<string> =>
    new Promise((resolve) => {
      const socket = new WebSocket(`ws://127.0.0.1:${server.port}${path}`, { headers });
      socket.once('open', () => {
        socket.close();
        resolve('open');
      });
      socket.once('error', (error) => resolve(error.message));
    });
  const origin = (): string => `http://127.0.0.1:${server.port}`;
  const refused = 'Unexpected server response: 403';

  test('opens for our page', async () => {
    const before = connections;
    expect(await connect('/rpc', { cookie, origin: origin() })).toBe('open');
    expect(connections).toBe(before + 1);
  });

  test.each([
    { why: 'no session', headers: () => ({ origin: origin() }) },
    { why: 'no Origin', headers: () => ({ cookie }) },
    { why: 'Origin null', headers: () => ({ cookie, origin: 'null' }) },
    {
      why: 'Origin that begins like ours',
      headers: () => ({ cookie, origin: 'http://127.0.0.1.evil.com' }),
    },
    {
      why: 'a Host that is not ours',
      headers: () => ({ cookie, origin: origin(), host: 'evil.com' }),
    },
    {
      why: 'another site',
      headers: () => ({ cookie, origin: origin(), 'sec-fetch-site': 'cross-site' }),
    },
  ])('is refused: $why', async ({ headers }) => {
    const before = connections;
    expect(await connect('/rpc', headers() as Record<string, string>)).toBe(refused);
    expect(connections).toBe(before);
  });

  test.each(['/', '/rpc/', '/rpc?token=1', '/other'])('is refused at %s', async (path) => {
    expect(await connect(path, { cookie, origin: origin() })).toBe(refused);
  });
});

test('listens on 127.0.0.1 alone', async () => {
  const reached = await new Promise<boolean>((resolve) => {
    const outgoing = request({ host: '::1', port: server.port, path: '/' }, () => resolve(true));
    outgoing.once('error', () => resolve(false));
    outgoing.end();
  });
  expect(reached).toBe(false);
});

test('a taken port is said, with the mend', async () => {
  const blocker = createServer().listen(0, '127.0.0.1');
  await new Promise((resolve) => blocker.once('listening', resolve));
  const { port } = blocker.address() as AddressInfo;
  const attempt = start(port);
  await expect(attempt).rejects.toThrow(PortTakenError);
  await expect(attempt).rejects.toThrow(
    `port ${port} is taken by another program: stop it, or choose another with --port`,
  );
  blocker.close();
});
