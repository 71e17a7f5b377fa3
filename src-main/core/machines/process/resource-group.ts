import type { Process } from './process.ts';

/** A cgroup: what the processes of a unit or a container use together, and how much memory they may. */
export class ResourceGroup {
  readonly name: string;
  /** Bytes; undefined: no limit. */
  memoryLimitBytes: number | undefined;
  /** Millicores; undefined: no limit. CPU use beyond it counts as the limit. */
  cpuLimitMilli: number | undefined;
  readonly #members = new Set<Process>();
  readonly #onOom: ((victim: Process) => void) | undefined;

  /** @param options.onOom told before the victim is killed. */
  constructor(
    name: string,
    options: {
      memoryLimitBytes?: number;
      cpuLimitMilli?: number;
      onOom?: (victim: Process) => void;
    } = {},
  ) {
    this.name = name;
    this.memoryLimitBytes = options.memoryLimitBytes;
    this.cpuLimitMilli = options.cpuLimitMilli;
    this.#onOom = options.onOom;
  }

  get members(): ReadonlySet<Process> {
    return this.#members;
  }

  get memoryBytes(): number {
    let total = 0;
    for (const member of this.#members) total += member.memoryBytes;
    return total;
  }

  get cpuMilli(): number {
    let total = 0;
    for (const member of this.#members) total += member.cpuMilli;
    return this.cpuLimitMilli === undefined ? total : Math.min(total, this.cpuLimitMilli);
  }

  add(process: Process): void {
    this.#members.add(process);
  }

  remove(process: Process): void {
    this.#members.delete(process);
  }

  /** Kills the largest member while the group is above its limit. */
  enforce(): void {
    while (this.memoryLimitBytes !== undefined && this.memoryBytes > this.memoryLimitBytes) {
      const [victim] = [...this.#members].sort((a, b) => b.memoryBytes - a.memoryBytes);
      if (!victim) return;
      this.#onOom?.(victim);
      victim.die('SIGKILL');
    }
  }

  /** Every member, newest first. */
  killAll(): void {
    for (const member of [...this.#members].reverse()) member.die('SIGKILL');
  }
}
