import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:http';
import {
  type AddressInfo,
  connect as connectSocket,
  createServer as createSocketServer,
} from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { MessageChannel } from 'node:worker_threads';
import { serve, type Connection, type Handlers } from '#core/app';
import { fromUtf8, silentLogger, utf8 } from '#core/base';
import { failure } from '#core/kube';
import {
  type CoreFrame,
  createRpcClient,
  type FramePort,
  type Progress,
  type RendererFrame,
  type RpcClient,
} from '#contract';
import { socketPort as streamPort } from '#node/control';
import { messagePort, webSocketPort } from '#node/rpc';
import { afterEach, describe, expect, test } from 'vitest';
import { WebSocket, WebSocketServer } from 'ws';
// The page's own ends: browsers and Node share MessagePort and WebSocket.
import { pagePort, socketPort } from '../../../../src-renderer/lib/rpc/index.ts';

type CorePort = FramePort<CoreFrame, RendererFrame>;

/** Both ends of a real transport. */
interface Pair {
  readonly core: CorePort;
  readonly page: FramePort<RendererFrame, CoreFrame>;
  /** Breaks it, as a page that goes away does. */
  readonly breakOff: () => void;
  readonly dispose: () => void;
}

async function overMessageChannel(): Promise<Pair> {
  const { port1, port2 } = new MessageChannel();
  const core = messagePort(port1);
  const page = pagePort(port2 as unknown as Parameters<typeof pagePort>[0]);
  return { core, page, breakOff: () => port2.close(), dispose: () => port1.close() };
}

async function overWebSocket(): Promise<Pair> {
  const server = createServer().listen(0, '127.0.0.1');
  const sockets = new WebSocketServer({ server });
  const connected = new Promise<CorePort>((resolve) =>
    sockets.once('connection', (socket) => resolve(webSocketPort(socket))),
  );
  await new Promise((resolve) => server.once('listening', resolve));
  const { port } = server.address() as AddressInfo;
  const socket = new globalThis.WebSocket(`ws://127.0.0.1:${port}`);
  const page = socketPort(socket);
  const core = await connected;
  if (socket.readyState !== WebSocket.OPEN)
    await new Promise((resolve) => socket.addEventListener('open', resolve, { once: true }));
  return {
    core,
    page,
    breakOff: () => socket.close(),
    dispose: () => {
      sockets.clients.forEach((client) => client.terminate());
      sockets.close();
      server.close();
    },
  };
}

async function overUnixSocket(): Promise<Pair> {
  const folder = mkdtempSync(join(tmpdir(), 'kijabi-rpc-'));
  const path = join(folder, 's');
  const server = createSocketServer();
  const connected = new Promise<CorePort>((resolve) =>
    server.once('connection', (socket) => resolve(streamPort(socket))),
  );
  await new Promise<void>((resolve) => server.listen(path, resolve));
  const socket = connectSocket(path);
  const page = streamPort<RendererFrame, CoreFrame>(socket);
  return {
    core: await connected,
    page,
    breakOff: () => socket.destroy(),
    dispose: () => {
      socket.destroy();
      server.close();
      rmSync(folder, { recursive: true });
    },
  };
}

interface Served {
  readonly rpc: RpcClient;
  readonly page: Pair['page'];
  readonly connection: Connection;
  readonly breakOff: () => void;
  /** Names of handlers whose signal was aborted. */
  readonly aborted: string[];
}

let open: Pair | undefined;
afterEach(() => {
  open?.dispose();
  open = undefined;
});

async function served(make: () => Promise<Pair>): Promise<Served> {
  open = await make();
  const { core, page, breakOff } = open;
  const aborted: string[] = [];
  const handlers = {
    'app.doctor': async () => [],
    'clusters.settle': (_params: unknown, { signal }: { signal: AbortSignal }) =>
      new Promise((_, reject) =>
        signal.addEventListener('abort', () => {
          aborted.push('clusters.settle');
          reject(new Error('aborted'));
        }),
      ),
    'clusters.create': async (
      { name }: { name: string },
      { progress }: { progress: (step: Progress) => void },
    ) => {
      progress({ step: 'one', fraction: 0.5 });
      progress({ step: 'two' });
      return { name };
    },
    'clusters.get': async () => undefined,
    'clusters.remove': () =>
      Promise.reject(failure(409, 'Conflict', 'Operation cannot be fulfilled: 되돌릴 수 없음')),
    'clusters.kinds': () => Promise.reject(new Error('a broken invariant')),
    'lessons.markDone': async (params: unknown) => params,
  } as unknown as Handlers;
  const connection = serve(core, handlers, silentLogger);
  return { rpc: createRpcClient(page), page, connection, breakOff, aborted };
}

/** Lets the other thread's end speak: a call that comes back has everything sent before it behind it. */
const roundTrip = (rpc: RpcClient): Promise<unknown> => rpc.call('app.doctor', {});

