import { type FieldErrors, Printed } from '../../validation/field.ts';
import { internalEqual, internalJson } from './internal-print.ts';
import type { NodeSelectorTerm, PodSpec } from './pod-types.ts';

// Rules: pkg/apis/core/validation/validation.go, what may change while a pod is gated.

function onlyAdds(now: NodeSelectorTerm | undefined, old: NodeSelectorTerm): boolean {
  return (['matchExpressions', 'matchFields'] as const).every((field) => {
    const before = old[field] ?? [];
    const after = now?.[field] ?? [];
    // What selects nothing would select something.
    if (before.length === 0) return after.length === 0 || !isEmptyTerm(old);
    return internalEqual(
      'NodeSelectorTerm',
      { [field]: after.slice(0, before.length) },
      { [field]: before },
    );
  });
}

const isEmptyTerm = ({ matchExpressions = [], matchFields = [] }: NodeSelectorTerm): boolean =>
  matchExpressions.length + matchFields.length === 0;

/** A gated pod's node affinity may get narrower only. @see validateNodeAffinityMutation */
export function validateAffinityChange(errors: FieldErrors, spec: PodSpec, old: PodSpec): void {
  const termsOf = ({ affinity }: PodSpec): NodeSelectorTerm[] =>
    affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution?.nodeSelectorTerms ?? [];
  const path =
    'spec.affinity.nodeAffinity.requiredDuringSchedulingIgnoredDuringExecution.nodeSelectorTerms';
  const before = termsOf(old);
  const after = termsOf(spec);
  const printed = (term: NodeSelectorTerm): string => internalJson('NodeSelectorTerm', term);
  if (before.length > 0 && before.length !== after.length) {
    errors.invalid(
      path,
      new Printed(after.length === 0 ? 'null' : `[${after.map(printed).join(',')}]`),
      'no additions/deletions to non-empty NodeSelectorTerms list are allowed',
    );
    return;
  }
  before.forEach((term, index) => {
    if (!onlyAdds(after[index], term))
      errors.invalid(
        `${path}[${index}]`,
        new Printed(printed(after[index] ?? {})),
        'only additions are allowed (no mutations or deletions)',
      );
  });
}
