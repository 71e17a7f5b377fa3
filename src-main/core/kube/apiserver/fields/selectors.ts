import { at, listOf, mapsOf, textMapOf, textOf, textsOf } from './view.ts';

/**
 * Whether labels match a `LabelSelector` object. An absent selector matches nothing, an empty one everything.
 * @see k8s.io/apimachinery/pkg/apis/meta/v1/helpers.go, LabelSelectorAsSelector
 */
export function matchesLabelSelector(
  selector: unknown,
  labels: Readonly<Record<string, string>>,
): boolean {
  if (typeof selector !== 'object' || selector === null) return false;
  for (const [key, value] of Object.entries(textMapOf(at(selector, 'matchLabels'))))
    if (labels[key] !== value) return false;
  return mapsOf(at(selector, 'matchExpressions')).every((requirement) =>
    matchesRequirement(
      labels[textOf(requirement['key'])],
      textOf(requirement['operator']),
      textsOf(listOf(requirement['values'])),
    ),
  );
}

/** One requirement on a value that may be absent; an unknown operator never matches. */
export function matchesRequirement(
  value: string | undefined,
  operator: string,
  values: readonly string[],
): boolean {
  switch (operator) {
    case 'In':
      return value !== undefined && values.includes(value);
    case 'NotIn':
      return value === undefined || !values.includes(value);
    case 'Exists':
      return value !== undefined;
    case 'DoesNotExist':
      return value === undefined;
    default:
      return false;
  }
}
