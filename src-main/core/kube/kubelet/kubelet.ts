import {
  type Clock,
  type Disposable,
  DisposableStore,
  jsonEqual,
  type Logger,
  type Random,
} from '#core/base';
import type { Node, Pod, Service } from '../apis/index.ts';
import {
  createEventRecorder,
  createInformers,
  type Informer,
  type KubeClient,
} from '../client/index.ts';
import { type ApiRequest, type ApiResponse, objectKey } from '../machinery/index.ts';
import { admit } from './admission.ts';
import { AttachedVolumes } from './attached-volumes.ts';
import type { KubeletConfiguration } from './configuration.ts';
import { ContainerKiller } from './container-killer.ts';
import {
  errorText,
  type KubeletContext,
  podEvent,
  type Severity,
  structuredLine,
} from './context.ts';
import { publishCsiNode } from './csi-node.ts';
import type { DownwardValues } from './downward-api.ts';
import { EvictionManager } from './eviction-manager.ts';
import type { NodeHost } from './host.ts';
import { ImageManager } from './images.ts';
import { podNameLabel } from './labels.ts';
import { deleteMirrorPod, isMirrorOf, reconcileMirrorPod } from './mirror-pods.ts';
import { NodeLease } from './node-lease.ts';
import { allocatableOf, NodeReporter } from './node-status.ts';
import { liveSandbox, PodCache } from './pod-cache.ts';
import { logDirectoryOf, PodRuntime } from './pod-runtime.ts';
import { kubeletConditions, PodStatusMaker } from './pod-status.ts';
import { PodWorker, type PodWorkerDeps } from './pod-worker.ts';
import {
  isMirrorPod,
  isStaticPod,
  isTerminalPhase,
  podKey,
  specOf,
  uidOf,
  type PodView,
} from './pods.ts';
import { ProbeManager } from './probes.ts';
import { ReferencedObjects } from './referenced-objects.ts';
import { ResizeManager } from './resize.ts';
import { RuntimeState } from './runtime-state.ts';
import { KubeletServer } from './server.ts';
import { StaticPodSource } from './static-pod-source.ts';
import { StatusManager } from './status-manager.ts';
import { VolumeManager } from './volumes.ts';

export interface KubeletOptions {
  readonly nodeName: string;
  readonly host: NodeHost;
  /** Absent: static pods alone. */
  readonly client?: KubeClient;
  readonly config: KubeletConfiguration;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  /** Takes the lines of the kubelet's log. @param place `file.go:123` */
  readonly klog: (severity: Severity, place: string, text: string) => void;
  /** `v1.36.3`. */
  readonly version: string;
  /** Default: the host's first address. */
  readonly nodeIp?: string;
  readonly registerWithTaints: readonly {
    readonly key: string;
    readonly value?: string;
    readonly effect: string;
  }[];
  readonly nodeLabels: Readonly<Record<string, string>>;
}

/** One node's agent: runs the pods bound to its node and those of its manifest folder. */
export interface Kubelet extends Disposable {
  start(): void;
  /** A request to the kubelet's own API (port 10250), already allowed to its sender. */
  handle(request: ApiRequest): Promise<ApiResponse>;
}

/** @see pkg/kubelet/kubelet.go */
export function createKubelet(options: KubeletOptions): Kubelet {
  return new NodeAgent(options);
}

const housekeepingMs = 2000;
/** What upstream gives a pod of which only the runtime knows. */
const orphanGraceSeconds = 1;

class NodeAgent implements Kubelet {
  readonly #context: KubeletContext;
  readonly #owned = new DisposableStore();
  readonly #cache: PodCache;
  readonly #state: RuntimeState;
  readonly #node: NodeReporter;
  readonly #evictions: EvictionManager;
  readonly #lease: NodeLease;
  readonly #statuses: StatusManager;
  readonly #killer: ContainerKiller;
  readonly #server: KubeletServer;
  readonly #workerDeps: PodWorkerDeps;
  readonly #workers = new Map<string, PodWorker>();
  readonly #staticPods = new Map<string, PodView>();
  readonly #source: StaticPodSource | undefined;
  readonly #pods: Informer<Pod> | undefined;
  readonly #nodes: Informer<Node> | undefined;
  readonly #services: Informer<Service> | undefined;
  #disposed = false;
  #podCidr: string | undefined;

