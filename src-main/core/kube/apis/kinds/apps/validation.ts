import { isEmptySelector, matchesSelector } from '../../../machinery/index.ts';
import type { FieldErrors } from '../../validation/field.ts';
import { Printed } from '../../validation/field.ts';
import {
  dnsLabel,
  immutableMessage,
  intOrPercentValue,
  isReadableSelector,
  nonNegative,
  notMoreThan100Percent,
  positiveIntOrPercent,
  printSelector,
  semanticEqual,
  validateLabelSelector,
  validateLabels,
  validateAnnotations,
} from '../../validation/meta.ts';
import { validateClaimTemplateSpec } from '../core/claim-spec.ts';
import { validatePodTemplate } from '../core/pod-spec-validation.ts';
import type { PodTemplate } from '../core/pod-types.ts';
import { type Counts, count, type UpdateStrategy, type WorkloadSpec } from './types.ts';

export function validateSelector(errors: FieldErrors, spec: WorkloadSpec, whenEmpty: string): void {
  if (!spec.selector) {
    errors.required('spec.selector');
    return;
  }
  validateLabelSelector(errors, 'spec.selector', spec.selector);
  if (isEmptySelector(spec.selector)) {
    errors.invalid('spec.selector', printSelector(spec.selector), whenEmpty);
  }
}

const labelsText = (template: PodTemplate): unknown => template.metadata?.labels ?? null;

/** A template that always restarts, whose labels the selector picks. */
export function validateTemplateOf(
  errors: FieldErrors,
  spec: WorkloadSpec,
  kind: 'ReplicaSet' | 'DaemonSet' | 'StatefulSet',
): void {
  const template = spec.template ?? {};
  const path = 'spec.template';
  if (!isReadableSelector(spec.selector)) {
    const selector = printSelector(spec.selector);
    errors.invalid(
      'spec.selector',
      selector,
      kind === 'ReplicaSet' ? 'invalid label selector' : '',
    );
    return;
  }
  // A selector that is missing picks nothing, so it does not match either.
  if (
    !spec.selector ||
    (!isEmptySelector(spec.selector) && !matchesSelector(spec.selector, template.metadata?.labels))
  ) {
    errors.invalid(
      `${path}.metadata.labels`,
      labelsText(template),
      '`selector` does not match template `labels`',
    );
  }
  validatePodTemplate(errors, path, template);
  if (kind === 'StatefulSet') {
    validateLabels(errors, `${path}.labels`, template.metadata?.labels);
    validateAnnotations(errors, `${path}.annotations`, template.metadata?.annotations);
  }
  if (template.spec?.restartPolicy !== 'Always') {
    errors.notSupported(`${path}.spec.restartPolicy`, template.spec?.restartPolicy ?? '', [
      'Always',
    ]);
  }
  if (template.spec?.activeDeadlineSeconds !== undefined) {
    errors.forbidden(
      `${path}.spec.activeDeadlineSeconds`,
      `activeDeadlineSeconds in ${kind} is not Supported`,
    );
  }
}

function printRolling({ type = '', rollingUpdate }: UpdateStrategy): Printed {
  return new Printed(
    JSON.stringify({
      Type: type,
      RollingUpdate: rollingUpdate
        ? {
            MaxUnavailable: rollingUpdate.maxUnavailable ?? 0,
            MaxSurge: rollingUpdate.maxSurge ?? 0,
          }
        : null,
    }),
  );
}

export function validateDeploymentSpec(errors: FieldErrors, spec: WorkloadSpec): void {
  nonNegative(errors, 'spec.replicas', spec.replicas);
  validateSelector(errors, spec, 'empty selector is invalid for deployment');
  validateTemplateOf(errors, spec, 'ReplicaSet');
  const strategy = spec.strategy ?? {};
  const rolling = strategy.rollingUpdate;
  const path = 'spec.strategy.rollingUpdate';
  if (strategy.type === 'Recreate') {
    if (rolling) {
      errors.forbidden(path, "may not be specified when strategy `type` is 'Recreate'");
    }
  } else if (strategy.type === 'RollingUpdate') {
    if (!rolling) errors.required(path, 'this should be defaulted and never be nil');
    else {
      const { maxUnavailable, maxSurge } = rolling;
      positiveIntOrPercent(errors, `${path}.maxUnavailable`, maxUnavailable);
      positiveIntOrPercent(errors, `${path}.maxSurge`, maxSurge);
      if (intOrPercentValue(maxUnavailable) === 0 && intOrPercentValue(maxSurge) === 0) {
        errors.invalid(
          `${path}.maxUnavailable`,
          maxUnavailable ?? 0,
          'may not be 0 when `maxSurge` is 0',
        );
      }
      notMoreThan100Percent(errors, `${path}.maxUnavailable`, maxUnavailable);
    }
  } else {
    errors.notSupported('spec.strategy', printRolling(strategy), ['Recreate', 'RollingUpdate']);
  }
  const { minReadySeconds = 0, progressDeadlineSeconds } = spec;
  nonNegative(errors, 'spec.minReadySeconds', minReadySeconds);
  nonNegative(errors, 'spec.revisionHistoryLimit', spec.revisionHistoryLimit);
  if (progressDeadlineSeconds !== undefined) {
    nonNegative(errors, 'spec.progressDeadlineSeconds', progressDeadlineSeconds);
    if (progressDeadlineSeconds <= minReadySeconds) {
      errors.invalid(
        'spec.progressDeadlineSeconds',
        progressDeadlineSeconds,
        'must be greater than minReadySeconds',
      );
    }
  }
}

