import type { ContainerStatus } from '../apis/index.ts';
import { isSidecar, isStaticPod, restartsAfter, specOf, type PodView } from './pods.ts';

/**
 * The phase that follows from the statuses of a pod's containers.
 * @param ended the pod is not started again, whatever its restart policy.
 * @see pkg/kubelet/kubelet_pods.go, getPhase
 */
export function phaseOf(
  pod: PodView,
  statuses: readonly ContainerStatus[],
  ended: boolean,
  initialized: boolean,
): string {
  const spec = specOf(pod);
  const find = (name: string): ContainerStatus | undefined =>
    statuses.find((status) => status.name === name);
  let pendingInit = 0;
  let pendingSidecars = 0;
  const count = { unknown: 0, running: 0, waiting: 0, stopped: 0, final: 0, succeeded: 0 };
  for (const container of spec.initContainers ?? []) {
    const status = find(container.name);
    const { running, waiting, terminated } = status?.state ?? {};
    const last = status?.lastState?.terminated;
    if (isSidecar(container)) {
      if (running) {
        if (!status?.started) pendingSidecars += 1;
        count.running += 1;
      } else if (!terminated && !(waiting && last)) {
        if (status) pendingSidecars += 1;
        if (waiting) count.waiting += 1;
        else count.unknown += 1;
      }
      continue;
    }
    const ending = terminated ?? (waiting ? last : undefined);
    if (!ending) pendingInit += 1;
    else if (ending.exitCode !== 0 && !restartsAfter(pod, container, ending.exitCode))
      return 'Failed';
  }
  for (const container of spec.containers) {
    const status = find(container.name);
    const { running, waiting, terminated } = status?.state ?? {};
    const ending = terminated ?? (waiting ? status?.lastState?.terminated : undefined);
    if (running) count.running += 1;
    else if (ending) {
      count.stopped += 1;
      if (!restartsAfter(pod, container, ending.exitCode)) count.final += 1;
      if (terminated?.exitCode === 0) count.succeeded += 1;
    } else if (waiting) count.waiting += 1;
    else count.unknown += 1;
  }
  if (pendingInit > 0 || (pendingSidecars > 0 && !initialized) || count.waiting > 0)
    return 'Pending';
  if (count.running > 0 && count.unknown === 0) return 'Running';
  if (count.running > 0 || count.stopped === 0 || count.unknown > 0) return 'Pending';
  const result = count.stopped === count.succeeded ? 'Succeeded' : 'Failed';
  if (ended && !isStaticPod(pod)) return result;
  return count.stopped === count.final ? result : 'Running';
}
