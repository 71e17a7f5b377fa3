import { type DeepReadonly, type Disposable, jsonClone, jsonEqual } from '#core/base';
import type { Node, NodeCondition, NodeStatus } from '../apis/index.ts';
import { canonicalQuantity, formatTime, isReason, parseQuantity } from '../machinery/index.ts';
import { memoryQuantity } from './admission.ts';
import { durationMs } from './configuration.ts';
import { errorText, type KubeletContext } from './context.ts';
import type { RuntimeState } from './runtime-state.ts';

export interface NodeOptions {
  readonly registerWithTaints: readonly {
    readonly key: string;
    readonly value?: string;
    readonly effect: string;
  }[];
  readonly labels: Readonly<Record<string, string>>;
  /** For `status.volumesInUse`. */
  readonly volumesInUse: () => readonly string[];
  /** What the node is short of: `MemoryPressure` … */
  readonly pressures: () => readonly string[];
  /** Told what of them the API server has. */
  readonly onVolumesReported: (names: readonly string[]) => void;
}

export interface Allocatable {
  readonly cpuMilli: number;
  readonly memoryBytes: number;
  readonly ephemeralStorageBytes: number;
  readonly pods: number;
}

const allocatables = new WeakMap<KubeletContext, Allocatable>();

/** What is left for pods. @see pkg/kubelet/cm/node_container_manager_linux.go */
export function allocatableOf(context: KubeletContext): Allocatable {
  let allocatable = allocatables.get(context);
  if (!allocatable) allocatables.set(context, (allocatable = withoutReserved(context)));
  return allocatable;
}

function withoutReserved({ host, config }: KubeletContext): Allocatable {
  const { cpuMilli, memoryBytes, ephemeralStorageBytes } = host.capacity;
  const reserved = (name: string): bigint =>
    [config.systemReserved?.[name], config.kubeReserved?.[name]]
      .map((text) => parseQuantity(text ?? '0').nano)
      .reduce((a, b) => a + b, 0n);
  const threshold = (name: string, total: number): number => {
    const text = config.evictionHard[name] ?? '0';
    if (text.endsWith('%')) return Math.floor((total * Number(text.slice(0, -1))) / 100);
    return Number(parseQuantity(text).nano / 1_000_000_000n);
  };
  return {
    cpuMilli: cpuMilli - Number(reserved('cpu') / 1_000_000n),
    memoryBytes:
      memoryBytes -
      Number(reserved('memory') / 1_000_000_000n) -
      threshold('memory.available', memoryBytes),
    ephemeralStorageBytes:
      ephemeralStorageBytes -
      Number(reserved('ephemeral-storage') / 1_000_000_000n) -
      threshold('nodefs.available', ephemeralStorageBytes),
    pods: config.maxPods,
  };
}

const declaredFeatures = [
  'ExtendWebSocketsToKubelet',
  'InPlacePodLevelResourcesVerticalScaling',
  'InPlacePodVerticalScalingInitContainers',
  'RestartAllContainersOnContainerExits',
];
const firstRetryMs = 100;
const maxRetryMs = 7000;

/**
 * Registers the node and reports its status: every 10 s when something changed, else every 5 minutes.
 * @see pkg/kubelet/kubelet_node_status.go
 */
export class NodeReporter implements Disposable {
  readonly #context: KubeletContext;
  readonly #state: RuntimeState;
  readonly #options: NodeOptions;
  readonly #known: () => DeepReadonly<Node> | undefined;
  readonly #onRegistered: () => void;
  #timer: Disposable | undefined;
  #registered = false;
  #reportedMs = 0;
  /** Added to the time until the next report without a change, so that nodes do not report all at once. */
  #reportDelayMs = 0;
  #disposed = false;
  #conditions = new Map<string, string>();
  #unschedulable: boolean | undefined;

  constructor(
    context: KubeletContext,
    state: RuntimeState,
    options: NodeOptions,
    known: () => DeepReadonly<Node> | undefined,
    onRegistered: () => void,
  ) {
    this.#context = context;
    this.#state = state;
    this.#options = options;
    this.#known = known;
    this.#onRegistered = onRegistered;
  }

