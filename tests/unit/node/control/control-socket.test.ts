import { mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ControlSocket } from '#node/control';
import {
  connectControl,
  controlSocketPath,
  HostRunningError,
  makeRoom,
  serveControl,
} from '#node/control';
import { createRpcClient } from '#contract';
import { afterEach, beforeEach, expect, test } from 'vitest';

let folder: string;
let socket: ControlSocket | undefined;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'kijabi-control-'));
});
afterEach(() => {
  socket?.dispose();
  socket = undefined;
  rmSync(folder, { recursive: true });
});

const serve = async (onYield: () => boolean): Promise<void> => {
  socket = await serveControl(folder, { onConnection: () => undefined, onYield });
};

test('the socket belongs to its owner alone', async () => {
  await serve(() => false);
  expect(statSync(controlSocketPath(folder)).mode & 0o777).toBe(0o600);
});

test('no host, or what one left behind, is no connection', async () => {
  expect(await connectControl(folder)).toBeUndefined();
  await serve(() => false);
  const port = await connectControl(folder);
  expect(port).toBeDefined();
  port?.close();
});

test('a socket file that nobody listens on is replaced', async () => {
  writeFileSync(controlSocketPath(folder), '');
  await serve(() => false);
  const port = await connectControl(folder);
  expect(port).toBeDefined();
  port?.close();
});

test('a host with a page keeps its place', async () => {
  await serve(() => false);
  const attempt = makeRoom(folder);
  await expect(attempt).rejects.toThrow(HostRunningError);
  await expect(attempt).rejects.toThrow(
    `Kijabi is already running with the data folder ${folder} (process ${process.pid}): use that one, end it, or choose another folder with --data DIR`,
  );
});

test('a background host gives way, and room is there when it has ended', async () => {
  const steps: string[] = [];
  await serve(() => {
    setTimeout(() => {
      steps.push('ended');
      socket?.dispose();
    }, 20);
    return true;
  });
  await makeRoom(folder);
  steps.push('room');
  expect(steps).toEqual(['ended', 'room']);
});

test('a path that is too long for a socket lies in the temporary folder', () => {
  const long = join(folder, 'x'.repeat(100));
  expect(controlSocketPath(long)).toMatch(/kijabi-[0-9a-f]{16}\.sock$/);
  expect(controlSocketPath(long).length).toBeLessThan(100);
});

test.each([
  { why: 'a length beyond the limit', bytes: [0xff, 0xff, 0xff, 0xff, 0] },
  { why: 'a frame that is not JSON', bytes: [0, 0, 0, 1, 0, 0x7b] },
])('$why ends the connection', async ({ bytes }) => {
  await serve(() => false);
  const raw = connect(controlSocketPath(folder));
  const closed = new Promise((resolve) => raw.once('close', () => resolve('closed')));
  raw.write(Buffer.from(bytes));
  expect(await closed).toBe('closed');
});

test('what follows an answer in one go reaches who asked, and all of it before the end', async () => {
  socket = await serveControl(folder, {
    onConnection: (port) => {
      port.onFrame((frame) => {
        if (frame.kind !== 'request') return;
        port.post({ kind: 'reply', id: frame.id, result: { terminalId: 7 } });
        port.postBytes(7, Buffer.from('first'));
        port.postBytes(7, Buffer.from(' second'));
        port.close();
      });
    },
    onYield: () => false,
  });
  const port = await connectControl(folder);
  if (!port) throw new Error('no connection');
  const rpc = createRpcClient(port);
  let text = '';
  const ended = new Promise<string>((resolve) => {
    rpc.onClose(() => resolve(text));
  });
  const { terminalId } = await rpc.call('terminals.open', {
    clusterId: 'lab',
    host: 'base',
    columns: 80,
    rows: 24,
  });
  rpc.onTerminal(terminalId, (bytes) => {
    text += Buffer.from(bytes).toString();
  });
  expect(await ended).toBe('first second');
});
