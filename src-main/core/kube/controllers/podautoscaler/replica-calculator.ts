import { isPodReady, podCondition, type PodView, timeMs } from '../shared/pods.ts';
import { milliOf, type Samples } from './metrics-clients.ts';

/** How far from 1 a ratio may be without anything being done. */
export interface Tolerances {
  readonly down: number;
  readonly up: number;
}

/** A measured replica count proposal. */
export interface Proposal {
  readonly replicas: number;
  /** Thousandths of a unit, averaged over the pods. */
  readonly averageMilli: number;
  /** Percent of the requests. */
  readonly utilization?: number;
}

/** `--horizontal-pod-autoscaler-cpu-initialization-period` and `-initial-readiness-delay`. */
const cpuInitializationMs = 5 * 60_000;
const readinessDelayMs = 30_000;

interface Grouped {
  readonly ready: number;
  readonly unready: readonly string[];
  readonly missing: readonly string[];
}

interface Pods {
  readonly pods: readonly PodView[];
  readonly current: number;
  readonly tolerances: Tolerances;
  readonly nowMs: number;
}

const isWithin = ({ down, up }: Tolerances, ratio: number): boolean =>
  1 - down <= ratio && ratio <= 1 + up;

/** Sorts pods by whether they count, and takes the samples of those that do not. */
function group({ pods, nowMs }: Pods, samples: Samples, resource: string | undefined): Grouped {
  if (pods.length === 0)
    throw new Error('no pods returned by selector while calculating replica count');
  let ready = 0;
  const missing: string[] = [];
  const unready: string[] = [];
  for (const pod of pods) {
    const { name = '', deletionTimestamp } = pod.metadata;
    if (deletionTimestamp !== undefined || pod.status?.phase === 'Failed') samples.delete(name);
    else if (pod.status?.phase === 'Pending') unready.push(name);
    else if (!samples.has(name)) missing.push(name);
    else if (resource === 'cpu' && isStarting(pod, samples, nowMs)) unready.push(name);
    else ready += 1;
  }
  for (const name of unready) samples.delete(name);
  if (samples.size === 0)
    throw new Error('did not receive metrics for targeted pods (pods might be unready)');
  return { ready, unready, missing };
}

/** What starting costs says nothing about the load. */
function isStarting(pod: PodView, samples: Samples, nowMs: number): boolean {
  const condition = podCondition(pod, 'Ready');
  const startMs = timeMs(pod.status?.startTime);
  if (!condition || startMs === undefined) return true;
  const changedMs = timeMs(condition.lastTransitionTime) ?? 0;
  const isUnready = condition.status === 'False';
  if (startMs + cpuInitializationMs <= nowMs)
    return isUnready && startMs + readinessDelayMs > changedMs;
  const sample = samples.get(pod.metadata.name ?? '');
  const isEarly = sample?.atMs !== undefined && sample.atMs < changedMs + (sample.windowMs ?? 0);
  return isUnready || isEarly;
}

/**
 * How many replicas would meet a target. Pods without a sample count as idle when that would scale up, and as busy
 * when it would scale down, so that what is not known never causes a change.
 */
function fromRatio(
  where: Pods,
  { ready, unready, missing }: Grouped,
  samples: Samples,
  ratioNow: () => number,
  busyMilli: (name: string) => number,
): number {
  const { current, tolerances } = where;
  const ratio = ratioNow();
  const scalesUpWithUnready = unready.length > 0 && ratio > 1;
  if (!scalesUpWithUnready && missing.length === 0)
    return isWithin(tolerances, ratio) ? current : Math.ceil(ratio * ready);
  if (ratio < 1) for (const name of missing) samples.set(name, { milli: busyMilli(name) });
  else if (ratio > 1) for (const name of missing) samples.set(name, { milli: 0 });
  if (scalesUpWithUnready) for (const name of unready) samples.set(name, { milli: 0 });
  const again = ratioNow();
  const changesSide = (ratio < 1 && again > 1) || (ratio > 1 && again < 1);
  if (isWithin(tolerances, again) || changesSide) return current;
  const replicas = Math.ceil(again * samples.size);
  const goesBack = (again < 1 && replicas > current) || (again > 1 && replicas < current);
  return goesBack ? current : replicas;
}

