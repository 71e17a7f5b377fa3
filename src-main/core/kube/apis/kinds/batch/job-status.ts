import { type FieldErrors, Printed } from '../../validation/field.ts';
import { immutableMessage, nonNegative, semanticEqual } from '../../validation/meta.ts';
import { firstOverlap, totalIndexes } from './job-indexes.ts';
import type { Job, JobStatus } from './types.ts';

const isTrue = ({ status }: Job, condition: string): boolean =>
  (status?.conditions ?? []).some(
    ({ type, status: value }) => type === condition && value === 'True',
  );

const isFinished = (job: Job): boolean => isTrue(job, 'Complete') || isTrue(job, 'Failed');

/** Quantities that upstream checks only where the write changes them, so that old faults do not stop other writes. */
function changesOf(job: Job, old: Job) {
  const [now, then] = [job.status ?? {}, old.status ?? {}];
  const field = (name: keyof JobStatus): boolean => !semanticEqual(now[name], then[name]);
  const condition = (name: string): boolean => isTrue(job, name) !== isTrue(old, name);
  return { field, condition, finished: isFinished(job) !== isFinished(old) };
}

/** @see validateJobStatus, ValidateJobStatusUpdate and getStatusValidationOptions of the Job's strategy */
export function validateJobStatusUpdate(errors: FieldErrors, job: Job, old: Job): void {
  const status = job.status ?? {};
  const before = old.status ?? {};
  const spec = job.spec ?? {};
  const { field, condition, finished: finishedChanged } = changesOf(job, old);
  const complete = isTrue(job, 'Complete');
  const failed = isTrue(job, 'Failed');
  const failing = isTrue(job, 'FailureTarget');
  const succeeding = isTrue(job, 'SuccessCriteriaMet');
  const finished = complete || failed;
  const conditions = (text: string): void => {
    errors.list.push({
      reason: 'FieldValueInvalid',
      message: `Invalid value: ${text}`,
      field: 'status.conditions',
    });
  };
  for (const name of ['active', 'succeeded', 'failed', 'ready', 'terminating'] as const) {
    nonNegative(errors, `status.${name}`, status[name] ?? undefined);
  }
  validateUncounted(errors, status);
  const completed = condition('Complete');
  if ((completed || condition('Failed')) && complete && failed) {
    conditions('cannot set Complete=True and Failed=true conditions');
  }
  if ((completed || condition('FailureTarget')) && complete && failing) {
    conditions('cannot set Complete=True and FailureTarget=true conditions');
  }
  const { completionTime, startTime } = status;
  const timeChanged = field('completionTime');
  if (completed || timeChanged) {
    if (completionTime !== undefined && !complete) {
      errors.invalid(
        'status.completionTime',
        completionTime,
        'cannot set completionTime when there is no Complete=True condition',
      );
    }
    if (completionTime === undefined && complete) {
      errors.required('status.completionTime', 'completionTime is required for Complete jobs');
    }
  }
  if (
    (field('startTime') || timeChanged) &&
    startTime !== undefined &&
    completionTime !== undefined &&
    Date.parse(completionTime) < Date.parse(startTime)
  ) {
    errors.invalid(
      'status.completionTime',
      completionTime,
      'must be equal to or after `startTime`',
    );
  }
  if ((condition('Failed') || field('failedIndexes')) && failed && !failing) {
    conditions('cannot set Failed=True condition without the FailureTarget=true condition');
  }
  if ((completed || condition('SuccessCriteriaMet')) && complete && !succeeding) {
    conditions('cannot set Complete=True condition without the SuccessCriteriaMet=true condition');
  }
  if ((finishedChanged || field('active')) && finished && (status.active ?? 0) > 0) {
    errors.invalid('status.active', status.active, 'active>0 is invalid for finished job');
  }
  const suspendedEmpty = spec.suspend === true && spec.completions === 0;
  if ((finishedChanged || field('startTime')) && !suspendedEmpty && finished && !startTime) {
    errors.required('status.startTime', 'startTime is required for finished job');
  }
  const { uncountedTerminatedPods: uncounted } = status;
  if (
    (finishedChanged || field('uncountedTerminatedPods')) &&
    finished &&
    (uncounted?.failed?.length ?? 0) + (uncounted?.succeeded?.length ?? 0) > 0
  ) {
    errors.invalid(
      'status.uncountedTerminatedPods',
      new Printed(
        JSON.stringify({
          Succeeded: uncounted?.succeeded ?? null,
          Failed: uncounted?.failed ?? null,
        }),
      ),
      'must be empty for finished job',
    );
  }
  validateIndexes(errors, job, field);
  if (
    (finishedChanged || field('terminating')) &&
    finished &&
    status.terminating !== undefined &&
    status.terminating > 0
  ) {
    errors.invalid(
      'status.terminating',
      status.terminating,
      'terminating>0 is invalid for finished job',
    );
  }
  const { ready } = status;
  if (
    (field('ready') || field('active')) &&
    typeof ready === 'number' &&
    ready > (status.active ?? 0)
  ) {
    errors.invalid('status.ready', ready, 'cannot set more ready pods than active');
  }
  if (succeeding && failed) {
    conditions('cannot set SuccessCriteriaMet=True and Failed=true conditions');
  }
  if (succeeding && failing) {
    conditions('cannot set SuccessCriteriaMet=True and FailureTarget=true conditions');
  }
  if (spec.successPolicy && !succeeding && complete) {
    conditions(
      'cannot set Complete=True for Job with SuccessPolicy unless SuccessCriteriaMet=True',
    );
  }
  for (const type of ['Failed', 'Complete', 'FailureTarget']) {
    if (isTrue(old, type) && !isTrue(job, type)) {
      conditions(`cannot disable the terminal ${type}=True condition`);
    }
  }
  const scaled = spec.completionMode === 'Indexed' && spec.completions === spec.parallelism;
  for (const name of scaled ? (['failed'] as const) : (['failed', 'succeeded'] as const)) {
    if ((status[name] ?? 0) < (before[name] ?? 0)) {
      errors.invalid(`status.${name}`, status[name] ?? 0, `cannot decrease the ${name} counter`);
    }
  }
  if (
    completionTime !== undefined &&
    before.completionTime !== undefined &&
    completionTime !== before.completionTime
  ) {
    errors.invalid('status.completionTime', completionTime, immutableMessage);
  }
  const resuming =
    isTrue(old, 'Suspended') &&
    (status.conditions ?? []).some(
      ({ type, status: value }) => type === 'Suspended' && value === 'False',
    );
  if (
    !resuming &&
    before.startTime !== undefined &&
    before.startTime !== startTime &&
    spec.suspend !== true
  ) {
    errors.invalid(
      'status.startTime',
      startTime,
      'field is immutable for unsuspended job once set',
    );
  }
  if (isTrue(old, 'SuccessCriteriaMet') && !succeeding) {
    conditions('cannot disable the SuccessCriteriaMet=True condition');
  }
  if (isTrue(old, 'Complete') && !isTrue(old, 'SuccessCriteriaMet') && succeeding) {
    conditions('cannot set SuccessCriteriaMet=True for Job already has Complete=true conditions');
  }
}

