import { jsonEqual } from '#core/base';
import type { Job, JobCondition, JobStatus } from '../../apis/index.ts';
import type { Result } from '../../client/index.ts';
import { formatTime, isReason, type ObjectKey } from '../../machinery/index.ts';
import { type ControllerContext, mutableCopy } from '../shared/context.ts';
import { createPodControl, isNamespaceTerminating, slowStartBatch } from '../shared/pod-control.ts';
import { isPodActive, isPodReady, isPodTerminating, type PodView, timeMs } from '../shared/pods.ts';
import {
  indexFailuresBefore,
  type IndexProgress,
  indexProgress,
  noIndexes,
  pendingIndexes,
} from './index-progress.ts';
import { formatIndexes } from './indexes.ts';
import type { JobMemory } from './job-memory.ts';
import { nextBackoff, podForJob, restartsExceeded, surplusPods } from './job-pods.ts';
import {
  finishedMs,
  indexOf,
  isIndexed,
  isPodFailed,
  type JobView,
  matchFailurePolicy,
  matchSuccessPolicy,
  onlyReplacesFailed,
  remainingBackoffMs,
  trackingFinalizer,
} from './policies.ts';

const maxPodsPerSync = 500;
const maxUncounted = 500;

/** One sync of one Job. @see job/job_controller.go, syncJob */
export class JobSync {
  readonly #context: ControllerContext;
  readonly #memory: JobMemory;
  readonly #key: ObjectKey;
  readonly #cached: JobView;
  readonly #job: Job;
  readonly #status: JobStatus;
  readonly #pods: readonly PodView[];
  readonly #nowMs: number;
  #finish: JobCondition | undefined;
  #active: PodView[];
  #activeCount: number;
  #readyCount: number;
  #terminating: number;
  #indexes: IndexProgress = noIndexes;
  #requeueMs: number | undefined;

  constructor(
    context: ControllerContext,
    memory: JobMemory,
    key: ObjectKey,
    job: JobView,
    pods: readonly PodView[],
  ) {
    this.#context = context;
    this.#memory = memory;
    this.#key = key;
    this.#cached = job;
    this.#job = mutableCopy<Job>(job);
    this.#status = this.#job.status ??= {};
    this.#pods = pods;
    this.#nowMs = context.clock.now();
    this.#active = pods.filter(isPodActive);
    this.#activeCount = this.#active.length;
    this.#readyCount = this.#active.filter(isPodReady).length;
    this.#terminating = pods.filter(isPodTerminating).length;
  }

