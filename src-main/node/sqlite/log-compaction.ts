import type { Revision } from '#core/kube';
import type { Connection } from './connection.ts';
import type { GroupCommit } from './group-commit.ts';

/** Rows looked at in one transaction; about a millisecond. */
const sliceRows = 500;

interface LogEntry {
  readonly log_id: number;
  readonly revision: Revision;
  readonly key: string;
  readonly deleted: number;
}

/**
 * Deletes superseded rows, a slice at a time. After compaction at revision R the log has every row from R on,
 * and of each key that existed just before R the newest row before it: so the events of R itself can still
 * tell what was there before.
 *
 * It walks the log once in order and remembers the surviving row of each key. A delete goes together with
 * the row it supersedes, in one transaction: a crash between the two would bring the key back.
 */
export class LogCompaction {
  readonly #database: Connection;
  readonly #commits: GroupCommit;
  /** The row that survives so far, for each key; covers rows up to `#walkedId`. */
  readonly #survivors = new Map<string, number>();
  #walkedId = 0;
  #target: Revision = 0;
  #scheduled: NodeJS.Immediate | undefined;
  #disposed = false;

  constructor(database: Connection, commits: GroupCommit) {
    this.#database = database;
    this.#commits = commits;
  }

  /** Records the compaction with the next group, then begins to delete. */
  compact(revision: Revision): void {
    this.#commits
      .add(1, () => this.#database.prepare('UPDATE compaction SET revision = ?').run(revision))
      .then(
        () => {
          this.#target = revision;
          this.#schedule();
        },
        // Whoever appends next hears of the failure; nothing is lost by rows that stay.
        () => undefined,
      );
    this.#commits.sync();
  }

  dispose(): void {
    this.#disposed = true;
    clearImmediate(this.#scheduled);
  }

  #schedule(): void {
    if (this.#disposed) return;
    this.#scheduled ??= setImmediate(() => {
      this.#scheduled = undefined;
      this.#slice();
    });
  }

  #slice(): void {
    if (this.#commits.failure) return;
    const page = this.#database
      .prepare<[number, number], LogEntry>(
        `SELECT log_id, revision, key, value IS NULL AS deleted FROM log
         WHERE log_id > ? ORDER BY log_id LIMIT ?`,
      )
      .all(this.#walkedId, sliceRows);
    const entries = page.filter(({ revision }) => revision < this.#target);
    const surplus: number[] = [];
    const survivors = new Map<string, number | undefined>();
    for (const { log_id: id, key, deleted } of entries) {
      const superseded = survivors.has(key) ? survivors.get(key) : this.#survivors.get(key);
      if (superseded !== undefined) surplus.push(superseded);
      if (deleted) surplus.push(id);
      survivors.set(key, deleted ? undefined : id);
    }
    try {
      this.#delete(surplus);
    } catch {
      // A full disk, say. The rows stay until the next compaction walks here again.
      return;
    }
    for (const [key, id] of survivors)
      if (id === undefined) this.#survivors.delete(key);
      else this.#survivors.set(key, id);
    this.#walkedId = entries.at(-1)?.log_id ?? this.#walkedId;
    if (entries.length === sliceRows) this.#schedule();
  }

  #delete(ids: readonly number[]): void {
    if (ids.length === 0) return;
    const remove = this.#database.prepare('DELETE FROM log WHERE log_id = ?');
    this.#database.transaction(() => {
      for (const id of ids) remove.run(id);
    })();
  }
}
