import https from 'node:https';
import net from 'node:net';
import tls from 'node:tls';
import zlib from 'node:zlib';
import { WebSocket } from 'ws';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import { BytePipe, utf8 } from '#core/base';
import { ConnectionError, StoreUnavailableError, type WatchEvent } from '#core/kube';
import { type ApiListener, PortTakenError, serveApi } from '#node/https';
import { type Credentials, makeCredentials } from './certificates.ts';
import { FakeApi, json, respond } from './fake-api.ts';

let credentials: Credentials;
let api: FakeApi;
let listener: ApiListener;
let agent: https.Agent;

beforeAll(async () => {
  credentials = await makeCredentials();
});
beforeEach(async () => {
  api = new FakeApi();
  listener = await serveApi({ transport: api, ...credentials.server });
  agent = new https.Agent({ ca: credentials.ca, keepAlive: true });
});
afterEach(async () => {
  agent.destroy();
  await listener.close();
});
afterAll(() => agent.destroy());

interface Answer {
  readonly status: number;
  readonly headers: Record<string, unknown>;
  readonly body: Buffer;
}

function ask(path: string, options: https.RequestOptions = {}, body?: Buffer): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const request = https.request(
      { host: listener.host, port: listener.port, path, agent, ...options },
      (response) => {
        const parts: Buffer[] = [];
        response.on('data', (part: Buffer) => parts.push(part));
        response.on('error', reject);
        response.on('end', () =>
          resolve({
            status: response.statusCode ?? 0,
            headers: response.headers,
            body: Buffer.concat(parts),
          }),
        );
      },
    );
    request.on('error', reject);
    request.end(body);
  });
}

/** Sends bytes as they are; everything that comes back. */
async function askRaw(text: string): Promise<string> {
  const socket = tls.connect({ host: listener.host, port: listener.port, ca: credentials.ca });
  let answer = '';
  socket.setEncoding('utf8').on('data', (part: string) => (answer += part));
  socket.on('error', () => undefined);
  socket.write(text);
  await new Promise((resolve) => socket.on('close', resolve));
  return answer;
}

test('the request reaches the transport as it was sent, with the proven certificate', async () => {
  await ask('/version?a=b', { headers: { 'X-Test': 'One' } });
  await ask(
    '/api/v1/pods',
    {
      method: 'POST',
      agent: false,
      ca: credentials.ca,
      cert: credentials.client.certificate,
      key: credentials.client.privateKey,
    },
    Buffer.from('{}'),
  );
  const [plain, certified] = api.requests;
  expect(plain).toMatchObject({ method: 'GET', url: '/version?a=b' });
  expect(plain?.headers['x-test']).toBe('One');
  expect(plain?.body).toBeUndefined();
  expect(plain?.peerCertificate).toBeUndefined();
  expect(plain?.remoteAddress).toMatch(/^127\.0\.0\.1:\d+$/);
  expect(Buffer.from(certified?.body ?? []).toString()).toBe('{}');
  expect(certified?.peerCertificate?.trim()).toBe(credentials.client.certificate.trim());
});

test('a body above 3 MiB is refused in upstream words', async () => {
  const limit = 3 * 1024 * 1024;
  const ok = await ask('/version', { method: 'POST' }, Buffer.alloc(limit));
  const refused = await ask('/version', { method: 'POST' }, Buffer.alloc(limit + 1));
  expect(ok.status).toBe(200);
  expect(JSON.parse(refused.body.toString())).toEqual({
    kind: 'Status',
    apiVersion: 'v1',
    metadata: {},
    status: 'Failure',
    message: 'Request entity too large: limit is 3145728',
    reason: 'RequestEntityTooLarge',
    code: 413,
  });
  expect(refused.status).toBe(413);
  expect(api.requests).toHaveLength(1);
});

test.each([
  { name: 'two lengths', head: 'Content-Length: 2\r\nContent-Length: 3\r\n' },
  { name: 'length and chunks', head: 'Content-Length: 2\r\nTransfer-Encoding: chunked\r\n' },
  { name: 'two hosts', head: 'Host: other\r\n' },
  { name: 'two authorizations', head: 'Authorization: Bearer a\r\nAuthorization: Bearer b\r\n' },
  { name: 'a header with a bare line feed', head: 'X-A: b\nX-C: d\r\n' },
])('a request that could be read in two ways is refused: $name', async ({ head }) => {
  const answer = await askRaw(
    `POST /version HTTP/1.1\r\nHost: a\r\nConnection: close\r\n${head}\r\n{}`,
  );
  expect(answer).toMatch(/^HTTP\/1\.1 400 /);
  expect(api.requests).toEqual([]);
});

