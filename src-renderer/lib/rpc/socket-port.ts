import type { CoreFrame, FramePort, RendererFrame } from '#contract';

const idBytes = 4;

/**
 * The renderer's end of a WebSocket: frames as JSON text; terminal bytes as binary messages that begin with the
 * terminal's id (32 bits, big endian). What is sent after the socket closed is dropped: `onClose` has told.
 */
export function socketPort(socket: WebSocket): FramePort<RendererFrame, CoreFrame> {
  const frameListeners: ((frame: CoreFrame) => void)[] = [];
  const byteListeners: ((terminalId: number, bytes: Uint8Array) => void)[] = [];
  socket.binaryType = 'arraybuffer';
  socket.addEventListener('message', ({ data }: MessageEvent<string | ArrayBuffer>) => {
    if (typeof data === 'string') {
      const frame = JSON.parse(data) as CoreFrame;
      for (const listener of frameListeners) listener(frame);
    } else if (data.byteLength >= idBytes) {
      const terminalId = new DataView(data).getUint32(0);
      const bytes = new Uint8Array(data, idBytes);
      for (const listener of byteListeners) listener(terminalId, bytes);
    }
  });
  const send = (data: string | Uint8Array<ArrayBuffer>): void => {
    if (socket.readyState === WebSocket.OPEN) socket.send(data);
  };
  return {
    post: (frame) => send(JSON.stringify(frame)),
    postBytes: (terminalId, bytes) => {
      const message = new Uint8Array(idBytes + bytes.length);
      new DataView(message.buffer).setUint32(0, terminalId);
      message.set(bytes, idBytes);
      send(message);
    },
    onFrame: (listener) => void frameListeners.push(listener),
    onBytes: (listener) => void byteListeners.push(listener),
    onClose: (listener) => socket.addEventListener('close', listener),
    close: () => socket.close(1000),
  };
}
