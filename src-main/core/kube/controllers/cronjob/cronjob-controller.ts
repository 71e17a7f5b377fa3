import { jsonEqual } from '#core/base';
import type { CronJob, Job, ObjectReference } from '../../apis/index.ts';
import { controllerOf, controllerReference, type Result, WorkQueue } from '../../client/index.ts';
import { formatTime, isReason, type ObjectKey } from '../../machinery/index.ts';
import { type Controller, type ControllerContext, mutableCopy, textOf } from '../shared/context.ts';
import { enqueueSelf, ownerKey, queueController } from '../shared/informer-queue.ts';
import { timeMs } from '../shared/pods.ts';
import { isFinished, type JobView } from '../job/policies.ts';
import { isTimeZone, missedSchedule, parseSchedule, type Schedule } from './schedule.ts';

const scheduledAtAnnotation = 'batch.kubernetes.io/cronjob-scheduled-timestamp';
/** A little after the minute, so that the clock has surely passed it. */
const scheduleDeltaMs = 100;

/**
 * Starts Jobs on time.
 *
 * @see k8s.io/kubernetes/pkg/controller/cronjob/cronjob_controllerv2.go
 */
export function createCronJobController(
  context: ControllerContext,
  options: { readonly workers?: number } = {},
): Controller {
  const { client, informers, recorder, clock } = context;
  const cronJobs = informers.for('cronjobs.batch');
  const jobs = informers.for('jobs.batch');
  const jobClient = client.resource('jobs.batch');
  const queue = new WorkQueue<ObjectKey>(clock);

  async function reconcile(key: ObjectKey): Promise<Result> {
    const cached = cronJobs.get(key);
    if (!cached) return {};
    const cronJob = mutableCopy<CronJob>(cached);
    cronJob.status ??= {};
    const owned = jobs
      .list(cached.metadata.namespace)
      .filter((job) => controllerOf(job)?.uid === cached.metadata.uid);
    const before = mutableCopy(cronJob.status);
    let result: Result = {};
    let failure: unknown;
    try {
      result = await sync(cronJob, owned);
    } catch (error) {
      failure = error;
    }
    await cleanUp(cronJob, owned);
    if (!jsonEqual(before, cronJob.status))
      await client.resource('cronjobs.batch').updateStatus(cronJob);
    if (failure !== undefined) throw failure as Error;
    return result;
  }

  async function sync(cronJob: CronJob, owned: readonly JobView[]): Promise<Result> {
    const { spec, metadata } = cronJob;
    const status = (cronJob.status ??= {});
    await reviewActive(cronJob, owned);
    if (metadata.deletionTimestamp || !spec) return {};
    if (spec.timeZone !== undefined && !isTimeZone(spec.timeZone)) {
      recorder.event(
        cronJob,
        'Warning',
        'UnknownTimeZone',
        `invalid timeZone: "${spec.timeZone}": unknown time zone ${spec.timeZone}`,
      );
      return {};
    }
    if (spec.suspend) return {};
    if (spec.schedule.includes('TZ'))
      recorder.event(
        cronJob,
        'Warning',
        'UnsupportedSchedule',
        `CRON_TZ or TZ used in schedule "${spec.schedule}" is not officially supported, see https://kubernetes.io/docs/concepts/workloads/controllers/cron-jobs/ for more details`,
      );
    let schedule: Schedule;
    try {
      schedule = parseSchedule(spec.schedule, spec.timeZone);
    } catch (error) {
      recorder.event(
        cronJob,
        'Warning',
        'UnparseableSchedule',
        `unparseable schedule: "${spec.schedule}" : ${textOf(error)}`,
      );
      return {};
    }
    const nowMs = clock.now();
    const later = (): Result => {
      const nextMs = schedule.next(nowMs);
      return nextMs === undefined
        ? {}
        : { requeueAfterMs: nextMs - nowMs + scheduleDeltaMs, background: true };
    };
    const deadlineSeconds = spec.startingDeadlineSeconds;
    const sinceMs = timeMs(status.lastScheduleTime) ?? timeMs(metadata.creationTimestamp) ?? nowMs;
    const earliestMs =
      deadlineSeconds === undefined ? sinceMs : Math.max(sinceMs, nowMs - deadlineSeconds * 1000);
    let missed: ReturnType<typeof missedSchedule>;
    try {
      missed = missedSchedule(schedule, earliestMs, nowMs);
    } catch (error) {
      recorder.event(
        cronJob,
        'Warning',
        'InvalidSchedule',
        `invalid schedule: ${spec.schedule} : ${textOf(error)}`,
      );
      return {};
    }
    const { lastMs, isMany } = missed;
    if (isMany)
      recorder.event(
        cronJob,
        'Warning',
        'TooManyMissedTimes',
        'too many missed start times. Set or decrease .spec.startingDeadlineSeconds or check clock skew',
      );
    if (lastMs === undefined) return later();
    if (deadlineSeconds !== undefined && lastMs + deadlineSeconds * 1000 < nowMs) {
      recorder.event(
        cronJob,
        'Warning',
        'MissSchedule',
        `Missed scheduled time to start a job: ${rfc1123(lastMs)}`,
      );
      return later();
    }
    const name = `${metadata.name ?? ''}-${Math.floor(lastMs / 60_000)}`;
    const active = status.active ?? [];
    if (active.some((job) => job.name === name) || timeMs(status.lastScheduleTime) === lastMs)
      return later();
    if (spec.concurrencyPolicy === 'Forbid' && active.length > 0) {
      recorder.event(
        cronJob,
        'Normal',
        'JobAlreadyActive',
        'Not starting job because prior execution is running and concurrency policy is Forbid',
      );
      return later();
    }
    if (spec.concurrencyPolicy === 'Replace')
      for (const job of active)
        if (!(await removeJob(cronJob, job.namespace, job.name ?? '', job.uid)))
          throw new Error(`could not replace job ${job.namespace ?? ''}/${job.name ?? ''}`);
    const job = await startJob(cronJob, name, lastMs);
    if (!job) return {};
    status.active = [...(status.active ?? []), jobReference(job)];
    status.lastScheduleTime = formatTime(lastMs);
    return later();
  }

  /** Drops finished and vanished Jobs from the list of active ones. */
  async function reviewActive(cronJob: CronJob, owned: readonly JobView[]): Promise<void> {
    const status = (cronJob.status ??= {});
    for (const job of owned) {
      const { uid, name = '' } = job.metadata;
      const isActive = (status.active ?? []).some((reference) => reference.uid === uid);
      if (!isFinished(job)) {
        if (!isActive) {
          const fresh = await client
            .resource('cronjobs.batch')
            .get(cronJob.metadata.namespace, cronJob.metadata.name ?? '');
          if (fresh.status?.active?.some((reference) => reference.uid === uid)) continue;
          recorder.event(
            cronJob,
            'Warning',
            'UnexpectedJob',
            `Saw a job that the controller did not create or forgot: ${name}`,
          );
        }
        continue;
      }
      if (isActive) {
        dropActive(cronJob, uid);
        const condition = job.status?.conditions?.find(
          ({ type, status: state }) =>
            (type === 'Complete' || type === 'Failed') && state === 'True',
        );
        recorder.event(
          cronJob,
          'Normal',
          'SawCompletedJob',
          `Saw completed job: ${name}, condition: ${condition?.type ?? ''}`,
        );
      }
      const endMs = isSuccessful(job) ? timeMs(job.status?.completionTime) : undefined;
      if (endMs !== undefined && endMs > (timeMs(status.lastSuccessfulTime) ?? 0))
        status.lastSuccessfulTime = formatTime(endMs);
    }
    for (const { uid, name = '', namespace } of [...(status.active ?? [])]) {
      if (owned.some((job) => job.metadata.uid === uid)) continue;
      try {
        await jobClient.get(namespace, name);
      } catch (error) {
        if (!isReason(error, 'NotFound')) throw error;
        recorder.event(cronJob, 'Normal', 'MissingJob', `Active job went missing: ${name}`);
        dropActive(cronJob, uid);
      }
    }
  }

  async function startJob(
    cronJob: CronJob,
    name: string,
    timeOfStartMs: number,
  ): Promise<JobView | undefined> {
    const { metadata, spec } = cronJob;
    const template = mutableCopy(spec?.jobTemplate.metadata ?? {});
    const scheduledAt = zonedTime(timeOfStartMs, spec?.timeZone);
    const draft: Job = {
      apiVersion: 'batch/v1',
      kind: 'Job',
      metadata: {
        name,
        ...(metadata.namespace ? { namespace: metadata.namespace } : {}),
        ...(template.labels ? { labels: { ...template.labels } } : {}),
        annotations: { ...template.annotations, [scheduledAtAnnotation]: scheduledAt },
        creationTimestamp: formatTime(timeOfStartMs),
        ownerReferences: [controllerReference(cronJob, 'batch/v1', 'CronJob')],
      },
      ...(spec?.jobTemplate.spec
        ? { spec: mutableCopy<NonNullable<Job['spec']>>(spec.jobTemplate.spec) }
        : {}),
    };
    try {
      const job = await jobClient.create(draft);
      recorder.event(
        cronJob,
        'Normal',
        'SuccessfulCreate',
        `Created job ${job.metadata.name ?? ''}`,
      );
      return job;
    } catch (error) {
      if (isReason(error, 'AlreadyExists')) {
        const job = await jobClient.get(metadata.namespace, name);
        const isOwn = controllerOf(job)?.uid === metadata.uid;
        const isKnown = (cronJob.status?.active ?? []).some(({ uid }) => uid === job.metadata.uid);
        return isOwn && !isKnown ? job : undefined;
      }
      recorder.event(cronJob, 'Warning', 'FailedCreate', `Error creating job: ${textOf(error)}`);
      throw error;
    }
  }

  async function cleanUp(cronJob: CronJob, owned: readonly JobView[]): Promise<void> {
    const { successfulJobsHistoryLimit, failedJobsHistoryLimit } = cronJob.spec ?? {};
    const finished = owned.filter(isFinished);
    const limits: readonly (readonly [readonly JobView[], number | undefined])[] = [
      [finished.filter(isSuccessful), successfulJobsHistoryLimit],
      [finished.filter((job) => !isSuccessful(job)), failedJobsHistoryLimit],
    ];
    for (const [list, limit] of limits) {
      if (limit === undefined) continue;
      const byStart = [...list].sort(
        (a, b) =>
          (timeMs(a.status?.startTime) ?? 0) - (timeMs(b.status?.startTime) ?? 0) ||
          ((a.metadata.name ?? '') < (b.metadata.name ?? '') ? -1 : 1),
      );
      for (const { metadata } of byStart.slice(0, Math.max(0, list.length - limit)))
        await removeJob(cronJob, metadata.namespace, metadata.name ?? '', metadata.uid);
    }
  }

  async function removeJob(
    cronJob: CronJob,
    namespace: string | undefined,
    name: string,
    uid: string | undefined,
  ): Promise<boolean> {
    try {
      await jobClient.delete(namespace, name, { propagationPolicy: 'Background' });
    } catch (error) {
      if (!isReason(error, 'NotFound')) {
        recorder.event(cronJob, 'Warning', 'FailedDelete', `Deleted job: ${textOf(error)}`);
        return false;
      }
    }
    dropActive(cronJob, uid);
    recorder.event(cronJob, 'Normal', 'SuccessfulDelete', `Deleted job ${name}`);
    return true;
  }

  return queueController(context, {
    name: 'cronjob-controller',
    queue,
    reconcile,
    ...(options.workers === undefined ? {} : { workers: options.workers }),
    handlers: (own) => {
      own(enqueueSelf(cronJobs, queue));
      const onJob = (job: JobView): void => {
        const key = ownerKey(job, 'CronJob');
        if (key && cronJobs.get(key)) queue.add(key);
      };
      own(jobs.addHandler({ onAdd: onJob, onUpdate: (_, job) => onJob(job), onDelete: onJob }));
    },
  });
}

