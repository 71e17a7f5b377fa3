import type { Job } from '../../apis/index.ts';
import { isPodActive, isPodTerminating, type PodView } from '../shared/pods.ts';
import { parseIndexes } from './indexes.ts';
import {
  finishedMs,
  ignoredFailureAnnotation,
  indexFailureAnnotation,
  indexOf,
  isPodFailed,
  matchFailurePolicy,
  onlyReplacesFailed,
} from './policies.ts';

/** How far an Indexed Job has come. */
export interface IndexProgress {
  /** Completed as of the status. */
  readonly previous: ReadonlySet<number>;
  readonly succeeded: ReadonlySet<number>;
  /** Undefined without a limit for each index. */
  readonly failed: ReadonlySet<number> | undefined;
  /** The last failed pod of each index, kept until its replacement is there. */
  readonly delayed: ReadonlyMap<number, PodView>;
}

export const noIndexes: IndexProgress = {
  previous: new Set(),
  succeeded: new Set(),
  failed: undefined,
  delayed: new Map(),
};

/** How often the index of a pod had failed before, forgiven failures too. */
export function indexFailuresBefore({ metadata }: PodView): number {
  return (
    Number(metadata.annotations?.[indexFailureAnnotation] ?? 0) +
    Number(metadata.annotations?.[ignoredFailureAnnotation] ?? 0)
  );
}

/** Of several failed pods of an index the last one with the most failures behind it counts. */
function isLater(pod: PodView, other: PodView): boolean {
  return (
    indexFailuresBefore(pod) >= indexFailuresBefore(other) && finishedMs(pod) >= finishedMs(other)
  );
}

/**
 * Counts indexes from the status and the pods.
 *
 * @param isTracked whether a pod's end is still to be counted.
 * @see k8s.io/kubernetes/pkg/controller/job/indexed_job_utils.go
 */
export function indexProgress(
  job: Job,
  pods: readonly PodView[],
  isTracked: (pod: PodView) => boolean,
): IndexProgress {
  const { spec, status } = job;
  const completions = spec?.completions ?? 0;
  const previous = parseIndexes(status?.completedIndexes, completions);
  const succeeded = new Set(previous);
  const delayed = new Map<number, PodView>();
  for (const pod of pods) {
    const index = indexOf(pod);
    if (index !== undefined && index < completions && pod.status?.phase === 'Succeeded')
      if (isTracked(pod)) succeeded.add(index);
  }
  if (spec?.backoffLimitPerIndex === undefined)
    return { previous, succeeded, failed: undefined, delayed };
  const failed = parseIndexes(status?.failedIndexes, completions);
  for (const pod of pods) {
    const index = indexOf(pod);
    if (index === undefined || index >= completions || !isTracked(pod)) continue;
    if (!isPodFailed(pod, job)) continue;
    const match = matchFailurePolicy(spec.podFailurePolicy, pod);
    const failures = Number(pod.metadata.annotations?.[indexFailureAnnotation] ?? 0);
    if (match.action === 'FailIndex' || (match.counts && failures >= spec.backoffLimitPerIndex))
      failed.add(index);
    const other = delayed.get(index);
    if (!other || isLater(pod, other)) delayed.set(index, pod);
  }
  for (const index of [...delayed.keys()]) {
    const isReplaced = pods.some((pod) => isPodActive(pod) && indexOf(pod) === index);
    if (isReplaced || failed.has(index) || succeeded.has(index)) delayed.delete(index);
  }
  return { previous, succeeded, failed, delayed };
}

/** The first `count` indexes that are neither done nor being worked on. */
export function pendingIndexes(
  job: Job,
  { succeeded, failed }: IndexProgress,
  pods: readonly PodView[],
  active: readonly PodView[],
  count: number,
): number[] {
  const taken = new Set([...succeeded, ...(failed ?? [])]);
  for (const pod of active) taken.add(indexOf(pod) ?? -1);
  if (onlyReplacesFailed(job))
    for (const pod of pods) if (isPodTerminating(pod)) taken.add(indexOf(pod) ?? -1);
  const pending: number[] = [];
  for (let i = 0; i < (job.spec?.completions ?? 0) && pending.length < count; i++)
    if (!taken.has(i)) pending.push(i);
  return pending;
}