export function validateReplicaSetSpec(errors: FieldErrors, spec: WorkloadSpec): void {
  nonNegative(errors, 'spec.replicas', spec.replicas);
  nonNegative(errors, 'spec.minReadySeconds', spec.minReadySeconds);
  validateSelector(errors, spec, 'empty selector is invalid for deployment');
  validateTemplateOf(errors, spec, 'ReplicaSet');
}

export function validateDaemonSetSpec(errors: FieldErrors, spec: WorkloadSpec): void {
  validateSelectorRules(errors, spec);
  const strategy = spec.updateStrategy ?? {};
  const path = 'spec.updateStrategy';
  nonNegative(errors, 'spec.minReadySeconds', spec.minReadySeconds);
  if (strategy.type === 'RollingUpdate') {
    const rolling = strategy.rollingUpdate;
    if (!rolling) errors.required(`${path}.rollingUpdate`);
    else {
      const { maxUnavailable = 0, maxSurge = 0 } = rolling;
      positiveIntOrPercent(errors, `${path}.rollingUpdate.maxUnavailable`, maxUnavailable);
      positiveIntOrPercent(errors, `${path}.rollingUpdate.maxSurge`, maxSurge);
      notMoreThan100Percent(errors, `${path}.rollingUpdate.maxUnavailable`, maxUnavailable);
      notMoreThan100Percent(errors, `${path}.rollingUpdate.maxSurge`, maxSurge);
      const unavailable = intOrPercentValue(maxUnavailable) !== 0;
      const surge = intOrPercentValue(maxSurge) !== 0;
      if (unavailable && surge) {
        errors.invalid(
          `${path}.rollingUpdate.maxSurge`,
          maxSurge,
          'may not be set when maxUnavailable is non-zero',
        );
      } else if (!unavailable && !surge) {
        errors.required(`${path}.rollingUpdate.maxUnavailable`, 'cannot be 0 when maxSurge is 0');
      }
    }
  } else if (strategy.type !== 'OnDelete') {
    errors.notSupported(path, printRolling(strategy), ['RollingUpdate', 'OnDelete']);
  }
  nonNegative(errors, 'spec.revisionHistoryLimit', spec.revisionHistoryLimit);
}

/** A DaemonSet looks at selector and template the other way round. */
function validateSelectorRules(errors: FieldErrors, spec: WorkloadSpec): void {
  validateLabelSelector(errors, 'spec.selector', spec.selector);
  const template = spec.template ?? {};
  const matches = !!spec.selector && matchesSelector(spec.selector, template.metadata?.labels);
  if (isReadableSelector(spec.selector) && !matches) {
    errors.invalid(
      'spec.template.metadata.labels',
      labelsText(template),
      '`selector` does not match template `labels`',
    );
  }
  if (spec.selector && isEmptySelector(spec.selector)) {
    errors.invalid(
      'spec.selector',
      printSelector(spec.selector),
      'empty selector is invalid for daemonset',
    );
  }
  validatePodTemplate(errors, 'spec.template', template);
  const restart = template.spec?.restartPolicy ?? '';
  if (restart !== 'Always') {
    errors.notSupported('spec.template.spec.restartPolicy', restart, ['Always']);
  }
  if (template.spec?.activeDeadlineSeconds !== undefined) {
    errors.forbidden(
      'spec.template.spec.activeDeadlineSeconds',
      'activeDeadlineSeconds in DaemonSet is not Supported',
    );
  }
}

