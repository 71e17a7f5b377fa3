import { fromUtf8 } from '#core/base';
import {
  type ContainerStatus as ApiContainerStatus,
  type PodCondition,
  type PodStatus,
  qosClass,
} from '../apis/index.ts';
import { formatQuantity, formatTime, parseQuantity, type Quantity } from '../machinery/index.ts';
import { tailOfLog } from './container-logs.ts';
import { containerStatuses } from './container-statuses.ts';
import type { KubeletContext } from './context.ts';
import type { ContainerStatus } from './cri.ts';
import { messagePathAnnotation, messagePolicyAnnotation } from './labels.ts';
import { latestOf, liveSandbox, type PodCache, type RuntimePod } from './pod-cache.ts';
import { phaseOf } from './pod-phase.ts';
import type { PodRuntime } from './pod-runtime.ts';
import {
  isSidecar,
  isStaticPod,
  isTerminalPhase,
  specOf,
  uidOf,
  type PodStatusView,
  type PodView,
} from './pods.ts';
import type { ProbeManager } from './probes.ts';

/** Conditions that the kubelet owns; all others are kept as they are. */
export const kubeletConditions: ReadonlySet<string> = new Set([
  'PodScheduled',
  'Ready',
  'Initialized',
  'ContainersReady',
  'PodReadyToStartContainers',
  'PodResizePending',
  'PodResizeInProgress',
]);

export interface PodStatusDeps {
  readonly context: KubeletContext;
  readonly cache: PodCache;
  readonly probes: ProbeManager;
  readonly runtime: PodRuntime;
  /** Of the last report, or of the API. */
  readonly lastStatus: (pod: PodView) => PodStatusView;
  /** Conditions of a resize in progress. */
  readonly resizeConditions: (pod: PodView) => readonly PodCondition[];
}

/** Why a pod is to end although it runs: it has passed its deadline, or its node is short of something. */
export interface Eviction {
  readonly reason: string;
  readonly message: string;
  /** Goes into the pod's status as true. */
  readonly condition?: { readonly type: string; readonly reason: string; readonly message: string };
}

const maxMessageBytes = 4096;

/**
 * The status of a pod as its containers, probes and past say.
 * @see pkg/kubelet/kubelet_pods.go, generateAPIPodStatus
 */
export class PodStatusMaker {
  readonly #deps: PodStatusDeps;
  readonly #messages = new Map<string, string>();

  constructor(deps: PodStatusDeps) {
    this.#deps = deps;
  }

  forget(containerIds: readonly string[]): void {
    for (const id of containerIds) this.#messages.delete(id);
  }

