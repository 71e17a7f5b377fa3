import type { KubeClient } from '../../client/index.ts';
import { isReason, parseQuantity } from '../../machinery/index.ts';
import { textOf } from '../shared/context.ts';
import { isPodReady, type PodView, timeMs } from '../shared/pods.ts';

interface PodMetrics {
  readonly metadata?: { readonly name?: string };
  readonly containers?: readonly {
    readonly name: string;
    readonly usage?: Readonly<Record<string, string>>;
  }[];
}

/** A measured replica count proposal. */
export interface Proposal {
  readonly replicas: number;
  /** Percent of the requests; absent for a target that is a value. */
  readonly utilization?: number;
  /** Thousandths of a unit, averaged over the pods. */
  readonly averageMilli: number;
}

export interface ResourceTarget {
  readonly resource: string;
  /** Only this container counts; absent: all. */
  readonly container?: string;
  readonly utilization?: number;
  readonly averageMilli?: number;
}

/** `--horizontal-pod-autoscaler-tolerance`. */
const tolerance = 0.1;
/** A pod that started within this time is not measured yet. */
const cpuInitializationMs = 5 * 60_000;

export function milliOf(quantity: string | undefined): number {
  return quantity === undefined ? 0 : Number(parseQuantity(quantity).nano / 1_000_000n);
}

/** Usage of each pod by the resource metrics API, thousandths of a unit. */
async function usage(
  client: KubeClient,
  namespace: string,
  selector: string,
  { resource, container }: ResourceTarget,
): Promise<Map<string, number>> {
  const query = new URLSearchParams({ labelSelector: selector }).toString();
  let items: readonly PodMetrics[];
  try {
    const list = await client.requestObject<{ items?: readonly PodMetrics[] }>({
      method: 'GET',
      url: `/apis/metrics.k8s.io/v1beta1/namespaces/${namespace}/pods?${query}`,
    });
    items = list.items ?? [];
  } catch (error) {
    const text = isReason(error, 'NotFound')
      ? 'the server could not find the requested resource (get pods.metrics.k8s.io)'
      : isReason(error, 'ServiceUnavailable')
        ? 'the server is currently unable to handle the request (get pods.metrics.k8s.io)'
        : textOf(error);
    throw new Error(
      `unable to get metrics for resource ${resource}: unable to fetch metrics from resource metrics API: ${text}`,
      { cause: error },
    );
  }
  if (items.length === 0)
    throw new Error(
      `unable to get metrics for resource ${resource}: no metrics returned from resource metrics API`,
    );
  const byPod = new Map<string, number>();
  for (const { metadata, containers = [] } of items) {
    const counted = containers.filter(({ name }) => container === undefined || name === container);
    if (counted.length === 0 || counted.some((each) => each.usage?.[resource] === undefined))
      continue;
    byPod.set(
      metadata?.name ?? '',
      counted.reduce((sum, each) => sum + milliOf(each.usage?.[resource]), 0),
    );
  }
  return byPod;
}

function requestOf(pod: PodView, { resource, container }: ResourceTarget): number {
  const sidecars = (pod.spec?.initContainers ?? []).filter(
    ({ restartPolicy }) => restartPolicy === 'Always',
  );
  let milli = 0;
  for (const each of [...(pod.spec?.containers ?? []), ...sidecars]) {
    if (container !== undefined && each.name !== container) continue;
    const request = each.resources?.requests?.[resource];
    if (request === undefined)
      throw new Error(
        `missing request for ${resource} in container ${each.name} of Pod ${pod.metadata.name ?? ''}`,
      );
    milli += milliOf(request);
  }
  return milli;
}

/**
 * How many replicas would meet a target. Pods without a measurement count as idle when that would scale up and as
 * at the target when it would scale down, so that what is not known never causes a change.
 *
 * @see k8s.io/kubernetes/pkg/controller/podautoscaler/replica_calculator.go
 */
export async function propose(
  client: KubeClient,
  pods: readonly PodView[],
  where: { readonly namespace: string; readonly selector: string },
  target: ResourceTarget,
  currentReplicas: number,
  nowMs: number,
): Promise<Proposal> {
  const measured = await usage(client, where.namespace, where.selector, target);
  if (pods.length === 0)
    throw new Error('no pods returned by selector while calculating replica count');
  let ready = 0;
  const missing: PodView[] = [];
  const unready: PodView[] = [];
  for (const pod of pods) {
    const name = pod.metadata.name ?? '';
    if (pod.metadata.deletionTimestamp || pod.status?.phase === 'Failed') {
      measured.delete(name);
    } else if (pod.status?.phase === 'Pending') unready.push(pod);
    else if (!measured.has(name)) missing.push(pod);
    else if (target.resource === 'cpu' && isInitializing(pod, nowMs)) unready.push(pod);
    else ready += 1;
  }
  for (const pod of unready) measured.delete(pod.metadata.name ?? '');
  if (measured.size === 0)
    throw new Error('did not receive metrics for targeted pods (pods might be unready)');
  const requests = new Map<string, number>();
  if (target.utilization !== undefined)
    for (const pod of pods) requests.set(pod.metadata.name ?? '', requestOf(pod, target));
  const targetOf = (name: string): number =>
    target.utilization !== undefined
      ? ((requests.get(name) ?? 0) * target.utilization) / 100
      : (target.averageMilli ?? 0);
  const ratioNow = (): number => {
    const total = sum([...measured.values()]);
    const wanted = sum([...measured.keys()].map(targetOf));
    if (wanted === 0) throw new Error('no metrics returned matched known pods');
    return total / wanted;
  };
  const average = sum([...measured.values()]) / measured.size;
  const totalRequest = sum([...measured.keys()].map((name) => requests.get(name) ?? 0));
  const result = (replicas: number): Proposal => ({
    replicas,
    averageMilli: Math.trunc(average),
    ...(target.utilization !== undefined && totalRequest > 0
      ? { utilization: Math.trunc((sum([...measured.values()]) * 100) / totalRequest) }
      : {}),
  });
  const ratio = ratioNow();
  const scalesUpWithUnready = unready.length > 0 && ratio > 1;
  if (!scalesUpWithUnready && missing.length === 0) {
    if (Math.abs(ratio - 1) <= tolerance) return result(currentReplicas);
    return result(Math.ceil(round(ratio * ready)));
  }
  const proposal = result(0);
  for (const pod of missing) {
    const name = pod.metadata.name ?? '';
    if (ratio < 1) measured.set(name, targetOf(name));
    else if (ratio > 1) measured.set(name, 0);
  }
  if (scalesUpWithUnready) for (const pod of unready) measured.set(pod.metadata.name ?? '', 0);
  const newRatio = ratioNow();
  const changesSide = (ratio < 1 && newRatio > 1) || (ratio > 1 && newRatio < 1);
  if (Math.abs(newRatio - 1) <= tolerance || changesSide)
    return { ...proposal, replicas: currentReplicas };
  const replicas = Math.ceil(round(newRatio * measured.size));
  const goesBack =
    (newRatio < 1 && replicas > currentReplicas) || (newRatio > 1 && replicas < currentReplicas);
  return { ...proposal, replicas: goesBack ? currentReplicas : replicas };
}

/** Not ready yet, or measured before it was. */
function isInitializing(pod: PodView, nowMs: number): boolean {
  const startMs = timeMs(pod.status?.startTime);
  if (startMs === undefined) return true;
  return startMs + cpuInitializationMs > nowMs && !isPodReady(pod);
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}

/** Takes off what binary fractions leave. */
function round(value: number): number {
  return Math.round(value * 1e9) / 1e9;
}
