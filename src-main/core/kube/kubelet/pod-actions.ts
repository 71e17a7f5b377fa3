import type { ContainerStatus } from './cri.ts';
import { containerHashAnnotation } from './labels.ts';
import { latestOf, liveSandbox, type RuntimePod } from './pod-cache.ts';
import { containerHash } from './container-config.ts';
import { type ContainerView, isSidecar, restartsAfter, specOf, type PodView } from './pods.ts';

export type ProbeVerdict = 'success' | 'failure' | 'unknown';

/** What probes have found out about containers, by id. Undefined: not probed. */
export interface ProbeVerdicts {
  liveness(containerId: string): ProbeVerdict | undefined;
  startup(containerId: string): ProbeVerdict | undefined;
}

export interface KillAction {
  readonly container: ContainerView;
  readonly status: ContainerStatus;
  /** Of the event. */
  readonly message: string;
  readonly reason: 'liveness' | 'startup' | '';
}

/** What a sync has to do. */
export interface PodActions {
  /** Everything of the pod is to be stopped, the sandbox too. */
  killPod: boolean;
  createSandbox: boolean;
  /** Of the sandbox to make. */
  readonly attempt: number;
  initContainersToStart: ContainerView[];
  readonly containersToStart: ContainerView[];
  readonly ephemeralContainersToStart: ContainerView[];
  readonly containersToKill: KillAction[];
}

/** @see pkg/kubelet/container/helpers.go, ShouldContainerBeRestarted */
export function shouldRun(pod: PodView, container: ContainerView, runtime: RuntimePod): boolean {
  if (pod.metadata.deletionTimestamp !== undefined) return false;
  const status = latestOf(runtime, container.name);
  if (!status) return true;
  if (status.state === 'CONTAINER_RUNNING') return false;
  if (status.state !== 'CONTAINER_EXITED') return true;
  return restartsAfter(pod, container, status.exitCode);
}

/** Whether a container of the pod's own list has been made in its time. */
export function hasMainContainer(pod: PodView, runtime: RuntimePod): boolean {
  return specOf(pod).containers.some(({ name }) => latestOf(runtime, name) !== undefined);
}

/**
 * Compares what runs with what should run.
 * @see pkg/kubelet/kuberuntime/kuberuntime_manager.go, computePodActions
 */
export function computePodActions(
  pod: PodView,
  runtime: RuntimePod,
  probes: ProbeVerdicts,
): PodActions {
  const spec = specOf(pod);
  const sandbox = liveSandbox(runtime);
  const needsSandbox = !sandbox || (!spec.hostNetwork && sandbox.ips.length === 0);
  const newest = runtime.sandboxes[0];
  const actions: PodActions = {
    killPod: needsSandbox,
    createSandbox: needsSandbox,
    attempt: newest ? newest.attempt + 1 : 0,
    initContainersToStart: [],
    containersToStart: [],
    ephemeralContainersToStart: [],
    containersToKill: [],
  };
  if (needsSandbox) {
    forNewSandbox(pod, runtime, actions);
    return actions;
  }
  for (const container of spec.ephemeralContainers ?? [])
    if (!latestOf(runtime, container.name)) actions.ephemeralContainersToStart.push(container);
  const initialized = initActions(pod, runtime, probes, actions);
  if (actions.killPod || !initialized) return actions;
  let kept = 0;
  for (const container of spec.containers) {
    const status = latestOf(runtime, container.name);
    if (status?.state !== 'CONTAINER_RUNNING') {
      if (shouldRun(pod, container, runtime)) actions.containersToStart.push(container);
      continue;
    }
    const kill = reasonToKill(container, status, probes, 'Container');
    if (!kill) {
      kept += 1;
      continue;
    }
    const restart =
      kill.reason === '' || (container.restartPolicy ?? spec.restartPolicy ?? 'Always') !== 'Never';
    if (restart) actions.containersToStart.push(container);
    actions.containersToKill.push({
      container,
      status,
      reason: kill.reason,
      message: restart ? `${kill.message}, will be restarted` : kill.message,
    });
  }
  if (kept === 0 && actions.containersToStart.length === 0) {
    actions.killPod = true;
    // Sidecars must not keep the pod alive.
    actions.initContainersToStart = [];
  }
  return actions;
}

