import type { DeepReadonly } from '#core/base';

import { type KubeObject, matchesSelector } from '../../../machinery/index.ts';
import type { FieldError, KindStrategy } from '../../kind-strategy.ts';
import { FieldErrors, Printed } from '../../validation/field.ts';
import {
  immutable,
  immutableMessage,
  isReadableSelector,
  nonNegative,
  printSelector,
  validateLabelSelector,
} from '../../validation/meta.ts';
import { isDns1123Label, isDns1123Subdomain } from '../../validation/names.ts';
import { internalEqual, internalJson } from '../core/internal-print.ts';
import { setTemplateDefaults } from '../core/pod-defaults.ts';
import { validatePodTemplate } from '../core/pod-spec-validation.ts';
import { type PodTemplate, view } from '../core/pod-types.ts';
import { templateWarnings, workloadNameWarnings } from '../core/pod-warnings.ts';
import { bumpGeneration, isNewGeneration, keepSpec, keepStatus } from '../strategy.ts';
import { cronScheduleError } from './cron-schedule.ts';
import {
  printFailurePolicy,
  printSuccessPolicy,
  setFailurePolicyDefaults,
  validateFailurePolicy,
  validateSuccessPolicy,
} from './job-policies.ts';
import { validateJobStatusUpdate } from './job-status.ts';
import type { CronJob, Job, JobSpec } from './types.ts';

function setJobDefaults(spec: JobSpec): void {
  if (spec.completions === undefined && spec.parallelism === undefined) spec.completions = 1;
  spec.parallelism ??= 1;
  spec.backoffLimit ??= spec.backoffLimitPerIndex === undefined ? 6 : 2_147_483_647;
  spec.completionMode ??= 'NonIndexed';
  spec.suspend ??= false;
  spec.podReplacementPolicy ??= spec.podFailurePolicy ? 'Failed' : 'TerminatingOrFailed';
  spec.manualSelector ??= false;
}

/** Limits that keep the list of failed indexes short. */
function validateManyIndexes(errors: FieldErrors, path: string, spec: JobSpec): void {
  const { completions = 0, parallelism = 0, maxFailedIndexes, backoffLimitPerIndex } = spec;
  const most = `${path}.maxFailedIndexes`;
  if ((maxFailedIndexes ?? 0) > 100_000) {
    errors.invalid(most, maxFailedIndexes, 'must be less than or equal to 100000');
  }
  if (completions <= 100_000 || backoffLimitPerIndex === undefined) return;
  if (maxFailedIndexes === undefined) {
    errors.required(most, 'must be specified when completions is above 100000');
  }
  const limit =
    'must be less than or equal to 10000 when completions are above 100000 and used with backoff limit per index';
  if (parallelism > 10_000) errors.invalid(`${path}.parallelism`, parallelism, limit);
  if ((maxFailedIndexes ?? 0) > 10_000) errors.invalid(most, maxFailedIndexes, limit);
}

