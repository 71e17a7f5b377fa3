import type { Clock, Logger, Random } from '#core/base';
import { type PidNamespace, Process, type ProcessSystem } from './process.ts';
import {
  SpawnError,
  type ChildProcess,
  type ProcessInfo,
  type Signal,
  type SpawnOptions,
} from './types.ts';

export interface ProcessTableDeps {
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
}

/**
 * A pid namespace. Its pid 1 is as init is: signals without a handler do not reach it, orphans become its children, and
 * its end is everybody's. A namespace inside another one (a container's in its machine's) gives each process a pid in
 * both.
 */
export class ProcessTable implements PidNamespace {
  readonly deps: ProcessTableDeps;
  readonly parent: ProcessTable | undefined;
  readonly #processes = new Map<number, Process>();
  #lastPid: number;

  /** @param options.firstPid the first pid given; 1 when absent. */
  constructor(deps: ProcessTableDeps, options: { parent?: ProcessTable; firstPid?: number } = {}) {
    this.deps = deps;
    this.parent = options.parent;
    this.#lastPid = (options.firstPid ?? 1) - 1;
  }

  /**
   * Starts a process of `system`. Its streams are ended when the last process that holds them is gone.
   * @throws SpawnError
   */
  start(
    system: ProcessSystem,
    argv: readonly string[],
    options: SpawnOptions = {},
    parent?: Process,
  ): ChildProcess {
    if (argv.length === 0) throw new SpawnError('ENOENT', 'No such file or directory');
    return new Process(this, system, argv, options, parent).child;
  }

  get(pid: number): Process | undefined {
    return this.#processes.get(pid);
  }

  /** In order of pid. */
  processes(): readonly Process[] {
    return [...this.#processes.values()].sort((a, b) => a.pidIn(this) - b.pidIn(this));
  }

  list(): readonly ProcessInfo[] {
    return this.processes().map((process) => process.info(this));
  }

  /** As kill(2): a negative pid is a process group. @returns false when nothing was there. */
  kill(pid: number, signal: Signal): boolean {
    if (pid < 0) {
      const members = this.processes().filter((process) => process.groupIn(this) === -pid);
      for (const member of members) member.deliver(signal);
      return members.length > 0;
    }
    const process = this.#processes.get(pid);
    process?.deliver(signal);
    return process !== undefined;
  }

  /** Ends everything at once, as when the power goes. */
  killAll(): void {
    for (const process of [...this.processes()].reverse()) process.die('SIGKILL');
  }

  /** For `Process`: takes the next pid here and in the namespaces around. */
  admit(process: Process, pids: Map<PidNamespace, number>): void {
    for (const table of this.#lineage()) pids.set(table, table.#take(process));
  }

  /** For `Process`: its end. */
  release(process: Process): void {
    for (const table of this.#lineage()) table.#processes.delete(process.pidIn(table));
    if (process.pidIn(this) === 1) this.killAll();
  }

  /** This namespace and those around it. */
  #lineage(): ProcessTable[] {
    return [this, ...(this.parent ? this.parent.#lineage() : [])];
  }

  #take(process: Process): number {
    do this.#lastPid = this.#lastPid >= 4_194_303 ? 300 : this.#lastPid + 1;
    while (this.#processes.has(this.#lastPid));
    this.#processes.set(this.#lastPid, process);
    return this.#lastPid;
  }
}
