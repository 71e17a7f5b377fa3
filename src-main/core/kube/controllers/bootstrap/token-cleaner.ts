import { type DeepReadonly, fromBase64, fromUtf8 } from '#core/base';
import type { Secret } from '../../apis/index.ts';
import { type Result, WorkQueue } from '../../client/index.ts';
import { isReason, type ObjectKey, splitKey } from '../../machinery/index.ts';
import type { Controller, ControllerContext } from '../shared/context.ts';
import { enqueueSelf, queueController } from '../shared/informer-queue.ts';

const tokenType = 'bootstrap.kubernetes.io/token';

/**
 * Deletes bootstrap tokens that have expired.
 *
 * @see k8s.io/kubernetes/pkg/controller/bootstrap/tokencleaner.go
 */
export function createTokenCleaner(context: ControllerContext): Controller {
  const { client, informers, clock } = context;
  const secrets = informers.for('secrets', {
    namespace: 'kube-system',
    fieldSelector: `type=${tokenType}`,
  });
  const queue = new WorkQueue<ObjectKey>(clock);

  async function reconcile(key: ObjectKey): Promise<Result> {
    const secret = secrets.get(key);
    const expiryMs = secret && expiry(secret);
    if (expiryMs === undefined) return {};
    const leftMs = expiryMs - clock.now();
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

/** When a token ends, ms since the epoch; one with an unreadable date ends at once. */
function expiry(secret: DeepReadonly<Secret>): number | undefined {
  const encoded = secret.data?.['expiration'];
  if (secret.type !== tokenType || !encoded) return undefined;
  const ms = Date.parse(fromUtf8(fromBase64(encoded)));
  return Number.isNaN(ms) ? 0 : ms;
}
