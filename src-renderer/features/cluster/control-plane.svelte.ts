import type { RpcClient, StationView } from '#contract';
import { messageOf } from '../../lib/loading/index.ts';

/** One write with all its stations. */
export interface Write {
  readonly revision: number;
  readonly timeMs: number;
  readonly object: string;
  readonly action: string;
  /** Who asked for it. */
  readonly actor: string;
  readonly stations: readonly StationView[];
}

/** How many writes the view remembers. */
const memory = 500;

/** Joins stations of the same revision; those of one write follow each other. */
export function writesOf(stations: readonly StationView[]): Write[] {
  const writes: Write[] = [];
  let current: StationView[] = [];
  const finish = (): void => {
    const [first] = current;
    if (first === undefined) return;
    const { revision, timeMs, object, action, actor } = first;
    writes.push({ revision, timeMs, object, action, actor, stations: current });
  };
  for (const station of stations) {
    if (current.length > 0 && current[0]?.revision !== station.revision) {
      finish();
      current = [];
    }
    current.push(station);
  }
  finish();
  return writes;
}

/** The recent writes of a cluster and which of them is looked at. */
export class ControlPlane {
  #writes = $state.raw<readonly Write[]>([]);
  #loaded = $state(false);
  #error = $state<string | null>(null);
  /** Revision in front; null follows the latest. */
  #pinned = $state<number | null>(null);
  query = $state('');
  playing = $state(false);
  readonly shown = $derived.by((): readonly Write[] => {
    const wanted = this.query.trim().toLowerCase();
    return wanted === ''
      ? this.#writes
      : this.#writes.filter(({ object }) => object.toLowerCase().includes(wanted));
  });
  /** Index into `shown`; -1 when nothing is shown. */
  readonly index = $derived.by((): number => {
    if (this.#pinned === null) return this.shown.length - 1;
    const at = this.shown.findIndex(({ revision }) => revision >= (this.#pinned ?? 0));
    return at < 0 ? this.shown.length - 1 : at;
  });
  readonly write = $derived(this.shown[this.index] ?? null);
  readonly #rpc: RpcClient;
  readonly #clusterId: string;

  constructor(rpc: RpcClient, clusterId: string) {
    this.#rpc = rpc;
    this.#clusterId = clusterId;
  }

  get loaded(): boolean {
    return this.#loaded;
  }
  get error(): string | null {
    return this.#error;
  }
  get following(): boolean {
    return this.#pinned === null;
  }

  /** Asks for the writes since the last one known. Never rejects. */
  async load(): Promise<void> {
    const revision = this.#writes.at(-1)?.revision ?? 0;
    try {
      const stations = await this.#rpc.call('clusters.stations', {
        clusterId: this.#clusterId,
        revision,
      });
      const known = this.#writes.at(-1)?.revision ?? 0;
      const fresh = writesOf(stations).filter((write) => write.revision > known);
      if (fresh.length > 0) this.#writes = [...this.#writes, ...fresh].slice(-memory);
      this.#error = null;
    } catch (error) {
      this.#error = messageOf(error);
    }
    this.#loaded = true;
  }

  goTo(index: number): void {
    const write = this.shown[Math.min(this.shown.length - 1, Math.max(0, index))];
    if (write) this.#pinned = write.revision;
  }

  step(by: number): void {
    this.goTo(this.index + by);
  }

  follow(): void {
    this.#pinned = null;
    this.playing = false;
  }

  /** Plays on from here, from the beginning when at the end. */
  togglePlay(): void {
    this.playing = !this.playing;
    if (this.playing && this.index >= this.shown.length - 1) this.goTo(0);
  }

  /** One step of playing; stops at the end. */
  playStep(): void {
    if (this.index >= this.shown.length - 1) this.playing = false;
    else this.step(1);
  }
}
