import type { Language, Progress, RpcClient, TaskView } from '#contract';
import { messageOf } from '../../lib/loading/index.ts';

/** Starting a task: takes seconds, tells its steps, can be cancelled. */
export class TaskStart {
  seed = $state('');
  #running = $state(false);
  #progress = $state.raw<Progress | null>(null);
  #error = $state<string | null>(null);
  #abort: AbortController | undefined;
  readonly #rpc: RpcClient;

  constructor(rpc: RpcClient) {
    this.#rpc = rpc;
  }

  get running(): boolean {
    return this.#running;
  }
  get progress(): Progress | null {
    return this.#progress;
  }
  get error(): string | null {
    return this.#error;
  }

  /** @returns undefined when it failed (see `error`) or was cancelled. */
  async start(taskId: string, language: Language): Promise<TaskView | undefined> {
    if (this.#running) return undefined;
    const abort = new AbortController();
    this.#abort = abort;
    this.#running = true;
    this.#error = null;
    this.#progress = null;
    const seed = this.seed.trim();
    try {
      return await this.#rpc.call(
        'tasks.start',
        { taskId, language, ...(seed === '' ? {} : { seed }) },
        { signal: abort.signal, onProgress: (progress) => (this.#progress = progress) },
      );
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
