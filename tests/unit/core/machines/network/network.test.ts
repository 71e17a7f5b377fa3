import { beforeEach, describe, expect, it } from 'vitest';
import { fromUtf8, readText, seededRandom, utf8 } from '#core/base';
import type { ApiResponse, ServicePortRule } from '#core/kube';
import {
  createNetwork,
  type GrpcHealth,
  grpcHealthService,
  httpRequest,
  type Listener,
  type MachineNetwork,
  type NetNamespace,
  type Network,
  openConnection,
  probe,
  readBody,
} from '../../../../../src-main/core/machines/network/index.ts';
import { TestTime } from '#tests/sim';

let time: TestTime;
let network: Network;
let node1: MachineNetwork;
let node2: MachineNetwork;
let podA: NetNamespace;
let podB: NetNamespace;

/** Answers with its name and what it sees of the client. */
function page(name: string): Listener {
  return {
    kind: 'http',
    handle: (request, peer) =>
      Promise.resolve<ApiResponse>({
        status: request.url.startsWith('/none?') ? 404 : 200,
        headers: { 'content-type': 'text/plain' },
        body: { kind: 'bytes', bytes: utf8(`${name} for ${peer.address} ${request.method}`) },
      }),
  };
}

const service = (over: Partial<ServicePortRule>): ServicePortRule => ({
  name: 'default/web',
  protocol: 'tcp',
  port: 80,
  clusterIps: ['10.96.0.5'],
  endpoints: [{ address: '10.244.2.2', port: 8080 }],
  ...over,
});

async function outcome(from: NetNamespace, address: string, port: number, timeoutMs?: number) {
  const started = time.clock.now();
  let text = 'pending';
  const done = from
    .dial(address, port, 'tcp', timeoutMs === undefined ? {} : { timeoutMs })
    .then(
      async ({ listener, peer }) => {
        if (listener.kind !== 'http') return listener.kind;
        const { body } = await listener.handle({ method: 'GET', url: '/', headers: {} }, peer);
        return body.kind === 'bytes' ? fromUtf8(body.bytes) : body.kind;
      },
      (error: unknown) =>
        `${(error as Error).message} after ${(time.clock.now() - started) / 1000} s`,
    )
    .then((value) => (text = value));
  await time.settle();
  await done;
  return text;
}

beforeEach(() => {
  time = new TestTime();
  network = createNetwork({ clock: time.clock, random: seededRandom('network') });
  node1 = network.addMachine({ name: 'node01', address: '192.168.10.11' });
  node2 = network.addMachine({ name: 'node02', address: '192.168.10.12' });
  podA = node1.addSandbox('a', '10.244.1.0/24').namespace;
  podB = node2.addSandbox('b', '10.244.2.0/24').namespace;
  podB.listen(8080, page('b'));
});

describe('addresses', () => {
  it('gives pods the addresses of their node in order and never one just freed', () => {
    const second = node1.addSandbox('c', '10.244.1.0/24');
    expect([podA.address, second.namespace.address]).toEqual(['10.244.1.2', '10.244.1.3']);
    second.dispose();
    expect(node1.addSandbox('d', '10.244.1.0/24').namespace.address).toBe('10.244.1.4');
  });

  it('says so when a block is full', () => {
    node1.addSandbox('x', '10.9.9.0/30');
    expect(() => node1.addSandbox('y', '10.9.9.0/30')).toThrow(
      'failed to allocate for range 0: no IP addresses available in range set: 10.9.9.1-10.9.9.2',
    );
  });

  it('refuses a port that is taken, on the wildcard or on one address', () => {
    podA.listen(80, page('a'), { address: '127.0.0.1' });
    expect(() => podA.listen(80, page('a'))).toThrow(
      'listen tcp 0.0.0.0:80: bind: address already in use',
    );
    podA.listen(80, page('a'), { protocol: 'udp' });
    podA.listen(80, page('a'), { address: '10.244.1.2' });
  });
});

