import type { ClusterView, RpcClient } from '#contract';
import { messageOf } from '../../lib/loading/index.ts';

/** One cluster as the core tells of it, and its clock. */
export class ClusterState {
  #view = $state.raw<ClusterView | null>(null);
  #receivedMs = 0;
  #busy = $state<'speed' | 'advance' | 'settle' | null>(null);
  #error = $state<string | null>(null);
  /** The cluster is not there (any more). */
  #missing = $state(false);
  readonly clusterId: string;
  readonly #rpc: RpcClient;
  readonly #now: () => number;

  /** @param now wall clock, ms since the epoch. */
  constructor(rpc: RpcClient, clusterId: string, now: () => number) {
    this.#rpc = rpc;
    this.clusterId = clusterId;
    this.#now = now;
  }

  get view(): ClusterView | null {
    return this.#view;
  }
  get busy(): 'speed' | 'advance' | 'settle' | null {
    return this.#busy;
  }
  get error(): string | null {
    return this.#error;
  }
  get missing(): boolean {
    return this.#missing;
  }

  /** Loads and follows; returns how to stop. */
  follow(): () => void {
    void this.load();
    const changed = this.#rpc.on('cluster.changed', (view) => {
      if (view.clusterId === this.clusterId) this.#take(view);
    });
    const removed = this.#rpc.on('cluster.removed', ({ clusterId }) => {
      if (clusterId === this.clusterId) this.#missing = true;
    });
    return () => {
      changed.dispose();
      removed.dispose();
    };
  }

  async load(): Promise<void> {
    await this.#try(async () => {
      const list = await this.#rpc.call('clusters.list', {});
      const view = list.find(({ clusterId }) => clusterId === this.clusterId);
      if (view) this.#take(view);
      else this.#missing = true;
    });
  }

  /** Simulated time at a wall time: the core tells it only when something changes. */
  timeAt(wallMs: number): number | null {
    const view = this.#view;
    return view === null ? null : view.nowMs + Math.max(0, wallMs - this.#receivedMs) * view.speed;
  }

  setSpeed(speed: number): Promise<void> {
    return this.#work('speed', () =>
      this.#rpc.call('clusters.setSpeed', { clusterId: this.clusterId, speed }),
    );
  }

  advance(milliseconds: number): Promise<void> {
    return this.#work('advance', () =>
      this.#rpc.call('clusters.advance', { clusterId: this.clusterId, milliseconds }),
    );
  }

  settle(): Promise<void> {
    return this.#work('settle', () =>
      this.#rpc.call('clusters.settle', { clusterId: this.clusterId }),
    );
  }

  async #work(
    kind: 'speed' | 'advance' | 'settle',
    ask: () => Promise<ClusterView>,
  ): Promise<void> {
    if (this.#busy !== null) return;
    this.#busy = kind;
    await this.#try(async () => this.#take(await ask()));
    this.#busy = null;
  }

  #take(view: ClusterView): void {
    this.#receivedMs = this.#now();
    this.#view = view;
    this.#missing = false;
  }

  async #try(work: () => Promise<void>): Promise<void> {
    try {
      await work();
      this.#error = null;
    } catch (error) {
      this.#error = messageOf(error);
    }
  }
}
