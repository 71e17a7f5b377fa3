import { type Clock, defer, type Disposable, DisposableStore, type Logger } from '#core/base';
import { ConnectionError, isReason, type ObjectKey } from '../machinery/index.ts';
import type { Reconcile } from './types.ts';
import type { WorkQueue } from './work-queue.ts';

export interface ControllerOptions {
  readonly name: string;
  readonly queue: WorkQueue<ObjectKey>;
  readonly reconcile: Reconcile;
  /** Items worked on at the same time; default 5, as most `--concurrent-…-syncs`. */
  readonly workers?: number;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Failures after which an item is dropped until it changes; absent: never. */
  readonly maxRetries?: number;
}

/**
 * Works a queue off: each item is taken in a step of its own, so that a long queue neither blocks the process
 * nor starves its neighbours. Success forgets the item's failures, an error requeues it with back-off.
 */
export function runController(options: ControllerOptions): Disposable {
  const { name, queue, reconcile, clock, logger } = options;
  const workers = options.workers ?? 5;
  const owned = new DisposableStore();
  let active = 0;
  let scheduled: Disposable | undefined;
  let disposed = false;

  const pump = (): void => {
    if (disposed || scheduled || active >= workers || queue.length === 0) return;
    scheduled = defer(clock, () => {
      scheduled = undefined;
      const key = queue.take();
      if (key !== undefined) {
        active += 1;
        void work(key);
      }
      pump();
    });
  };

  const work = async (key: ObjectKey): Promise<void> => {
    try {
      const result = await reconcile(key);
      if (result.requeueRateLimited) queue.addRateLimited(key);
      else {
        queue.forget(key);
        if (result.requeueAfterMs !== undefined)
          queue.addAfter(
            key,
            result.requeueAfterMs,
            result.background === undefined ? undefined : { background: result.background },
          );
      }
    } catch (error) {
      // Conflicts and a server that is away are everyday business.
      const expected = isReason(error, 'Conflict') || error instanceof ConnectionError;
      logger.log(expected ? 'debug' : 'warn', `${name}: sync failed`, {
        key,
        error: error instanceof Error ? error.message : String(error),
      });
      if (options.maxRetries !== undefined && queue.numRequeues(key) >= options.maxRetries)
        queue.forget(key);
      else if (!disposed) queue.addRateLimited(key);
    } finally {
      active -= 1;
      queue.done(key);
      pump();
    }
  };

  queue.onAvailable(pump);
  owned.add(queue);
  return {
    dispose: () => {
      disposed = true;
      scheduled?.dispose();
      owned.dispose();
    },
  };
}