  start(): void {
    this.event('Normal', 'Starting', 'Starting kubelet.');
    if (this.#context.api) void this.#register(firstRetryMs);
  }

  dispose(): void {
    this.#disposed = true;
    this.#timer?.dispose();
  }

  /** An event on the node: without its uid, as the kubelet writes them. */
  event(type: 'Normal' | 'Warning', reason: string, message: string): void {
    const { nodeName, recorder } = this.#context;
    recorder.event({ kind: 'Node', name: nodeName, apiVersion: 'v1' }, type, reason, message);
  }

  /** Reports at once: something changed that others wait for. */
  report(): void {
    if (!this.#registered || this.#disposed) return;
    this.#timer?.dispose();
    void this.#update();
  }

  async #register(delayMs: number): Promise<void> {
    const { api, nodeName, log, clock, config } = this.#context;
    if (!api || this.#disposed) return;
    if (config.registerNode === false) {
      this.#registered = true;
      void this.#update();
      return;
    }
    log('I', 'kubelet_node_status.go:74', 'Attempting to register node', { node: nodeName });
    const nodes = api.client.resource('nodes');
    try {
      const wanted = await this.#initialNode();
      try {
        await nodes.create(wanted);
      } catch (error) {
        if (!isReason(error, 'AlreadyExists')) throw error;
        await this.#adopt(wanted);
      }
      log('I', 'kubelet_node_status.go:78', 'Successfully registered node', { node: nodeName });
      this.#registered = true;
      this.event('Normal', 'NodeAllocatableEnforced', 'Updated Node Allocatable limit across pods');
      this.#onRegistered();
      void this.#update();
    } catch (error) {
      log('E', 'kubelet_node_status.go:106', 'Unable to register node with API server', {
        err: errorText(error),
        node: nodeName,
      });
      this.#timer = clock.setTimer(
        delayMs,
        () => void this.#register(Math.min(delayMs * 2, maxRetryMs)),
        { background: delayMs >= maxRetryMs },
      );
    }
  }

  async #initialNode(): Promise<Node> {
    const { nodeName, host } = this.#context;
    const { architecture } = host.system;
    const taints = this.#options.registerWithTaints.map((taint) => ({ ...taint }));
    const status = await this.#status(undefined);
    return {
      apiVersion: 'v1',
      kind: 'Node',
      metadata: {
        name: nodeName,
        labels: {
          'beta.kubernetes.io/arch': architecture,
          'beta.kubernetes.io/os': 'linux',
          'kubernetes.io/arch': architecture,
          'kubernetes.io/hostname': host.hostname.toLowerCase(),
          'kubernetes.io/os': 'linux',
          ...this.#options.labels,
        },
        annotations: { 'volumes.kubernetes.io/controller-managed-attach-detach': 'true' },
      },
      spec: taints.length > 0 ? { taints } : {},
      status,
    };
  }