describe('dial', () => {
  it.each([
    ['a pod on another node', () => podA, '10.244.2.2', 8080, 'b for 10.244.1.2 GET'],
    ['itself by loopback', () => podB, '127.0.0.1', 8080, 'b for 127.0.0.1 GET'],
    ['itself by its address', () => podB, '10.244.2.2', 8080, 'b for 10.244.2.2 GET'],
    [
      'a closed port',
      () => podA,
      '10.244.2.2',
      81,
      'dial tcp 10.244.2.2:81: connect: connection refused after 0 s',
    ],
    [
      'an unused address of the pod network',
      () => podA,
      '10.244.2.99',
      80,
      'dial tcp 10.244.2.99:80: connect: no route to host after 3.072 s',
    ],
    [
      'a Service address without kube-proxy',
      () => podA,
      '10.96.0.5',
      80,
      'dial tcp 10.96.0.5:80: connect: connection timed out after 127 s',
    ],
  ])('%s', async (_, from, address, port, expected) => {
    expect(await outcome(from(), address, port)).toBe(expected);
  });

  it('times out at a machine without power after the time the client gives', async () => {
    node2.powered = false;
    expect(await outcome(podA, '10.244.2.2', 8080, 5000)).toBe(
      'dial tcp 10.244.2.2:8080: i/o timeout after 5 s',
    );
  });

  it('times out where a policy drops, and reaches the rest', async () => {
    network.policy = (flow) => (flow.source === '10.244.1.2' ? 'drop' : 'allow');
    expect(await outcome(podA, '10.244.2.2', 8080, 1000)).toBe(
      'dial tcp 10.244.2.2:8080: i/o timeout after 1 s',
    );
    expect(await outcome(node1.namespace, '10.244.2.2', 8080)).toBe('b for 192.168.10.11 GET');
  });

  it('reaches a pod through its host port', async () => {
    const web = node1.addSandbox('w', '10.244.1.0/24', [
      { protocol: 'tcp', hostPort: 8888, hostIp: '', containerPort: 80 },
    ]);
    web.namespace.listen(80, page('w'));
    expect(await outcome(node2.namespace, '192.168.10.11', 8888)).toBe('w for 192.168.10.12 GET');
    expect(await outcome(node1.namespace, '127.0.0.1', 8888)).toBe('w for 127.0.0.1 GET');
  });
});

describe('Service rules', () => {
  beforeEach(() => {
    const rules = [service({ nodePort: 30080, externalIps: ['203.0.113.7'] })];
    node1.rules.replace(rules);
    node2.rules.replace(rules);
  });

  it.each([
    ['cluster address from a pod keeps the source', () => podA, '10.96.0.5', 80, '10.244.1.2'],
    ['a pod reaches itself through its Service', () => podB, '10.96.0.5', 80, '10.244.2.2'],
    ['external address', () => podA, '203.0.113.7', 80, '192.168.10.11'],
    [
      'node port on the node itself',
      () => node1.namespace,
      '192.168.10.11',
      30080,
      '192.168.10.11',
    ],
    ['node port on loopback', () => node1.namespace, '127.0.0.1', 30080, '192.168.10.11'],
    ['node port of another node', () => node1.namespace, '192.168.10.12', 30080, '192.168.10.12'],
  ])('%s', async (_, from, address, port, seen) => {
    expect(await outcome(from(), address, port)).toBe(`b for ${seen} GET`);
  });

  it('refuses at once when there is no endpoint', async () => {
    node1.rules.replace([service({ endpoints: [] })]);
    expect(await outcome(podA, '10.96.0.5', 80)).toBe(
      'dial tcp 10.96.0.5:80: connect: connection refused after 0 s',
    );
  });

  it('drops outside traffic at a node without local endpoints under externalTrafficPolicy Local', async () => {
    node1.rules.replace([service({ nodePort: 30080, localEndpoints: [] })]);
    expect(await outcome(node2.namespace, '192.168.10.11', 30080, 2000)).toBe(
      'dial tcp 192.168.10.11:30080: i/o timeout after 2 s',
    );
    const endpoint = { address: '10.244.2.2', port: 8080 };
    node2.rules.replace([service({ nodePort: 30080, localEndpoints: [endpoint] })]);
    expect(await outcome(node1.namespace, '192.168.10.12', 30080)).toBe('b for 192.168.10.11 GET');
  });

  it('spreads over the endpoints, and keeps a client to one under session affinity', async () => {
    const other = node1.addSandbox('c', '10.244.1.0/24').namespace;
    other.listen(8080, page('c'));
    const endpoints = [
      { address: '10.244.2.2', port: 8080 },
      { address: other.address, port: 8080 },
    ];
    const names = async (): Promise<string[]> => {
      const found = new Set<string>();
      for (let i = 0; i < 20; i++) found.add((await outcome(podA, '10.96.0.5', 80)).slice(0, 1));
      return [...found].sort();
    };
    node1.rules.replace([service({ endpoints })]);
    expect(await names()).toEqual(['b', 'c']);
    node1.rules.replace([service({ endpoints, affinitySeconds: 10800 })]);
    expect(await names()).toHaveLength(1);
  });
});

