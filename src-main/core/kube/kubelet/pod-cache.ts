import { type Disposable, DisposableStore } from '#core/base';
import type { KubeletContext } from './context.ts';
import { errorText } from './context.ts';
import {
  type ContainerEvent,
  type ContainerStatus,
  CriError,
  type PodSandboxStatus,
} from './cri.ts';
import { podUidLabel, restartCountAnnotation } from './labels.ts';

/** What the runtime has of one pod. */
export interface RuntimePod {
  readonly uid: string;
  /** Newest first. */
  readonly sandboxes: readonly PodSandboxStatus[];
  /** Newest first, all attempts. */
  readonly containers: readonly ContainerStatus[];
}

/**
 * Upstream looks each second. A tenth is enough for a container that ends at once never to be seen running, and nobody
 * waits for a pod that runs.
 */
const relistMs = 100;

/**
 * The runtime's containers and sandboxes by pod, kept by its events. A pod is reported a tenth of a second after its
 * first change.
 *
 * @see pkg/kubelet/pleg/generic.go
 */
export class PodCache implements Disposable {
  readonly #context: KubeletContext;
  readonly #onChange: (uid: string) => void;
  readonly #sandboxes = new Map<string, PodSandboxStatus>();
  readonly #containers = new Map<string, ContainerStatus>();
  readonly #byPod = new Map<string, Set<string>>();
  /** Pods as they were asked for; taken out when something of them changes. */
  readonly #views = new Map<string, RuntimePod>();
  readonly #reports = new Map<string, Disposable>();
  readonly #owned = new DisposableStore();
  #stale = true;

  constructor(context: KubeletContext, onChange: (uid: string) => void) {
    this.#context = context;
    this.#onChange = onChange;
  }

  /** Reads everything, and follows the runtime from then on. */
  async start(): Promise<void> {
    this.#owned.add(this.#context.host.runtime.onEvent((event) => this.#onEvent(event)));
    await this.relist();
  }

  dispose(): void {
    this.#owned.dispose();
    for (const timer of this.#reports.values()) timer.dispose();
  }

  uids(): readonly string[] {
    return [...this.#byPod.keys()];
  }

  get(uid: string): RuntimePod {
    const known = this.#views.get(uid);
    if (known) return known;
    const ids = [...(this.#byPod.get(uid) ?? [])];
    const newest = (a: { createdMs: number; attempt: number }, b: typeof a): number =>
      b.createdMs - a.createdMs || b.attempt - a.attempt;
    const pod: RuntimePod = {
      uid,
      sandboxes: ids.flatMap((id) => this.#sandboxes.get(id) ?? []).sort(newest),
      containers: ids.flatMap((id) => this.#containers.get(id) ?? []).sort(newest),
    };
    if (ids.length > 0) this.#views.set(uid, pod);
    return pod;
  }

  container(id: string): ContainerStatus | undefined {
    return this.#containers.get(id);
  }

  /** Reads everything anew: at the start, and after the runtime was away. */
  async relist(): Promise<boolean> {
    const { runtime } = this.#context.host;
    try {
      const [sandboxes, containers] = await Promise.all([
        runtime.listPodSandboxes(),
        runtime.listContainers(),
      ]);
      const present = new Set([...sandboxes, ...containers].map(({ id }) => id));
      for (const id of [...this.#sandboxes.keys(), ...this.#containers.keys()])
        if (!present.has(id)) this.#forget(id);
      for (const sandbox of sandboxes) this.#storeSandbox(sandbox);
      for (const container of containers) this.#storeContainer(container);
      this.#stale = false;
      return true;
    } catch (error) {
      this.#stale = true;
      this.#context.log('E', 'generic.go:254', 'GenericPLEG: Unable to retrieve pods', {
        err: errorText(error),
      });
      return false;
    }
  }

  get isStale(): boolean {
    return this.#stale;
  }

  /** Reads one pod anew, at once: after a sync has changed it. */
  async refresh(uid: string): Promise<RuntimePod> {
    for (const id of [...(this.#byPod.get(uid) ?? [])]) await this.#reload(id);
    return this.get(uid);
  }

  /** Takes note of what a sync has just made. */
  async add(kind: 'sandbox' | 'container', id: string): Promise<void> {
    const { runtime } = this.#context.host;
    if (kind === 'sandbox') this.#storeSandbox(await runtime.podSandboxStatus(id));
    else this.#storeContainer(await runtime.containerStatus(id));
  }

  #onEvent(event: ContainerEvent): void {
    const id = event.containerId ?? event.sandboxId;
    if (event.type === 'deleted') {
      const uid = this.#uidOf(id);
      this.#forget(id);
      if (uid !== undefined) this.#report(uid);
      return;
    }
    if (event.type === 'oom') return;
    const { runtime } = this.#context.host;
    const load =
      event.containerId === undefined
        ? runtime.podSandboxStatus(id).then((status) => this.#storeSandbox(status))
        : runtime.containerStatus(id).then((status) => this.#storeContainer(status));
    load.then(
      () => {
        const uid = this.#uidOf(id);
        if (uid !== undefined) this.#report(uid);
      },
      () => {
        this.#stale = true;
      },
    );
  }

  #report(uid: string): void {
    if (this.#reports.has(uid)) return;
    const timer = this.#context.clock.setTimer(relistMs, () => {
      this.#reports.delete(uid);
      this.#onChange(uid);
    });
    this.#reports.set(uid, timer);
  }

  async #reload(id: string): Promise<void> {
    try {
      await this.add(this.#sandboxes.has(id) ? 'sandbox' : 'container', id);
    } catch (error) {
      if (error instanceof CriError && error.code === 'NotFound') this.#forget(id);
      else throw error;
    }
  }

  #storeSandbox(status: PodSandboxStatus): void {
    this.#sandboxes.set(status.id, status);
    this.#index(status.uid, status.id);
  }

  #storeContainer(status: ContainerStatus): void {
    const uid = status.labels[podUidLabel];
    if (uid === undefined) return;
    this.#containers.set(status.id, status);
    this.#index(uid, status.id);
  }

  #index(uid: string, id: string): void {
    this.#views.delete(uid);
    const ids = this.#byPod.get(uid);
    if (ids) ids.add(id);
    else this.#byPod.set(uid, new Set([id]));
  }

  #uidOf(id: string): string | undefined {
    return this.#sandboxes.get(id)?.uid ?? this.#containers.get(id)?.labels[podUidLabel];
  }

  #forget(id: string): void {
    const uid = this.#uidOf(id);
    this.#sandboxes.delete(id);
    this.#containers.delete(id);
    const ids = uid === undefined ? undefined : this.#byPod.get(uid);
    ids?.delete(id);
    if (uid === undefined) return;
    this.#views.delete(uid);
    if (ids?.size === 0) this.#byPod.delete(uid);
  }
}

/** The newest attempt of a container. */
export function latestOf(pod: RuntimePod, name: string): ContainerStatus | undefined {
  return pod.containers.find((container) => container.name === name);
}

export function restartCountOf(status: ContainerStatus): number {
  return Number(status.annotations[restartCountAnnotation] ?? status.attempt);
}

/** The sandbox that lives; undefined when a new one is needed. */
export function liveSandbox(pod: RuntimePod): PodSandboxStatus | undefined {
  const newest = pod.sandboxes[0];
  return newest?.state === 'SANDBOX_READY' ? newest : undefined;
}