test('long objects are compressed for those who take it, short ones never', async () => {
  const items = Array.from({ length: 5000 }, (_, i) => ({
    name: `pod-${i}`,
    text: 'x'.repeat(50),
  }));
  const text = JSON.stringify(items);
  api.routes.set('/long', () =>
    respond({
      kind: 'object',
      object: items,
      *encode() {
        yield '[';
        for (const [index, item] of items.entries())
          yield `${index === 0 ? '' : ','}${JSON.stringify(item)}`;
        yield ']';
      },
    }),
  );
  const gzip = { headers: { 'Accept-Encoding': 'gzip' } };
  const packed = await ask('/long', gzip);
  expect(packed.headers).toMatchObject({ 'content-encoding': 'gzip', vary: 'Accept-Encoding' });
  expect(zlib.gunzipSync(packed.body).toString()).toBe(text);
  const plain = await ask('/long');
  expect(plain.headers['content-encoding']).toBeUndefined();
  expect(plain.body.toString()).toBe(text);
  const short = await ask('/version', gzip);
  expect(short.headers['content-encoding']).toBeUndefined();
  expect(short.headers['content-length']).toBe(String(short.body.length));
});

test('an answer waits until it is durable, and becomes an error when it cannot be', async () => {
  const order: string[] = [];
  let release: () => void = () => undefined;
  api.routes.set('/slow', () => ({
    ...json(201, { made: true }),
    durable: () =>
      new Promise<void>((resolve) => {
        release = () => {
          order.push('durable');
          resolve();
        };
      }),
  }));
  const asked = ask('/slow').then(({ status }) => order.push(`answered ${status}`));
  await expect.poll(() => api.requests.length).toBe(1);
  await ask('/version');
  expect(order).toEqual([]);
  release();
  await asked;
  expect(order).toEqual(['durable', 'answered 201']);
  api.routes.set('/lost', () => ({
    ...json(201, {}),
    durable: () =>
      Promise.reject(new StoreUnavailableError('etcdserver: mvcc: database space exceeded')),
  }));
  const lost = await ask('/lost');
  expect([lost.status, JSON.parse(lost.body.toString()).message]).toEqual([
    500,
    'etcdserver: mvcc: database space exceeded',
  ]);
});

/** A watch under the test's control. */
function watchRoute(durable?: (event: WatchEvent) => Promise<void>) {
  const watch = {
    emit: (_object: object): void => undefined,
    end: (): void => undefined,
    disposed: false,
  };
  api.routes.set('/watch', () =>
    respond({
      kind: 'watch',
      watch: {
        contentType: 'application/json',
        encode: (event) => `${JSON.stringify(event)}\n`,
        ...(durable ? { durable } : {}),
        start: (onEvent, onEnd) => {
          watch.emit = (object) => onEvent({ type: 'ADDED', object });
          watch.end = onEnd;
          return { dispose: () => void (watch.disposed = true) };
        },
      },
    }),
  );
  return watch;
}

/** Opens the watch and gathers what comes. */
function openWatch(): Promise<{ text: () => string; ended: Promise<void>; destroy: () => void }> {
  return new Promise((resolve) => {
    https
      .get({ host: listener.host, port: listener.port, path: '/watch', agent }, (response) => {
        let text = '';
        response.setEncoding('utf8').on('data', (part: string) => (text += part));
        response.on('error', () => undefined);
        const ended = new Promise<void>((done) => response.on('close', done));
        resolve({ text: () => text, ended, destroy: () => response.destroy() });
      })
      .on('error', () => undefined);
  });
}

test('a watch writes JSON lines in order, each once it is durable, until the server ends it', async () => {
  const releases: (() => void)[] = [];
  const watch = watchRoute(() => new Promise((resolve) => releases.push(resolve)));
  const seen = await openWatch();
  watch.emit({ n: 1 });
  watch.emit({ n: 2 });
  await expect.poll(() => releases.length).toBe(1);
  watch.emit({ n: 3 });
  expect(seen.text()).toBe('');
  releases[0]?.();
  await expect
    .poll(() => seen.text())
    .toBe('{"type":"ADDED","object":{"n":1}}\n{"type":"ADDED","object":{"n":2}}\n');
  watch.end();
  releases[1]?.();
  await seen.ended;
  expect(seen.text()).toMatch(/"n":3\}\}\n$/);
});

