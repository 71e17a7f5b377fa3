import type { LogRow, StoreLog } from '../../../../../src-main/core/kube/storage/index.ts';

/** A log in memory with the compaction rule of the one on disk; its writes can be made to wait or to fail. */
export class MemoryLog implements StoreLog {
  rows: LogRow[] = [];
  compactedRevision = 0;
  failure: Error | undefined;
  held: (() => void)[] | undefined;
  /** How often somebody waited for what was appended. */
  synced = 0;

  load(): { rows: Iterable<LogRow>; compactedRevision: number } {
    return { rows: [...this.rows], compactedRevision: this.compactedRevision };
  }

  append(rows: readonly LogRow[]): Promise<void> {
    const { failure } = this;
    if (failure) return Promise.reject(failure);
    this.rows.push(...rows);
    const { held } = this;
    return held ? new Promise((resolve) => held.push(resolve)) : Promise.resolve();
  }

  sync(): void {
    this.synced += 1;
  }

  isFull(error: unknown): boolean {
    return error instanceof Error && error.message === 'database or disk is full';
  }

  retry(rows: readonly LogRow[]): Promise<void> {
    return this.append(rows);
  }

  compact(revision: number): void {
    this.compactedRevision = revision;
    const last = new Map<string, LogRow>();
    for (const row of this.rows) if (row.revision < revision) last.set(row.key, row);
    this.rows = this.rows.filter(
      (row) => row.revision >= revision || (last.get(row.key) === row && row.value !== null),
    );
  }

  close(): void {}
}