function total(samples: Samples): number {
  return [...samples.values()].reduce((sum, { milli }) => sum + milli, 0);
}

/**
 * By the share of their requests that pods use, percent.
 *
 * @see k8s.io/kubernetes/pkg/controller/podautoscaler/replica_calculator.go, GetResourceReplicas
 */
export function byUtilization(
  where: Pods,
  samples: Samples,
  target: {
    readonly resource: string;
    readonly container: string | undefined;
    readonly percent: number;
  },
): Proposal {
  const grouped = group(where, samples, target.resource);
  const requests = new Map(
    where.pods.map((pod) => [
      pod.metadata.name ?? '',
      requestOf(pod, target.resource, target.container),
    ]),
  );
  const utilization = (): number => {
    const wanted = [...samples.keys()].reduce((sum, name) => sum + (requests.get(name) ?? 0), 0);
    if (wanted === 0) throw new Error('no metrics returned matched known pods');
    return Math.trunc((total(samples) * 100) / wanted);
  };
  const measured = utilization();
  const averageMilli = Math.trunc(total(samples) / samples.size);
  const busy = Math.max(100, target.percent);
  const replicas = fromRatio(
    where,
    grouped,
    samples,
    () => utilization() / target.percent,
    (name) => Math.trunc(((requests.get(name) ?? 0) * busy) / 100),
  );
  return { replicas, averageMilli, utilization: measured };
}

/**
 * By a value that each pod is to have on average.
 *
 * @see k8s.io/kubernetes/pkg/controller/podautoscaler/replica_calculator.go, calcPlainMetricReplicas
 */
export function byAverage(
  where: Pods,
  samples: Samples,
  target: { readonly resource?: string; readonly milli: number },
): Proposal {
  const grouped = group(where, samples, target.resource);
  const average = (): number => Math.trunc(total(samples) / samples.size);
  const averageMilli = average();
  const replicas = fromRatio(
    where,
    grouped,
    samples,
    () => average() / target.milli,
    () => target.milli,
  );
  return { replicas, averageMilli };
}

/** By one value for all pods: as many times the ready ones as it is above its target. */
export function byTotal(where: Pods, milli: number, targetMilli: number): number {
  const ratio = milli / targetMilli;
  if (isWithin(where.tolerances, ratio)) return where.current;
  if (where.pods.length === 0)
    throw new Error(
      'unable to calculate ready pods: no pods returned by selector while calculating replica count',
    );
  const ready = where.pods.filter((pod) => pod.status?.phase === 'Running' && isPodReady(pod));
  return Math.ceil(ratio * ready.length);
}

/** By one value that the replicas share. */
export function byShare(
  { tolerances }: Pods,
  statusReplicas: number,
  milli: number,
  targetMilli: number,
): Proposal {
  const ratio = milli / (targetMilli * statusReplicas);
  return {
    replicas: isWithin(tolerances, ratio) ? statusReplicas : Math.ceil(milli / targetMilli),
    averageMilli: Math.ceil(milli / statusReplicas),
  };
}

function requestOf(pod: PodView, resource: string, container: string | undefined): number {
  const { spec } = pod;
  const name = pod.metadata.name ?? '';
  const missing = (where: string): Error =>
    new Error(`missing request for ${resource} in container ${where} of Pod ${name}`);
  const sidecars = (spec?.initContainers ?? []).filter(
    ({ restartPolicy }) => restartPolicy === 'Always',
  );
  const containers = [...(spec?.containers ?? []), ...sidecars];
  if (container !== undefined) {
    const found = containers.find((each) => each.name === container);
    if (!found) throw new Error(`container ${container} not found in Pod ${name}`);
    const request = found.resources?.requests?.[resource];
    if (request === undefined) throw missing(container);
    return milliOf(request);
  }
  const whole = spec?.resources?.requests?.[resource];
  if (whole !== undefined) return milliOf(whole);
  return containers.reduce((sum, each) => {
    const request = each.resources?.requests?.[resource];
    if (request === undefined) throw missing(each.name);
    return sum + milliOf(request);
  }, 0);
}
