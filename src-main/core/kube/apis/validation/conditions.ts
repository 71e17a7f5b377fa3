import type { FieldErrors } from './field.ts';
import { qualifiedName } from './meta.ts';

/** A `metav1.Condition` of a status. */
export interface MetaCondition {
  type?: string;
  status?: string;
  observedGeneration?: number;
  lastTransitionTime?: string | null;
  reason?: string;
  message?: string;
}

const reasonFormat = '[A-Za-z]([A-Za-z0-9_,:]*[A-Za-z0-9_])?';
const reasonPattern = new RegExp(`^${reasonFormat}$`);
const badReason = `a condition reason must start with alphabetic character, optionally followed by a string of alphanumeric characters or '_,:', and must end with an alphanumeric character or '_' (e.g. 'my_name',  or 'MY_NAME',  or 'MyName',  or 'ReasonA,ReasonB',  or 'ReasonA:ReasonB', regex used for validation is '${reasonFormat}')`;
const maxReasonBytes = 1024;
const maxMessageBytes = 32 * 1024;

/** @see apimachinery/pkg/apis/meta/v1/validation/validation.go, ValidateConditions */
export function validateMetaConditions(
  errors: FieldErrors,
  path: string,
  conditions: readonly MetaCondition[],
): void {
  const types = new Set<string>();
  const statuses = ['False', 'True', 'Unknown'];
  conditions.forEach((condition, index) => {
    const at = `${path}[${index}]`;
    const { type = '', status = '', observedGeneration = 0, reason = '', message = '' } = condition;
    if (types.has(type)) errors.duplicate(`${at}.type`, type);
    types.add(type);
    qualifiedName(errors, `${at}.type`, type);
    if (!statuses.includes(status)) errors.notSupported(`${at}.status`, status, statuses);
    if (observedGeneration < 0)
      errors.invalid(
        `${at}.observedGeneration`,
        observedGeneration,
        'must be greater than or equal to zero',
      );
    if (!condition.lastTransitionTime) errors.required(`${at}.lastTransitionTime`);
    if (reason === '') errors.required(`${at}.reason`);
    else {
      if (!reasonPattern.test(reason)) errors.invalid(`${at}.reason`, reason, badReason);
      if (reason.length > maxReasonBytes) errors.tooLong(`${at}.reason`, maxReasonBytes);
    }
    if (message.length > maxMessageBytes) errors.tooLong(`${at}.message`, maxMessageBytes);
  });
}