  /** The node exists: its labels are brought up to date. */
  async #adopt({ metadata }: Node): Promise<void> {
    const { api, nodeName } = this.#context;
    const nodes = api?.client.resource('nodes');
    const present = await nodes?.get(undefined, nodeName);
    const labels = metadata.labels ?? {};
    const annotations = metadata.annotations ?? {};
    const differs =
      Object.entries(labels).some(([key, value]) => present?.metadata.labels?.[key] !== value) ||
      Object.entries(annotations).some(
        ([key, value]) => present?.metadata.annotations?.[key] !== value,
      );
    if (differs)
      await nodes?.patch(undefined, nodeName, 'strategic', { metadata: { labels, annotations } });
  }

  #schedule(): void {
    if (this.#disposed) return;
    const { clock, config } = this.#context;
    this.#timer?.dispose();
    this.#timer = clock.setTimer(
      durationMs(config.nodeStatusUpdateFrequency),
      () => void this.#update(),
      { background: true },
    );
  }

  async #update(): Promise<void> {
    const { api, nodeName, log, clock, config, random } = this.#context;
    const nodes = api?.client.resource('nodes');
    if (!nodes) return;
    try {
      const known = this.#known();
      const node = known ?? (await nodes.get(undefined, nodeName));
      this.#noteSchedulable(node.spec?.unschedulable === true);
      const status = await this.#status(node.status);
      const everyMs = durationMs(config.nodeStatusReportFrequency);
      const volumesInUse = [...this.#options.volumesInUse()];
      const isChanged =
        changed(node.status, status) || !jsonEqual(node.status?.volumesInUse ?? [], volumesInUse);
      if (isChanged || clock.now() - this.#reportedMs >= everyMs + this.#reportDelayMs) {
        const isNew = isChanged || this.#reportedMs === 0;
        this.#reportDelayMs = isNew ? everyMs * (random.next() - 0.5) : 0;
        const wanted = jsonClone(node) as Node;
        // Which volumes are attached is for their controller to say.
        const { volumesAttached: _, ...own } = { ...wanted.status, ...status };
        await nodes.patch(
          undefined,
          nodeName,
          'strategic',
          { status: { ...own, volumesInUse: volumesInUse.length > 0 ? volumesInUse : null } },
          { subresource: 'status' },
        );
        this.#reportedMs = clock.now();
      }
      this.#options.onVolumesReported(volumesInUse);
    } catch (error) {
      if (isReason(error, 'NotFound')) {
        this.#registered = false;
        if (!this.#disposed) await this.#register(firstRetryMs);
        return;
      }
      log('E', 'kubelet_node_status.go:540', 'Error updating node status, will retry', {
        err: `error getting node ${JSON.stringify(nodeName)}: ${errorText(error)}`,
      });
    }
    this.#schedule();
  }

  #noteSchedulable(unschedulable: boolean): void {
    const { nodeName } = this.#context;
    if (this.#unschedulable !== undefined && this.#unschedulable !== unschedulable) {
      const reason = unschedulable ? 'NodeNotSchedulable' : 'NodeSchedulable';
      this.event('Normal', reason, `Node ${nodeName} status is now: ${reason}`);
    }
    this.#unschedulable = unschedulable;
  }

  async #status(old: DeepReadonly<NodeStatus> | undefined): Promise<NodeStatus> {
    const { host, config, version, nodeIp } = this.#context;
    const { capacity, system } = host;
    const allocatable = allocatableOf(this.#context);
    const cpu = (milli: number): string =>
      milli % 1000 === 0 ? String(milli / 1000) : `${milli}m`;
    let containerRuntimeVersion = old?.nodeInfo?.containerRuntimeVersion ?? '';
    let images = (old?.images ?? []).map((image) => jsonClone(image)) as NonNullable<
      NodeStatus['images']
    >;
    try {
      const { runtimeName, runtimeVersion } = await host.runtime.version();
      containerRuntimeVersion = `${runtimeName}://${runtimeVersion.replace(/^v/, '')}`;
      images = [...(await host.images.listImages())]
        .sort((a, b) => b.sizeBytes - a.sizeBytes)
        .slice(0, config.nodeStatusMaxImages)
        .map(({ tags, digests, sizeBytes }) => ({
          names: [...digests, ...tags].slice(0, 5),
          sizeBytes,
        }));
    } catch {
      // The runtime is down: what was known stays.
    }
    return {
      addresses: [
        { address: nodeIp, type: 'InternalIP' },
        { address: host.hostname, type: 'Hostname' },
      ],
      allocatable: {
        cpu: cpu(allocatable.cpuMilli),
        'ephemeral-storage': canonicalQuantity(allocatable.ephemeralStorageBytes),
        'hugepages-1Gi': '0',
        'hugepages-2Mi': '0',
        memory: memoryQuantity(allocatable.memoryBytes),
        pods: String(allocatable.pods),
      },
      capacity: {
        cpu: cpu(capacity.cpuMilli),
        'ephemeral-storage': memoryQuantity(capacity.ephemeralStorageBytes),
        'hugepages-1Gi': '0',
        'hugepages-2Mi': '0',
        memory: memoryQuantity(capacity.memoryBytes),
        pods: String(config.maxPods),
      },
      conditions: this.#conditionsOf(old),
      daemonEndpoints: { kubeletEndpoint: { Port: config.port ?? 10250 } },
      declaredFeatures,
      features: { supplementalGroupsPolicy: true },
      images,
      nodeInfo: {
        architecture: system.architecture,
        bootID: system.bootId,
        containerRuntimeVersion,
        kernelVersion: system.kernelVersion,
        kubeProxyVersion: '',
        kubeletVersion: version,
        machineID: system.machineId,
        operatingSystem: 'linux',
        osImage: system.osImage,
        swap: { capacity: 0 },
        systemUUID: system.systemUuid,
      },
      runtimeHandlers: [
        { features: { recursiveReadOnlyMounts: true, userNamespaces: true }, name: '' },
        { features: { recursiveReadOnlyMounts: true, userNamespaces: true }, name: 'runc' },
      ],
    };
  }

  #conditionsOf(old: DeepReadonly<NodeStatus> | undefined): NodeCondition[] {
    const { clock, nodeName } = this.#context;
    const now = formatTime(clock.now());
    const errors = this.#state.errors();
    const problem = errors.length > 1 ? `[${errors.join(', ')}]` : errors[0];
    const pressures = this.#options.pressures();
    const pressure = (
      type: string,
      bad: readonly [string, string],
      good: readonly [string, string],
    ): readonly [string, string, string, string, string] => {
      const isShort = pressures.includes(type);
      const [reason, message] = isShort ? bad : good;
      return [type, isShort ? 'True' : 'False', reason, message, reason.replace('Kubelet', 'Node')];
    };
    const rows = [
      pressure(
        'MemoryPressure',
        ['KubeletHasInsufficientMemory', 'kubelet has insufficient memory available'],
        ['KubeletHasSufficientMemory', 'kubelet has sufficient memory available'],
      ),
      pressure(
        'DiskPressure',
        ['KubeletHasDiskPressure', 'kubelet has disk pressure'],
        ['KubeletHasNoDiskPressure', 'kubelet has no disk pressure'],
      ),
      pressure(
        'PIDPressure',
        ['KubeletHasInsufficientPID', 'kubelet has insufficient PID available'],
        ['KubeletHasSufficientPID', 'kubelet has sufficient PID available'],
      ),
      problem === undefined
        ? ['Ready', 'True', 'KubeletReady', 'kubelet is posting ready status', 'NodeReady']
        : ['Ready', 'False', 'KubeletNotReady', problem, 'NodeNotReady'],
    ] as const;
    return rows.map(([type, status, reason, message, event]) => {
      const before = (old?.conditions ?? []).find((condition) => condition.type === type);
      const last = this.#conditions.get(type) ?? (type === 'Ready' ? before?.status : undefined);
      if (last !== status && (type !== 'Ready' || last !== undefined || status === 'True'))
        this.event('Normal', event, `Node ${nodeName} status is now: ${event}`);
      this.#conditions.set(type, status);
      return {
        lastHeartbeatTime: now,
        lastTransitionTime: before?.status === status ? (before.lastTransitionTime ?? now) : now,
        message,
        reason,
        status,
        type,
      };
    });
  }
}

const ownConditions = new Set(['MemoryPressure', 'DiskPressure', 'PIDPressure', 'Ready']);
const unreported = new Set(['conditions', 'features', 'runtimeHandlers']);

/** Whether two statuses differ in more than the time of the last report. */
function changed(old: DeepReadonly<NodeStatus> | undefined, wanted: NodeStatus): boolean {
  const before = (old?.conditions ?? []).filter(({ type }) => ownConditions.has(type));
  const { conditions = [] } = wanted;
  if (before.length !== conditions.length) return true;
  const isSame = conditions.every(({ type, status, reason, message }, index) => {
    const known = before[index];
    return (
      known?.type === type &&
      known.status === status &&
      known.reason === reason &&
      known.message === message
    );
  });
  if (!isSame) return true;
  for (const name in wanted) {
    const field = name as keyof NodeStatus;
    if (!unreported.has(name) && !jsonEqual(old?.[field], wanted[field])) return true;
  }
  return false;
}