  make(pod: PodView, ended: boolean, eviction?: Eviction): PodStatus {
    const { cache, context, probes, runtime: podRuntime, lastStatus } = this.#deps;
    const uid = uidOf(pod);
    const runtime = cache.get(uid);
    const old = lastStatus(pod);
    const api = pod.status ?? {};
    const reasons = podRuntime.reasonsOf(uid);
    const messageOf = (status: ContainerStatus): string | undefined => this.#messageOf(status);
    const of = (
      kind: 'init' | 'main' | 'ephemeral',
      previous: PodStatusView['containerStatuses'],
    ): ApiContainerStatus[] =>
      containerStatuses({
        pod,
        runtime,
        reasons,
        previous: previous ?? [],
        kind,
        terminal: ended,
        messageOf,
      });
    const inits = of('init', old.initContainerStatuses ?? api.initContainerStatuses);
    const mains = of('main', old.containerStatuses ?? api.containerStatuses);
    const ephemerals = of(
      'ephemeral',
      old.ephemeralContainerStatuses ?? api.ephemeralContainerStatuses,
    );
    // Started first: the phase depends on it.
    const spec = specOf(pod);
    for (const status of [...mains, ...inits]) {
      const actual = latestOf(runtime, status.name);
      status.started = probes.isStarted(uid, actual);
    }
    const initialized = spec.containers.some(({ name }) => {
      const status = latestOf(runtime, name);
      return status !== undefined && status.state !== 'CONTAINER_CREATED';
    });
    let phase = phaseOf(pod, [...inits, ...mains], ended, initialized);
    if (!isTerminalPhase(phase) && isTerminalPhase(old.phase)) phase = old.phase ?? phase;
    if (isTerminalPhase(api.phase)) phase = api.phase ?? phase;
    let reason = phase === old.phase ? (old.reason ?? api.reason) : undefined;
    let message = phase === old.phase ? (old.message ?? api.message) : undefined;
    if (eviction) [phase, reason, message] = ['Failed', eviction.reason, eviction.message];
    for (const status of mains) {
      const actual = latestOf(runtime, status.name);
      status.ready = status.started === true && actual !== undefined && probes.isReady(uid, actual);
    }
    for (const status of inits) {
      const container = spec.initContainers?.find(({ name }) => name === status.name);
      const actual = latestOf(runtime, status.name);
      if (container && isSidecar(container))
        status.ready =
          status.started === true && actual !== undefined && probes.isReady(uid, actual);
      else if (status.state?.terminated?.exitCode === 0) status.ready = true;
    }
    const status: PodStatus = {
      ...this.#addresses(pod, runtime, old),
      ...this.#resources(pod, runtime),
      conditions: [],
      ...(mains.length > 0 ? { containerStatuses: mains } : {}),
      ...(ephemerals.length > 0 ? { ephemeralContainerStatuses: ephemerals } : {}),
      ...(inits.length > 0 ? { initContainerStatuses: inits } : {}),
      ...(message ? { message } : {}),
      phase,
      // Static pods have none of an API server's making.
      qosClass: api.qosClass ?? qosClass(specOf(pod)),
      ...(reason ? { reason } : {}),
      startTime: old.startTime ?? api.startTime ?? formatTime(context.clock.now()),
    };
    status.conditions = this.#conditions(pod, runtime, status, initialized);
    if (eviction?.condition)
      status.conditions = [
        { ...eviction.condition, status: 'True', ...generationOf(pod) },
        ...status.conditions.filter(({ type }) => type !== eviction.condition?.type),
      ];
    if (!isStaticPod(pod) && pod.metadata.generation !== undefined)
      status.observedGeneration = pod.metadata.generation;
    return status;
  }