  constructor(options: KubeletOptions) {
    const context = contextOf(options);
    const { api, nodeName } = context;
    this.#context = context;
    this.#pods = api?.informers.for('pods', { fieldSelector: `spec.nodeName=${nodeName}` });
    this.#nodes = api?.informers.for('nodes', { fieldSelector: `metadata.name=${nodeName}` });
    this.#services = api?.informers.for('services');
    const wake = (uid: string): void => this.#workers.get(uid)?.wake();
    this.#cache = this.#owned.add(
      new PodCache(context, (uid) => {
        if (this.#workers.has(uid)) wake(uid);
      }),
    );
    this.#state = this.#owned.add(new RuntimeState(context, () => void this.#runtimeIsBack()));
    const node = (): ReturnType<Informer<Node>['get']> =>
      this.#nodes?.get(objectKey({ name: nodeName }));
    const attached = new AttachedVolumes(context, node);
    this.#node = this.#owned.add(
      new NodeReporter(
        context,
        this.#state,
        {
          registerWithTaints: options.registerWithTaints,
          labels: options.nodeLabels,
          volumesInUse: () => attached.inUse(),
          pressures: () => this.#evictions.pressures,
          onVolumesReported: (names) => attached.reportedInUse(names),
        },
        node,
        () => {
          this.#wakeAll();
          void publishCsiNode(context, () => this.#disposed);
        },
      ),
    );
    this.#evictions = this.#owned.add(
      new EvictionManager({
        context,
        cache: this.#cache,
        activePods: () =>
          [...this.#workers.values()].flatMap(({ phase, pod }) => (phase === 'sync' ? [pod] : [])),
        evict: (pod, graceSeconds, eviction) =>
          this.#workers.get(uidOf(pod))?.terminate(graceSeconds, eviction),
        nodeEvent: (type, reason, message) => this.#node.event(type, reason, message),
      }),
    );
    this.#lease = this.#owned.add(new NodeLease(context, () => node()?.metadata.uid));
    const objects = new ReferencedObjects(context, wake);
    const values = (pod: PodView): DownwardValues => this.#downwardValues(pod);
    const volumes = new VolumeManager(context, objects, values, attached);
    const probes = this.#owned.add(new ProbeManager(context, this.#cache, wake));
    this.#killer = new ContainerKiller(context);
    const runtime = new PodRuntime({
      context,
      cache: this.#cache,
      images: new ImageManager(context, objects),
      killer: this.#killer,
      config: { context, objects, volumes, services: this.#services, values },
      probes,
    });
    this.#statuses = new StatusManager(context, (pod) => this.#apiPodOf(pod));
    const resize = new ResizeManager(context, this.#cache, () =>
      [...this.#workers.values()].map(({ pod }) => pod),
    );
    this.#workerDeps = {
      context,
      cache: this.#cache,
      runtime,
      killer: this.#killer,
      probes,
      statuses: this.#statuses,
      statusMaker: new PodStatusMaker({
        context,
        cache: this.#cache,
        probes,
        runtime,
        lastStatus: (pod) => this.#statuses.get(uidOf(pod)) ?? pod.status ?? {},
        resizeConditions: (pod) => resize.conditions(pod),
      }),
      volumes,
      objects,
      networkError: () => this.#state.networkError,
      mayStart: (pod) => this.#mayStart(pod),
      reconcileMirror: (pod) =>
        reconcileMirrorPod({ context, pods: this.#pods, nodes: this.#nodes }, pod),
      applyResize: (pod) => resize.apply(pod),
      onFinished: (worker) => this.#finished(worker),
    };
    this.#source =
      context.config.staticPodPath === undefined || context.config.staticPodPath === ''
        ? undefined
        : this.#owned.add(
            new StaticPodSource(context, context.config.staticPodPath, (pods) =>
              this.#setStaticPods(pods),
            ),
          );
    this.#server = new KubeletServer({
      context,
      cache: this.#cache,
      statuses: this.#statuses,
      pods: () => this.#allPods(),
      probes,
    });
  }

