import net from 'node:net';
import tls from 'node:tls';
import { afterEach, beforeAll, expect, test } from 'vitest';
import { type ApiListener, serveApi } from '#node/https';
import { startControlPlane } from '#tests/control-plane';
import { type Credentials, makeCredentials } from './certificates.ts';
import { FakeApi } from './fake-api.ts';

let credentials: Credentials;
let listener: ApiListener | undefined;

beforeAll(async () => {
  credentials = await makeCredentials();
});
afterEach(async () => {
  await listener?.close();
  listener = undefined;
});

interface Ended {
  readonly answer: string;
  readonly sentBytes: number;
}

/** Writes the texts one by one and waits for the server to end the connection. */
function talk(port: number, texts: readonly string[], endless?: Buffer): Promise<Ended> {
  return new Promise((resolve) => {
    const socket = tls.connect({ host: '127.0.0.1', port, rejectUnauthorized: false });
    let answer = '';
    socket.setEncoding('utf8').on('data', (part: string) => (answer += part));
    socket.on('error', () => undefined);
    socket.on('close', () => resolve({ answer, sentBytes: socket.bytesWritten }));
    for (const text of texts) socket.write(text);
    const pour = (): void => {
      while (endless && !socket.destroyed && socket.write(endless));
    };
    socket.on('drain', pour);
    pour();
  });
}

async function listen(): Promise<{ port: number; api: FakeApi }> {
  const api = new FakeApi();
  listener = await serveApi({ transport: api, ...credentials.server, patienceMs: 300 });
  return { port: listener.port, api };
}

const head = 'POST /version HTTP/1.1\r\nHost: a\r\n';

test.each([
  ['two lengths', `${head}Content-Length: 1\r\nContent-Length: 2\r\n\r\nab`],
  [
    'a length and chunks',
    `${head}Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nGET /secrets HTTP/1.1\r\nHost: a\r\n\r\n`,
  ],
  ['chunks and something else', `${head}Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n`],
  ['a length that is no number', `${head}Content-Length: +1\r\n\r\na`],
  ['a space before the colon', `${head}Content-Length : 1\r\n\r\na`],
  ['a line that is folded', `${head}X: a\r\n b\r\nContent-Length: 0\r\n\r\n`],
  ['a zero byte in a header', `${head}X: a\u0000b\r\n\r\n`],
  ['a chunk of a length nobody knows', `${head}Transfer-Encoding: chunked\r\n\r\nzz\r\n`],
  ['a method nobody knows', 'FOO / HTTP/1.1\r\nHost: a\r\n\r\n'],
])('%s: refused, and the connection ends', async (_, text) => {
  const { port, api } = await listen();
  const { answer } = await talk(port, [text]);
  expect(answer).toMatch(/^HTTP\/1\.1 4\d\d /);
  expect(api.requests.filter(({ url }) => url === '/secrets')).toEqual([]);
});

test('headers of two megabytes are not taken in', async () => {
  const { port, api } = await listen();
  const { answer } = await talk(port, [`${head}X: ${'a'.repeat(2_000_000)}\r\n\r\n`]);
  // Who is still sending when the connection ends may lose the answer with it.
  expect(answer).toMatch(/^(HTTP\/1\.1 431 |$)/);
  expect(api.requests).toEqual([]);
});

test.each([
  ['headers', 'GET /version HTTP/1.1\r\nHost: a\r\nX: '],
  ['a body', `${head}Content-Type: application/json\r\nContent-Length: 100\r\n\r\n{`],
])('a client that never ends its %s is cut off', async (_, text) => {
  const { port } = await listen();
  const { answer } = await talk(port, [text]);
  expect(answer).toMatch(/^HTTP\/1\.1 408 /);
});

test('a connection without a handshake is cut off', async () => {
  const { port } = await listen();
  await new Promise<void>((resolve) => {
    const socket = net.connect(port, '127.0.0.1');
    socket.on('error', () => undefined).on('close', () => resolve());
  });
});

test('a body without an end is read to its limit, kept by nobody, and the connection ends', async () => {
  const api = new FakeApi();
  listener = await serveApi({ transport: api, ...credentials.server });
  const started = `${head}Content-Type: application/json\r\nContent-Length: 3221225472\r\n\r\n`;
  const before = process.memoryUsage().rss;
  const { sentBytes } = await talk(listener.port, [started], Buffer.alloc(256 * 1024, 'a'));
  expect(sentBytes).toBeLessThan(160 * 1024 * 1024);
  expect(process.memoryUsage().rss - before).toBeLessThan(256 * 1024 * 1024);
  expect(api.requests).toEqual([]);
});

test('a hundred connections that stay open do not keep others out', async () => {
  const { port } = await listen();
  const idle = Array.from({ length: 100 }, () =>
    net.connect(port, '127.0.0.1').on('error', () => undefined),
  );
  const { answer } = await talk(port, [
    'GET /version HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n',
  ]);
  expect(answer).toMatch(/^HTTP\/1\.1 200 /);
  for (const socket of idle) socket.destroy();
});

test('an upgrade without credentials is answered as any request without them', async () => {
  const plane = await startControlPlane({ controllers: false });
  try {
    const port = plane.listener.port;
    for (const protocol of ['websocket', 'SPDY/3.1']) {
      const { answer } = await talk(port, [
        `GET /api/v1/namespaces/default/pods/p/exec?command=sh HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: ${protocol}\r\n` +
          'Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Protocol: v5.channel.k8s.io\r\n\r\n',
      ]);
      expect(answer).toMatch(/^HTTP\/1\.1 403 /);
      expect(answer).toContain('User \\"system:anonymous\\" cannot get resource \\"pods/exec\\"');
    }
  } finally {
    await plane.stop();
  }
});
