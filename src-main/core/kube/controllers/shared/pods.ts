import type { PodView } from '../../apis/index.ts';
import { controllerOf, type ObjectReference } from '../../client/index.ts';

export type { PodView } from '../../apis/index.ts';

/** An index of pods by the uid of their controller; those without one are under `orphansOf` their namespace. */
export const podOwnerIndex = 'controllerUid';
export function podOwnerKeys(pod: PodView): string[] {
  return [controllerOf(pod)?.uid ?? orphansOf(pod.metadata.namespace)];
}
/** No uid has a slash. */
export function orphansOf(namespace: string | undefined): string {
  return `${namespace ?? ''}/`;
}

/** An index of bound pods by the name of their node. */
export const podNodeIndex = 'node';
export function podNodeKeys(pod: PodView): string[] {
  return pod.spec?.nodeName ? [pod.spec.nodeName] : [];
}

/**
 * How long changes of many pods are taken together where each look goes through all of them, ms: the more there are,
 * the longer, or else a rollout of thousands would cost their square.
 */
export function batchMs(pods: number): number {
  return pods / 20;
}

export function podCondition(
  pod: PodView,
  type: string,
): NonNullable<NonNullable<PodView['status']>['conditions']>[number] | undefined {
  return pod.status?.conditions?.find((condition) => condition.type === type);
}

/** A pod as events of its eviction name it: without its version. */
export function podReference({ metadata }: PodView): ObjectReference {
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    ...(metadata.namespace ? { namespace: metadata.namespace } : {}),
    name: metadata.name ?? '',
    ...(metadata.uid ? { uid: metadata.uid } : {}),
  };
}

export function isPodReady(pod: PodView): boolean {
  return podCondition(pod, 'Ready')?.status === 'True';
}

export function isPodTerminal(pod: PodView): boolean {
  return pod.status?.phase === 'Succeeded' || pod.status?.phase === 'Failed';
}

/** Neither finished nor being deleted. */
export function isPodActive(pod: PodView): boolean {
  return !isPodTerminal(pod) && pod.metadata.deletionTimestamp === undefined;
}

/** Being deleted, and not yet finished. */
export function isPodTerminating(pod: PodView): boolean {
  return !isPodTerminal(pod) && pod.metadata.deletionTimestamp !== undefined;
}

/** Ready, and for at least `minReadySeconds`. */
export function isPodAvailable(pod: PodView, minReadySeconds: number, nowMs: number): boolean {
  const ready = podCondition(pod, 'Ready');
  if (ready?.status !== 'True') return false;
  if (minReadySeconds === 0) return true;
  const sinceMs = timeMs(ready.lastTransitionTime);
  return sinceMs !== undefined && sinceMs + minReadySeconds * 1000 <= nowMs;
}

/** Milliseconds until the next of these pods becomes available; undefined when none is waiting. */
export function nextAvailabilityCheckMs(
  pods: readonly PodView[],
  minReadySeconds: number,
  nowMs: number,
): number | undefined {
  let nextMs: number | undefined;
  for (const pod of pods) {
    const ready = podCondition(pod, 'Ready');
    const sinceMs = ready?.status === 'True' ? timeMs(ready.lastTransitionTime) : undefined;
    if (sinceMs === undefined) continue;
    const waitMs = sinceMs + minReadySeconds * 1000 - nowMs;
    if (waitMs > 0 && (nextMs === undefined || waitMs < nextMs)) nextMs = waitMs;
  }
  return nextMs;
}

/** A timestamp of an object as ms since the epoch. */
export function timeMs(time: string | null | undefined): number | undefined {
  return time ? Date.parse(time) : undefined;
}

/** Go's zero time sorts before every other. */
export function compareCreation(
  a: { readonly metadata: { readonly creationTimestamp?: string; readonly name?: string } },
  b: { readonly metadata: { readonly creationTimestamp?: string; readonly name?: string } },
): number {
  const byTime =
    (timeMs(a.metadata.creationTimestamp) ?? 0) - (timeMs(b.metadata.creationTimestamp) ?? 0);
  if (byTime !== 0) return byTime;
  const [nameA, nameB] = [a.metadata.name ?? '', b.metadata.name ?? ''];
  return nameA < nameB ? -1 : nameA > nameB ? 1 : 0;
}

const deletionCostAnnotation = 'controller.kubernetes.io/pod-deletion-cost';
const phaseOrder: Readonly<Record<string, number>> = { Pending: 0, Unknown: 1, Running: 2 };

function deletionCost(pod: PodView): number {
  const cost = Number(pod.metadata.annotations?.[deletionCostAnnotation] ?? 0);
  return Number.isInteger(cost) ? cost : 0;
}

function readySinceMs(pod: PodView): number {
  const ready = podCondition(pod, 'Ready');
  return (ready?.status === 'True' ? timeMs(ready.lastTransitionTime) : undefined) ?? 0;
}

function maxRestarts(pod: PodView): number {
  return Math.max(0, ...(pod.status?.containerStatuses ?? []).map((status) => status.restartCount));
}

/**
 * Order of deletion: first what is lost least with.
 *
 * @param rankOf how many related pods share the pod's node.
 * @see k8s.io/kubernetes/pkg/controller/controller_utils.go, ActivePodsWithRanks.Less
 */
export function compareForDeletion(
  nowMs: number,
  rankOf: (pod: PodView) => number = () => 0,
): (a: PodView, b: PodView) => number {
  const logAge = (ms: number): number => {
    const seconds = nowMs - ms;
    return seconds <= 0 ? 0 : Math.floor(Math.log2(seconds / 1000));
  };
  return (a, b) => {
    const assigned = Number(Boolean(a.spec?.nodeName)) - Number(Boolean(b.spec?.nodeName));
    if (assigned !== 0) return assigned;
    const phase =
      (phaseOrder[a.status?.phase ?? ''] ?? 0) - (phaseOrder[b.status?.phase ?? ''] ?? 0);
    if (phase !== 0) return phase;
    const ready = Number(isPodReady(a)) - Number(isPodReady(b));
    if (ready !== 0) return ready;
    const cost = deletionCost(a) - deletionCost(b);
    if (cost !== 0) return cost;
    const rank = rankOf(b) - rankOf(a);
    if (rank !== 0) return rank;
    if (isPodReady(a) && isPodReady(b)) {
      const [readyA, readyB] = [readySinceMs(a), readySinceMs(b)];
      if (readyA !== readyB) {
        const [ageA, ageB] = [logAge(readyA), logAge(readyB)];
        if (ageA !== ageB) return ageA - ageB;
        return (a.metadata.uid ?? '') < (b.metadata.uid ?? '') ? -1 : 1;
      }
    }
    const restarts = maxRestarts(b) - maxRestarts(a);
    if (restarts !== 0) return restarts;
    const createdA = timeMs(a.metadata.creationTimestamp) ?? 0;
    const createdB = timeMs(b.metadata.creationTimestamp) ?? 0;
    if (createdA !== createdB) {
      const [ageA, ageB] = [logAge(createdA), logAge(createdB)];
      if (ageA !== ageB) return ageA - ageB;
      return (a.metadata.uid ?? '') < (b.metadata.uid ?? '') ? -1 : 1;
    }
    return 0;
  };
}
