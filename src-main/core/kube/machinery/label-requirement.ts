/** Labels of an object; absent ones are none. */
export type Labels = Readonly<Record<string, string>>;

/** One condition on a label or field, as label selectors, node selectors and quota scopes have it. */
export interface SelectorRequirement {
  readonly key?: string | undefined;
  readonly operator?: string | undefined;
  readonly values?: readonly string[] | undefined;
}

const int64 = /^[+-]?\d+$/;
const int64Bounds = [-(2n ** 63n), 2n ** 63n - 1n] as const;

/** A whole number as Go's `strconv.ParseInt(text, 10, 64)` takes it; undefined for any other text. */
export function parseInt64(text: string | undefined): bigint | undefined {
  if (text === undefined || !int64.test(text)) return undefined;
  const value = BigInt(text.startsWith('+') ? text.slice(1) : text);
  return value >= int64Bounds[0] && value <= int64Bounds[1] ? value : undefined;
}

/** The value of a label, were it named like a property every object has. */
export function labelOf(labels: Labels | undefined, key: string): string | undefined {
  return labels !== undefined && Object.hasOwn(labels, key) ? labels[key] : undefined;
}

/**
 * Whether a value, which may be absent, meets an operator. One that upstream could not parse (unknown, or with
 * a number of values that does not go with it) is met by nothing.
 *
 * @see k8s.io/apimachinery/pkg/labels/selector.go, NewRequirement and Requirement.Matches
 */
export function meetsOperator(
  value: string | undefined,
  operator: string | undefined,
  values: readonly string[] = [],
): boolean {
  switch (operator) {
    case 'In':
      return value !== undefined && values.includes(value);
    case 'NotIn':
      return values.length > 0 && (value === undefined || !values.includes(value));
    case 'Exists':
      return values.length === 0 && value !== undefined;
    case 'DoesNotExist':
      return values.length === 0 && value === undefined;
    case 'Gt':
    case 'Lt': {
      const has = parseInt64(value);
      const bound = values.length === 1 ? parseInt64(values[0]) : undefined;
      if (has === undefined || bound === undefined) return false;
      return operator === 'Gt' ? has > bound : has < bound;
    }
    default:
      return false;
  }
}

/** Whether labels meet a requirement. */
export function meetsRequirement(
  { key = '', operator, values }: SelectorRequirement,
  labels: Labels | undefined,
): boolean {
  return meetsOperator(labelOf(labels, key), operator, values);
}