  #addresses(
    pod: PodView,
    runtime: RuntimePod,
    old: PodStatusView,
  ): Pick<PodStatus, 'hostIP' | 'hostIPs' | 'podIP' | 'podIPs'> {
    const { context } = this.#deps;
    const host = context.api ? { hostIP: context.nodeIp, hostIPs: [{ ip: context.nodeIp }] } : {};
    const sandboxIps = liveSandbox(runtime)?.ips ?? [];
    const ips = specOf(pod).hostNetwork
      ? [context.nodeIp]
      : sandboxIps.length > 0
        ? sandboxIps
        : (old.podIPs ?? []).map(({ ip }) => ip);
    const [podIP] = ips;
    return podIP === undefined ? host : { ...host, podIP, podIPs: ips.map((ip) => ({ ip })) };
  }

  /** Sums over the containers of the pod, as its control group has them. */
  #resources(
    pod: PodView,
    runtime: RuntimePod,
  ): Pick<PodStatus, 'resources' | 'allocatedResources'> {
    if (runtime.containers.length === 0) return {};
    const { containers, resources = {} } = specOf(pod);
    const sum = (list: 'requests' | 'limits', all: boolean): Record<string, string> => {
      const totals: Record<string, string> = {};
      for (const name of ['cpu', 'memory']) {
        const own = resources[list]?.[name];
        const amounts = containers.flatMap(
          (container) => container.resources?.[list]?.[name] ?? [],
        );
        if (own !== undefined) totals[name] = own;
        else if (amounts.length > 0 && (!all || amounts.length === containers.length))
          totals[name] = formatQuantity(
            amounts.map((text) => parseQuantity(String(text))).reduce(plus),
          );
      }
      return totals;
    };
    const requests = sum('requests', false);
    const limits = sum('limits', true);
    const has = (totals: object): boolean => Object.keys(totals).length > 0;
    return {
      ...(has(requests) ? { allocatedResources: requests } : {}),
      ...(has(requests) || has(limits)
        ? {
            resources: {
              ...(has(limits) ? { limits } : {}),
              ...(has(requests) ? { requests } : {}),
            },
          }
        : {}),
    };
  }

  #conditions(
    pod: PodView,
    runtime: RuntimePod,
    status: PodStatus,
    initialized: boolean,
  ): PodCondition[] {
    const { containerStatuses: mains = [], initContainerStatuses: inits = [], phase } = status;
    const spec = specOf(pod);
    const foreign = (pod.status?.conditions ?? []).filter(
      ({ type }) => !kubeletConditions.has(type),
    );
    const ended =
      phase === 'Succeeded' ? 'PodCompleted' : phase === 'Failed' ? 'PodFailed' : undefined;
    const ready = (): Omit<PodCondition, 'type'> => {
      if (ended) return { reason: ended, status: 'False' };
      const unready = [...(spec.initContainers ?? []).filter(isSidecar), ...spec.containers].filter(
        ({ name }) => ![...inits, ...mains].some((item) => item.name === name && item.ready),
      );
      if (unready.length === 0) return { status: 'True' };
      return {
        message: `containers with unready status: [${unready.map(({ name }) => name).join(' ')}]`,
        reason: 'ContainersNotReady',
        status: 'False',
      };
    };
    const containersReady = ready();
    const gates = (spec.readinessGates ?? []).flatMap(({ conditionType }) => {
      const condition = foreign.find(({ type }) => type === conditionType);
      if (!condition)
        return `corresponding condition of pod readiness gate ${JSON.stringify(conditionType)} does not exist.`;
      return condition.status === 'True'
        ? []
        : `the status of pod readiness gate ${JSON.stringify(conditionType)} is not "True", but ${condition.status}`;
    });
    const podReady: Omit<PodCondition, 'type'> =
      containersReady.status === 'True' && gates.length > 0
        ? { message: gates.join(', '), reason: 'ReadinessGatesNotReady', status: 'False' }
        : containersReady;
    const sandboxIsReady = liveSandbox(runtime) !== undefined;
    const generation = generationOf(pod);
    const own: PodCondition[] = [
      { status: sandboxIsReady ? 'True' : 'False', type: 'PodReadyToStartContainers' },
      { ...this.#initialized(pod, inits, phase, initialized), type: 'Initialized' },
      { ...podReady, type: 'Ready' },
      { ...containersReady, type: 'ContainersReady' },
      { status: 'True', type: 'PodScheduled' },
    ];
    return [
      ...foreign.map((condition) => ({ ...condition })),
      ...this.#deps.resizeConditions(pod),
      ...own.map((condition) => ({ ...condition, ...generation })),
    ];
  }

  #initialized(
    pod: PodView,
    statuses: readonly ApiContainerStatus[],
    phase: string | undefined,
    initialized: boolean,
  ): Omit<PodCondition, 'type'> {
    if (phase === 'Succeeded') return { reason: 'PodCompleted', status: 'True' };
    if (initialized) return { status: 'True' };
    const incomplete = (specOf(pod).initContainers ?? []).filter((container) => {
      const status = statuses.find(({ name }) => name === container.name);
      return !(isSidecar(container) ? status?.started : status?.ready);
    });
    if (incomplete.length === 0) return { status: 'True' };
    return {
      message: `containers with incomplete status: [${incomplete.map(({ name }) => name).join(' ')}]`,
      reason: 'ContainersNotInitialized',
      status: 'False',
    };
  }

  /** What the container left in its termination message file, or the end of its log. */
  #messageOf(status: ContainerStatus): string | undefined {
    const known = this.#messages.get(status.id);
    if (known !== undefined) return known;
    const { files } = this.#deps.context.host;
    let text = status.message;
    if (text === '') {
      const path = status.annotations[messagePathAnnotation];
      const file = status.mounts?.find(({ containerPath }) => containerPath === path)?.hostPath;
      if (file !== undefined && files.exists(file))
        text = fromUtf8(files.readFile(file).subarray(0, maxMessageBytes));
      const fallsBack = status.annotations[messagePolicyAnnotation] === 'FallbackToLogsOnError';
      if (text === '' && fallsBack && status.exitCode !== 0)
        text = tailOfLog(files, status.logPath);
    }
    this.#messages.set(status.id, text);
    return text;
  }
}

function generationOf(pod: PodView): { observedGeneration?: number } {
  const { generation } = pod.metadata;
  return generation === undefined || isStaticPod(pod) ? {} : { observedGeneration: generation };
}

function plus(a: Quantity, b: Quantity): Quantity {
  return { nano: a.nano + b.nano, format: a.format };
}
