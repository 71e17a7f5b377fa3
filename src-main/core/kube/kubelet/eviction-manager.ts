import type { Disposable } from '#core/base';
import { systemCriticalPriority } from './admission.ts';
import { errorText, type KubeletContext, podEvent } from './context.ts';
import { type Candidate, evictionMessage, ranked } from './eviction-ranking.ts';
import {
  metThresholds,
  type Observations,
  type Pressure,
  pressureOf,
  starvedBy,
  type Threshold,
  thresholdsOf,
} from './eviction-thresholds.ts';
import { durationMs } from './configuration.ts';
import { limitsStorage, storageExcess } from './local-storage.ts';
import type { PodCache } from './pod-cache.ts';
import type { Eviction } from './pod-status.ts';
import { podUsage, type PodUsage } from './pod-usage.ts';
import { isStaticPod, podKey, specOf, uidOf, type PodView } from './pods.ts';

const monitoringMs = 10_000;
/** How often the disk usage of a pod is counted. */
const volumeStatsMs = 60_000;
const immediateGraceSeconds = 1;

export interface EvictionDeps {
  readonly context: KubeletContext;
  readonly cache: PodCache;
  /** Pods that run here. */
  readonly activePods: () => readonly PodView[];
  readonly evict: (pod: PodView, graceSeconds: number, eviction: Eviction) => void;
  readonly nodeEvent: (type: 'Normal' | 'Warning', reason: string, message: string) => void;
}

/**
 * Watches what the node has left, tells pressure by the node's conditions, and ends pods, one at a time, as long as
 * memory, disk or process numbers are short; and pods that keep more on the disk than they may.
 *
 * @see pkg/kubelet/eviction/eviction_manager.go
 */
export class EvictionManager implements Disposable {
  readonly #deps: EvictionDeps;
  readonly #thresholds: readonly Threshold[];
  readonly #lastObserved = new Map<Pressure, number>();
  readonly #metSince = new Map<Threshold, number>();
  readonly #measured = new Map<string, { readonly atMs: number; readonly usage: PodUsage }>();
  #met: readonly Threshold[] = [];
  #pressures: readonly Pressure[] = [];
  #timer: Disposable | undefined;
  #disposed = false;

  constructor(deps: EvictionDeps) {
    this.#deps = deps;
    this.#thresholds = thresholdsOf(deps.context.config);
  }

  /** What the node's conditions say. */
  get pressures(): readonly Pressure[] {
    return this.#pressures;
  }

