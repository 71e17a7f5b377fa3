import type { CoreFrame, FramePort, RendererFrame } from '#contract';

/** The part of a server-side `ws` socket that is used here. */
export interface SocketLike {
  send(data: string | Uint8Array): void;
  on(event: 'message', listener: (data: Buffer, isBinary: boolean) => void): unknown;
  on(event: 'close', listener: () => void): unknown;
  close(code?: number, reason?: string): void;
  readonly readyState: number;
}

const open = 1;

/**
 * The core's end of a WebSocket: frames as JSON text, terminal bytes as binary messages that begin with the
 * terminal's id (32 bits, big endian). A message that is not JSON ends the connection: only our page speaks here.
 */
export function webSocketPort(socket: SocketLike): FramePort<CoreFrame, RendererFrame> {
  const frameListeners: ((frame: RendererFrame) => void)[] = [];
  const byteListeners: ((terminalId: number, bytes: Uint8Array) => void)[] = [];
  socket.on('message', (data, isBinary) => {
    if (isBinary) {
      if (data.length < 4) return;
      const bytes = new Uint8Array(data.subarray(4));
      for (const listener of byteListeners) listener(data.readUInt32BE(0), bytes);
      return;
    }
    let frame: RendererFrame;
    try {
      frame = JSON.parse(data.toString('utf8')) as RendererFrame;
    } catch {
      socket.close(1007, 'not JSON');
      return;
    }
    for (const listener of frameListeners) listener(frame);
  });
  return {
    post: (frame) => {
      if (socket.readyState === open) socket.send(JSON.stringify(frame));
    },
    postBytes: (terminalId, bytes) => {
      if (socket.readyState !== open) return;
      const message = Buffer.allocUnsafe(4 + bytes.length);
      message.writeUInt32BE(terminalId, 0);
      message.set(bytes, 4);
      socket.send(message);
    },
    onFrame: (listener) => void frameListeners.push(listener),
    onBytes: (listener) => void byteListeners.push(listener),
    onClose: (listener) => void socket.on('close', listener),
    close: () => socket.close(1000),
  };
}