  async run(): Promise<Result> {
    const { spec } = this.#job;
    const status = this.#status;
    status.uncountedTerminatedPods ??= {};
    const uncounted = status.uncountedTerminatedPods;
    const isSuspended = spec?.suspend === true;
    const satisfied = this.#memory.expectations.satisfied(this.#key);
    const newSucceeded = this.#fresh(uncounted.succeeded).filter(
      (pod) => pod.status?.phase === 'Succeeded',
    );
    const newFailed = this.#fresh(uncounted.failed).filter((pod) => isPodFailed(pod, this.#job));
    let succeeded =
      (status.succeeded ?? 0) + newSucceeded.length + (uncounted.succeeded ?? []).length;
    const failed =
      (status.failed ?? 0) +
      newFailed.filter((pod) => matchFailurePolicy(spec?.podFailurePolicy, pod).counts).length +
      (uncounted.failed ?? []).length;
    if (!status.startTime && !isSuspended) status.startTime = formatTime(this.#nowMs);
    const backoff = nextBackoff(
      this.#memory.backoff.get(this.#key),
      newSucceeded.map(finishedMs),
      newFailed.map(finishedMs),
    );

    this.#finish = this.#decidedFinish(failed);
    if (isIndexed(this.#job)) {
      this.#indexes = indexProgress(this.#job, this.#pods, (pod) => this.#isTracked(pod));
      succeeded = this.#indexes.succeeded.size;
      if (!this.#finish) this.#finish = this.#indexFinish();
    }
    let suspendChanged = false;
    let failure: unknown;
    if (this.#finish) {
      failure = await this.#deleteAllActive(satisfied);
    } else {
      let managed = false;
      if (satisfied && !this.#job.metadata.deletionTimestamp) {
        failure = await this.#manage(succeeded, backoff);
        managed = true;
      }
      const { completions } = spec ?? {};
      const isComplete =
        completions === undefined
          ? succeeded > 0 && this.#activeCount === 0
          : succeeded >= completions && this.#activeCount === 0;
      if (isComplete)
        this.#finish = this.#condition(
          'SuccessCriteriaMet',
          'CompletionsReached',
          'Reached expected number of succeeded pods',
        );
      else if (managed) suspendChanged = this.#noteSuspension(isSuspended);
    }
    const needsFlush =
      suspendChanged ||
      this.#activeCount !== (status.active ?? 0) ||
      this.#readyCount !== (status.ready ?? -1) ||
      this.#terminating !== (status.terminating ?? -1);
    setCount(status, 'active', this.#activeCount);
    status.ready = this.#readyCount;
    status.terminating = this.#terminating;
    await this.#track(needsFlush, backoff);
    if (failure !== undefined) throw failure as Error;
    return this.#requeueMs === undefined ? {} : { requeueAfterMs: this.#requeueMs };
  }

  /** Tracked pods not counted yet; an indexed job's only with a valid index. */
  #fresh(uncounted: readonly string[] | undefined): PodView[] {
    return this.#pods.filter((pod) => {
      const uid = pod.metadata.uid ?? '';
      if (!this.#isTracked(pod) || uncounted?.includes(uid)) return false;
      if (!isIndexed(this.#job)) return true;
      const index = indexOf(pod);
      return index !== undefined && index < (this.#job.spec?.completions ?? 0);
    });
  }

  #isTracked(pod: PodView): boolean {
    return (
      (pod.metadata.finalizers?.includes(trackingFinalizer) ?? false) &&
      !this.#memory.released.has(pod.metadata.uid ?? '')
    );
  }

  #condition(type: string, reason: string, message: string, status = 'True'): JobCondition {
    const time = formatTime(this.#nowMs);
    return { type, status, lastProbeTime: time, lastTransitionTime: time, reason, message };
  }

  /** The end that is already decided, or that failures and deadlines decide now. */
  #decidedFinish(failed: number): JobCondition | undefined {
    const { spec } = this.#job;
    const holds = (type: string): JobCondition | undefined =>
      this.#status.conditions?.find(
        (condition) => condition.type === type && condition.status === 'True',
      );
    const met = holds('SuccessCriteriaMet');
    if (met) return met;
    const target = holds('FailureTarget');
    if (target) return this.#condition('Failed', target.reason ?? '', target.message ?? '');
    if (spec?.podFailurePolicy)
      for (const pod of this.#pods) {
        if (!isPodFailed(pod, this.#job)) continue;
        const { failure } = matchFailurePolicy(spec.podFailurePolicy, pod);
        if (failure) return this.#condition('FailureTarget', 'PodFailurePolicy', failure);
      }
    if (failed > (spec?.backoffLimit ?? 6) || restartsExceeded(this.#job, this.#pods))
      return this.#condition(
        'FailureTarget',
        'BackoffLimitExceeded',
        'Job has reached the specified backoff limit',
      );
    const deadline = spec?.activeDeadlineSeconds;
    if (deadline === undefined || spec?.suspend === true) return undefined;
    const leftMs = (timeMs(this.#status.startTime) ?? this.#nowMs) + deadline * 1000 - this.#nowMs;
    if (leftMs <= 0)
      return this.#condition(
        'FailureTarget',
        'DeadlineExceeded',
        'Job was active longer than specified deadline',
      );
    this.#requeueAfter(leftMs);
    return undefined;
  }

  #requeueAfter(delayMs: number): void {
    this.#requeueMs = Math.min(this.#requeueMs ?? delayMs, delayMs);
  }

  #indexFinish(): JobCondition | undefined {
    const { spec } = this.#job;
    const completions = spec?.completions ?? 0;
    const failed = this.#indexes.failed;
    if (failed) {
      if (spec?.maxFailedIndexes !== undefined && failed.size > spec.maxFailedIndexes)
        return this.#condition(
          'FailureTarget',
          'MaxFailedIndexesExceeded',
          'Job has exceeded the specified maximal number of failed indexes',
        );
      if (failed.size > 0 && failed.size + this.#indexes.succeeded.size >= completions)
        return this.#condition('FailureTarget', 'FailedIndexes', 'Job has failed indexes');
    }
    const message = matchSuccessPolicy(spec?.successPolicy, completions, this.#indexes.succeeded);
    return message === undefined
      ? undefined
      : this.#condition('SuccessCriteriaMet', 'SuccessPolicy', message);
  }

  async #deleteAllActive(satisfied: boolean): Promise<unknown> {
    const before = this.#activeCount;
    const { deleted, failure } = await this.#deletePods(this.#active, false);
    // Not all are gone, or more may be on their way: the end has to wait.
    if (deleted !== before || !satisfied) this.#finish = undefined;
    return failure;
  }

  async #deletePods(
    pods: readonly PodView[],
    release: boolean,
  ): Promise<{ deleted: number; failure: unknown }> {
    const { client, recorder } = this.#context;
    const control = createPodControl(client, recorder);
    let deleted = 0;
    let failure: unknown;
    await Promise.all(
      pods.map(async (pod) => {
        try {
          if (release) await this.#release(pod);
          await control.delete(pod.metadata.namespace, pod.metadata.name ?? '', this.#cached);
        } catch (error) {
          if (release) this.#memory.expectations.deletionObserved(this.#key, keyOfPod(pod));
          if (!isReason(error, 'NotFound')) {
            failure ??= error;
            return;
          }
        }
        deleted += 1;
        if (isPodReady(pod)) this.#readyCount -= 1;
      }),
    );
    this.#activeCount -= deleted;
    this.#terminating += deleted;
    return { deleted, failure };
  }

  async #release(pod: PodView): Promise<void> {
    if (!pod.metadata.finalizers?.includes(trackingFinalizer)) return;
    const uid = pod.metadata.uid ?? '';
    this.#memory.released.add(uid);
    try {
      await this.#context.client
        .resource('pods')
        .patch(pod.metadata.namespace, pod.metadata.name ?? '', 'strategic', {
          metadata: { '$deleteFromPrimitiveList/finalizers': [trackingFinalizer] },
        });
    } catch (error) {
      if (isReason(error, 'NotFound')) return;
      this.#memory.released.delete(uid);
      throw error;
    }
  }

  /** Creates or deletes pods. @returns the first error. */
  async #manage(
    succeeded: number,
    backoff: { failures: number; lastFailureMs: number },
  ): Promise<unknown> {
    const { spec } = this.#job;
    const parallelism = spec?.parallelism ?? 1;
    const active = this.#activeCount;
    if (spec?.suspend === true) return this.#shrink(active);
    const wanted =
      spec?.completions === undefined
        ? succeeded > 0
          ? active
          : parallelism
        : Math.max(0, Math.min(spec.completions - succeeded, parallelism));
    const surplus = surplusPods(this.#job, this.#active, this.#nowMs, Math.max(0, active - wanted));
    if (surplus.length > 0) return this.#remove(surplus.slice(0, maxPodsPerSync));
    const terminating = onlyReplacesFailed(this.#job) ? this.#terminating : 0;
    let count = Math.min(wanted - terminating - active, maxPodsPerSync);
    if (count <= 0) return undefined;
    const perIndex = spec?.backoffLimitPerIndex !== undefined;
    if (!perIndex) {
      const waitMs = remainingBackoffMs(backoff.failures, backoff.lastFailureMs, this.#nowMs);
      if (waitMs > 0) {
        this.#requeueAfter(waitMs);
        return undefined;
      }
    }
    let indexes: number[] = [];
    if (isIndexed(this.#job)) {
      indexes = pendingIndexes(this.#job, this.#indexes, this.#pods, this.#active, count);
      if (perIndex) indexes = this.#withoutBackoff(indexes);
      count = indexes.length;
      if (count === 0) return undefined;
    }
    return this.#create(count, indexes);
  }

  #shrink(count: number): Promise<unknown> {
    return this.#remove(surplusPods(this.#job, this.#active, this.#nowMs, count));
  }

  async #remove(pods: readonly PodView[]): Promise<unknown> {
    if (pods.length === 0) return undefined;
    this.#memory.expectations.expectDeletions(this.#key, pods.map(keyOfPod));
    return (await this.#deletePods(pods, true)).failure;
  }

  #withoutBackoff(indexes: readonly number[]): number[] {
    const now: number[] = [];
    for (const index of indexes) {
      const last = this.#indexes.delayed.get(index);
      const waitMs = last
        ? remainingBackoffMs(indexFailuresBefore(last) + 1, finishedMs(last), this.#nowMs)
        : 0;
      if (waitMs === 0) now.push(index);
      else this.#requeueAfter(waitMs);
    }
    return now;
  }

  async #create(count: number, indexes: readonly number[]): Promise<unknown> {
    const { client, recorder } = this.#context;
    const control = createPodControl(client, recorder);
    const { expectations } = this.#memory;
    expectations.expectCreations(this.#key, count);
    const { successes, error } = await slowStartBatch(count, async (at) => {
      try {
        await control.create(
          podForJob(this.#cached, indexes[at], this.#indexes.delayed),
          this.#cached,
        );
      } catch (createError) {
        if (!isNamespaceTerminating(createError)) throw createError;
      }
    });
    for (let skipped = count - successes; skipped > 0; skipped--)
      expectations.creationObserved(this.#key);
    this.#activeCount += successes;
    return error;
  }

  #noteSuspension(isSuspended: boolean): boolean {
    const { recorder } = this.#context;
    const present = this.#status.conditions?.find(({ type }) => type === 'Suspended');
    if (isSuspended === (present?.status === 'True') || (!isSuspended && !present)) return false;
    const condition = isSuspended
      ? this.#condition('Suspended', 'JobSuspended', 'Job suspended')
      : this.#condition('Suspended', 'JobResumed', 'Job resumed', 'False');
    this.#status.conditions = [
      ...(this.#status.conditions ?? []).filter(({ type }) => type !== 'Suspended'),
      condition,
    ];
    if (isSuspended) {
      delete this.#status.startTime;
      recorder.event(this.#cached, 'Normal', 'Suspended', 'Job suspended');
    } else {
      this.#status.startTime = formatTime(this.#nowMs);
      recorder.event(this.#cached, 'Normal', 'Resumed', 'Job resumed');
    }
    return true;
  }

  /**
   * Counts finished pods in three steps, so that none is lost or counted twice whatever fails in between:
   * its uid goes into the status, its finalizer comes off, the uid becomes a number.
   */
  async #track(
    flush: boolean,
    backoff: { failures: number; lastFailureMs: number },
  ): Promise<void> {
    const status = this.#status;
    const uncounted = (status.uncountedTerminatedPods ??= {});
    const { spec } = this.#job;
    const tracked = new Set(
      this.#pods.filter((pod) => this.#isTracked(pod)).map((pod) => pod.metadata.uid ?? ''),
    );
    let needsFlush = this.#countReleased(tracked) || flush;
    const toRelease: PodView[] = [];
    const newIndexes = new Set(this.#indexes.previous);
    let isFull = false;
    for (const pod of this.#pods) {
      if (!this.#isTracked(pod)) continue;
      const uid = pod.metadata.uid ?? '';
      const hasFailed = isPodFailed(pod, this.#job);
      if (!this.#mayRelease(pod, hasFailed)) continue;
      toRelease.push(pod);
      const index = indexOf(pod);
      const isValidIndex = index !== undefined && index < (spec?.completions ?? 0);
      if (pod.status?.phase === 'Succeeded' && !uncounted.failed?.includes(uid)) {
        if (isIndexed(this.#job)) {
          if (isValidIndex && !newIndexes.has(index)) {
            newIndexes.add(index);
            needsFlush = true;
          }
        } else if (!uncounted.succeeded?.includes(uid)) {
          uncounted.succeeded = [...(uncounted.succeeded ?? []), uid];
          needsFlush = true;
        }
      } else if (hasFailed || (this.#finish && this.#finish.type !== 'SuccessCriteriaMet')) {
        if (
          !uncounted.failed?.includes(uid) &&
          (!isIndexed(this.#job) || isValidIndex) &&
          matchFailurePolicy(spec?.podFailurePolicy, pod).counts
        ) {
          uncounted.failed = [...(uncounted.failed ?? []), uid];
          needsFlush = true;
        }
      }
      if ((uncounted.succeeded ?? []).length + (uncounted.failed ?? []).length >= maxUncounted) {
        isFull = true;
        break;
      }
    }
    if (isIndexed(this.#job)) {
      const completed = formatIndexes(newIndexes);
      if (completed !== (status.completedIndexes ?? '')) needsFlush = true;
      setCount(status, 'succeeded', newIndexes.size);
      if (completed === '') delete status.completedIndexes;
      else status.completedIndexes = completed;
      if (this.#indexes.failed) {
        const failed = formatIndexes(this.#indexes.failed);
        if (failed !== status.failedIndexes) needsFlush = true;
        status.failedIndexes = failed;
      }
    }
    if (this.#finish?.type === 'FailureTarget' || this.#finish?.type === 'SuccessCriteriaMet') {
      const { type, reason = '', message = '' } = this.#finish;
      if (!status.conditions?.some((condition) => condition.type === type)) {
        status.conditions = [...(status.conditions ?? []), this.#finish];
        needsFlush = true;
      }
      this.#finish = this.#condition(
        type === 'FailureTarget' ? 'Failed' : 'Complete',
        reason,
        message,
      );
    }
    if (needsFlush) {
      await this.#write();
      this.#memory.backoff.set(this.#key, backoff);
      needsFlush = false;
    }
    let failure: unknown;
    await Promise.all(
      toRelease.map(async (pod) => {
        try {
          await this.#release(pod);
          tracked.delete(pod.metadata.uid ?? '');
        } catch (error) {
          failure ??= error;
        }
      }),
    );
    needsFlush = this.#countReleased(tracked);
    if (failure !== undefined) {
      if (needsFlush) await this.#write();
      throw failure as Error;
    }
    const isDone = !isFull && this.#enactFinish();
    if (needsFlush || isDone) await this.#write();
    if (isDone) this.#recordFinish();
  }

  /** Turns uids whose pods have lost their finalizer into numbers. */
  #countReleased(tracked: ReadonlySet<string>): boolean {
    const status = this.#status;
    const uncounted = (status.uncountedTerminatedPods ??= {});
    let changed = false;
    for (const kind of ['succeeded', 'failed'] as const) {
      const list = uncounted[kind] ?? [];
      const left = list.filter((uid) => tracked.has(uid));
      if (left.length === list.length) continue;
      setCount(status, kind, (status[kind] ?? 0) + list.length - left.length);
      if (left.length > 0) uncounted[kind] = left;
      else delete uncounted[kind];
      changed = true;
    }
    return changed;
  }

  #mayRelease(pod: PodView, hasFailed: boolean): boolean {
    if (this.#job.metadata.deletionTimestamp || this.#finish || pod.status?.phase === 'Succeeded')
      return true;
    if (!hasFailed) return false;
    const index = indexOf(pod);
    return (
      index === undefined || this.#indexes.delayed.get(index)?.metadata.uid !== pod.metadata.uid
    );
  }

  #enactFinish(): boolean {
    const status = this.#status;
    const uncounted = status.uncountedTerminatedPods ?? {};
    if (!this.#finish) return false;
    if ((uncounted.succeeded ?? []).length + (uncounted.failed ?? []).length > 0) return false;
    if (this.#terminating > 0) return false;
    status.conditions = [
      ...(status.conditions ?? []).filter(({ type }) => type !== this.#finish?.type),
      this.#finish,
    ];
    if (this.#finish.type === 'Complete' && this.#finish.lastTransitionTime)
      status.completionTime = this.#finish.lastTransitionTime;
    return true;
  }

  #recordFinish(): void {
    const { recorder } = this.#context;
    this.#memory.finished.add(this.#job.metadata.uid ?? '');
    if (this.#finish?.type === 'Complete') {
      const { completions } = this.#job.spec ?? {};
      if (completions !== undefined && (this.#status.succeeded ?? 0) > completions)
        recorder.event(
          this.#cached,
          'Warning',
          'TooManySucceededPods',
          'Too many succeeded pods running after completion count reached',
        );
      recorder.event(this.#cached, 'Normal', 'Completed', 'Job completed');
    } else
      recorder.event(
        this.#cached,
        'Warning',
        this.#finish?.reason ?? '',
        this.#finish?.message ?? '',
      );
  }

  async #write(): Promise<void> {
    const draft = mutableCopy<Job>(this.#job);
    draft.status = mutableCopy<JobStatus>(this.#status);
    if (jsonEqual(draft.status, this.#cached.status)) return;
    const updated = await this.#context.client.resource('jobs.batch').updateStatus(draft);
    const { resourceVersion } = updated.metadata;
    if (resourceVersion) this.#job.metadata.resourceVersion = resourceVersion;
  }
}

function keyOfPod({ metadata }: PodView): string {
  return `${metadata.namespace ?? ''}/${metadata.name ?? ''}`;
}

/** A count is left out when it is zero. */
function setCount(
  status: JobStatus,
  field: 'active' | 'succeeded' | 'failed',
  count: number,
): void {
  if (count === 0) delete status[field];
  else status[field] = count;
}
