import { defer, type Disposable } from '#core/base';
import { AttachLimitExceeded } from './attached-volumes.ts';
import type { ContainerKiller } from './container-killer.ts';
import { graceOf } from './container-killer.ts';
import { durationMs } from './configuration.ts';
import { Alarm, errorText, type KubeletContext, podEvent } from './context.ts';
import type { PodCache } from './pod-cache.ts';
import { logDirectoryOf, type PodRuntime, SyncError } from './pod-runtime.ts';
import type { Eviction, PodStatusMaker } from './pod-status.ts';
import { isStaticPod, isTerminalPhase, podKey, specOf, uidOf, type PodView } from './pods.ts';
import type { ProbeManager } from './probes.ts';
import type { ReferencedObjects } from './referenced-objects.ts';
import type { StatusManager } from './status-manager.ts';
import type { VolumeManager } from './volumes.ts';

export interface PodWorkerDeps {
  readonly context: KubeletContext;
  readonly cache: PodCache;
  readonly runtime: PodRuntime;
  readonly killer: ContainerKiller;
  readonly probes: ProbeManager;
  readonly statuses: StatusManager;
  readonly statusMaker: PodStatusMaker;
  readonly volumes: VolumeManager;
  readonly objects: ReferencedObjects;
  /** Why pods of their own network cannot start; undefined when they can. */
  readonly networkError: () => string | undefined;
  /** Another static pod of the same name is still ending. */
  readonly mayStart: (pod: PodView) => boolean;
  readonly reconcileMirror: (pod: PodView) => Promise<void>;
  readonly applyResize: (pod: PodView) => Promise<PodView>;
  readonly onFinished: (worker: PodWorker) => void;
}

const errorRetryMs = 10_000;
const networkRetryMs = 1000;

/**
 * The life of one pod on this node, one step at a time: it is synced until it is to end, then its containers are
 * stopped, then what is left of it is removed. Each step looks at the present state alone.
 *
 * @see pkg/kubelet/pod_workers.go
 */
export class PodWorker implements Disposable {
  pod: PodView;
  phase: 'sync' | 'terminating' | 'terminated' | 'finished' = 'sync';
  /** The manifest came back while its pod was still ending. */
  restartRequested = false;
  readonly uid: string;
  readonly #deps: PodWorkerDeps;
  readonly #alarm: Alarm;
  readonly #deadline: Alarm;
  #busy = false;
  #pending = false;
  #started = false;
  #disposed = false;
  #abort = new AbortController();
  #graceSeconds: number | undefined;
  #eviction: Eviction | undefined;

  constructor(deps: PodWorkerDeps, pod: PodView) {
    this.#deps = deps;
    this.pod = pod;
    this.uid = uidOf(pod);
    const wake = (): void => this.wake();
    this.#alarm = new Alarm(deps.context.clock, wake);
    this.#deadline = new Alarm(deps.context.clock, wake);
  }

  /** A new version of the pod. */
  update(pod: PodView): void {
    this.pod = pod;
    if (pod.metadata.deletionTimestamp !== undefined) this.terminate(graceOf(pod));
    else this.wake();
  }

  /** The pod is to end: deleted, its manifest gone, evicted. A shorter grace period replaces a longer one. */
  terminate(graceSeconds?: number, eviction?: Eviction): void {
    if (eviction) this.#eviction ??= eviction;
    if (this.phase === 'terminating') {
      this.#shorten(graceSeconds);
      return;
    }
    if (this.phase !== 'sync') return;
    this.phase = 'terminating';
    this.#graceSeconds = graceSeconds;
    this.#abort.abort(new Error('pod is terminating'));
    this.wake();
  }

