import type { Signal } from './types.ts';

/** What a group asks of the processes in it. */
export interface GroupMember {
  readonly argv: readonly string[];
  readonly child: { readonly pid: number };
  readonly memoryBytes: number;
  readonly cpuMilli: number;
  die(signal: Signal): void;
  deliver(signal: Signal): void;
}

/** A cgroup: what the processes of a unit or a container use together, and how much memory they may. */
export class ResourceGroup {
  readonly name: string;
  /** Bytes; undefined: no limit. */
  memoryLimitBytes: number | undefined;
  /** Millicores; undefined: no limit. CPU use beyond it counts as the limit. */
  cpuLimitMilli: number | undefined;
  readonly #members = new Set<GroupMember>();
  #cpuNanos = 0;
  #accountedMs = 0;
  readonly #onOom: ((victim: GroupMember) => void) | undefined;

  /** @param options.onOom told before the victim is killed. */
  constructor(
    name: string,
    options: {
      memoryLimitBytes?: number;
      cpuLimitMilli?: number;
      onOom?: (victim: GroupMember) => void;
    } = {},
  ) {
    this.name = name;
    this.memoryLimitBytes = options.memoryLimitBytes;
    this.cpuLimitMilli = options.cpuLimitMilli;
    this.#onOom = options.onOom;
  }

  get members(): ReadonlySet<GroupMember> {
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

  /** CPU time used until `nowMs`, ns; never less than before. */
  cpuNanos(nowMs: number): number {
    this.account(nowMs);
    return this.#cpuNanos;
  }

  /** Counts what was used until `nowMs`: before the use changes. */
  account(nowMs: number): void {
    this.#cpuNanos += this.cpuMilli * 1000 * Math.max(0, nowMs - this.#accountedMs);
    this.#accountedMs = nowMs;
  }

  add(process: GroupMember, nowMs: number): void {
    this.account(nowMs);
    this.#members.add(process);
  }

  remove(process: GroupMember, nowMs: number): void {
    this.account(nowMs);
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
