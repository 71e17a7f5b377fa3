import { parseQuantity } from '../machinery/index.ts';
import type { PodView } from './views.ts';

/** Amounts by resource name: `cpu` in thousandths, everything else in units (bytes, pieces). */
export type Amounts = Map<string, number>;

const defaultMilliCpu = 100;
const defaultMemoryBytes = 200 * 1024 * 1024;
const million = 1_000_000n;
const billion = 1_000_000_000n;
const maxCached = 10_000;
const cache = new Map<string, number>();

/** A quantity as the scheduler counts it, rounded up. @throws QuantityError */
export function amountOf(resource: string, quantity: string): number {
  const key = resource === 'cpu' ? `cpu ${quantity}` : quantity;
  const known = cache.get(key);
  if (known !== undefined) return known;
  const { nano } = parseQuantity(String(quantity));
  const unit = resource === 'cpu' ? million : billion;
  const amount = Number(nano > 0n ? (nano + unit - 1n) / unit : nano / unit);
  if (cache.size >= maxCached) cache.clear();
  cache.set(key, amount);
  return amount;
}

type Quantities = Readonly<Record<string, string>> | undefined;

/** All amounts of a list of quantities. */
export function amountsOf(quantities: Quantities): Amounts {
  const amounts: Amounts = new Map();
  for (const [name, quantity] of Object.entries(quantities ?? {}))
    amounts.set(name, amountOf(name, quantity));
  return amounts;
}

function add(target: Amounts, other: Amounts): void {
  for (const [name, amount] of other) target.set(name, (target.get(name) ?? 0) + amount);
}

function raise(target: Amounts, other: Amounts): void {
  for (const [name, amount] of other)
    if (amount > (target.get(name) ?? -1)) target.set(name, amount);
}

function requestsOf(
  pod: PodView,
  container: NonNullable<PodView['spec']>['containers'][number],
): Amounts {
  const spec = amountsOf(container.resources?.requests);
  const status = [
    ...(pod.status?.containerStatuses ?? []),
    ...(pod.status?.initContainerStatuses ?? []),
  ].find(({ name }) => name === container.name);
  if (!status?.resources) return spec;
  const actuated = amountsOf(status.resources.requests);
  const allocated = amountsOf(status.allocatedResources);
  const infeasible = pod.status?.conditions?.some(
    ({ type, reason }) => type === 'PodResizePending' && reason === 'Infeasible',
  );
  const effective: Amounts = new Map();
  raise(effective, actuated);
  raise(effective, allocated);
  // A resize that cannot be met must not hold room; one under way needs the larger of both.
  if (!infeasible) raise(effective, spec);
  return effective;
}

const podLevel = (name: string): boolean =>
  name === 'cpu' || name === 'memory' || name.startsWith('hugepages-');

const requestsOfPods = new WeakMap<PodView, Amounts>();

/** What a pod takes of its node. */
export function podRequests(pod: PodView): Amounts {
  let amounts = requestsOfPods.get(pod);
  // Each change of a pod asks for it several times, for what it was before as well.
  if (!amounts) requestsOfPods.set(pod, (amounts = sumOfRequests(pod, false)));
  return amounts;
}

/** The same, where containers without a request count 100m and 200 MiB, as scoring wants it. */
export const nonZeroRequests = (pod: PodView): Amounts => sumOfRequests(pod, true);

/** @see k8s.io/component-helpers/resource/helpers.go, PodRequests */
function sumOfRequests(pod: PodView, nonZero: boolean): Amounts {
  const total: Amounts = new Map();
  const ofContainer = (container: NonNullable<PodView['spec']>['containers'][number]): Amounts => {
    const amounts = requestsOf(pod, container);
    if (nonZero) {
      if (!amounts.has('cpu')) amounts.set('cpu', defaultMilliCpu);
      if (!amounts.has('memory')) amounts.set('memory', defaultMemoryBytes);
    }
    return amounts;
  };
  for (const container of pod.spec?.containers ?? []) add(total, ofContainer(container));
  const sidecars: Amounts = new Map();
  const initial: Amounts = new Map();
  for (const container of pod.spec?.initContainers ?? []) {
    const amounts = ofContainer(container);
    if (container.restartPolicy === 'Always') {
      add(total, amounts);
      add(sidecars, amounts);
      raise(initial, sidecars);
    } else {
      add(amounts, sidecars);
      raise(initial, amounts);
    }
  }
  raise(total, initial);
  for (const [name, quantity] of Object.entries(pod.spec?.resources?.requests ?? {}))
    if (podLevel(name)) total.set(name, amountOf(name, quantity));
  add(total, amountsOf(pod.spec?.overhead));
  return total;
}

/** Names outside `kubernetes.io/` and without the quota prefix. */
export function isExtendedResource(name: string): boolean {
  return (
    name.includes('/') && !/(^|\.)kubernetes\.io\//.test(name) && !name.startsWith('requests.')
  );
}

/** Whether a resource is none of cpu, memory, ephemeral storage and pods. */
export function isScalarResource(name: string): boolean {
  return (
    isExtendedResource(name) ||
    name.startsWith('hugepages-') ||
    /(^|\.)kubernetes\.io\//.test(name) ||
    name.startsWith('attachable-volumes-')
  );
}
