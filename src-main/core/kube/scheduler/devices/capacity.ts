import { formatQuantity, parseQuantity, type Quantity } from '../../machinery/index.ts';
import type { CapacityView, RequestDetails } from './types.ts';

/** Amounts by the name of a capacity, in billionths. */
export type Consumed = ReadonlyMap<string, bigint>;

type Capacities = Readonly<Record<string, CapacityView>>;
type Policy = NonNullable<CapacityView['requestPolicy']>;

const billion = 1_000_000_000n;
const read = (text: string | number): Quantity => parseQuantity(String(text));
/** Whole units, rounded up. */
const units = (text: string | number): bigint => (read(text).nano + billion - 1n) / billion;

/** What a request takes of each capacity of a device. @see calculateConsumedCapacity */
export function consumedBy(
  request: RequestDetails,
  capacities: Capacities,
): Map<string, { readonly nano: bigint; readonly text: string }> {
  const taken = new Map<string, { nano: bigint; text: string }>();
  for (const [name, capacity] of Object.entries(capacities)) {
    const quantity = amountOf(request.capacity?.requests?.[name], capacity);
    taken.set(name, { nano: quantity.nano, text: formatQuantity(quantity) });
  }
  return taken;
}

function amountOf(
  requested: string | number | undefined,
  { value, requestPolicy: policy }: CapacityView,
): Quantity {
  if (requested === undefined) return read(policy?.default ?? value);
  const wanted = read(requested);
  const { validRange, validValues } = policy ?? {};
  if (validRange) {
    if (wanted.nano < read(validRange.min).nano) return read(validRange.min);
    if (validRange.step === undefined) return wanted;
    const [from, step] = [units(validRange.min), units(validRange.step)];
    const steps = (units(requested) - from + step - 1n) / step;
    return { nano: (from + step * steps) * billion, format: 'BinarySI' };
  }
  const next = validValues?.find((each) => wanted.nano <= read(each).nano);
  return next === undefined ? wanted : read(next);
}

function violates({ nano }: { readonly nano: bigint }, policy: Policy | undefined): boolean {
  if (!policy) return false;
  const { default: byDefault, validRange, validValues = [] } = policy;
  if (byDefault !== undefined && read(byDefault).nano === nano) return false;
  if (validRange) {
    if (validRange.max !== undefined && nano > read(validRange.max).nano) return true;
    if (validRange.step === undefined) return false;
    const wanted = (nano + billion - 1n) / billion;
    return (wanted - units(validRange.min)) % units(validRange.step) !== 0n;
  }
  return validValues.length > 0 && !validValues.some((each) => read(each).nano === nano);
}

/**
 * Whether a device has room for a request beside what others take of it.
 * @param taken each a part of what is taken already
 * @see k8s.io/dynamic-resource-allocation/structured/internal/incubating/consumable_capacity.go
 */
export function hasRoom(
  request: RequestDetails,
  capacities: Capacities,
  taken: readonly (Consumed | undefined)[],
): boolean {
  const named = Object.keys(request.capacity?.requests ?? {});
  if (named.some((name) => capacities[name] === undefined)) return false;
  for (const [name, wanted] of consumedBy(request, capacities)) {
    const capacity = capacities[name];
    if (!capacity || violates(wanted, capacity.requestPolicy)) return false;
    const sum = taken.reduce((total, part) => total + (part?.get(name) ?? 0n), wanted.nano);
    if (sum > read(capacity.value).nano) return false;
  }
  return true;
}
