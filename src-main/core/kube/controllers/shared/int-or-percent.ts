/**
 * A number or a percentage of `total`.
 *
 * @see k8s.io/apimachinery/pkg/util/intstr, GetScaledValueFromIntOrPercent
 */
export function scaledValue(
  value: number | string | undefined,
  total: number,
  roundUp: boolean,
  fallback = 0,
): number {
  if (value === undefined) return fallback;
  if (typeof value === 'number') return value;
  if (!value.endsWith('%'))
    throw new Error('invalid value for IntOrString: invalid type: string is not a percentage');
  const part = (Number(value.slice(0, -1)) * total) / 100;
  return roundUp ? Math.ceil(part) : Math.floor(part);
}