function validateJobSpec(errors: FieldErrors, path: string, spec: JobSpec): void {
  for (const field of [
    'parallelism',
    'completions',
    'activeDeadlineSeconds',
    'backoffLimit',
    'ttlSecondsAfterFinished',
    'backoffLimitPerIndex',
    'maxFailedIndexes',
  ] as const) {
    nonNegative(errors, `${path}.${field}`, spec[field]);
  }
  const { completionMode, completions, maxFailedIndexes, backoffLimitPerIndex } = spec;
  if (maxFailedIndexes !== undefined && backoffLimitPerIndex === undefined) {
    errors.required(`${path}.backoffLimitPerIndex`, 'when maxFailedIndexes is specified');
  }
  if (spec.managedBy !== undefined) {
    const [host = '', ...rest] = spec.managedBy.split('/');
    if (spec.managedBy === '') errors.required(`${path}.managedBy`);
    else if (host === '' || rest.join('/') === '') {
      errors.invalid(
        `${path}.managedBy`,
        spec.managedBy,
        'must be a domain-prefixed path (such as "acme.io/foo")',
      );
    } else errors.invalidEach(`${path}.managedBy`, host, isDns1123Subdomain(host));
    if (spec.managedBy.length > 63) errors.tooLong(`${path}.managedBy`, 63);
  }
  const indexed = completionMode === 'Indexed';
  if (completionMode !== undefined && completionMode !== 'NonIndexed' && !indexed) {
    errors.notSupported(`${path}.completionMode`, completionMode, ['NonIndexed', 'Indexed']);
  }
  if (indexed) {
    if (completions === undefined) {
      errors.required(`${path}.completions`, 'when completion mode is Indexed');
    }
    if ((spec.parallelism ?? 0) > 100_000) {
      errors.invalid(
        `${path}.parallelism`,
        spec.parallelism,
        'must be less than or equal to 100000 when completion mode is Indexed',
      );
    }
    if (completions !== undefined && (maxFailedIndexes ?? 0) > completions) {
      errors.invalid(
        `${path}.maxFailedIndexes`,
        maxFailedIndexes,
        'must be less than or equal to completions',
      );
    }
    validateManyIndexes(errors, path, spec);
  } else {
    for (const field of ['backoffLimitPerIndex', 'maxFailedIndexes'] as const) {
      if (spec[field] !== undefined) {
        errors.invalid(`${path}.${field}`, spec[field], 'requires indexed completion mode');
      }
    }
  }
  validateFailurePolicy(errors, `${path}.podFailurePolicy`, spec);
  validateSuccessPolicy(errors, `${path}.successPolicy`, spec);
  const replacement = spec.podReplacementPolicy;
  const replacements = spec.podFailurePolicy ? ['Failed'] : ['Failed', 'TerminatingOrFailed'];
  if (replacement !== undefined && !replacements.includes(replacement)) {
    errors.notSupported(`${path}.podReplacementPolicy`, replacement, replacements);
  }
  validatePodTemplate(errors, `${path}.template`, spec.template ?? {});
  const restart = spec.template?.spec?.restartPolicy ?? '';
  const at = `${path}.template.spec.restartPolicy`;
  if (restart === 'Always' || restart === '') {
    errors.required(at, 'valid values: "OnFailure", "Never"');
  } else if (restart !== 'OnFailure' && restart !== 'Never') {
    errors.notSupported(at, restart, ['OnFailure', 'Never']);
  } else if (spec.podFailurePolicy && restart !== 'Never') {
    errors.invalid(at, restart, 'only "Never" is supported when podFailurePolicy is specified');
  }
}

const ownLabels = (job: Job): readonly (readonly [string, string])[] => [
  ['controller-uid', job.metadata.uid ?? ''],
  ['job-name', job.metadata.name ?? ''],
  ['batch.kubernetes.io/controller-uid', job.metadata.uid ?? ''],
  ['batch.kubernetes.io/job-name', job.metadata.name ?? ''],
];

function validateGeneratedSelector(errors: FieldErrors, job: Job, prefixed: boolean): void {
  const spec = job.spec ?? {};
  if (spec.manualSelector || !spec.selector) return;
  const labels = spec.template?.metadata?.labels ?? {};
  const expectedLabels = ownLabels(job).filter(([key]) => prefixed || !key.includes('/'));
  for (const [key, expected] of expectedLabels) {
    const actual = labels[key];
    if (actual === undefined) {
      errors.required(`spec.template.metadata.labels[${key}]`, `must be '${expected}'`);
    } else if (actual !== expected) {
      errors.invalid(`spec.template.metadata.labels[${key}]`, labels, `must be '${expected}'`);
    }
  }
  const own = Object.fromEntries(expectedLabels);
  if (isReadableSelector(spec.selector) && !matchesSelector(spec.selector, own)) {
    errors.invalid('spec.selector', printSelector(spec.selector), '`selector` not auto-generated');
  }
}

function validateWholeSpec(errors: FieldErrors, spec: JobSpec): void {
  validateJobSpec(errors, 'spec', spec);
  if (!spec.selector) errors.required('spec.selector');
  else {
    validateLabelSelector(errors, 'spec.selector', spec.selector);
    const labels = spec.template?.metadata?.labels;
    if (isReadableSelector(spec.selector) && !matchesSelector(spec.selector, labels)) {
      errors.invalid(
        'spec.template.metadata.labels',
        labels ?? null,
        '`selector` does not match template `labels`',
      );
    }
  }
}

type Container = NonNullable<NonNullable<PodTemplate['spec']>['containers']>[number];