/** `update` is true when the claim templates and the service name are bound to be the old ones. */
export function validateStatefulSetSpec(
  errors: FieldErrors,
  spec: WorkloadSpec,
  update: boolean,
): void {
  const policy = spec.podManagementPolicy ?? '';
  if (policy === '') errors.required('spec.podManagementPolicy');
  else if (policy !== 'OrderedReady' && policy !== 'Parallel') {
    errors.invalid('spec.podManagementPolicy', policy, "must be 'OrderedReady' or 'Parallel'");
  }
  const strategy = spec.updateStrategy ?? {};
  const rolling = strategy.rollingUpdate;
  const path = 'spec.updateStrategy';
  const printed = (): unknown =>
    rolling
      ? { Partition: rolling.partition ?? 0, MaxUnavailable: rolling.maxUnavailable ?? null }
      : null;
  if (!strategy.type) errors.required(path);
  else if (strategy.type === 'OnDelete') {
    if (rolling) {
      errors.invalid(
        `${path}.rollingUpdate`,
        new Printed(JSON.stringify(printed())),
        "only allowed for updateStrategy 'RollingUpdate'",
      );
    }
  } else if (strategy.type === 'RollingUpdate') {
    nonNegative(errors, `${path}.rollingUpdate.partition`, rolling?.partition);
  } else {
    errors.invalid(
      path,
      new Printed(JSON.stringify({ Type: strategy.type, RollingUpdate: printed() })),
      "must be 'RollingUpdate' or 'OnDelete'",
    );
  }
  for (const field of ['whenDeleted', 'whenScaled'] as const) {
    const value = spec.persistentVolumeClaimRetentionPolicy?.[field] ?? 'Retain';
    if (value !== 'Retain' && value !== 'Delete') {
      errors.notSupported(`spec.persistentVolumeClaimRetentionPolicy.${field}`, value, [
        'Retain',
        'Delete',
      ]);
    }
  }
  if (!update) {
    spec.volumeClaimTemplates?.forEach((claim, index) => {
      validateClaimTemplateSpec(
        errors,
        `spec.volumeClaimTemplates[${index}].spec`,
        claim.spec ?? {},
      );
    });
  }
  nonNegative(errors, 'spec.replicas', spec.replicas);
  nonNegative(errors, 'spec.minReadySeconds', spec.minReadySeconds);
  nonNegative(errors, 'spec.ordinals.start', spec.ordinals?.start);
  if (!update && spec.serviceName) dnsLabel(errors, 'spec.serviceName', spec.serviceName);
  validateSelector(errors, spec, 'empty selector is invalid for statefulset');
  validateTemplateOf(errors, withClaimVolumes(spec), 'StatefulSet');
}

/** The template as its pods will have it: a volume for each claim template; hostname and subdomain are set later. */
function withClaimVolumes(spec: WorkloadSpec): WorkloadSpec {
  const claims = spec.volumeClaimTemplates ?? [];
  const pod = { ...spec.template?.spec };
  delete pod.subdomain;
  delete pod.hostname;
  const names = new Set(claims.map((claim) => claim.metadata?.name));
  pod.volumes = [
    ...claims.map((claim) => ({
      name: claim.metadata?.name ?? '',
      persistentVolumeClaim: { claimName: claim.metadata?.name ?? '' },
    })),
    ...(pod.volumes ?? []).filter((volume) => !names.has(volume.name)),
  ];
  return { ...spec, template: { ...spec.template, spec: pod } };
}

const mutableStatefulFields = [
  'replicas',
  'template',
  'updateStrategy',
  'minReadySeconds',
  'ordinals',
  'revisionHistoryLimit',
  'persistentVolumeClaimRetentionPolicy',
];

export function validateStatefulSetChange(
  errors: FieldErrors,
  spec: WorkloadSpec,
  old: WorkloadSpec,
): void {
  const rest = (value: WorkloadSpec): unknown =>
    Object.fromEntries(
      Object.entries(value).filter(([field]) => !mutableStatefulFields.includes(field)),
    );
  if (!semanticEqual(rest(spec), rest(old))) {
    errors.forbidden(
      'spec',
      "updates to statefulset spec for fields other than 'replicas', 'ordinals', 'template', 'updateStrategy', 'revisionHistoryLimit', 'persistentVolumeClaimRetentionPolicy' and 'minReadySeconds' are forbidden",
    );
  }
}

export function validateSameSelector(
  errors: FieldErrors,
  spec: WorkloadSpec,
  old: WorkloadSpec,
): void {
  if (!semanticEqual(spec.selector, old.selector)) {
    errors.invalid('spec.selector', printSelector(spec.selector), immutableMessage);
  }
}

/** Counts are not negative, and none is above `status.replicas`. */
export function validateReplicaCounts(
  errors: FieldErrors,
  status: Counts | undefined,
  fields: readonly string[],
  capped: readonly string[],
  availableMessage: string,
): void {
  for (const field of fields) nonNegative(errors, `status.${field}`, count(status, field));
  for (const field of capped) {
    if (count(status, field) > count(status, 'replicas')) {
      errors.invalid(
        `status.${field}`,
        count(status, field),
        'cannot be greater than status.replicas',
      );
    }
  }
  if (count(status, 'availableReplicas') > count(status, 'readyReplicas')) {
    errors.invalid(
      'status.availableReplicas',
      count(status, 'availableReplicas'),
      availableMessage,
    );
  }
}