function forNewSandbox(pod: PodView, runtime: RuntimePod, actions: PodActions): void {
  const spec = specOf(pod);
  const [firstInit] = spec.initContainers ?? [];
  if (spec.restartPolicy === 'Never' && actions.attempt !== 0 && runtime.containers.length > 0) {
    actions.createSandbox = false;
    return;
  }
  const toStart = spec.containers.filter((container) => {
    const status = latestOf(runtime, container.name);
    const once = (container.restartPolicy ?? spec.restartPolicy) === 'OnFailure';
    return !(once && status?.state === 'CONTAINER_EXITED' && status.exitCode === 0);
  });
  if (toStart.length === 0 && hasMainContainer(pod, runtime)) {
    actions.createSandbox = false;
    return;
  }
  if (firstInit) actions.initContainersToStart.push(firstInit);
  else actions.containersToStart.push(...toStart);
}

function reasonToKill(
  container: ContainerView,
  status: ContainerStatus,
  probes: ProbeVerdicts,
  title: 'Container' | 'Init container',
): { message: string; reason: KillAction['reason'] } | undefined {
  const name = `${title} ${container.name}`;
  const hash = status.annotations[containerHashAnnotation];
  if (hash !== undefined && hash !== containerHash(container))
    return { message: `${name} definition changed`, reason: '' };
  if (probes.liveness(status.id) === 'failure')
    return { message: `${name} failed liveness probe`, reason: 'liveness' };
  if (probes.startup(status.id) === 'failure')
    return { message: `${name} failed startup probe`, reason: 'startup' };
  return undefined;
}

/**
 * Which init containers are to start, seen from the last one that has run; true when all have done their work.
 * @see pkg/kubelet/kuberuntime/kuberuntime_container.go, computeInitContainerActions
 */
function initActions(
  pod: PodView,
  runtime: RuntimePod,
  probes: ProbeVerdicts,
  actions: PodActions,
): boolean {
  const spec = specOf(pod);
  const inits = spec.initContainers ?? [];
  if (inits.length === 0) return true;
  let initialized = spec.containers.some(({ name }) => {
    const state = latestOf(runtime, name)?.state;
    return state === 'CONTAINER_RUNNING' || state === 'CONTAINER_CREATED';
  });
  let seen = initialized;
  const start = new Set<ContainerView>();
  for (let index = inits.length - 1; index >= 0; index--) {
    const container = inits[index];
    if (!container) continue;
    const status = latestOf(runtime, container.name);
    const next = inits[index + 1];
    if (!status) {
      if (seen && isSidecar(container)) start.add(container);
      continue;
    }
    if (seen && !isSidecar(container)) continue;
    const done = (): void => {
      if (!next) initialized = true;
      else if (!seen) start.add(next);
    };
    if (status.state === 'CONTAINER_RUNNING') {
      if (isSidecar(container)) {
        const kill = reasonToKill(container, status, probes, 'Init container');
        if (kill) {
          actions.containersToKill.push({ container, status, ...kill });
          start.add(container);
          if (kill.reason !== 'startup') done();
        } else if (!container.startupProbe || probes.startup(status.id) === 'success') done();
      }
    } else if (status.state === 'CONTAINER_EXITED' && !isSidecar(container)) {
      if (status.exitCode === 0) done();
      else if (restartsAfter(pod, container, status.exitCode)) start.add(container);
      else {
        actions.killPod = true;
        actions.initContainersToStart = [];
        return false;
      }
    } else start.add(container);
    seen = true;
  }
  if (!seen && inits[0]) start.add(inits[0]);
  actions.initContainersToStart = inits.filter((container) => start.has(container));
  return initialized;
}