/** The old template with what may change in the new one, where the new one has it. */
function adoptMutable(old: PodTemplate, template: PodTemplate): PodTemplate {
  const { spec = {} } = template;
  const before = old.spec ?? {};
  const sized = (
    list: Container[] | undefined,
    now: Container[] | undefined,
  ): Container[] | undefined =>
    list?.length !== now?.length
      ? list
      : list?.map((container, index) => {
          const { name, resources } = now?.[index] ?? {};
          return container.name === name ? { ...container, resources: resources ?? {} } : container;
        });
  const affinity =
    !spec.affinity && !before.affinity
      ? undefined
      : { ...before.affinity, nodeAffinity: spec.affinity?.nodeAffinity };
  return {
    metadata: {
      ...old.metadata,
      labels: template.metadata?.labels ?? {},
      annotations: template.metadata?.annotations ?? {},
    },
    spec: {
      ...before,
      ...pick(spec, ['nodeSelector', 'tolerations', 'schedulingGates']),
      affinity,
      containers: sized(before.containers, spec.containers),
      initContainers: sized(before.initContainers, spec.initContainers),
    } as NonNullable<PodTemplate['spec']>,
  };
}

const pick = (value: object, fields: readonly string[]): Record<string, unknown> =>
  Object.fromEntries(fields.map((field) => [field, (value as Record<string, unknown>)[field]]));

/** While a Job is suspended and has not started, where its pods go and what they ask for may still change. */
function validateTemplateUpdate(errors: FieldErrors, job: Job, oldJob: Job): void {
  const template = job.spec?.template ?? {};
  const old = oldJob.spec?.template ?? {};
  const { status } = oldJob;
  const stopped =
    !status?.startTime ||
    (status.conditions ?? []).some(
      ({ type, status: value }) => type === 'Suspended' && value === 'True',
    );
  const mutable = oldJob.spec?.suspend === true && !status?.active && stopped;
  if (!mutable) {
    if (!internalEqual('PodTemplateSpec', template, old)) {
      const printed = new Printed(internalJson('PodTemplateSpec', template));
      errors.invalid('spec.template', printed, immutableMessage);
    }
  } else if (!internalEqual('PodSpec', template.spec, adoptMutable(old, template).spec)) {
    const printed = new Printed(internalJson('PodSpec', template.spec));
    errors.invalid('spec.template.spec', printed, immutableMessage);
  }
}

/** @see ValidateJob */
function validateJob(errors: FieldErrors, job: Job, old?: Job): void {
  const { completionMode, completions = 0 } = job.spec ?? {};
  // Jobs from before the labels had a prefix need not have them.
  const before = old?.spec?.template?.metadata?.labels ?? {};
  const prefixed = ['job-name', 'controller-uid'].every(
    (name) => `batch.kubernetes.io/${name}` in before,
  );
  validateGeneratedSelector(errors, job, !old || prefixed);
  validateWholeSpec(errors, job.spec ?? {});
  if (completionMode !== 'Indexed' || completions <= 0) return;
  const hostname = `${job.metadata.name ?? ''}-${completions - 1}`;
  if (isDns1123Label(hostname).length > 0) {
    errors.invalid(
      'metadata.name',
      job.metadata.name ?? '',
      `will not able to create pod with invalid DNS label: ${hostname}`,
    );
  }
}

function validateJobUpdate(errors: FieldErrors, job: Job, oldJob: Job): void {
  const spec = job.spec ?? {};
  const old = oldJob.spec ?? {};
  validateWholeSpec(errors, spec);
  const completions = spec.completions;
  if (spec.completionMode !== 'Indexed') {
    immutable(errors, 'spec.completions', completions, old.completions);
  } else if (
    completions !== undefined &&
    completions !== old.completions &&
    completions !== spec.parallelism
  ) {
    errors.invalid(
      'spec.completions',
      completions,
      'can only be modified in tandem with spec.parallelism',
    );
  }
  immutable(errors, 'spec.selector', spec.selector, old.selector, printSelector(spec.selector));
  validateTemplateUpdate(errors, job, oldJob);
  immutable(errors, 'spec.completionMode', spec.completionMode, old.completionMode);
  immutable(
    errors,
    'spec.podFailurePolicy',
    spec.podFailurePolicy,
    old.podFailurePolicy,
    printFailurePolicy(spec.podFailurePolicy),
  );
  immutable(
    errors,
    'spec.backoffLimitPerIndex',
    spec.backoffLimitPerIndex,
    old.backoffLimitPerIndex,
  );
  immutable(errors, 'spec.managedBy', spec.managedBy, old.managedBy);
  immutable(
    errors,
    'spec.successPolicy',
    spec.successPolicy,
    old.successPolicy,
    printSuccessPolicy(spec.successPolicy),
  );
}

