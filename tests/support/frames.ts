import type { CoreFrame, FramePort, RendererFrame } from '#contract';

type Listener<T> = (value: T) => void;

interface End<Out, In> extends FramePort<Out, In> {
  readonly frames: Listener<In>[];
  readonly bytes: ((terminalId: number, bytes: Uint8Array) => void)[];
  readonly closes: (() => void)[];
}

/** Two ends of a pipe within this thread; what is posted arrives at once. */
export function framePair(): {
  readonly core: FramePort<CoreFrame, RendererFrame>;
  readonly page: FramePort<RendererFrame, CoreFrame>;
} {
  const core: End<CoreFrame, RendererFrame> = end(() => page);
  const page: End<RendererFrame, CoreFrame> = end(() => core);
  return { core, page };
}

function end<Out, In>(other: () => End<In, Out>): End<Out, In> {
  const [frames, bytes, closes]: [
    Listener<In>[],
    ((terminalId: number, bytes: Uint8Array) => void)[],
    (() => void)[],
  ] = [[], [], []];
  return {
    frames,
    bytes,
    closes,
    post: (frame) => other().frames.forEach((listener) => listener(frame)),
    postBytes: (terminalId, data) =>
      other().bytes.forEach((listener) => listener(terminalId, data)),
    onFrame: (listener) => void frames.push(listener),
    onBytes: (listener) => void bytes.push(listener),
    onClose: (listener) => void closes.push(listener),
    close: () => [...closes, ...other().closes].forEach((listener) => listener()),
  };
}
