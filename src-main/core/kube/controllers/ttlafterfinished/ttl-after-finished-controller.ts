import { type Result, WorkQueue } from '../../client/index.ts';
import { isReason, type ObjectKey, splitKey } from '../../machinery/index.ts';
import { isFinished, type JobView } from '../job/policies.ts';
import type { Controller, ControllerContext } from '../shared/context.ts';
import { enqueueSelf, queueController } from '../shared/informer-queue.ts';
import { timeMs } from '../shared/pods.ts';

/**
 * Deletes finished Jobs when their `ttlSecondsAfterFinished` has run out.
 *
 * @see k8s.io/kubernetes/pkg/controller/ttlafterfinished
 */
export function createTtlAfterFinishedController(context: ControllerContext): Controller {
  const { client, informers, clock } = context;
  const jobs = informers.for('jobs.batch');
  const queue = new WorkQueue<ObjectKey>(clock);

  async function reconcile(key: ObjectKey): Promise<Result> {
    const cached = jobs.get(key);
    const expiryMs = cached && expiry(cached);
    if (expiryMs === undefined) return {};
    const leftMs = expiryMs - clock.now();
    if (leftMs > 0) return { requeueAfterMs: leftMs };
    const { namespace, name } = splitKey(key);
    try {
      // The cache may lag: the ttl may have been raised since, or the job be another of the name.
      const fresh = await client.resource('jobs.batch').get(namespace, name);
      const freshMs = expiry(fresh);
      if (freshMs === undefined || freshMs > clock.now()) return {};
      await client.resource('jobs.batch').delete(namespace, name, {
        propagationPolicy: 'Foreground',
        ...(fresh.metadata.uid ? { preconditions: { uid: fresh.metadata.uid } } : {}),
      });
    } catch (error) {
      if (!isReason(error, 'NotFound')) throw error;
    }
    return {};
  }

  return queueController(context, {
    name: 'ttl-after-finished-controller',
    queue,
    reconcile,
    handlers: (own) => own(enqueueSelf(jobs, queue)),
  });
}

function expiry(job: JobView): number | undefined {
  const ttl = job.spec?.ttlSecondsAfterFinished;
  if (ttl === undefined || !isFinished(job) || job.metadata.deletionTimestamp) return undefined;
  const end = job.status?.conditions?.find(
    ({ type, status }) => (type === 'Complete' || type === 'Failed') && status === 'True',
  );
  const endMs = timeMs(end?.lastTransitionTime);
  return endMs === undefined ? undefined : endMs + ttl * 1000;
}