describe('HTTP', () => {
  const resolve = (): Promise<readonly string[]> => Promise.resolve(['10.244.2.2']);

  it('is spoken on objects when both ends can', async () => {
    const answer = await httpRequest({
      net: podA,
      clock: time.clock,
      url: 'http://web:8080/none?x=1',
      resolve,
    });
    expect([answer.status, answer.reason, fromUtf8(await readBody(answer))]).toEqual([
      404,
      'Not Found',
      'b for 10.244.1.2 GET',
    ]);
  });

  it('is read from bytes, request after request', async () => {
    const connection = openConnection(await podA.dial('10.244.2.2', 8080));
    await connection.output.write(utf8('GET / HTTP/1.1\r\nHost: x\r\n\r\nHEAD / HTTP/1.1\r\n'));
    await connection.output.write(utf8('Host: x\r\nConnection: close\r\n\r\n'));
    expect(await readText(connection.input)).toBe(
      'HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 20\r\nConnection: keep-alive\r\n\r\n' +
        'b for 10.244.1.2 GET' +
        'HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 21\r\nConnection: close\r\n\r\n',
    );
  });

  it.each<[name: string, pieces: (string | Uint8Array)[], read: string]>([
    ['lines', ['{"a":1}\n', '{"b":2}\n'], '8\r\n{"a":1}\n\r\n8\r\n{"b":2}\n\r\n0\r\n\r\n'],
    ['frames', [utf8('\0\0\0\x01x')], '5\r\n\0\0\0\x01x\r\n0\r\n\r\n'],
  ])('sends the events of a watch as they come: %s', async (_name, pieces, read) => {
    const left = [...pieces];
    podB.listen(9001, {
      kind: 'http',
      handle: () =>
        Promise.resolve<ApiResponse>({
          status: 200,
          headers: { 'content-type': 'application/json' },
          body: {
            kind: 'watch',
            watch: {
              contentType: 'application/json',
              start: (onEvent, onEnd) => {
                for (const _piece of pieces) onEvent({ type: 'ADDED', object: {} });
                onEnd();
                return { dispose: () => undefined };
              },
              encode: () => left.shift() ?? '',
            },
          },
        }),
    });
    const connection = openConnection(await podA.dial('10.244.2.2', 9001));
    await connection.output.write(utf8('GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n'));
    expect((await readText(connection.input)).split('\r\n\r\n').slice(1).join('\r\n\r\n')).toBe(
      read,
    );
  });

  it('is spoken to a listener that takes bytes', async () => {
    let seen = '';
    podB.listen(9000, {
      kind: 'tcp',
      accept: (connection) =>
        void (async () => {
          const chunk = await connection.input.read();
          seen = fromUtf8(chunk ?? new Uint8Array());
          await connection.output.write(
            utf8('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n'),
          );
          connection.close();
        })(),
    });
    const answer = await httpRequest({
      net: podA,
      clock: time.clock,
      url: 'http://web:9000/p',
      headers: { 'x-custom': '1' },
      resolve,
    });
    expect(fromUtf8(await readBody(answer))).toBe('abc');
    expect(seen).toBe(
      'GET /p HTTP/1.1\r\nHost: web:9000\r\nX-Custom: 1\r\nConnection: close\r\n\r\n',
    );
  });

  it.each([
    [
      'https to a plain port',
      'https://web:8080/',
      'http: server gave HTTP response to HTTPS client',
    ],
    [
      'an unknown authority',
      'https://web:8443/',
      'tls: failed to verify certificate: x509: certificate signed by unknown authority',
    ],
  ])('fails for %s as Go does', async (_, url, message) => {
    podB.listen(8443, { ...page('s'), tls: { certificate: 'PEM' } } as Listener);
    await expect(httpRequest({ net: podA, clock: time.clock, url, resolve })).rejects.toThrow(
      message,
    );
  });

  it('tells plain HTTP from TLS at a TLS port', async () => {
    podB.listen(8443, { ...page('s'), tls: { certificate: 'PEM' } } as Listener);
    const request = { net: podA, clock: time.clock, resolve };
    const plain = await httpRequest({ ...request, url: 'http://web:8443/' });
    expect([plain.status, fromUtf8(await readBody(plain))]).toEqual([
      400,
      'Client sent an HTTP request to an HTTPS server.\n',
    ]);
    const secure = await httpRequest({
      ...request,
      url: 'https://web:8443/',
      tls: { roots: 'PEM' },
    });
    expect(secure.status).toBe(200);
  });
});

