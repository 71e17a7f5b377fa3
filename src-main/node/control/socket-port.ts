import type { Socket } from 'node:net';
import type { FramePort } from '#contract';

/** What the two ends say about the host itself, beside the frames of the contract. */
export type ControlMessage =
  /** Asks a background host to make room for one with a window. */
  | { readonly verb: 'yield' }
  | { readonly verb: 'yielding'; readonly accepted: boolean; readonly pid: number };

export interface SocketPort<Out, In> extends FramePort<Out, In> {
  postControl(message: ControlMessage): void;
  onControl(listener: (message: ControlMessage) => void): void;
}

const messageKind = { frame: 0, bytes: 1, control: 2 } as const;
const headerBytes = 5;
const maxMessageBytes = 16 * 1024 * 1024;

/**
 * Frames over a stream socket. A message is its length (32 bits, big endian, without the header), its kind
 * (8 bits), and its body: JSON, or for terminal bytes the terminal's id (32 bits) and the bytes.
 */
export function socketPort<Out, In>(socket: Socket): SocketPort<Out, In> {
  const frameListeners: ((frame: In) => void)[] = [];
  const byteListeners: ((terminalId: number, bytes: Uint8Array) => void)[] = [];
  const controlListeners: ((message: ControlMessage) => void)[] = [];
  const closeListeners: (() => void)[] = [];
  let waiting: Buffer = Buffer.alloc(0);

  const take = (kind: number, body: Buffer): void => {
    if (kind === messageKind.bytes) {
      if (body.length < 4) return;
      for (const listener of byteListeners)
        listener(body.readUInt32BE(0), new Uint8Array(body.subarray(4)));
      return;
    }
    let value: unknown;
    try {
      value = JSON.parse(body.toString('utf8'));
    } catch {
      socket.destroy();
      return;
    }
    if (kind === messageKind.frame) for (const listener of frameListeners) listener(value as In);
    else if (kind === messageKind.control)
      for (const listener of controlListeners) listener(value as ControlMessage);
  };
  // Each message is a task of its own, as a page's messages are: who awaited an answer is there for what follows it.
  let isDraining = false;
  let isClosed = false;
  const tellClosed = (): void => {
    for (const listener of closeListeners) listener();
  };
  const drain = (): void => {
    isDraining = false;
    const length = waiting.length < headerBytes ? Infinity : waiting.readUInt32BE(0);
    if (length !== Infinity && length > maxMessageBytes) {
      waiting = Buffer.alloc(0);
      socket.destroy();
    } else if (waiting.length >= headerBytes + length) {
      const kind = waiting.readUInt8(4);
      const body = waiting.subarray(headerBytes, headerBytes + length);
      waiting = waiting.subarray(headerBytes + length);
      isDraining = true;
      setImmediate(drain);
      take(kind, body);
      return;
    }
    if (isClosed) tellClosed();
  };
  socket.on('data', (data: Buffer) => {
    waiting = waiting.length === 0 ? data : Buffer.concat([waiting, data]);
    if (!isDraining) drain();
  });
  // An error is followed by `close`, which is what the owner hears.
  socket.on('error', () => undefined);
  socket.on('close', () => {
    isClosed = true;
    if (!isDraining) tellClosed();
  });

  const send = (kind: number, ...parts: readonly Uint8Array[]): void => {
    if (!socket.writable) return;
    const header = Buffer.allocUnsafe(headerBytes);
    header.writeUInt32BE(
      parts.reduce((sum, part) => sum + part.length, 0),
      0,
    );
    header.writeUInt8(kind, 4);
    socket.write(Buffer.concat([header, ...parts]));
  };
  return {
    post: (frame) => send(messageKind.frame, Buffer.from(JSON.stringify(frame))),
    postBytes: (terminalId, bytes) => {
      const id = Buffer.allocUnsafe(4);
      id.writeUInt32BE(terminalId, 0);
      send(messageKind.bytes, id, bytes);
    },
    postControl: (message) => send(messageKind.control, Buffer.from(JSON.stringify(message))),
    onFrame: (listener) => void frameListeners.push(listener),
    onBytes: (listener) => void byteListeners.push(listener),
    onControl: (listener) => void controlListeners.push(listener),
    onClose: (listener) => void closeListeners.push(listener),
    close: () => socket.end(),
  };
}
