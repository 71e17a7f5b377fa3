import type { ExamView, Language, Progress, RpcClient } from '#contract';
import { messageOf } from '../../lib/loading/index.ts';

/** Starting an exam: the core draws the tasks and brings up their clusters, which takes a while. */
export class ExamStart {
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
  async start(examId: string, language: Language): Promise<ExamView | undefined> {
    if (this.#running) return undefined;
    const abort = new AbortController();
    this.#abort = abort;
    this.#running = true;
    this.#error = null;
    this.#progress = null;
    const seed = this.seed.trim();
    try {
      return await this.#rpc.call(
        'exams.start',
        { examId, language, ...(seed === '' ? {} : { seed }) },
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
