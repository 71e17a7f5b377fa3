import type { Status } from '#core/kube';
import type { EventName, PayloadOf } from './events.ts';
import type { MethodName } from './methods.ts';

/** Everything that travels between renderer and core, JSON-safe but for the bytes of terminals. */
export type RendererFrame = RequestFrame | CancelFrame;
export type CoreFrame = ReplyFrame | ProgressFrame | EventFrame;

export interface RequestFrame {
  readonly kind: 'request';
  /** Chosen by the caller, unique on this port. */
  readonly id: number;
  readonly method: MethodName;
  readonly params: unknown;
}

/** The caller no longer wants the answer; the handler's signal is aborted. */
export interface CancelFrame {
  readonly kind: 'cancel';
  readonly id: number;
}

export type ReplyFrame =
  | { readonly kind: 'reply'; readonly id: number; readonly result: unknown }
  | { readonly kind: 'failure'; readonly id: number; readonly status: Status };

export interface ProgressFrame {
  readonly kind: 'progress';
  readonly id: number;
  readonly progress: Progress;
}

export interface Progress {
  /** What is being done, a key of the renderer's texts. */
  readonly step: string;
  /** In [0, 1]; absent when unknown. */
  readonly fraction?: number;
}

export interface EventFrame<E extends EventName = EventName> {
  readonly kind: 'event';
  readonly event: E;
  readonly payload: PayloadOf<E>;
}

/**
 * One end of a pipe for frames: a MessagePort, a WebSocket, or a pair of arrays in tests. Terminal bytes go
 * beside the frames, so that they are never turned into text.
 */
export interface FramePort<Out, In> {
  post(frame: Out): void;
  postBytes(terminalId: number, bytes: Uint8Array): void;
  onFrame(listener: (frame: In) => void): void;
  onBytes(listener: (terminalId: number, bytes: Uint8Array) => void): void;
  onClose(listener: () => void): void;
  close(): void;
}
