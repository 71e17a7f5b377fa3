import type { Disposable } from '#core/base';
import type { Status } from '#core/kube';
import type { EventName, PayloadOf } from './events.ts';
import type { CoreFrame, FramePort, Progress, RendererFrame } from './frames.ts';
import type { MethodName, ParamsOf, ResultOf } from './methods.ts';

export interface CallOptions {
  /** Aborting it cancels the call; the promise rejects with the signal's reason. */
  readonly signal?: {
    readonly aborted: boolean;
    readonly reason?: unknown;
    addEventListener(type: 'abort', listener: () => void): void;
  };
  readonly onProgress?: (progress: Progress) => void;
}

export interface RpcClient {
  /** @throws RpcError the core answered with a Status, or the connection broke. */
  call<M extends MethodName>(
    method: M,
    params: ParamsOf<M>,
    options?: CallOptions,
  ): Promise<ResultOf<M>>;
  on<E extends EventName>(event: E, listener: (payload: PayloadOf<E>) => void): Disposable;
  /** Bytes of one terminal. */
  onTerminal(terminalId: number, listener: (bytes: Uint8Array) => void): Disposable;
  writeTerminal(terminalId: number, bytes: Uint8Array): void;
  /** The connection broke; every call under way has failed. */
  onClose(listener: () => void): void;
}

/** A failed call: `status.reason` is for the program, `message` for the person. */
export class RpcError extends Error {
  override readonly name = 'RpcError';
  readonly status: Status;

  constructor(status: Status) {
    super(status.message ?? status.reason ?? 'failed');
    this.status = status;
  }
}

const disconnected: Status = {
  kind: 'Status',
  apiVersion: 'v1',
  metadata: {},
  status: 'Failure',
  reason: 'ServiceUnavailable',
  message: 'the connection to the core was lost',
  code: 503,
};

interface Pending {
  settle(frame: CoreFrame): void;
}

export function createRpcClient(port: FramePort<RendererFrame, CoreFrame>): RpcClient {
  const pending = new Map<number, Pending>();
  const listeners = new Map<string, Set<(payload: never) => void>>();
  const terminals = new Map<number, Set<(bytes: Uint8Array) => void>>();
  const closeListeners: (() => void)[] = [];
  let lastId = 0;
  let closed = false;

  port.onFrame((frame) => {
    if (frame.kind === 'event') {
      for (const listener of listeners.get(frame.event) ?? []) listener(frame.payload as never);
    } else pending.get(frame.id)?.settle(frame);
  });
  port.onBytes((terminalId, bytes) => {
    for (const listener of terminals.get(terminalId) ?? []) listener(bytes);
  });
  port.onClose(() => {
    closed = true;
    for (const [id, call] of [...pending])
      call.settle({ kind: 'failure', id, status: disconnected });
    for (const listener of closeListeners) listener();
  });

  return {
    call: <M extends MethodName>(method: M, params: ParamsOf<M>, options: CallOptions = {}) =>
      new Promise<ResultOf<M>>((resolve, reject) => {
        if (closed) {
          reject(new RpcError(disconnected));
          return;
        }
        const id = ++lastId;
        pending.set(id, {
          settle: (frame) => {
            if (frame.kind === 'progress') {
              options.onProgress?.(frame.progress);
              return;
            }
            pending.delete(id);
            if (frame.kind === 'reply') resolve(frame.result as ResultOf<M>);
            else if (frame.kind === 'failure') reject(new RpcError(frame.status));
          },
        });
        options.signal?.addEventListener('abort', () => {
          if (!pending.delete(id)) return;
          port.post({ kind: 'cancel', id });
          const { reason } = options.signal ?? {};
          reject(reason instanceof Error ? reason : new Error('cancelled'));
        });
        port.post({ kind: 'request', id, method, params });
      }),
    on: (event, listener) => {
      const set = listeners.get(event) ?? new Set();
      listeners.set(event, set);
      set.add(listener);
      return { dispose: () => void set.delete(listener) };
    },
    onTerminal: (terminalId, listener) => {
      const set = terminals.get(terminalId) ?? new Set();
      terminals.set(terminalId, set);
      set.add(listener);
      return {
        dispose: () => {
          set.delete(listener);
          if (set.size === 0) terminals.delete(terminalId);
        },
      };
    },
    writeTerminal: (terminalId, bytes) => port.postBytes(terminalId, bytes),
    onClose: (listener) => void closeListeners.push(listener),
  };
}
