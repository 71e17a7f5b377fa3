import { jsonEqual } from '#core/base';
import type { Pod } from '../../apis/index.ts';
import {
  claimObjects,
  controllerOf,
  Expectations,
  type Result,
  WorkQueue,
} from '../../client/index.ts';
import {
  isReason,
  keyOf,
  matchesSelector,
  objectKey,
  type ObjectKey,
  splitKey,
} from '../../machinery/index.ts';
import type { Controller, ControllerContext } from '../shared/context.ts';
import { ownerKey, queueController } from '../shared/informer-queue.ts';
import {
  isPodTerminal,
  orphansOf,
  podOwnerIndex,
  podOwnerKeys,
  type PodView,
} from '../shared/pods.ts';
import type { JobMemory } from './job-memory.ts';
import { JobSync } from './job-sync.ts';
import { isFinished, type JobView, trackingFinalizer } from './policies.ts';

/** Between two status updates of one job, so that several pods are counted together. */
const syncBatchMs = 1000;

/**
 * Runs pods until enough of them have succeeded.
 *
 * @see k8s.io/kubernetes/pkg/controller/job/job_controller.go
 */
export function createJobController(
  context: ControllerContext,
  options: { readonly workers?: number } = {},
): Controller {
  const { client, informers, clock } = context;
  const jobs = informers.for('jobs.batch');
  const pods = informers.for('pods');
  pods.addIndex(podOwnerIndex, podOwnerKeys);
  const queue = new WorkQueue<ObjectKey>(clock, { baseDelayMs: 1000, maxDelayMs: 60_000 });
  const memory: JobMemory = {
    expectations: new Expectations(clock),
    released: new Set(),
    backoff: new Map(),
    finished: new Set(),
  };

  async function reconcile(key: ObjectKey): Promise<Result> {
    const job = jobs.get(key);
    if (!job) {
      memory.expectations.forget(key);
      memory.backoff.delete(key);
      return {};
    }
    if (job.spec?.managedBy && job.spec.managedBy !== 'kubernetes.io/job-controller') return {};
    if (isFinished(job)) {
      memory.backoff.delete(key);
      return {};
    }
    if (memory.finished.has(job.metadata.uid ?? '')) return {};
    const { namespace, name } = splitKey(key);
    const members = await claimObjects<Pod>(
      pods
        .byIndex(podOwnerIndex, job.metadata.uid ?? '')
        .concat(pods.byIndex(podOwnerIndex, orphansOf(namespace))),
      {
        controller: job,
        apiVersion: 'batch/v1',
        kind: 'Job',
        client: client.resource('pods'),
        matches: (pod) => matchesSelector(job.spec?.selector ?? {}, pod.metadata.labels),
        fresh: () => client.resource('jobs.batch').get(namespace, name),
        finalizers: [trackingFinalizer],
      },
    );
    return new JobSync(context, memory, key, job, members).run();
  }

  function ownerOf(pod: PodView): JobView | undefined {
    const key = ownerKey(pod, 'Job');
    const job = key && jobs.get(key);
    return job && job.metadata.uid === controllerOf(pod)?.uid ? job : undefined;
  }

  /** A finalizer left on a pod whose job is gone or done would keep it for ever. */
  function releaseOrphan(pod: PodView): void {
    const owner = controllerOf(pod);
    const isTracked = pod.metadata.finalizers?.includes(trackingFinalizer);
    if (!isTracked || (owner && owner.kind !== 'Job')) return;
    const job = ownerOf(pod);
    const isStray = owner ? !job || isFinished(job) : true;
    if (!isStray || (owner && !pod.metadata.deletionTimestamp && !isPodTerminal(pod))) return;
    client
      .resource('pods')
      .patch(pod.metadata.namespace, pod.metadata.name ?? '', 'strategic', {
        metadata: { '$deleteFromPrimitiveList/finalizers': [trackingFinalizer] },
      })
      .catch((error: unknown) => {
        if (!isReason(error, 'NotFound'))
          context.logger.log('debug', 'job finalizer not removed', { pod: pod.metadata.name });
      });
  }

  function onPodAdded(pod: PodView): void {
    const job = ownerOf(pod);
    if (job) {
      const key = objectKey(job.metadata);
      if (pod.metadata.deletionTimestamp) memory.expectations.deletionObserved(key, podKey(pod));
      else memory.expectations.creationObserved(key);
      queue.addAfter(key, pod.metadata.deletionTimestamp ? syncBatchMs : 0);
    } else if (!controllerOf(pod)) {
      for (const other of jobs.list(pod.metadata.namespace))
        if (matchesSelector(other.spec?.selector ?? {}, pod.metadata.labels))
          queue.addAfter(objectKey(other.metadata), syncBatchMs);
    }
    releaseOrphan(pod);
  }

  return queueController(context, {
    name: 'job-controller',
    queue,
    reconcile,
    ...(options.workers === undefined ? {} : { workers: options.workers }),
    handlers: (own) => {
      own(
        pods.addHandler({
          onAdd: onPodAdded,
          onUpdate: (previous, pod) => {
            const before = ownerOf(previous);
            const job = ownerOf(pod);
            if (before && !jsonEqual(controllerOf(previous), controllerOf(pod)))
              queue.addAfter(objectKey(before.metadata), syncBatchMs);
            if (job) {
              const key = objectKey(job.metadata);
              if (pod.metadata.deletionTimestamp)
                memory.expectations.deletionObserved(key, podKey(pod));
              if (!pod.metadata.finalizers?.includes(trackingFinalizer))
                memory.released.delete(pod.metadata.uid ?? '');
              queue.addAfter(key, isPodTerminal(pod) ? 0 : syncBatchMs);
            }
            releaseOrphan(pod);
          },
          onDelete: (pod) => {
            memory.released.delete(pod.metadata.uid ?? '');
            const job = ownerOf(pod);
            if (!job) return;
            const key = objectKey(job.metadata);
            memory.expectations.deletionObserved(key, podKey(pod));
            queue.addAfter(key, 0);
          },
        }),
      );
      own(
        jobs.addHandler({
          onAdd: (job) => queue.add(objectKey(job.metadata)),
          // A status that was just written can wait; with it comes what pods changed meanwhile.
          onUpdate: (previous, job) =>
            queue.addAfter(
              objectKey(job.metadata),
              previous.metadata.generation === job.metadata.generation ? syncBatchMs : 0,
            ),
          onDelete: (job) => {
            queue.add(objectKey(job.metadata));
            memory.finished.delete(job.metadata.uid ?? '');
            for (const pod of pods.byIndex(podOwnerIndex, job.metadata.uid ?? ''))
              releaseOrphan(pod);
          },
        }),
      );
    },
  });
}

export function podKey({ metadata }: PodView): string {
  return keyOf(metadata.namespace, metadata.name ?? '');
}
