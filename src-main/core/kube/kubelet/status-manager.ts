import { jsonClone, jsonEqual } from '#core/base';
import type { PodCondition, PodStatus } from '../apis/index.ts';
import { formatTime, isReason } from '../machinery/index.ts';
import { errorText, type KubeletContext } from './context.ts';
import { isTerminalPhase, podKey, uidOf, type PodStatusView, type PodView } from './pods.ts';
import { statusPatch } from './status-patch.ts';

interface Entry {
  /** As the kubelet has it. */
  pod: PodView;
  status: PodStatus;
  /** The pod worker is done with it: nothing of it runs any more. */
  finished: boolean;
  dirty: boolean;
  writing: boolean;
  /** The newest version known to be in the API. */
  stored: PodView | undefined;
}

const retryMs = 10_000;

/**
 * Writes statuses of pods to the API, only what changed, one write at a time for each pod; confirms deletions.
 * @see pkg/kubelet/status/status_manager.go
 */
export class StatusManager {
  readonly #context: KubeletContext;
  readonly #entries = new Map<string, Entry>();
  /** The object in the API of a pod: itself, or the mirror of a static pod. */
  readonly #apiPodOf: (pod: PodView) => PodView | undefined;
  #disposed = false;

  constructor(context: KubeletContext, apiPodOf: (pod: PodView) => PodView | undefined) {
    this.#context = context;
    this.#apiPodOf = apiPodOf;
  }

  dispose(): void {
    this.#disposed = true;
  }

  get(uid: string): PodStatusView | undefined {
    return this.#entries.get(uid)?.status;
  }