const run = (check: (errors: FieldErrors) => void): FieldError[] => {
  const errors = new FieldErrors();
  check(errors);
  return errors.list;
};

export const jobStrategy: KindStrategy = {
  group: 'batch',
  kind: 'Job',
  hasGeneration: true,
  unconditionalUpdate: true,
  defaultPropagation: 'Orphan',
  defaults(draft) {
    const job = view<Job>(draft);
    const spec = (job.spec ??= {});
    setTemplateDefaults((spec.template ??= {}));
    const labels = spec.template.metadata?.labels;
    if (labels && Object.keys(job.metadata.labels ?? {}).length === 0) {
      // One map, as upstream has it: what the template gets later, the Job has as well.
      job.metadata.labels = labels;
    }
    setJobDefaults(spec);
    setFailurePolicyDefaults(spec);
    job.status ??= {};
  },
  prepareForCreate(draft) {
    const job = view<Job>(draft);
    const spec = (job.spec ??= {});
    if (!spec.manualSelector) {
      const metadata = ((spec.template ??= {}).metadata ??= {});
      const labels = (metadata.labels ??= {});
      const own = job.metadata.labels;
      const shared = labels === own || Object.keys(own ?? {}).length === 0;
      for (const [key, value] of ownLabels(job)) labels[key] ??= value;
      // Labels that the Job has from its template it shares with it.
      if (shared) job.metadata.labels = { ...labels };
      const selector = (spec.selector ??= {});
      (selector.matchLabels ??= {})['batch.kubernetes.io/controller-uid'] ??=
        job.metadata.uid ?? '';
    }
    job.status = {};
    draft.metadata.generation = 1;
  },
  prepareForUpdate(draft, old) {
    keepStatus(draft, old);
    bumpGeneration(draft, old);
  },
  prepareForStatusUpdate: keepSpec,
  validate: (object) =>
    run((errors) => {
      validateJob(errors, view<Job>(object));
    }),
  validateUpdate: (object, old) =>
    run((errors) => {
      validateJob(errors, view<Job>(object), view<Job>(old));
      validateJobUpdate(errors, view<Job>(object), view<Job>(old));
    }),
  validateStatusUpdate: (object, old) =>
    run((errors) => {
      validateJobStatusUpdate(errors, view<Job>(object), view<Job>(old));
    }),
  warnings(object, old) {
    const { metadata, spec } = view<Job>(object);
    const named = old ? [] : workloadNameWarnings(metadata.name);
    return isNewGeneration(object, old) ? [...named, ...jobSpecWarnings('spec', spec)] : named;
  },
  selectableFields: (object) => ({
    'status.successful': String(view<Job>(object).status?.succeeded ?? 0),
  }),
};

/** @see pkg/api/job/warnings.go */
function jobSpecWarnings(path: string, spec: JobSpec = {}): string[] {
  const isBig =
    spec.completionMode === 'Indexed' &&
    (spec.completions ?? 0) > 100_000 &&
    (spec.parallelism ?? 0) > 10_000;
  return [
    ...(isBig
      ? [
          `${path}: In Indexed Jobs with a number of completions higher than 10^5 and a parallelism higher than 10^4, Kubernetes might not be able to track completedIndexes when a big number of indexes fail`,
        ]
      : []),
    ...templateWarnings(`${path}.template`, spec.template),
  ];
}

function validateTimeZone(errors: FieldErrors, zone: string | undefined): void {
  if (zone === undefined) return;
  const path = 'spec.timeZone';
  if (zone === '') {
    errors.invalid(path, zone, 'timeZone must be nil or non-empty string');
    return;
  }
  if (zone.split('/').some((part) => !/^(?!\.\.?$)(?!-)[A-Za-z.\-_0-9+]{1,14}$/.test(part))) {
    errors.invalid(path, zone, `unknown time zone ${zone}`);
    return;
  }
  if (zone.toLowerCase() === 'local') {
    errors.invalid(
      path,
      zone,
      'timeZone must be an explicit time zone as defined in https://www.iana.org/time-zones',
    );
  }
  if (zone !== 'Local' && !isKnownZone(zone))
    errors.invalid(path, zone, `unknown time zone ${zone}`);
}

function isKnownZone(zone: string): boolean {
  try {
    new Intl.DateTimeFormat('en', { timeZone: zone });
    return true;
  } catch {
    return false;
  }
}

