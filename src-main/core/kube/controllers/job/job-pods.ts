import type { Pod } from '../../apis/index.ts';
import { controllerReference } from '../../client/index.ts';
import { podFromTemplate } from '../shared/pod-control.ts';
import { compareForDeletion, type PodView } from '../shared/pods.ts';
import type { BackoffRecord } from './job-memory.ts';
import {
  ignoredFailureAnnotation,
  indexAnnotation,
  indexFailureAnnotation,
  indexOf,
  isIndexed,
  type JobView,
  matchFailurePolicy,
  trackingFinalizer,
} from './policies.ts';

/** Containers restarted in place count when pods are not replaced. */
export function restartsExceeded(job: JobView, pods: readonly PodView[]): boolean {
  const { spec } = job;
  if (spec?.template.spec?.restartPolicy !== 'OnFailure') return false;
  let restarts = 0;
  for (const { status } of pods)
    if (status?.phase === 'Running' || status?.phase === 'Pending')
      for (const { restartCount } of [
        ...(status.initContainerStatuses ?? []),
        ...(status.containerStatuses ?? []),
      ])
        restarts += restartCount;
  const limit = spec.backoffLimit ?? 6;
  return limit === 0 ? restarts > 0 : restarts >= limit;
}

/** Failures since the last success. @see job/backoff_utils.go, newBackoffRecord */
export function nextBackoff(
  before: BackoffRecord | undefined,
  successesMs: readonly number[],
  failuresMs: readonly number[],
): BackoffRecord {
  const failures = [...failuresMs].sort((a, b) => a - b);
  if (successesMs.length === 0) {
    const known = before ?? { failures: 0, lastFailureMs: 0 };
    if (failures.length === 0) return known;
    return {
      failures: known.failures + failures.length,
      lastFailureMs: failures.at(-1) ?? 0,
    };
  }
  const lastSuccess = Math.max(...successesMs);
  const after = failures.filter((time) => time > lastSuccess);
  return { failures: after.length, lastFailureMs: after.at(-1) ?? 0 };
}

/** Doubles of an index, then those that are lost most easily. */
export function surplusPods(
  job: JobView,
  active: readonly PodView[],
  nowMs: number,
  count: number,
): PodView[] {
  const sorted = [...active].sort(compareForDeletion(nowMs));
  const doomed: PodView[] = [];
  if (isIndexed(job)) {
    const kept = new Set<number>();
    for (const pod of [...sorted].reverse()) {
      const index = indexOf(pod);
      if (index === undefined || index >= (job.spec?.completions ?? 0) || kept.has(index))
        doomed.push(pod);
      else kept.add(index);
    }
  }
  for (const pod of sorted) {
    if (doomed.length >= count) break;
    if (!doomed.includes(pod)) doomed.push(pod);
  }
  return doomed;
}

/** A pod of a Job; of an indexed one with its index. @see indexed_job_utils.go */
export function podForJob(
  job: JobView,
  index: number | undefined,
  lastFailed: ReadonlyMap<number, PodView>,
): Pod {
  const draft = podFromTemplate(
    job.spec?.template ?? {},
    job,
    controllerReference(job, 'batch/v1', 'Job'),
  );
  const { metadata } = draft;
  metadata.finalizers = [...(metadata.finalizers ?? []), trackingFinalizer];
  if (index === undefined) return draft;
  const text = String(index);
  metadata.annotations = { ...metadata.annotations, [indexAnnotation]: text };
  metadata.labels = { ...metadata.labels, [indexAnnotation]: text };
  metadata.generateName = `${job.metadata.name ?? ''}-${index}-`;
  if (job.spec?.backoffLimitPerIndex !== undefined) {
    const last = lastFailed.get(index);
    const previous = Number(last?.metadata.annotations?.[indexFailureAnnotation] ?? 0);
    const counts = last && matchFailurePolicy(job.spec.podFailurePolicy, last).counts;
    metadata.annotations[indexFailureAnnotation] = String(previous + (counts ? 1 : 0));
    const forgiven =
      Number(last?.metadata.annotations?.[ignoredFailureAnnotation] ?? 0) +
      (last && !counts ? 1 : 0);
    if (forgiven > 0) metadata.annotations[ignoredFailureAnnotation] = String(forgiven);
  }
  if (draft.spec) {
    draft.spec.hostname = `${job.metadata.name ?? ''}-${index}`;
    for (const container of [...draft.spec.containers, ...(draft.spec.initContainers ?? [])]) {
      if (container.env?.some(({ name }) => name === 'JOB_COMPLETION_INDEX')) continue;
      container.env = [
        ...(container.env ?? []),
        {
          name: 'JOB_COMPLETION_INDEX',
          valueFrom: {
            fieldRef: {
              apiVersion: 'v1',
              fieldPath: `metadata.labels['${indexAnnotation}']`,
            },
          },
        },
      ];
    }
  }
  return draft;
}
