import type { CallOptions, Progress } from '#contract';
import { messageOf } from '../../lib/loading/index.ts';

/** Asks the core to begin what `id` names; without a seed the core draws one. */
type Begin<T> = (id: string, seed: { readonly seed?: string }, options: CallOptions) => Promise<T>;

/** Starting a task or an exam: takes seconds while clusters come up, tells its steps, can be cancelled. */
export class SeededStart<T> {
  /** As the person typed it; empty for any. */
  seed = $state('');
  #running = $state(false);
  #progress = $state.raw<Progress | null>(null);
  #error = $state<string | null>(null);
  #abort: AbortController | undefined;
  readonly #begin: Begin<T>;

  constructor(begin: Begin<T>) {
    this.#begin = begin;
  }

  get running(): boolean {
    return this.#running;
  }
  get progress(): Progress | null {
    return this.#progress;
  }
  /** Why the last start failed; null when it did not, or was cancelled. */
  get error(): string | null {
    return this.#error;
  }

  /** One start at a time. @returns undefined when it failed or was cancelled. */
  async start(id: string): Promise<T | undefined> {
    if (this.#running) return undefined;
    const abort = new AbortController();
    this.#abort = abort;
    this.#running = true;
    this.#error = null;
    this.#progress = null;
    const seed = this.seed.trim();
    try {
      return await this.#begin(id, seed === '' ? {} : { seed }, {
        signal: abort.signal,
        onProgress: (progress) => (this.#progress = progress),
      });
    } catch (error) {
      if (!abort.signal.aborted) this.#error = messageOf(error);
      return undefined;
    } finally {
      this.#running = false;
    }
  }

  cancel(): void {
    this.#abort?.abort();
  }
}
