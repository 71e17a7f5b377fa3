import type { ChildProcess, Signal } from '../process/index.ts';

export interface Job {
  readonly number: number;
  readonly children: readonly ChildProcess[];
  readonly group: number;
  readonly command: string;
  state: 'Running' | 'Stopped' | 'Done';
  status: number;
  endedBy: Signal | undefined;
  /** Whether its end has been told to the user. */
  notified: boolean;
  readonly done: Promise<number>;
}

/** The jobs of a shell: what runs behind the prompt. */
export class Jobs {
  readonly #jobs: Job[] = [];
  /** Exit codes of children that ended before anyone waited. */
  readonly statuses = new Map<number, number>();

  list(): readonly Job[] {
    return this.#jobs;
  }

  add(children: readonly ChildProcess[], command: string): Job {
    const last = children.at(-1) as ChildProcess;
    const job: Job = {
      number: (this.#jobs.at(-1)?.number ?? 0) + 1,
      children,
      group: last.group ?? last.pid,
      command,
      state: 'Running',
      status: 0,
      endedBy: undefined,
      notified: false,
      done: Promise.all(children.map((child) => child.exit)).then((codes) => {
        job.state = 'Done';
        job.status = codes.at(-1) ?? 0;
        job.endedBy = last.endedBy;
        this.statuses.set(last.pid, job.status);
        return job.status;
      }),
    };
    for (const child of children)
      child.onStopped?.((stopped) => {
        if (job.state !== 'Done') job.state = stopped ? 'Stopped' : 'Running';
      });
    this.#jobs.push(job);
    return job;
  }

  remove(job: Job): void {
    const index = this.#jobs.indexOf(job);
    if (index >= 0) this.#jobs.splice(index, 1);
  }

  /** `%1`, `%+`, `%-`, `%name`, or a pid; undefined when there is none. */
  find(spec: string): Job | undefined {
    if (!spec.startsWith('%'))
      return this.#jobs.find((job) => job.children.some((child) => String(child.pid) === spec));
    const text = spec.slice(1);
    if (text === '' || text === '+' || text === '%') return this.#jobs.at(-1);
    if (text === '-') return this.#jobs.at(-2);
    if (/^\d+$/.test(text)) return this.#jobs.find((job) => job.number === Number(text));
    return this.#jobs.find((job) => job.command.startsWith(text));
  }

  /** As `jobs` shows it. */
  describe(job: Job, options: { pid?: boolean } = {}): string {
    const mark = job === this.#jobs.at(-1) ? '+' : job === this.#jobs.at(-2) ? '-' : ' ';
    const state =
      job.state !== 'Done'
        ? job.state
        : job.endedBy
          ? (signalTexts[job.endedBy] ?? job.endedBy)
          : job.status === 0
            ? 'Done'
            : `Exit ${job.status}`;
    const pid = options.pid ? `${job.children.at(-1)?.pid ?? 0} ` : '';
    return `[${job.number}]${mark}  ${pid}${state.padEnd(24)}${job.command}${job.state === 'Running' ? ' &' : ''}`;
  }
}

/** strsignal's texts, as shells print them. */
export const signalTexts: Readonly<Partial<Record<Signal, string>>> = {
  SIGHUP: 'Hangup',
  SIGQUIT: 'Quit',
  SIGABRT: 'Aborted',
  SIGKILL: 'Killed',
  SIGUSR1: 'User defined signal 1',
  SIGUSR2: 'User defined signal 2',
  SIGALRM: 'Alarm clock',
  SIGSEGV: 'Segmentation fault',
  SIGTERM: 'Terminated',
};