  start(): void {
    this.#timer = this.#deps.context.clock.setTimer(monitoringMs, () => void this.#look(), {
      background: true,
    });
  }

  dispose(): void {
    this.#disposed = true;
    this.#timer?.dispose();
  }

  async #look(): Promise<void> {
    try {
      await this.#synchronize();
    } catch (error) {
      this.#deps.context.log(
        'E',
        'eviction_manager.go:295',
        'Eviction manager: failed to get summary stats',
        {
          err: errorText(error),
        },
      );
    }
    if (!this.#disposed) this.start();
  }

  async #synchronize(): Promise<void> {
    const { context, activePods, evict, nodeEvent } = this.#deps;
    const observations = this.#observe();
    const now = context.clock.now();
    const met = this.#thresholds.filter(
      (threshold) =>
        metThresholds([threshold], observations, false).length > 0 ||
        (this.#met.includes(threshold) &&
          metThresholds([threshold], observations, true).length > 0),
    );
    for (const threshold of this.#thresholds)
      if (!met.includes(threshold)) this.#metSince.delete(threshold);
      else if (!this.#metSince.has(threshold)) this.#metSince.set(threshold, now);
    for (const { signal } of met) this.#lastObserved.set(pressureOf[signal], now);
    const transitionMs = durationMs(context.config.evictionPressureTransitionPeriod);
    this.#pressures = [...this.#lastObserved]
      .filter(([, atMs]) => now - atMs < transitionMs || atMs === now)
      .map(([pressure]) => pressure);
    this.#met = met.filter(
      (threshold) => now - (this.#metSince.get(threshold) ?? now) >= threshold.graceMs,
    );
    const pods = activePods();
    if (await this.#evictForStorage(pods)) return;
    // Memory before all else.
    const first = this.#met.find(({ signal }) => signal === 'memory.available') ?? this.#met[0];
    if (!first) return;
    const resource = starvedBy[first.signal];
    context.log('I', 'eviction_manager.go:381', 'Eviction manager: attempting to reclaim', {
      resourceName: resource,
    });
    nodeEvent('Warning', 'EvictionThresholdMet', `Attempting to reclaim ${resource}`);
    const candidates: Candidate[] = [];
    for (const pod of pods) candidates.push({ pod, usage: await this.#usageOf(pod) });
    for (const candidate of ranked(candidates, resource)) {
      const { pod } = candidate;
      if (isCritical(pod)) continue;
      const most = context.config.evictionMaxPodGracePeriod ?? 0;
      const graceSeconds =
        first.graceMs === 0
          ? immediateGraceSeconds
          : Math.min(most, specOf(pod).terminationGracePeriodSeconds ?? most);
      const message = evictionMessage(candidate, resource, this.#met, observations);
      this.#tell(pod, message);
      evict(pod, graceSeconds, {
        reason: 'Evicted',
        message,
        condition: { type: 'DisruptionTarget', reason: 'TerminationByKubelet', message },
      });
      return;
    }
    context.log(
      'I',
      'eviction_manager.go:444',
      'Eviction manager: unable to evict any pods from the node',
    );
  }

  #observe(): Observations {
    const { capacity, usage } = this.#deps.context.host;
    const used = usage?.();
    if (!used) return {};
    const disk = {
      capacity: capacity.ephemeralStorageBytes,
      available: Math.max(0, capacity.ephemeralStorageBytes - used.diskBytes),
    };
    return {
      'memory.available': {
        capacity: capacity.memoryBytes,
        available: Math.max(0, capacity.memoryBytes - used.memoryBytes),
      },
      // Images and writable layers lie on the same disk as all else.
      'nodefs.available': disk,
      'imagefs.available': disk,
      'pid.available': {
        capacity: used.maxProcesses,
        available: used.maxProcesses - used.processes,
      },
    };
  }

  #usageOf(pod: PodView): Promise<PodUsage> {
    return podUsage(this.#deps.context, this.#deps.cache, pod);
  }

  /** @returns whether any pod had to go. */
  async #evictForStorage(pods: readonly PodView[]): Promise<boolean> {
    const { clock } = this.#deps.context;
    const limited = pods.filter(limitsStorage);
    const uids = new Set(limited.map(uidOf));
    for (const uid of this.#measured.keys()) if (!uids.has(uid)) this.#measured.delete(uid);
    let evicted = false;
    for (const pod of limited) {
      let measured = this.#measured.get(uidOf(pod));
      if (!measured || clock.now() - measured.atMs >= volumeStatsMs) {
        measured = { atMs: clock.now(), usage: await this.#usageOf(pod) };
        this.#measured.set(uidOf(pod), measured);
      }
      const message = storageExcess(pod, measured.usage);
      if (message === undefined || isCritical(pod)) continue;
      this.#tell(pod, message);
      this.#deps.evict(pod, immediateGraceSeconds, { reason: 'Evicted', message });
      evicted = true;
    }
    return evicted;
  }

  #tell(pod: PodView, message: string): void {
    const { context } = this.#deps;
    podEvent(context, pod, 'Warning', 'Evicted', message);
    context.log('I', 'eviction_manager.go:633', 'Eviction manager: pod is evicted successfully', {
      pod: podKey(pod),
    });
  }
}

/** @see pkg/kubelet/types/pod_update.go, IsCriticalPod */
function isCritical(pod: PodView): boolean {
  return isStaticPod(pod) || (specOf(pod).priority ?? 0) >= systemCriticalPriority;
}
