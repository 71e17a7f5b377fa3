import type { Duplex } from 'node:stream';
import { type RawData, WebSocket } from 'ws';
import { type ByteSource, BytePipe } from '#core/base';

/** A connection in both directions, whatever carries it: a socket after an upgrade, or a WebSocket. */
export interface ByteChannel extends ByteSource {
  /** Resolves when the carrier has room again; never rejects, because a lost carrier ends `read`. */
  write(bytes: Uint8Array): Promise<void>;
  /** Ends the connection after what was written. */
  end(): void;
  /** Settles when the connection is gone, from whichever side. */
  readonly closed: Promise<void>;
}

/** Wraps a socket; reading slowly slows the peer down. @param head bytes that came with the upgrade. */
export function socketChannel(socket: Duplex, head: Uint8Array): ByteChannel {
  const input = new BytePipe();
  const take = (bytes: Uint8Array): void => {
    socket.pause();
    input.write(bytes).then(
      () => socket.resume(),
      () => undefined,
    );
  };
  const closed = new Promise<void>((resolve) => {
    socket.on('close', () => {
      input.end();
      resolve();
    });
  });
  socket.on('error', () => socket.destroy());
  socket.on('end', () => input.end());
  socket.on('data', take);
  if (head.length > 0) take(head);
  return {
    closed,
    read: () => input.read(),
    write: (bytes) =>
      new Promise((resolve) => {
        if (socket.destroyed) resolve();
        else socket.write(bytes, () => resolve());
      }),
    end: () => {
      socket.end();
      input.end();
    },
  };
}

/** Wraps a WebSocket whose binary messages are one stream of bytes. */
export function webSocketChannel(socket: WebSocket): ByteChannel {
  const input = new BytePipe();
  const closed = closeOf(socket);
  void closed.then(() => input.end());
  void onMessages(socket, (bytes) => input.write(bytes));
  return {
    closed,
    read: () => input.read(),
    write: (bytes) => sendMessage(socket, bytes),
    end: () => closeNormally(socket),
  };
}

/**
 * Hands over messages one at a time; while one is being taken the peer has to wait.
 * @returns settles when the socket is closed and the last message taken.
 */
export function onMessages(
  socket: WebSocket,
  take: (bytes: Buffer) => Promise<void>,
): Promise<void> {
  let taking = Promise.resolve();
  socket.on('message', (data: RawData) => {
    const bytes = Array.isArray(data) ? Buffer.concat(data) : Buffer.from(data as Buffer);
    socket.pause();
    taking = taking
      .then(() => take(bytes))
      .catch(() => undefined)
      .then(() => socket.resume());
  });
  return new Promise((resolve) => {
    socket.once('close', () => void taking.then(resolve));
  });
}

export function sendMessage(socket: WebSocket, bytes: Uint8Array): Promise<void> {
  return new Promise((resolve) => {
    if (socket.readyState === WebSocket.OPEN) socket.send(bytes, { binary: true }, () => resolve());
    else resolve();
  });
}

export function sendText(socket: WebSocket, text: string): Promise<void> {
  return new Promise((resolve) => {
    if (socket.readyState === WebSocket.OPEN) socket.send(text, () => resolve());
    else resolve();
  });
}

export function closeOf(socket: WebSocket): Promise<void> {
  return new Promise((resolve) => {
    socket.on('error', () => socket.terminate());
    socket.on('close', () => resolve());
  });
}

/** Says good-bye; a peer that does not answer within two seconds is cut off. */
export function closeNormally(socket: WebSocket): void {
  socket.resume();
  socket.close(1000);
  const deadline = setTimeout(() => socket.terminate(), 2000);
  socket.once('close', () => clearTimeout(deadline));
}