test('a client that leaves ends its watch; a slow one is closed', async () => {
  const left = watchRoute();
  const seen = await openWatch();
  seen.destroy();
  await expect.poll(() => left.disposed).toBe(true);

  const slow = watchRoute();
  const socket = tls.connect({ host: listener.host, port: listener.port, ca: credentials.ca });
  socket.on('error', () => undefined);
  socket.write('GET /watch HTTP/1.1\r\nHost: a\r\n\r\n');
  await new Promise((resolve) => socket.once('data', resolve));
  socket.pause();
  const text = 'x'.repeat(100_000);
  for (let i = 0; i < 400 && !slow.disposed; i++) {
    slow.emit({ text });
    await new Promise((resolve) => setImmediate(resolve));
  }
  await expect.poll(() => slow.disposed).toBe(true);
  socket.destroy();
});

test('a source is written as it comes and closed when the client leaves', async () => {
  const pipe = new BytePipe();
  let closed = false;
  api.routes.set('/log', () =>
    respond({ kind: 'source', source: pipe, close: () => void (closed = true) }),
  );
  const lines = await new Promise<string>((resolve) => {
    https.get({ host: listener.host, port: listener.port, path: '/log', agent }, (response) => {
      void pipe.write(utf8('first\n'));
      response.once('data', (part: Buffer) => {
        resolve(part.toString());
        response.destroy();
      });
    });
  });
  expect(lines).toBe('first\n');
  await expect.poll(() => closed).toBe(true);
});

test('the signal of a request is aborted when its client goes away', async () => {
  let signal: AbortSignal | undefined;
  api.routes.set('/hang', (request) => {
    signal = request.signal;
    return new Promise(() => undefined);
  });
  const request = https.get({ host: listener.host, port: listener.port, path: '/hang', agent });
  request.on('error', () => undefined);
  await expect.poll(() => signal?.aborted).toBe(false);
  request.destroy();
  await expect.poll(() => signal?.aborted).toBe(true);
});

test('no server behind: the connection breaks; suspended: it is refused; resumed: it is back', async () => {
  api.routes.set('/down', () => {
    throw new ConnectionError('ECONNREFUSED', 'connection refused');
  });
  await expect(ask('/down')).rejects.toMatchObject({ code: 'ECONNRESET' });
  const { port } = listener;
  api.routes.set('/hang', () => new Promise(() => undefined));
  const hanging = expect(ask('/hang')).rejects.toMatchObject({ code: 'ECONNRESET' });
  await expect.poll(() => api.requests.at(-1)?.url).toBe('/hang');
  await listener.suspend();
  await hanging;
  await expect(ask('/version')).rejects.toMatchObject({ code: 'ECONNREFUSED' });
  await listener.resume();
  expect(listener.port).toBe(port);
  expect((await ask('/version')).status).toBe(200);
});

test('a taken port is a clear error', async () => {
  const failed = serveApi({ transport: api, ...credentials.server, port: listener.port });
  await expect(failed).rejects.toThrow(PortTakenError);
  await expect(failed).rejects.toThrow(
    `127.0.0.1:${listener.port} is taken by another program. End that program, or choose another port.`,
  );
});

test('the certificate can be replaced; the client certificate is still asked for', async () => {
  const other = await makeCredentials();
  listener.setSecureContext(other.server);
  await expect(ask('/version', { agent: false, ca: credentials.ca })).rejects.toThrow();
  const client = { cert: other.client.certificate, key: other.client.privateKey };
  await ask('/version', { agent: false, ca: other.ca, ...client });
  expect(api.requests.at(-1)?.peerCertificate).toBeDefined();
});

test('a fault of the server becomes a Status without a stack', async () => {
  api.routes.set('/fault', () => {
    throw new Error('broken invariant');
  });
  const { status, body } = await ask('/fault');
  expect([status, JSON.parse(body.toString()).message]).toEqual([
    500,
    'Internal error occurred: broken invariant',
  ]);
});

test('exec without an upgrade is refused, and the session let go', async () => {
  const { status, body } = await ask('/api/v1/namespaces/default/pods/web/exec?command=fail');
  expect([status, JSON.parse(body.toString()).message]).toEqual([400, 'Upgrade request required']);
  expect(api.closedSessions).toEqual(['exec']);
});