function validateCronJob(
  errors: FieldErrors,
  { spec = {} }: CronJob,
  old: DeepReadonly<KubeObject> | undefined,
): void {
  const before = old && view<CronJob>(old).spec;
  const schedule = spec.schedule ?? '';
  if (schedule === '') errors.required('spec.schedule');
  else {
    const problem = cronScheduleError(schedule);
    if (problem) errors.invalid('spec.schedule', schedule, problem);
    const keepsZone = before?.schedule?.includes('TZ') ?? false;
    if (schedule.includes('TZ')) {
      if (!keepsZone) {
        errors.invalid(
          'spec.schedule',
          schedule,
          'cannot use TZ or CRON_TZ in schedule, use timeZone field instead',
        );
      } else if (spec.timeZone !== undefined) {
        errors.invalid(
          'spec.schedule',
          schedule,
          'cannot use both timeZone field and TZ or CRON_TZ in schedule',
        );
      }
    }
  }
  nonNegative(errors, 'spec.startingDeadlineSeconds', spec.startingDeadlineSeconds);
  if (!before || before.timeZone !== spec.timeZone) validateTimeZone(errors, spec.timeZone);
  const policy = spec.concurrencyPolicy ?? '';
  const policies = ['Allow', 'Forbid', 'Replace'];
  if (policy === '') errors.required('spec.concurrencyPolicy');
  else if (!policies.includes(policy)) {
    errors.notSupported('spec.concurrencyPolicy', policy, policies);
  }
  const job = spec.jobTemplate?.spec ?? {};
  validateJobSpec(errors, 'spec.jobTemplate.spec', job);
  if (job.selector) {
    errors.invalid(
      'spec.jobTemplate.spec.selector',
      printSelector(job.selector),
      '`selector` will be auto-generated',
    );
  }
  if (job.manualSelector) {
    errors.notSupported('spec.jobTemplate.spec.manualSelector', true, ['nil', 'false']);
  }
  nonNegative(errors, 'spec.successfulJobsHistoryLimit', spec.successfulJobsHistoryLimit);
  nonNegative(errors, 'spec.failedJobsHistoryLimit', spec.failedJobsHistoryLimit);
}

export const cronJobStrategy: KindStrategy = {
  group: 'batch',
  kind: 'CronJob',
  hasGeneration: true,
  unconditionalUpdate: true,
  defaultPropagation: 'Background',
  defaults(draft) {
    const cronJob = view<CronJob>(draft);
    const spec = (cronJob.spec ??= {});
    spec.concurrencyPolicy ||= 'Allow';
    spec.suspend ??= false;
    spec.successfulJobsHistoryLimit ??= 3;
    spec.failedJobsHistoryLimit ??= 1;
    const job = (spec.jobTemplate ??= {});
    job.metadata ??= {};
    job.spec ??= {};
    setTemplateDefaults((job.spec.template ??= {}));
    setFailurePolicyDefaults(job.spec);
    cronJob.status ??= {};
  },
  prepareForCreate(draft) {
    draft['status'] = {};
    draft.metadata.generation = 1;
  },
  prepareForUpdate(draft, old) {
    keepStatus(draft, old);
    bumpGeneration(draft, old);
  },
  prepareForStatusUpdate: keepSpec,
  validate: (object) =>
    run((errors) => {
      const name = object.metadata.name ?? '';
      validateCronJob(errors, view<CronJob>(object), undefined);
      if (name.length > 52) {
        errors.invalid('metadata.name', name, 'must be no more than 52 characters');
      }
    }),
  validateUpdate: (object, old) =>
    run((errors) => {
      validateCronJob(errors, view<CronJob>(object), old);
    }),
  warnings(object, old) {
    const { metadata, spec } = view<CronJob>(object);
    const named = old ? [] : workloadNameWarnings(metadata.name);
    const ofJob = isNewGeneration(object, old)
      ? jobSpecWarnings('spec.jobTemplate.spec', spec?.jobTemplate?.spec)
      : [];
    const zoned = old && (spec?.schedule ?? '').includes('TZ');
    return [
      ...named,
      ...ofJob,
      ...(zoned
        ? [
            'cannot use TZ or CRON_TZ in spec.spec.schedule, use timeZone instead, see https://kubernetes.io/docs/concepts/workloads/controllers/cron-jobs/ for more details',
          ]
        : []),
    ];
  },
};
