import { DisposableStore, type Disposable } from '#core/base';
import type { WorkQueue } from '../../client/index.ts';
import { controllerOf, type Informer, runController, type Reconcile } from '../../client/index.ts';
import { keyOf, objectKey, type ObjectKey, type ObjectMeta } from '../../machinery/index.ts';
import type { Controller, ControllerContext } from './context.ts';

interface WithMeta {
  readonly metadata: Pick<ObjectMeta, 'namespace' | 'name'>;
}

/** Puts an object's key on the queue at each of its changes. */
export function enqueueSelf<T extends object>(
  informer: Informer<T>,
  queue: WorkQueue<ObjectKey>,
): Disposable {
  const add = (object: unknown): void => queue.add(objectKey((object as WithMeta).metadata));
  return informer.addHandler({ onAdd: add, onUpdate: (_, object) => add(object), onDelete: add });
}

/** The key of the controller of `kind` that owns an object. */
export function ownerKey(object: unknown, kind: string): ObjectKey | undefined {
  const { metadata } = object as WithMeta;
  const owner = controllerOf(object as Parameters<typeof controllerOf>[0]);
  return owner?.kind === kind ? keyOf(metadata.namespace, owner.name) : undefined;
}

/** A controller that is one queue, its worker and its handlers. */
export function queueController(
  context: ControllerContext,
  options: {
    readonly name: string;
    readonly queue: WorkQueue<ObjectKey>;
    readonly reconcile: Reconcile;
    readonly workers?: number;
    readonly maxRetries?: number;
    /** Begins to listen to informers; called by `start` when they are in sync. */
    readonly handlers: (own: (item: Disposable) => void) => void;
  },
): Controller {
  const owned = new DisposableStore();
  let disposed = false;
  return {
    start: () => {
      options.handlers((item) => owned.add(item));
      void context.informers.waitForSync().then(() => {
        if (disposed) return;
        owned.add(
          runController({
            name: options.name,
            queue: options.queue,
            reconcile: options.reconcile,
            clock: context.clock,
            logger: context.logger,
            ...(options.workers === undefined ? {} : { workers: options.workers }),
            ...(options.maxRetries === undefined ? {} : { maxRetries: options.maxRetries }),
          }),
        );
      });
    },
    dispose: () => {
      disposed = true;
      options.queue.dispose();
      owned.dispose();
    },
  };
}