  /**
   * Has a look soon; many calls are one look. It is a step of its own: a watch may tell of many pods at once, and
   * all that a look does within the process would happen before anybody else got an answer.
   */
  wake(): void {
    if (this.#disposed || this.phase === 'finished') return;
    if (this.#busy) {
      this.#pending = true;
      return;
    }
    this.#busy = true;
    defer(this.#deps.context.clock, () => void this.#run());
  }

  dispose(): void {
    this.#disposed = true;
    this.#abort.abort(new Error('kubelet stopped'));
    this.#alarm.dispose();
    this.#deadline.dispose();
  }

  async #run(): Promise<void> {
    this.#alarm.dispose();
    this.#pending = false;
    try {
      await this.#step();
    } finally {
      this.#busy = false;
    }
    if (this.#pending) this.wake();
  }

  async #step(): Promise<void> {
    const { context } = this.#deps;
    try {
      if (this.#disposed) return;
      if (this.phase === 'sync') await this.#sync();
      else if (this.phase === 'terminating') await this.#syncTerminating();
      else if (this.phase === 'terminated') await this.#syncTerminated();
    } catch (error) {
      if (this.#disposed) return;
      if (
        this.#abort.signal.aborted &&
        this.phase === 'terminating' &&
        !(error instanceof SyncError)
      ) {
        // A sync was cut short because the pod is to end, or its end met an error.
        if (error === this.#abort.signal.reason) {
          this.#pending = true;
          return;
        }
      }
      const { clock, random } = context;
      const jitter = 1 + 0.5 * random.next();
      const message = errorText(error);
      context.log('E', 'pod_workers.go:1324', 'Error syncing pod, skipping', {
        err: message,
        pod: podKey(this.pod),
        podUID: this.uid,
      });
      const isNetwork = message.startsWith('network is not ready');
      const baseMs = isNetwork
        ? networkRetryMs
        : error instanceof SyncError && error.retryMs !== undefined
          ? Math.min(
              Math.max(0, error.retryMs - clock.now()),
              durationMs(context.config.syncFrequency),
            )
          : errorRetryMs;
      this.#alarm.setBefore(clock.now() + baseMs * jitter, isNetwork || baseMs > 60_000);
    }
  }

  async #sync(): Promise<void> {
    const deps = this.#deps;
    const { context } = deps;
    const { clock, random } = context;
    if (!this.#started && !deps.mayStart(this.pod)) {
      this.#alarm.setBefore(clock.now() + errorRetryMs * (1 + 0.5 * random.next()), false);
      return;
    }
    this.#started = true;
    this.pod = await deps.applyResize(this.pod);
    const { pod } = this;
    const eviction = this.#pastDeadline() ?? this.#eviction;
    const status = deps.statusMaker.make(pod, false, eviction);
    deps.statuses.set(pod, status);
    if (isTerminalPhase(status.phase)) {
      this.#eviction ??= eviction;
      this.terminate(eviction ? graceOf(pod) : undefined);
      return;
    }
    const networkError = deps.networkError();
    if (networkError !== undefined && !specOf(pod).hostNetwork) {
      podEvent(context, pod, 'Warning', 'NetworkNotReady', `network is not ready: ${networkError}`);
      throw new Error(`network is not ready: ${networkError}`);
    }
    deps.objects.registerPod(pod);
    await deps.reconcileMirror(pod);
    this.#abort.signal.throwIfAborted();
    try {
      await deps.volumes.mountAll(pod, this.#abort.signal);
    } catch (error) {
      if (!(error instanceof AttachLimitExceeded)) throw error;
      const reason = 'VolumeAttachmentLimitExceeded';
      podEvent(context, pod, 'Warning', reason, error.message);
      this.terminate(undefined, { reason, message: `Pod was rejected: ${error.message}` });
      return;
    }
    deps.probes.addPod(pod);
    try {
      await deps.runtime.sync(pod, this.#abort.signal);
    } finally {
      await deps.runtime.removeDead(pod, true);
    }
    const resyncMs = durationMs(context.config.syncFrequency) * (1 + 0.5 * random.next());
    const renewMs = deps.volumes.nextRenewalMs(this.uid) ?? Number.POSITIVE_INFINITY;
    this.#alarm.setBefore(
      Math.min(clock.now() + resyncMs, Math.max(renewMs, clock.now() + 1000)),
      true,
    );
  }

  /** @see pkg/kubelet/active_deadline.go */
  #pastDeadline(): Eviction | undefined {
    const { context } = this.#deps;
    const seconds = specOf(this.pod).activeDeadlineSeconds;
    const started = this.#deps.statuses.get(this.uid)?.startTime ?? this.pod.status?.startTime;
    if (seconds === undefined || started === undefined) {
      if (seconds !== undefined)
        this.#deadline.setBefore(context.clock.now() + seconds * 1000, false);
      return undefined;
    }
    const dueMs = Date.parse(started) + seconds * 1000;
    if (context.clock.now() < dueMs) {
      this.#deadline.setBefore(dueMs, false);
      return undefined;
    }
    const message = 'Pod was active on the node longer than the specified deadline';
    podEvent(context, this.pod, 'Normal', 'DeadlineExceeded', message);
    return { reason: 'DeadlineExceeded', message };
  }

  async #syncTerminating(): Promise<void> {
    const { cache, killer, probes, statuses, statusMaker } = this.#deps;
    const { pod, uid } = this;
    statuses.set(pod, statusMaker.make(pod, false, this.#eviction));
    probes.stopLivenessAndStartup(uid);
    await killer.killPod(pod, cache.get(uid), this.#graceSeconds);
    probes.removePod(uid);
    await cache.refresh(uid);
    statuses.set(this.pod, statusMaker.make(this.pod, true, this.#eviction));
    this.phase = 'terminated';
    // What is left is seen to at the next look at the runtime.
    const { clock, startedMs } = this.#deps.context;
    this.#alarm.setBefore(clock.now() + 1000 - ((clock.now() - startedMs) % 1000), false);
  }

  #shorten(graceSeconds: number | undefined): void {
    if (graceSeconds === undefined) return;
    const current = this.#graceSeconds ?? specOf(this.pod).terminationGracePeriodSeconds ?? 30;
    if (graceSeconds >= current) return;
    this.#graceSeconds = graceSeconds;
    const { runtime } = this.#deps.context.host;
    for (const { id, state } of this.#deps.cache.get(this.uid).containers)
      if (state === 'CONTAINER_RUNNING')
        // The first stop goes on waiting; this one ends it sooner.
        runtime.stopContainer(id, Math.max(graceSeconds, 0)).catch(() => undefined);
  }

  async #syncTerminated(): Promise<void> {
    const { cache, context, objects, runtime, statuses, statusMaker, volumes } = this.#deps;
    const { pod, uid } = this;
    const isDeleted = pod.metadata.deletionTimestamp !== undefined || isStaticPod(pod);
    const last = statusMaker.make(pod, true, this.#eviction);
    statuses.finish(uid);
    statuses.set(pod, last);
    volumes.unmountAll(uid);
    objects.unregisterPod(uid);
    await runtime.removeDead(pod, !isDeleted);
    const present = cache.get(uid);
    if (isDeleted || present.containers.length === 0) {
      for (const { id } of present.sandboxes) await context.host.runtime.removePodSandbox(id);
      const directory = logDirectoryOf(pod);
      if (isDeleted && context.host.files.exists(directory)) context.host.files.remove(directory);
    }
    runtime.forget(uid);
    this.phase = 'finished';
    this.#alarm.dispose();
    this.#deadline.dispose();
    this.#deps.onFinished(this);
  }
}