function dropActive(cronJob: CronJob, uid: string | undefined): void {
  const status = (cronJob.status ??= {});
  const left = (status.active ?? []).filter((reference) => reference.uid !== uid);
  if (left.length > 0) status.active = left;
  else delete status.active;
}

function isSuccessful(job: JobView): boolean {
  return (job.status?.conditions ?? []).some(
    ({ type, status }) => type === 'Complete' && status === 'True',
  );
}

function jobReference({ metadata }: JobView): ObjectReference {
  return {
    kind: 'Job',
    ...(metadata.namespace ? { namespace: metadata.namespace } : {}),
    name: metadata.name ?? '',
    uid: metadata.uid ?? '',
    apiVersion: 'batch/v1',
    ...(metadata.resourceVersion ? { resourceVersion: metadata.resourceVersion } : {}),
  };
}

function rfc1123(ms: number): string {
  return new Date(ms).toUTCString().replace('GMT', '+0000');
}

/** RFC 3339 in the CronJob's own zone. */
function zonedTime(ms: number, zone: string | undefined): string {
  if (zone === undefined || zone === 'UTC' || zone === 'Etc/UTC') return formatTime(ms);
  const name = new Intl.DateTimeFormat('en-US', { timeZone: zone, timeZoneName: 'longOffset' })
    .formatToParts(ms)
    .find(({ type }) => type === 'timeZoneName')?.value;
  const match = /GMT([+-])(\d\d):(\d\d)/.exec(name ?? '');
  if (!match) return formatTime(ms);
  const [, sign, hours, minutes] = match;
  const offsetMs = (sign === '-' ? -1 : 1) * (Number(hours) * 60 + Number(minutes)) * 60_000;
  return `${formatTime(ms + offsetMs).slice(0, -1)}${sign}${hours}:${minutes}`;
}
