import {
  type CoreFrame,
  type FramePort,
  type MethodName,
  type ParamsOf,
  type Progress,
  type RendererFrame,
  type ResultOf,
  checkParams,
} from '#contract';
import type { Logger } from '#core/base';
import { badRequest, statusOf } from '#core/kube';

/** What a handler may use of its call. */
export interface CallContext {
  /** Aborted when the caller cancels or goes away. */
  readonly signal: AbortSignal;
  progress(progress: Progress): void;
  /** Which connection asks: terminals belong to one. */
  readonly connection: Connection;
}

/** One renderer on the other end. */
export interface Connection {
  readonly port: FramePort<CoreFrame, RendererFrame>;
}

/** A function for every row of the contract's table. */
export type Handlers = {
  readonly [M in MethodName]: (params: ParamsOf<M>, context: CallContext) => Promise<ResultOf<M>>;
};

/** Answers one renderer until its port closes. A thrown StatusError reaches the caller as it is. */
export function serve(
  port: FramePort<CoreFrame, RendererFrame>,
  handlers: Handlers,
  logger: Logger,
): Connection {
  const running = new Map<number, AbortController>();
  const connection: Connection = { port };

  const answer = async (id: number, method: MethodName, params: unknown): Promise<void> => {
    const abort = new AbortController();
    running.set(id, abort);
    try {
      const problem = checkParams(method, params);
      if (problem !== undefined) throw badRequest(problem);
      const handler = handlers[method] as (
        params: unknown,
        context: CallContext,
      ) => Promise<unknown>;
      const result = await handler(params, {
        signal: abort.signal,
        connection,
        progress: (progress) => {
          if (running.has(id)) port.post({ kind: 'progress', id, progress });
        },
      });
      if (running.has(id)) port.post({ kind: 'reply', id, result });
    } catch (error) {
      const status = statusOf(error);
      if (status.code === 500)
        logger.log('error', `${method} failed`, {
          error: error instanceof Error ? error.stack : error,
        });
      if (running.has(id)) port.post({ kind: 'failure', id, status });
    } finally {
      running.delete(id);
    }
  };

  port.onFrame((frame) => {
    if (frame.kind === 'request') void answer(frame.id, frame.method, frame.params);
    else {
      const abort = running.get(frame.id);
      running.delete(frame.id);
      abort?.abort(new Error('cancelled by the caller'));
    }
  });
  port.onClose(() => {
    for (const abort of running.values()) abort.abort(new Error('the caller went away'));
    running.clear();
  });
  return connection;
}
