import { type Result, WorkQueue } from '../../client/index.ts';
import { isReason, type ObjectKey, splitKey } from '../../machinery/index.ts';
import type { Controller, ControllerContext } from '../shared/context.ts';
import { enqueueSelf, queueController } from '../shared/informer-queue.ts';
import { bootstrapTokenType, expiryMs } from './tokens.ts';

/**
 * Deletes bootstrap tokens that have expired.
 *
 * @see k8s.io/kubernetes/pkg/controller/bootstrap/tokencleaner.go
 */
export function createTokenCleaner(context: ControllerContext): Controller {
  const { client, informers, clock } = context;
  const secrets = informers.for('secrets', {
    namespace: 'kube-system',
    fieldSelector: `type=${bootstrapTokenType}`,
  });
  const queue = new WorkQueue<ObjectKey>(clock);

  async function reconcile(key: ObjectKey): Promise<Result> {
    const secret = secrets.get(key);
    const endMs = secret && expiryMs(secret);
    if (endMs === undefined) return {};
    const leftMs = endMs - clock.now();
    if (leftMs > 0) return { requeueAfterMs: leftMs };
    const { namespace, name } = splitKey(key);
    const { uid } = secret?.metadata ?? {};
    try {
      await client
        .resource('secrets')
        .delete(namespace, name, uid ? { preconditions: { uid } } : {});
    } catch (error) {
      if (!isReason(error, 'NotFound')) throw error;
    }
    return {};
  }

  return queueController(context, {
    name: 'token-cleaner-controller',
    queue,
    reconcile,
    workers: 1,
    handlers: (own) => own(enqueueSelf(secrets, queue)),
  });
}
