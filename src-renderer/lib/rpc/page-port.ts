import type { CoreFrame, FramePort, RendererFrame } from '#contract';

interface TerminalBytes {
  readonly terminalId: number;
  readonly bytes: Uint8Array;
}

/** The renderer's end of the MessagePort that Electron's preload hands over. */
export function pagePort(port: MessagePort): FramePort<RendererFrame, CoreFrame> {
  const frameListeners: ((frame: CoreFrame) => void)[] = [];
  const byteListeners: ((terminalId: number, bytes: Uint8Array) => void)[] = [];
  port.addEventListener('message', ({ data }: MessageEvent<CoreFrame | TerminalBytes>) => {
    if ('bytes' in data)
      for (const listener of byteListeners) listener(data.terminalId, data.bytes);
    else for (const listener of frameListeners) listener(data);
  });
  port.start();
  return {
    post: (frame) => port.postMessage(frame),
    postBytes: (terminalId, bytes) =>
      port.postMessage({ terminalId, bytes } satisfies TerminalBytes),
    onFrame: (listener) => void frameListeners.push(listener),
    onBytes: (listener) => void byteListeners.push(listener),
    onClose: (listener) => port.addEventListener('close', listener),
    close: () => port.close(),
  };
}
