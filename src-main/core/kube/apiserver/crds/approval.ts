import type { FieldError } from '../../apis/index.ts';
import { textAt } from '../fields/index.ts';
import { invalidValue, required } from './field-errors.ts';

const annotation = 'api-approved.kubernetes.io';
const path = `metadata.annotations[${annotation}]`;
const rule = `protected groups must have approval annotation "${annotation}"`;
const see = 'see https://github.com/kubernetes/enhancements/pull/1111';

/** What the annotation of a definition in one of Kubernetes' own groups says. */
export interface Approval {
  readonly state: 'Approved' | 'Unapproved' | 'Missing' | 'Invalid';
  readonly message: string;
}

/** Undefined for groups that anybody may use. @see apiextensions-apiserver/pkg/apihelpers/helpers.go */
export function approvalOf(crd: unknown): Approval | undefined {
  const group = textAt(crd, 'spec', 'group');
  if (!['k8s.io', 'kubernetes.io'].some((own) => group === own || group.endsWith(`.${own}`)))
    return undefined;
  const said = textAt(crd, 'metadata', 'annotations', annotation);
  if (said === '') return { state: 'Missing', message: `${rule}, ${see}` };
  if (said.startsWith('unapproved'))
    return { state: 'Unapproved', message: `not approved: ${JSON.stringify(said)}` };
  if (/^[a-z][a-z0-9+.-]*:\/\/[^/?#]/i.test(said))
    return { state: 'Approved', message: `approved in ${said}` };
  return {
    state: 'Invalid',
    message: `${rule} with either a URL or a reason starting with "unapproved", ${see}`,
  };
}

/** @param old an approval that did not change is not asked about again. */
export function approvalErrors(crd: unknown, old?: unknown): FieldError[] {
  const approval = approvalOf(crd);
  if (!approval || approvalOf(old)?.state === approval.state) return [];
  if (approval.state === 'Missing') return [required(path, approval.message)];
  if (approval.state !== 'Invalid') return [];
  return [invalidValue(path, textAt(crd, 'metadata', 'annotations', annotation), approval.message)];
}
