import type { GradeReport, Language, Progress, RpcClient, TaskView } from '#contract';
import { messageOf } from '../../lib/loading/index.ts';

export type Work = 'check' | 'hint' | 'solution' | 'reset' | 'end';

/** A task on the workbench: what was shown of it and what the last check found. */
export class WorkbenchState {
  #task: TaskView;
  #report = $state.raw<GradeReport | null>(null);
  #checkedMs = $state(0);
  #solution = $state<string | null>(null);
  #work = $state<Work | null>(null);
  #progress = $state.raw<Progress | null>(null);
  #error = $state<string | null>(null);
  #ended = $state(false);
  readonly #rpc: RpcClient;
  readonly #now: () => number;

  /** @param now wall clock, ms since the epoch. */
  constructor(rpc: RpcClient, task: TaskView, now: () => number) {
    this.#rpc = rpc;
    this.#task = $state.raw(task);
    this.#now = now;
  }

  get task(): TaskView {
    return this.#task;
  }
  get report(): GradeReport | null {
    return this.#report;
  }
  /** How long the task had been under way at the last check, ms. */
  get checkedMs(): number {
    return this.#checkedMs;
  }
  /** Markdown; null until it was asked for. */
  get solution(): string | null {
    return this.#solution;
  }
  /** What the core is asked for now. */
  get work(): Work | null {
    return this.#work;
  }
  get progress(): Progress | null {
    return this.#progress;
  }
  get error(): string | null {
    return this.#error;
  }
  get ended(): boolean {
    return this.#ended;
  }
  get hintsLeft(): number {
    return this.#task.hintCount - this.#task.hints.length;
  }

  elapsedMs(wallMs: number): number {
    return Math.max(0, wallMs - this.#task.startedMs);
  }

  dismissError(): void {
    this.#error = null;
  }

  /** Asks for the text again, in another language. */
  async reload(language: Language): Promise<void> {
    try {
      this.#task = await this.#rpc.call('tasks.get', {
        sessionId: this.#task.sessionId,
        language,
      });
    } catch (error) {
      this.#error = messageOf(error);
    }
  }

  check(language: Language): Promise<boolean> {
    return this.#run('check', async (onProgress) => {
      const report = await this.#rpc.call('tasks.check', this.#asking(language), { onProgress });
      this.#report = report;
      this.#checkedMs = this.elapsedMs(this.#now());
    });
  }

  hint(language: Language): Promise<boolean> {
    if (this.hintsLeft <= 0) return Promise.resolve(false);
    return this.#run('hint', async () => {
      this.#task = await this.#rpc.call('tasks.hint', this.#asking(language));
    });
  }

  showSolution(language: Language): Promise<boolean> {
    return this.#run('solution', async () => {
      const { markdown } = await this.#rpc.call('tasks.solution', this.#asking(language));
      this.#solution = markdown;
    });
  }

  /** Puts the cluster back; what the last check found no longer holds. */
  reset(language: Language): Promise<boolean> {
    return this.#run('reset', async () => {
      this.#task = await this.#rpc.call('tasks.reset', this.#asking(language));
      this.#report = null;
    });
  }

  end(): Promise<boolean> {
    return this.#run('end', async () => {
      await this.#rpc.call('tasks.end', { sessionId: this.#task.sessionId });
      this.#ended = true;
    });
  }

  #asking(language: Language): { sessionId: string; language: Language } {
    return { sessionId: this.#task.sessionId, language };
  }

  /** One thing at a time. @returns whether it was done. */
  async #run(
    work: Work,
    ask: (onProgress: (progress: Progress) => void) => Promise<void>,
  ): Promise<boolean> {
    if (this.#work !== null) return false;
    this.#work = work;
    this.#error = null;
    this.#progress = null;
    try {
      await ask((progress) => (this.#progress = progress));
      return true;
    } catch (error) {
      this.#error = messageOf(error);
      return false;
    } finally {
      this.#work = null;
    }
  }
}