describe.each([
  { transport: 'a MessageChannel', make: overMessageChannel },
  { transport: 'a WebSocket', make: overWebSocket },
  { transport: 'a Unix socket', make: overUnixSocket },
])('RPC over $transport', ({ make }) => {
  test('parameters and answers arrive as they are', async () => {
    const { rpc } = await served(make);
    const params = { lessonId: '한글 "quoted" \u0000 \u2028 😀', blockId: 'x'.repeat(100_000) };
    expect(await rpc.call('lessons.markDone', params)).toEqual(params);
  });

  test('calls answer independently of one another', async () => {
    const { rpc } = await served(make);
    const ids = Array.from({ length: 100 }, (_, index) => String(index));
    const answers = await Promise.all(
      ids.map((id) => rpc.call('lessons.markDone', { lessonId: id, blockId: '' })),
    );
    expect(answers).toEqual(ids.map((lessonId) => ({ lessonId, blockId: '' })));
  });

  test('progress comes before the answer, in order', async () => {
    const { rpc } = await served(make);
    const seen: unknown[] = [];
    const answer = await rpc.call(
      'clusters.create',
      { name: 'a', topology: 't' },
      { onProgress: (progress) => seen.push(progress) },
    );
    expect([seen, answer]).toEqual([
      [{ step: 'one', fraction: 0.5 }, { step: 'two' }],
      { name: 'a' },
    ]);
  });

  test('a Status is a Status on the other side', async () => {
    const { rpc } = await served(make);
    await expect(rpc.call('clusters.remove', { clusterId: 'a' })).rejects.toMatchObject({
      name: 'RpcError',
      status: {
        code: 409,
        reason: 'Conflict',
        message: 'Operation cannot be fulfilled: 되돌릴 수 없음',
      },
    });
  });

  test('an unforeseen error is a 500 without its stack', async () => {
    const { rpc } = await served(make);
    const error = await rpc
      .call('clusters.kinds', { clusterId: 'a' })
      .catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ status: { code: 500, reason: 'InternalError' } });
    expect(JSON.stringify(error)).not.toContain('at ');
  });

  test('a cancelled call rejects here and is aborted there', async () => {
    const { rpc, aborted } = await served(make);
    const abort = new AbortController();
    const call = rpc.call('clusters.settle', { clusterId: 'a' }, { signal: abort.signal });
    await roundTrip(rpc);
    abort.abort(new Error('no longer wanted'));
    await expect(call).rejects.toThrow('no longer wanted');
    await roundTrip(rpc);
    expect(aborted).toEqual(['clusters.settle']);
  });

  test('a page that goes away aborts its calls, and they fail here', async () => {
    const { rpc, breakOff, aborted, connection } = await served(make);
    const gone = new Promise<void>((resolve) => connection.port.onClose(resolve));
    const call = rpc.call('clusters.settle', { clusterId: 'a' });
    await roundTrip(rpc);
    const failed = expect(call).rejects.toMatchObject({
      status: { code: 503, message: 'the connection to the core was lost' },
    });
    breakOff();
    await gone;
    await failed;
    expect(aborted).toEqual(['clusters.settle']);
  });

  test('bytes of terminals travel beside the frames, both ways', async () => {
    const { rpc, connection } = await served(make);
    const all = new Uint8Array(256).map((_, index) => index);
    const [typed, printed]: [unknown[], unknown[]] = [[], []];
    connection.port.onBytes((id, bytes) => {
      typed.push([id, [...bytes]]);
      connection.port.postBytes(id, utf8('키잡이'));
    });
    rpc.onTerminal(4_000_000_000, (bytes) => printed.push(fromUtf8(bytes)));
    rpc.writeTerminal(4_000_000_000, all);
    await roundTrip(rpc);
    expect([typed, printed]).toEqual([[[4_000_000_000, [...all]]], ['키잡이']]);
  });

  test('events reach their listeners until they leave', async () => {
    const { rpc, connection } = await served(make);
    const seen: unknown[] = [];
    const subscription = rpc.on('cluster.removed', (payload) => seen.push(payload));
    const tell = (clusterId: string) =>
      connection.port.post({ kind: 'event', event: 'cluster.removed', payload: { clusterId } });
    tell('a');
    await roundTrip(rpc);
    subscription.dispose();
    tell('b');
    await roundTrip(rpc);
    expect(seen).toEqual([{ clusterId: 'a' }]);
  });

  test.each([
    { method: 'clusters.explode', params: {}, message: 'unknown method "clusters.explode"' },
    { method: '__proto__', params: {}, message: 'unknown method "__proto__"' },
    { method: 'toString', params: {}, message: 'unknown method "toString"' },
    {
      method: 'clusters.remove',
      params: {},
      message: 'clusters.remove: parameter clusterId must be string',
    },
    {
      method: 'clusters.remove',
      params: { clusterId: 'a', force: true },
      message: 'clusters.remove: unknown parameter "force"',
    },
    {
      method: 'clusters.remove',
      params: null,
      message: 'clusters.remove: parameters must be an object',
    },
    {
      method: 'clusters.remove',
      params: [],
      message: 'clusters.remove: parameters must be an object',
    },
  ])('$method $params is refused at the edge', async ({ method, params, message }) => {
    const { page } = await served(make);
    const answer = new Promise<CoreFrame>((resolve) => page.onFrame(resolve));
    page.post({ kind: 'request', id: 77, method, params } as unknown as RendererFrame);
    expect(await answer).toMatchObject({
      kind: 'failure',
      id: 77,
      status: { code: 400, reason: 'BadRequest', message },
    });
  });
});
