import type { DeepReadonly } from '#core/base';
import { labelOf, type Labels, meetsRequirement } from './label-requirement.ts';
import type { LabelSelector } from './meta-v1.ts';

/** `Gt` and `Lt` are of node selectors alone. */
const labelOperators = new Set(['In', 'NotIn', 'Exists', 'DoesNotExist']);

/**
 * Whether labels satisfy a selector; an empty selector matches everything. What an absent one means differs
 * from field to field: the caller decides.
 *
 * @see k8s.io/apimachinery/pkg/apis/meta/v1/helpers.go, LabelSelectorAsSelector
 */
export function matchesSelector(
  selector: DeepReadonly<LabelSelector>,
  labels: Labels | undefined,
): boolean {
  const { matchLabels, matchExpressions } = selector;
  return (
    (matchLabels === undefined || hasLabels(matchLabels, labels)) &&
    (matchExpressions === undefined ||
      matchExpressions.every(
        (requirement) =>
          labelOperators.has(requirement.operator) && meetsRequirement(requirement, labels),
      ))
  );
}

/** Whether labels hold every pair of a map, as Services and ReplicationControllers select. */
export function hasLabels(wanted: Labels, labels: Labels | undefined): boolean {
  for (const key in wanted) if (labelOf(labels, key) !== wanted[key]) return false;
  return true;
}

/** An absent or empty selector, which most controllers take for "selects nothing". */
export function isEmptySelector(selector: DeepReadonly<LabelSelector> | undefined): boolean {
  return (
    !selector ||
    (Object.keys(selector.matchLabels ?? {}).length === 0 &&
      (selector.matchExpressions ?? []).length === 0)
  );
}