test.each([
  {
    name: 'SPDY with unknown protocols',
    head: 'Upgrade: SPDY/3.1\r\nX-Stream-Protocol-Version: v9.channel.k8s.io\r\n',
    status: 403,
  },
  {
    name: 'WebSocket with unknown protocols',
    head: 'Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\nSec-WebSocket-Protocol: v9.channel.k8s.io\r\n',
    status: 400,
  },
])('an upgrade that cannot be agreed on is refused: $name', async ({ head, status }) => {
  const answer = await askRaw(
    `GET /api/v1/namespaces/default/pods/web/exec?command=fail HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\n${head}\r\n`,
  );
  expect(answer).toMatch(new RegExp(`^HTTP/1.1 ${status} `));
  expect(answer).toContain(
    'unable to upgrade: unable to negotiate protocol: client supports [v9.channel.k8s.io], server accepts [',
  );
  expect(api.closedSessions).toEqual(['exec']);
});

const pod = '/api/v1/namespaces/default/pods/web';

/** All that comes over WebSocket. */
function messages(path: string, protocols: readonly string[]): Promise<(string | number[])[]> {
  return new Promise((resolve, reject) => {
    const url = `wss://${listener.host}:${listener.port}${path}`;
    const socket = new WebSocket(url, [...protocols], { ca: credentials.ca });
    const seen: (string | number[])[] = [];
    socket.on('message', (data: Buffer, isBinary) =>
      seen.push(isBinary ? [...data] : data.toString()),
    );
    socket.on('error', reject);
    socket.on('close', () => resolve(seen));
  });
}

test.each<[string, readonly string[], (string | number[])[]]>([
  ['v1', ['channel.k8s.io'], [[1], [1, 104, 105]]],
  ['v1 in text', ['base64.channel.k8s.io'], ['1', '1aGk=']],
  ['none', [], [[1], [1, 104, 105]]],
])('exec over WebSocket speaks protocol %s', async (_, protocols, expected) => {
  expect(await messages(`${pod}/exec?command=printf&command=hi&stdout=true`, protocols)).toEqual(
    expected,
  );
});

test('exec over WebSocket tells its end as the protocol has it', async () => {
  const ends = async (protocol: string) =>
    (await messages(`${pod}/exec?command=false&stdout=true`, [protocol])).at(-1);
  const words = 'command terminated with non-zero exit code: exit status 1';
  expect(await ends('v4.base64.channel.k8s.io')).toMatch(/^3/);
  expect(Buffer.from(((await ends('channel.k8s.io')) as number[]).slice(1)).toString()).toBe(words);
  expect(
    JSON.parse(Buffer.from(((await ends('v4.channel.k8s.io')) as number[]).slice(1)).toString()),
  ).toMatchObject({ status: 'Failure', reason: 'NonZeroExitCode', message: words });
});

test.each<[string, readonly string[], (string | number[])[]]>([
  ['as it is', ['binary.k8s.io'], [[], [104, 105]]],
  ['in text', ['base64.binary.k8s.io'], ['', 'aGk=']],
  ['without a protocol', [], [[], [104, 105]]],
])('a log comes over WebSocket %s', async (_, protocols, expected) => {
  api.routes.set(`${pod}/log`, () => respond({ kind: 'bytes', bytes: utf8('hi') }));
  expect(await messages(`${pod}/log?container=c`, protocols)).toEqual(expected);
});

test('a watch comes over WebSocket, an event a message', async () => {
  const watch = watchRoute();
  const idle = watch.end;
  const seen = messages('/watch', []);
  await expect.poll(() => watch.end).not.toBe(idle);
  watch.emit({ name: 'a' });
  watch.emit({ name: 'b' });
  watch.end();
  expect(await seen).toEqual([
    '{"type":"ADDED","object":{"name":"a"}}\n',
    '{"type":"ADDED","object":{"name":"b"}}\n',
  ]);
  await expect.poll(() => watch.disposed).toBe(true);
});

test('noise after an SPDY upgrade ends the connection and the session', async () => {
  const upgrade =
    'POST /api/v1/namespaces/default/pods/web/exec?command=fail&stdout=true HTTP/1.1\r\nHost: a\r\n' +
    'Connection: Upgrade\r\nUpgrade: SPDY/3.1\r\nX-Stream-Protocol-Version: v4.channel.k8s.io\r\n\r\n';
  for (const noise of ['\xff'.repeat(64), '\x80\x03\0\x01\0\0\0\x0c' + 'garbage in it']) {
    const answer = await askRaw(upgrade + noise);
    expect(answer).toMatch(/^HTTP\/1\.1 101 /);
  }
  expect(api.closedSessions).toEqual(['exec', 'exec']);
});

test('plain HTTP on the port gets no answer and does no harm', async () => {
  const socket = net.connect(listener.port, listener.host);
  socket.on('error', () => undefined);
  socket.write('GET / HTTP/1.1\r\n\r\n');
  await new Promise((resolve) => socket.on('close', resolve));
  expect((await ask('/version')).status).toBe(200);
});