function validateUncounted(errors: FieldErrors, { uncountedTerminatedPods }: JobStatus): void {
  const seen = new Set<string>();
  for (const list of ['succeeded', 'failed'] as const) {
    uncountedTerminatedPods?.[list]?.forEach((uid, index) => {
      const path = `status.uncountedTerminatedPods.${list}[${index}]`;
      if (uid === '') errors.invalid(path, uid, 'must not be empty');
      else if (seen.has(uid)) errors.duplicate(path, uid);
      else seen.add(uid);
    });
  }
}

function validateIndexes(
  errors: FieldErrors,
  { spec = {}, status = {} }: Job,
  changed: (field: keyof JobStatus) => boolean,
): void {
  const { completedIndexes = '', failedIndexes } = status;
  const { completions, backoffLimitPerIndex } = spec;
  const check = (name: string, text: string): void => {
    const read = totalIndexes(text, completions ?? 0);
    if (typeof read === 'string')
      errors.invalid(`status.${name}`, text, `error parsing ${name}: ${read}`);
  };
  const completedChanged = changed('completedIndexes');
  const failedChanged = changed('failedIndexes');
  if (completedChanged && completions !== undefined) check('completedIndexes', completedIndexes);
  if (
    failedChanged &&
    completions !== undefined &&
    backoffLimitPerIndex !== undefined &&
    failedIndexes !== undefined
  ) {
    check('failedIndexes', failedIndexes);
  }
  if (completedChanged && completedIndexes !== '' && spec.completionMode !== 'Indexed') {
    errors.invalid(
      'status.completedIndexes',
      completedIndexes,
      'cannot set non-empty completedIndexes when non-indexed completion mode',
    );
  }
  if (failedChanged && backoffLimitPerIndex === undefined && failedIndexes !== undefined) {
    errors.invalid(
      'status.failedIndexes',
      failedIndexes,
      'cannot set non-null failedIndexes when backoffLimitPerIndex is null',
    );
  }
  if ((failedChanged || completedChanged) && completions !== undefined && failedIndexes) {
    const overlap = firstOverlap(completedIndexes, failedIndexes, completions);
    if (overlap !== undefined) {
      errors.invalid(
        'status.failedIndexes',
        failedIndexes,
        `failedIndexes and completedIndexes overlap at index: ${overlap}`,
      );
    }
  }
}