  start(): void {
    void this.#begin();
  }

  dispose(): void {
    this.#disposed = true;
    this.#statuses.dispose();
    for (const worker of this.#workers.values()) worker.dispose();
    this.#context.api?.informers.dispose();
    this.#owned.dispose();
  }

  handle(request: ApiRequest): Promise<ApiResponse> {
    return this.#server.handle(request);
  }

  async #begin(): Promise<void> {
    const { api, log } = this.#context;
    log('I', 'server.go:1257', 'Started kubelet');
    await this.#state.start();
    await this.#cache.start();
    if (this.#disposed) return;
    this.#node.start();
    this.#evictions.start();
    this.#source?.start();
    if (!api) return;
    this.#pods?.addHandler({
      onAdd: (pod) => this.#apiPod(pod),
      onUpdate: (_, pod) => this.#apiPod(pod),
      onDelete: (pod) => this.#apiPodGone(pod),
    });
    // The node's object is what mirrors of static pods belong to.
    this.#nodes?.addHandler({
      onAdd: (node) => {
        this.#wakeStatic();
        this.#tellPodCidr(node.spec?.podCIDR);
      },
      onUpdate: (_, node) => this.#tellPodCidr(node.spec?.podCIDR),
    });
    api.informers.start();
    this.#lease.start();
    await Promise.all([this.#pods?.waitForSync(), this.#services?.waitForSync()]);
    if (this.#disposed) return;
    await this.#cleanUp();
    this.#wakeStatic();
  }

  /** The runtime's network plug-ins take pod addresses from the node's block. */
  #tellPodCidr(podCidr: string | undefined): void {
    if (podCidr === undefined || podCidr === this.#podCidr) return;
    this.#podCidr = podCidr;
    this.#context.host.runtime.updateRuntimeConfig?.({ podCidr }).catch(() => {
      // The runtime is down: the next news of the node tells it again.
      this.#podCidr = undefined;
    });
  }

  /** Static pods and those of the API, also finished ones. */
  #allPods(): readonly PodView[] {
    const all = new Map(
      (this.#pods?.list() ?? []).filter((pod) => !isMirrorPod(pod)).map((pod) => [uidOf(pod), pod]),
    );
    for (const { uid, pod } of this.#workers.values()) all.set(uid, pod);
    return [...all.values()];
  }

  #wakeStatic(): void {
    for (const worker of this.#workers.values()) if (isStaticPod(worker.pod)) worker.wake();
  }

  #wakeAll(): void {
    for (const worker of this.#workers.values()) worker.wake();
  }

  async #runtimeIsBack(): Promise<void> {
    await this.#cache.relist();
    this.#wakeAll();
    this.#node.report();
  }

  #setStaticPods(pods: readonly PodView[]): void {
    const wanted = new Map(pods.map((pod) => [uidOf(pod), pod]));
    for (const uid of [...this.#staticPods.keys()]) {
      if (wanted.has(uid)) continue;
      this.#staticPods.delete(uid);
      this.#workers.get(uid)?.terminate();
    }
    for (const [uid, pod] of wanted) {
      if (this.#staticPods.has(uid)) continue;
      this.#staticPods.set(uid, pod);
      const present = this.#workers.get(uid);
      if (present) present.restartRequested = true;
      else this.#addWorker(pod);
    }
  }

  #apiPod(pod: PodView): void {
    if (isMirrorPod(pod)) {
      this.#mirror(pod);
      return;
    }
    if (isStaticPod(pod)) return;
    const uid = uidOf(pod);
    const worker = this.#workers.get(uid);
    this.#statuses.observe(uid, pod);
    if (worker) {
      if (needsSync(worker.pod, pod)) worker.update(pod);
      else worker.pod = pod;
      return;
    }
    if (this.#statuses.get(uid)) return;
    const { sandboxes, containers } = this.#cache.get(uid);
    const runs = sandboxes.length > 0;
    const isRunning = containers.some(({ state }) => state === 'CONTAINER_RUNNING');
    if (isTerminalPhase(pod.status?.phase) && !isRunning) {
      this.#statuses.adopt(pod);
      return;
    }
    if (!runs && pod.metadata.deletionTimestamp === undefined && this.#refuses(pod)) return;
    const added = this.#addWorker(pod);
    if (pod.metadata.deletionTimestamp !== undefined) added.update(pod);
  }

  /** Admission by the node itself. */
  #refuses(pod: PodView): boolean {
    const { nodeName, config } = this.#context;
    const refusal = admit({
      pod,
      others: [...this.#workers.values()]
        .filter(({ phase }) => phase === 'sync')
        .map((worker) => worker.pod),
      node: this.#nodes?.get(objectKey({ name: nodeName })),
      allocatable: allocatableOf(this.#context),
      allowedUnsafeSysctls: config.allowedUnsafeSysctls ?? [],
      pressures: this.#evictions.pressures,
    });
    if (!refusal) return false;
    podEvent(this.#context, pod, 'Warning', refusal.reason, refusal.message);
    this.#statuses.reject(pod, refusal.reason, `Pod was rejected: ${refusal.message}`);
    return true;
  }

  #mirror(pod: PodView): void {
    const worker = this.#staticWorker(pod);
    if (!worker) {
      // Its manifest is gone; at the start this is known once all sources are read.
      if (this.#pods?.hasSynced === true && !this.#staticOf(pod))
        void deleteMirrorPod(this.#context, pod);
      return;
    }
    if (!isMirrorOf(pod, worker.pod) || pod.metadata.deletionTimestamp !== undefined) {
      worker.wake();
      return;
    }
    const isNew = pod.status?.startTime === undefined;
    this.#statuses.observe(worker.uid, pod);
    if (isNew) this.#statuses.touch(worker.uid);
  }

  #staticOf(mirror: PodView): PodView | undefined {
    return [...this.#staticPods.values()].find((pod) => podKey(pod) === podKey(mirror));
  }

  #staticWorker(mirror: PodView): PodWorker | undefined {
    const pod = this.#staticOf(mirror);
    return pod && this.#workers.get(uidOf(pod));
  }

  #apiPodGone(pod: PodView): void {
    if (isMirrorPod(pod)) {
      // Made anew at the next sync, some seconds later, as long as the manifest is there.
      this.#staticWorker(pod)?.wake();
      return;
    }
    const uid = uidOf(pod);
    const worker = this.#workers.get(uid);
    if (worker) worker.terminate(specOf(pod).terminationGracePeriodSeconds);
    else this.#forget(pod);
  }

  #addWorker(pod: PodView): PodWorker {
    const worker = new PodWorker(this.#workerDeps, pod);
    this.#workers.set(worker.uid, worker);
    worker.wake();
    return worker;
  }

  #mayStart(pod: PodView): boolean {
    if (!isStaticPod(pod)) return true;
    return ![...this.#workers.values()].some(
      (other) =>
        other.uid !== uidOf(pod) && isStaticPod(other.pod) && podKey(other.pod) === podKey(pod),
    );
  }

  #finished(worker: PodWorker): void {
    const { uid, pod } = worker;
    const { clock } = this.#context;
    this.#workers.delete(uid);
    worker.dispose();
    if (isStaticPod(pod)) {
      this.#statuses.forget(uid);
      const again = this.#staticPods.get(uid);
      if (again)
        clock.setTimer(housekeepingMs, () => {
          if (!this.#disposed && this.#staticPods.has(uid) && !this.#workers.has(uid))
            this.#addWorker(again);
        });
      else this.#removeMirror(pod);
      return;
    }
    if (this.#pods?.get(objectKey(pod.metadata))?.metadata.uid !== uid) this.#forget(pod);
  }

  #removeMirror(pod: PodView): void {
    const mirror = this.#pods?.get(objectKey(pod.metadata));
    if (mirror && isMirrorPod(mirror) && !this.#staticOf(mirror))
      void deleteMirrorPod(this.#context, mirror);
  }

  #forget(pod: PodView): void {
    const { files } = this.#context.host;
    const logs = logDirectoryOf(pod);
    this.#statuses.forget(uidOf(pod));
    void this.#removeLeftovers(uidOf(pod)).then(() => {
      if (files.exists(logs)) files.remove(logs);
    });
  }

  /** Dead containers and sandboxes of a pod that is gone. */
  async #removeLeftovers(uid: string): Promise<void> {
    const { runtime } = this.#context.host;
    try {
      for (const { id } of this.#cache.get(uid).sandboxes) await runtime.removePodSandbox(id);
      for (const { id } of this.#cache.get(uid).containers) await runtime.removeContainer(id);
    } catch (error) {
      this.#context.log('E', 'kuberuntime_gc.go:180', 'Failed to remove sandbox', {
        err: errorText(error),
      });
    }
  }

  #apiPodOf(pod: PodView): PodView | undefined {
    const found = this.#pods?.get(objectKey(pod.metadata));
    if (!found) return undefined;
    if (isStaticPod(pod)) return isMirrorPod(found) && isMirrorOf(found, pod) ? found : undefined;
    return uidOf(found) === uidOf(pod) ? found : undefined;
  }

  /** All sources are read: what belongs to no pod goes. */
  async #cleanUp(): Promise<void> {
    for (const mirror of this.#pods?.list() ?? [])
      if (isMirrorPod(mirror) && !this.#staticOf(mirror) && !this.#staticWorker(mirror))
        await deleteMirrorPod(this.#context, mirror);
    for (const uid of this.#cache.uids()) {
      if (this.#workers.has(uid) || this.#statuses.get(uid)) continue;
      const orphan = this.#cache.get(uid);
      const [sandbox] = orphan.sandboxes;
      const pod: PodView = {
        apiVersion: 'v1',
        kind: 'Pod',
        metadata: {
          name: sandbox?.labels[podNameLabel] ?? sandbox?.name ?? '',
          namespace: sandbox?.namespace ?? '',
          uid,
        },
      };
      await this.#killer.killPod(pod, orphan, orphanGraceSeconds);
      await this.#removeLeftovers(uid);
    }
  }

  #downwardValues(pod: PodView): DownwardValues {
    const { nodeIp, nodeName } = this.#context;
    const podIps = specOf(pod).hostNetwork
      ? [nodeIp]
      : (liveSandbox(this.#cache.get(uidOf(pod)))?.ips ?? []);
    return { nodeName, hostIps: [nodeIp], podIps, allocatable: allocatableOf(this.#context) };
  }
}

/** A change of status alone, which is mostly the kubelet's own, needs no sync. */
function needsSync(old: PodView, pod: PodView): boolean {
  const foreign = (view: PodView): unknown =>
    (view.status?.conditions ?? [])
      .filter(({ type }) => !kubeletConditions.has(type))
      .map(({ type, status }) => [type, status]);
  return (
    old.metadata.generation !== pod.metadata.generation ||
    old.metadata.deletionTimestamp !== pod.metadata.deletionTimestamp ||
    old.metadata.deletionGracePeriodSeconds !== pod.metadata.deletionGracePeriodSeconds ||
    !jsonEqual(old.metadata.labels, pod.metadata.labels) ||
    !jsonEqual(old.metadata.annotations, pod.metadata.annotations) ||
    (specOf(pod).readinessGates !== undefined && !jsonEqual(foreign(old), foreign(pod)))
  );
}

function contextOf(options: KubeletOptions): KubeletContext {
  const { client, clock, host, klog, logger, nodeName, random } = options;
  const informers = client && createInformers(client, clock, { random, logger });
  return {
    nodeName,
    nodeIp: options.nodeIp || (host.addresses[0] ?? ''),
    host,
    config: options.config,
    clock,
    random,
    logger,
    version: options.version,
    startedMs: clock.now(),
    ...(client && informers ? { api: { client, informers } } : {}),
    recorder: client
      ? createEventRecorder(client, {
          component: 'kubelet',
          host: nodeName,
          clock,
          random,
          logger,
        })
      : { event: () => undefined },
    log: (severity, place, message, fields) =>
      klog(severity, place, structuredLine(message, fields)),
    logText: klog,
  };
}
