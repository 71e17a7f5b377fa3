import { quotedList } from '#core/base';

import { type FieldErrors, Printed } from '../../validation/field.ts';
import { nonNegative, qualifiedName } from '../../validation/meta.ts';
import { totalIndexes } from './job-indexes.ts';
import type { FailureRule, JobSpec } from './types.ts';

export function setFailurePolicyDefaults(spec: JobSpec): void {
  for (const { onPodConditions } of spec.podFailurePolicy?.rules ?? []) {
    for (const pattern of onPodConditions ?? []) pattern.status ||= 'True';
  }
}

const failureActions = ['Count', 'FailIndex', 'FailJob', 'Ignore'];

function validateFailureRule(
  errors: FieldErrors,
  path: string,
  rule: FailureRule,
  spec: JobSpec,
): void {
  const action = rule.action ?? '';
  if (action === '') {
    errors.required(`${path}.action`, `valid values: ${quotedList(failureActions)}`);
  } else if (action === 'FailIndex') {
    if (spec.backoffLimitPerIndex === undefined) {
      errors.invalid(`${path}.action`, action, 'requires the backoffLimitPerIndex to be set');
    }
  } else if (!failureActions.includes(action)) {
    errors.notSupported(`${path}.action`, action, failureActions);
  }
  const codes = rule.onExitCodes;
  const conditions = rule.onPodConditions ?? [];
  if (codes) {
    const at = `${path}.onExitCodes`;
    const { operator = '', containerName } = codes;
    const values = codes.values ?? [];
    if (operator === '') {
      errors.required(`${at}.operator`, `valid values: ${quotedList(['In', 'NotIn'])}`);
    } else if (operator !== 'In' && operator !== 'NotIn') {
      errors.notSupported(`${at}.operator`, operator, ['In', 'NotIn']);
    }
    const pod = spec.template?.spec;
    const names = [...(pod?.containers ?? []), ...(pod?.initContainers ?? [])];
    if (containerName !== undefined && !names.some(({ name }) => name === containerName)) {
      errors.invalid(
        `${at}.containerName`,
        containerName,
        'must be one of the container or initContainer names in the pod template',
      );
    }
    if (values.length === 0)
      errors.invalid(`${at}.values`, values, 'at least one value is required');
    else if (values.length > 255) errors.tooMany(`${at}.values`, values.length, 255);
    const seen = new Set<number>();
    let ordered = true;
    values.forEach((value, index) => {
      if (value === 0 && operator === 'In') {
        errors.invalid(`${at}.values[${index}]`, value, 'must not be 0 for the In operator');
      }
      if (seen.has(value)) errors.duplicate(`${at}.values[${index}]`, value);
      seen.add(value);
      if (index > 0 && (values[index - 1] ?? 0) > value) ordered = false;
    });
    if (!ordered) errors.invalid(`${at}.values`, values, 'must be ordered');
  }
  conditions.forEach(({ type = '', status = '' }, index) => {
    const at = `${path}.onPodConditions[${index}]`;
    qualifiedName(errors, `${at}.type`, type);
    if (!['False', 'True', 'Unknown'].includes(status)) {
      errors.notSupported(`${at}.status`, status, ['False', 'True', 'Unknown']);
    }
  });
  if (codes && conditions.length > 0) {
    errors.list.push({
      reason: 'FieldValueInvalid',
      message: 'Invalid value: specifying both OnExitCodes and OnPodConditions is not supported',
      field: path,
    });
  }
  if (!codes && conditions.length === 0) {
    errors.list.push({
      reason: 'FieldValueInvalid',
      message: 'Invalid value: specifying one of OnExitCodes and OnPodConditions is required',
      field: path,
    });
  }
}

/** @see validatePodFailurePolicy */
export function validateFailurePolicy(errors: FieldErrors, path: string, spec: JobSpec): void {
  const rules = spec.podFailurePolicy?.rules ?? [];
  if (rules.length > 20) errors.tooMany(`${path}.rules`, rules.length, 20);
  rules.forEach((rule, index) => {
    validateFailureRule(errors, `${path}.rules[${index}]`, rule, spec);
  });
}

/** @see validateSuccessPolicy */
export function validateSuccessPolicy(errors: FieldErrors, path: string, spec: JobSpec): void {
  const { successPolicy, completions = 0 } = spec;
  if (!successPolicy) return;
  if (spec.completionMode !== 'Indexed') {
    errors.invalid(path, printSuccessPolicy(successPolicy), 'requires indexed completion mode');
    return;
  }
  const rules = successPolicy.rules ?? [];
  if (rules.length === 0) {
    errors.required(
      `${path}.rules`,
      'at least one rules must be specified when the successPolicy is specified',
    );
  }
  if (rules.length > 20) errors.tooMany(`${path}.rules`, rules.length, 20);
  rules.forEach(({ succeededCount, succeededIndexes }, index) => {
    const at = `${path}.rules[${index}]`;
    if (succeededCount === undefined && succeededIndexes === undefined) {
      errors.required(at, 'at least one of succeededCount or succeededIndexes must be specified');
    }
    let total = 0;
    if (succeededIndexes !== undefined) {
      const indexes = `${at}.succeededIndexes`;
      if (succeededIndexes.length > 65_536) errors.tooLong(indexes, 65_536);
      const read = totalIndexes(succeededIndexes, completions);
      if (typeof read === 'string') {
        errors.invalid(indexes, succeededIndexes, `error parsing succeededIndexes: ${read}`);
      } else total = read;
    }
    if (succeededCount === undefined) return;
    const field = `${at}.succeededCount`;
    nonNegative(errors, field, succeededCount);
    if (succeededCount > completions) {
      errors.invalid(
        field,
        succeededCount,
        `must be less than or equal to ${completions} (the number of specified completions)`,
      );
    }
    if (succeededIndexes !== undefined && succeededCount > total) {
      errors.invalid(
        field,
        succeededCount,
        `must be less than or equal to ${total} (the number of indexes in the specified succeededIndexes field)`,
      );
    }
  });
}

/** As the API server's internal type prints it. */
export function printFailurePolicy(policy: JobSpec['podFailurePolicy']): Printed {
  if (!policy) return new Printed('null');
  const rules = policy.rules?.map(({ action = '', onExitCodes, onPodConditions }) => ({
    Action: action,
    OnExitCodes: onExitCodes
      ? {
          ContainerName: onExitCodes.containerName ?? null,
          Operator: onExitCodes.operator ?? '',
          Values: onExitCodes.values ?? null,
        }
      : null,
    OnPodConditions:
      onPodConditions?.map(({ type = '', status = '' }) => ({ Type: type, Status: status })) ??
      null,
  }));
  return new Printed(JSON.stringify({ Rules: rules ?? null }));
}

/** As the API server's internal type prints it. */
export function printSuccessPolicy(policy: JobSpec['successPolicy']): Printed {
  if (!policy) return new Printed('null');
  const rules = policy.rules?.map(({ succeededIndexes, succeededCount }) => ({
    SucceededIndexes: succeededIndexes ?? null,
    SucceededCount: succeededCount ?? null,
  }));
  return new Printed(JSON.stringify({ Rules: rules ?? null }));
}