  set(pod: PodView, wanted: PodStatus): void {
    const uid = uidOf(pod);
    const entry = this.#entries.get(uid);
    const old: PodStatusView = entry?.status ?? pod.status ?? {};
    const status = jsonClone(wanted);
    const finished = entry?.finished ?? false;
    if (
      isTerminalPhase(status.phase) &&
      !isTerminalPhase(old.phase) &&
      !finished &&
      this.#mayRun(status)
    ) {
      // Nobody may think the pod has ended while something of it runs.
      status.phase = old.phase ?? 'Pending';
      copy(status, old, 'reason');
      copy(status, old, 'message');
    }
    const now = formatTime(this.#context.clock.now());
    for (const condition of status.conditions ?? []) {
      const before = (old.conditions ?? []).find(({ type }) => type === condition.type);
      condition.lastTransitionTime =
        before?.status === condition.status && before.lastTransitionTime
          ? before.lastTransitionTime
          : (condition.lastTransitionTime ?? now);
    }
    if (entry) {
      entry.pod = pod;
      if (jsonEqual(entry.status, status)) {
        if (finished) this.#write(entry);
        return;
      }
      entry.status = status;
      entry.dirty = true;
      this.#write(entry);
      return;
    }
    const made: Entry = {
      pod,
      status,
      finished: false,
      dirty: true,
      writing: false,
      stored: undefined,
    };
    this.#entries.set(uid, made);
    this.#write(made);
  }

  /** A condition or the phase of a pod outside its worker: refused or evicted pods. */
  reject(pod: PodView, reason: string, message: string): void {
    this.set(pod, {
      phase: 'Failed',
      reason,
      message,
      qosClass: pod.status?.qosClass ?? 'BestEffort',
      startTime: formatTime(this.#context.clock.now()),
      ...(pod.metadata.generation === undefined
        ? {}
        : { observedGeneration: pod.metadata.generation }),
    });
    this.finish(uidOf(pod));
  }

  /** A pod that had ended before this kubelet began: nothing to write, but its deletion is to be confirmed. */
  adopt(pod: PodView): void {
    const entry: Entry = {
      pod,
      status: jsonClone(pod.status ?? {}) as PodStatus,
      finished: true,
      dirty: false,
      writing: false,
      stored: pod,
    };
    this.#entries.set(uidOf(pod), entry);
    this.#write(entry);
  }

  /** Nothing of the pod runs any more; when it is to be deleted, it may go now. */
  finish(uid: string): void {
    const entry = this.#entries.get(uid);
    if (!entry) return;
    entry.finished = true;
    this.#write(entry);
  }

  isFinished(uid: string): boolean {
    return this.#entries.get(uid)?.finished ?? false;
  }

  /** The object in the API changed. */
  observe(uid: string, pod: PodView): void {
    const entry = this.#entries.get(uid);
    if (!entry) return;
    entry.stored = newer(entry.stored, pod);
    if (uidOf(pod) === uid) entry.pod = pod;
    if (entry.finished && pod.metadata.deletionTimestamp !== undefined) this.#write(entry);
  }

  /** The mirror is there at last: its status is to be written. */
  touch(uid: string): void {
    const entry = this.#entries.get(uid);
    if (!entry) return;
    entry.dirty = true;
    entry.stored = undefined;
    this.#write(entry);
  }

  forget(uid: string): void {
    this.#entries.delete(uid);
  }

  /** A condition as last set. */
  condition(uid: string, type: string): PodCondition | undefined {
    return this.#entries.get(uid)?.status.conditions?.find((item) => item.type === type);
  }

  /** A pod whose containers never began has nothing to wait for. */
  #mayRun({ containerStatuses = [], initContainerStatuses = [] }: PodStatus): boolean {
    return containerStatuses.length + initContainerStatuses.length > 0;
  }

  #write(entry: Entry): void {
    if (entry.writing || this.#disposed || !this.#context.api) return;
    entry.writing = true;
    // The changes of one moment are one write.
    queueMicrotask(() => void this.#writeNow(entry));
  }

  async #writeNow(entry: Entry): Promise<void> {
    const { api, clock, log } = this.#context;
    if (!api) return;
    try {
      while (entry.dirty && this.#isCurrent(entry)) {
        entry.dirty = false;
        await this.#patch(entry);
      }
      await this.#confirm(entry);
    } catch (error) {
      if (isReason(error, 'NotFound')) return;
      log('E', 'status_manager.go:1045', 'Failed to get status for pod', {
        err: errorText(error),
        podUID: uidOf(entry.pod),
        pod: podKey(entry.pod),
      });
      entry.dirty = true;
      entry.stored = undefined;
      clock.setTimer(retryMs, () => this.#write(entry), { background: true });
      return;
    } finally {
      entry.writing = false;
    }
    // Something changed while the last write was on its way.
    if (entry.dirty && this.#isCurrent(entry)) this.#write(entry);
  }

  #isCurrent(entry: Entry): boolean {
    return !this.#disposed && this.#entries.get(uidOf(entry.pod)) === entry;
  }

  async #patch(entry: Entry): Promise<void> {
    const { api } = this.#context;
    const known = this.#apiPodOf(entry.pod);
    if (!api || !known) return;
    const current = newer(entry.stored, known);
    const { name = '', namespace, uid } = current.metadata;
    const patch = statusPatch(current.status ?? {}, entry.status);
    if (!patch) return;
    entry.stored = await api.client
      .resource('pods')
      .patch(
        namespace,
        name,
        'strategic',
        { metadata: { uid }, status: patch },
        { subresource: 'status' },
      );
  }

  /** The kubelet has the last word on a deletion: grace 0. */
  async #confirm(entry: Entry): Promise<void> {
    const { api } = this.#context;
    if (!entry.finished || !api) return;
    const known = this.#apiPodOf(entry.pod);
    if (known?.metadata.deletionTimestamp === undefined || uidOf(known) !== uidOf(entry.pod))
      return;
    const { name = '', namespace, uid } = known.metadata;
    await api.client.resource('pods').delete(namespace, name, {
      gracePeriodSeconds: 0,
      ...(uid === undefined ? {} : { preconditions: { uid } }),
    });
    this.#entries.delete(uidOf(entry.pod));
  }
}

function copy(status: PodStatus, old: PodStatusView, field: 'reason' | 'message'): void {
  const value = old[field];
  if (value === undefined) delete status[field];
  else status[field] = value;
}

function newer(a: PodView | undefined, b: PodView): PodView {
  if (!a || uidOf(a) !== uidOf(b)) return b;
  return Number(a.metadata.resourceVersion) > Number(b.metadata.resourceVersion) ? a : b;
}
