import type { CoreFrame, FramePort, RendererFrame } from '#contract';

/** What Electron's MessagePortMain and Node's MessagePort have in common. */
export interface PortLike {
  postMessage(message: unknown): void;
  on(event: 'message', listener: (message: unknown) => void): unknown;
  on(event: 'close', listener: () => void): unknown;
  start?(): void;
  close(): void;
}

interface TerminalBytes {
  readonly terminalId: number;
  readonly bytes: Uint8Array;
}

/** The core's end of a MessagePort. Electron wraps what arrives as `{ data }`, Node does not. */
export function messagePort(port: PortLike): FramePort<CoreFrame, RendererFrame> {
  const frameListeners: ((frame: RendererFrame) => void)[] = [];
  const byteListeners: ((terminalId: number, bytes: Uint8Array) => void)[] = [];
  port.on('message', (message) => {
    const data = (
      typeof message === 'object' && message !== null && 'data' in message ? message.data : message
    ) as RendererFrame | TerminalBytes;
    if ('bytes' in data)
      for (const listener of byteListeners) listener(data.terminalId, data.bytes);
    else for (const listener of frameListeners) listener(data);
  });
  port.start?.();
  return {
    post: (frame) => port.postMessage(frame),
    postBytes: (terminalId, bytes) =>
      port.postMessage({ terminalId, bytes } satisfies TerminalBytes),
    onFrame: (listener) => void frameListeners.push(listener),
    onBytes: (listener) => void byteListeners.push(listener),
    onClose: (listener) => void port.on('close', listener),
    close: () => port.close(),
  };
}
