import type { ClusterView, Progress, RpcClient } from '#contract';
import { Loader, messageOf } from '../../lib/loading/index.ts';

/** All clusters, kept up to date by the core, and making and removing them. */
export class ClusterDirectory {
  readonly list: Loader<readonly ClusterView[]>;
  #creating = $state(false);
  #removing = $state<string | null>(null);
  #progress = $state.raw<Progress | null>(null);
  #error = $state<string | null>(null);
  readonly #rpc: RpcClient;

  constructor(rpc: RpcClient) {
    this.#rpc = rpc;
    this.list = new Loader(() => rpc.call('clusters.list', {}));
  }

  get creating(): boolean {
    return this.#creating;
  }
  /** Id of the cluster being removed. */
  get removing(): string | null {
    return this.#removing;
  }
  get progress(): Progress | null {
    return this.#progress;
  }
  /** Why the last making or removing failed. */
  get error(): string | null {
    return this.#error;
  }

  /** Loads and follows; returns how to stop. */
  follow(): () => void {
    void this.list.load();
    const changed = this.#rpc.on('cluster.changed', (view) => {
      const clusters = this.list.value;
      if (clusters === undefined) return;
      const known = clusters.some(({ clusterId }) => clusterId === view.clusterId);
      this.list.set(
        known
          ? clusters.map((one) => (one.clusterId === view.clusterId ? view : one))
          : [...clusters, view],
      );
    });
    const removed = this.#rpc.on('cluster.removed', ({ clusterId }) => this.#drop(clusterId));
    return () => {
      changed.dispose();
      removed.dispose();
    };
  }

  clearError(): void {
    this.#error = null;
  }

  /** @returns undefined when it failed, see `error`. */
  async create(name: string, topology: string): Promise<ClusterView | undefined> {
    if (this.#creating) return undefined;
    this.#creating = true;
    this.#error = null;
    this.#progress = null;
    try {
      return await this.#rpc.call(
        'clusters.create',
        { name: name.trim(), topology: topology.trim() },
        { onProgress: (progress) => (this.#progress = progress) },
      );
    } catch (error) {
      this.#error = messageOf(error);
      return undefined;
    } finally {
      this.#creating = false;
    }
  }

  /** @returns whether it is gone. */
  async remove(clusterId: string): Promise<boolean> {
    this.#removing = clusterId;
    this.#error = null;
    try {
      await this.#rpc.call('clusters.remove', { clusterId });
      this.#drop(clusterId);
      return true;
    } catch (error) {
      this.#error = messageOf(error);
      return false;
    } finally {
      this.#removing = null;
    }
  }

  #drop(clusterId: string): void {
    const clusters = this.list.value;
    if (clusters) this.list.set(clusters.filter((one) => one.clusterId !== clusterId));
  }
}