describe('probes', () => {
  const none = (): Promise<readonly string[]> => Promise.resolve([]);
  const http = {
    kind: 'http',
    scheme: 'http',
    host: '10.244.2.2',
    path: '/none?',
    headers: [],
    timeoutMs: 1000,
  } as const;

  it.each([
    [
      'an answer',
      { ...http, port: 8080 },
      { kind: 'http', status: 404, body: 'b for 192.168.10.11 GET' },
    ],
    [
      'a closed port',
      { ...http, port: 81 },
      {
        kind: 'error',
        error:
          'Get "http://10.244.2.2:81/none?": dial tcp 10.244.2.2:81: connect: connection refused',
      },
    ],
    [
      'silence',
      { ...http, host: '10.99.0.1', port: 80 },
      {
        kind: 'error',
        error:
          'Get "http://10.99.0.1:80/none?": context deadline exceeded (Client.Timeout exceeded while awaiting headers)',
      },
    ],
    [
      'an open socket',
      { kind: 'tcp', host: '10.244.2.2', port: 8080, timeoutMs: 1000 } as const,
      { kind: 'ok' },
    ],
    [
      'a closed socket',
      { kind: 'tcp', host: '10.244.2.2', port: 81, timeoutMs: 1000 } as const,
      { kind: 'error', error: 'dial tcp 10.244.2.2:81: connect: connection refused' },
    ],
    [
      'a silent socket',
      { kind: 'tcp', host: '10.99.0.1', port: 80, timeoutMs: 1000 } as const,
      { kind: 'error', error: 'dial tcp 10.99.0.1:80: i/o timeout' },
    ],
    [
      'a healthy service of gRPC',
      { kind: 'grpc', host: '10.244.2.2', port: 5000, service: '', timeoutMs: 1000 } as const,
      { kind: 'ok' },
    ],
    [
      'an unhealthy service of gRPC',
      { kind: 'grpc', host: '10.244.2.2', port: 5000, service: 'ill', timeoutMs: 1000 } as const,
      { kind: 'error', error: 'service unhealthy (responded with "NOT_SERVING")' },
    ],
    [
      'an unknown service of gRPC',
      { kind: 'grpc', host: '10.244.2.2', port: 5000, service: 'x', timeoutMs: 1000 } as const,
      {
        kind: 'error',
        error: 'error: health rpc probe failed: rpc error: code = NotFound desc = unknown service',
      },
    ],
    [
      'a server that does not speak gRPC',
      { kind: 'grpc', host: '10.244.2.2', port: 8080, service: '', timeoutMs: 1000 } as const,
      {
        kind: 'error',
        error:
          'timeout: failed to connect service "10.244.2.2:8080" within 1s: context deadline exceeded',
      },
    ],
  ])('tell of %s', async (_, target, expected) => {
    const states: Record<string, 'SERVING' | 'NOT_SERVING'> = { '': 'SERVING', ill: 'NOT_SERVING' };
    const health: GrpcHealth = { check: (service) => states[service] };
    podB.listen(5000, { kind: 'object', service: grpcHealthService, object: health });
    const done = probe(node1.namespace, time.clock, target, none);
    await time.advance(1000);
    expect(await done).toEqual(expected);
  });
});
