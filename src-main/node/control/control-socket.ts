import { createHash } from 'node:crypto';
import { chmodSync, rmSync } from 'node:fs';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { CoreFrame, FramePort, RendererFrame } from '#contract';
import type { Disposable } from '#core/base';
import { socketPort, type SocketPort } from './socket-port.ts';

/** Longest path of a Unix socket that every system takes. */
const maxSocketPath = 100;
const yieldLimitMs = 20_000;

/** A host already serves this data folder and does not make room. */
export class HostRunningError extends Error {
  override readonly name = 'HostRunningError';
}

/** Where the host of a data folder listens for the command line: in the folder, or named after it. */
export function controlSocketPath(dataFolder: string): string {
  const name = createHash('sha256').update(dataFolder).digest('hex').slice(0, 16);
  if (process.platform === 'win32') return `\\\\.\\pipe\\kijabi-${name}`;
  const path = join(dataFolder, 'kijabi.sock');
  return path.length <= maxSocketPath ? path : join(tmpdir(), `kijabi-${name}.sock`);
}

export interface ControlHost {
  onConnection(port: FramePort<CoreFrame, RendererFrame>): void;
  /** Asked to make room for another host; true when this one will stop. */
  onYield(): boolean;
}

export interface ControlSocket extends Disposable {
  readonly connectionCount: number;
}

/** Listens for the command line, for this account alone. Call `makeRoom` before. */
export async function serveControl(dataFolder: string, host: ControlHost): Promise<ControlSocket> {
  const path = controlSocketPath(dataFolder);
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
    const port: SocketPort<CoreFrame, RendererFrame> = socketPort(socket);
    port.onControl((message) => {
      if (message.verb !== 'yield') return;
      port.postControl({ verb: 'yielding', accepted: host.onYield(), pid: process.pid });
    });
    host.onConnection(port);
  });
  if (process.platform !== 'win32') rmSync(path, { force: true });
  await listen(server, path);
  return {
    get connectionCount() {
      return sockets.size;
    },
    dispose: () => {
      server.close();
      for (const socket of sockets) socket.destroy();
    },
  };
}

/** Connects to the host of a data folder; undefined when none runs. */
export async function connectControl(
  dataFolder: string,
): Promise<SocketPort<RendererFrame, CoreFrame> | undefined> {
  const socket = connect(controlSocketPath(dataFolder));
  return new Promise((resolve, reject) => {
    socket.once('connect', () => resolve(socketPort(socket)));
    socket.once('error', (error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT' || error.code === 'ECONNREFUSED') resolve(undefined);
      else reject(error);
    });
  });
}

/**
 * Makes sure that no other host serves a data folder: one in the background gives way, and has written
 * everything when this resolves; one with a window does not. @throws HostRunningError
 */
export async function makeRoom(dataFolder: string): Promise<void> {
  const port = await connectControl(dataFolder);
  if (!port) return;
  await new Promise<void>((resolve, reject) => {
    const timer = setTimeout(() => {
      reject(new HostRunningError(`another Kijabi holds ${dataFolder} and does not end`));
      port.close();
    }, yieldLimitMs);
    port.onControl((message) => {
      if (message.verb !== 'yielding' || message.accepted) return;
      clearTimeout(timer);
      reject(
        new HostRunningError(
          `Kijabi is already running with the data folder ${dataFolder} (process ${message.pid}): use that one, end it, or choose another folder with --data DIR`,
        ),
      );
      port.close();
    });
    port.onClose(() => {
      clearTimeout(timer);
      resolve();
    });
    port.postControl({ verb: 'yield' });
  });
}

function listen(server: Server, path: string): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    // The socket file is made inside `listen`, so there is no moment in which others could open it.
    const mask = process.platform === 'win32' ? undefined : process.umask(0o177);
    server.listen(path, () => {
      if (process.platform !== 'win32') chmodSync(path, 0o600);
      resolve();
    });
    if (mask !== undefined) process.umask(mask);
  });
}
