import type { DeepReadonly } from '#core/base';
import type { Job, PodFailurePolicy, SuccessPolicy } from '../../apis/index.ts';
import { podCondition, type PodView, timeMs } from '../shared/pods.ts';
import { type IndexSet, parseIndexes } from './indexes.ts';

export type JobView = DeepReadonly<Job>;

export const trackingFinalizer = 'batch.kubernetes.io/job-tracking';
export const indexAnnotation = 'batch.kubernetes.io/job-completion-index';
export const indexFailureAnnotation = 'batch.kubernetes.io/job-index-failure-count';
export const ignoredFailureAnnotation = 'batch.kubernetes.io/job-index-ignored-failure-count';

export interface PolicyMatch {
  readonly action?: string;
  readonly counts: boolean;
  /** Why the whole job fails. */
  readonly failure?: string;
}

/** What `podFailurePolicy` makes of a failed pod. @see job/pod_failure_policy.go */
export function matchFailurePolicy(
  policy: DeepReadonly<PodFailurePolicy> | undefined,
  pod: PodView,
): PolicyMatch {
  for (const [index, rule] of (policy?.rules ?? []).entries()) {
    let failure: string | undefined;
    const where = `${pod.metadata.namespace ?? ''}/${pod.metadata.name ?? ''}`;
    if (rule.onExitCodes) {
      const { containerName, operator, values } = rule.onExitCodes;
      const status = [
        ...(pod.status?.containerStatuses ?? []),
        ...(pod.status?.initContainerStatuses ?? []),
      ].find(({ name, state }) => {
        const exitCode = state?.terminated?.exitCode;
        if (exitCode === undefined || exitCode === 0) return false;
        if (containerName !== undefined && containerName !== name) return false;
        return values.includes(exitCode) === (operator === 'In');
      });
      if (!status) continue;
      failure = `Container ${status.name} for pod ${where} failed with exit code ${status.state?.terminated?.exitCode ?? 0} matching ${rule.action} rule at index ${index}`;
    } else {
      const condition = (pod.status?.conditions ?? []).find(({ type, status }) =>
        (rule.onPodConditions ?? []).some(
          (pattern) => pattern.type === type && (pattern.status ?? 'True') === status,
        ),
      );
      if (!condition) continue;
      failure = `Pod ${where} has condition ${condition.type} matching ${rule.action} rule at index ${index}`;
    }
    return {
      action: rule.action,
      counts: rule.action !== 'Ignore',
      ...(rule.action === 'FailJob' ? { failure } : {}),
    };
  }
  return { counts: true };
}

/** The text of the first `successPolicy` rule that is met. @see job/success_policy.go */
export function matchSuccessPolicy(
  policy: DeepReadonly<SuccessPolicy> | undefined,
  completions: number,
  succeeded: IndexSet,
): string | undefined {
  if (succeeded.size === 0) return undefined;
  for (const [index, rule] of (policy?.rules ?? []).entries()) {
    const message = `Matched rules at index ${index}`;
    if (rule.succeededIndexes !== undefined) {
      const wanted = parseIndexes(rule.succeededIndexes, completions);
      if (wanted.size === 0) continue;
      const met = [...wanted].filter((item) => succeeded.has(item)).length;
      if (met === wanted.size || (rule.succeededCount !== undefined && met >= rule.succeededCount))
        return message;
    } else if (rule.succeededCount !== undefined && succeeded.size >= rule.succeededCount)
      return message;
  }
  return undefined;
}

export function onlyReplacesFailed(job: JobView): boolean {
  return job.spec?.podReplacementPolicy === 'Failed' || job.spec?.podFailurePolicy !== undefined;
}

/** Failed, or on its way out where that counts as failure. */
export function isPodFailed(pod: PodView, job: JobView): boolean {
  if (pod.status?.phase === 'Failed') return true;
  if (onlyReplacesFailed(job)) return false;
  return pod.metadata.deletionTimestamp !== undefined && pod.status?.phase !== 'Succeeded';
}

export function isIndexed(job: JobView): boolean {
  return job.spec?.completionMode === 'Indexed';
}

/** The completion index of a pod; undefined when it has none. */
export function indexOf(pod: PodView): number | undefined {
  const text = pod.metadata.annotations?.[indexAnnotation];
  return text !== undefined && /^\d+$/.test(text) ? Number(text) : undefined;
}

export function isFinished(job: JobView): boolean {
  return (job.status?.conditions ?? []).some(
    ({ type, status }) => (type === 'Complete' || type === 'Failed') && status === 'True',
  );
}

/** When a pod ended, ms since the epoch. @see job/backoff_utils.go, getFinishedTime */
export function finishedMs(pod: PodView): number {
  const ends = (pod.status?.containerStatuses ?? []).map(({ state }) =>
    timeMs(state?.terminated?.finishedAt),
  );
  if (ends.length > 0 && ends.every((end) => end !== undefined))
    return Math.max(...ends.map((end) => end ?? 0));
  const ready = podCondition(pod, 'Ready');
  const readyMs = ready?.status === 'False' ? timeMs(ready.lastTransitionTime) : undefined;
  if (readyMs !== undefined) return readyMs;
  const deletedMs = timeMs(pod.metadata.deletionTimestamp);
  if (deletedMs !== undefined)
    return deletedMs - (pod.metadata.deletionGracePeriodSeconds ?? 0) * 1000;
  return timeMs(pod.metadata.creationTimestamp) ?? 0;
}

const baseBackoffMs = 10_000;
const maxBackoffMs = 10 * 60_000;

/** How long to wait after so many failures in a row, counted from the last of them. */
export function remainingBackoffMs(failures: number, lastMs: number, nowMs: number): number {
  if (failures === 0) return 0;
  const backoffMs = Math.min(baseBackoffMs * 2 ** (failures - 1), maxBackoffMs);
  return Math.max(0, backoffMs - (nowMs - lastMs));
}
