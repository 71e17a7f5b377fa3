import {
  databaseSpaceExceeded,
  type LogRow,
  type Revision,
  type StoreLog,
  StoreUnavailableError,
} from './types.ts';

interface Waiter {
  readonly revision: Revision;
  readonly resolve: () => void;
  readonly reject: (error: Error) => void;
}

interface Append {
  readonly revision: Revision;
  readonly rows: readonly LogRow[];
}

/**
 * Which revisions are on disk, and who waits for them.
 *
 * A failed append ends all acknowledging. When the disk was full, the rows are kept and every refused write tries
 * to bring them to the disk: with room again, the store goes on without a hole. Any other failure, an fsync's above
 * all, leaves open what the disk holds, so nothing is tried again.
 */
export class Durability {
  readonly #log: StoreLog | undefined;
  #revision: Revision;
  #failure: StoreUnavailableError | undefined;
  #waiters: Waiter[] = [];
  /** Handed to the log and not yet known to be on disk, oldest first. */
  #unwritten: Append[] = [];
  /** The disk was full, and nothing else happened. */
  #isFull = false;
  #isRetrying = false;

  /** @param revision the newest revision that the log already holds. */
  constructor(log: StoreLog | undefined, revision: Revision) {
    this.#log = log;
    this.#revision = revision;
  }

  get failure(): StoreUnavailableError | undefined {
    return this.#failure;
  }

  /** @throws StoreUnavailableError an earlier append failed. */
  demandWritable(): void {
    if (!this.#failure) return;
    this.#retry();
    throw this.#failure;
  }

  /** Hands the rows of one revision to the log. @throws StoreUnavailableError the log refused them at once. */
  append(revision: Revision, rows: readonly LogRow[]): void {
    if (!this.#log) return;
    let written: Promise<void>;
    try {
      written = this.#log.append(rows);
    } catch (error) {
      throw this.#fail(error);
    }
    this.#unwritten.push({ revision, rows });
    written.then(
      () => this.#reached(revision),
      (error: unknown) => void this.#fail(error),
    );
  }

  wait(revision: Revision): Promise<void> {
    if (!this.#log || revision <= this.#revision) return Promise.resolve();
    if (this.#failure) return Promise.reject(this.#failure);
    this.#log.sync();
    return new Promise((resolve, reject) => this.#waiters.push({ revision, resolve, reject }));
  }

  #reached(revision: Revision): void {
    if (revision <= this.#revision) return;
    this.#revision = revision;
    const rest = this.#unwritten.findIndex((append) => append.revision > revision);
    this.#unwritten.splice(0, rest < 0 ? this.#unwritten.length : rest);
    if (this.#waiters.length === 0) return;
    const waiters = this.#waiters;
    this.#waiters = waiters.filter((waiter) => waiter.revision > revision);
    for (const waiter of waiters) if (waiter.revision <= revision) waiter.resolve();
  }

  #fail(error: unknown): StoreUnavailableError {
    this.#failure ??= this.#unavailable(error);
    const waiters = this.#waiters;
    this.#waiters = [];
    for (const waiter of waiters) waiter.reject(this.#failure);
    return this.#failure;
  }

  #retry(): void {
    if (this.#isRetrying || !this.#isFull) return;
    const newest = this.#unwritten.at(-1)?.revision ?? this.#revision;
    this.#isRetrying = true;
    this.#log?.retry(this.#unwritten.flatMap(({ rows }) => rows)).then(
      () => {
        this.#isRetrying = false;
        this.#failure = undefined;
        this.#reached(newest);
      },
      (error: unknown) => {
        this.#isRetrying = false;
        this.#failure = this.#unavailable(error);
      },
    );
  }

  /** In etcd's words where it has some. */
  #unavailable(error: unknown): StoreUnavailableError {
    this.#isFull = this.#log?.isFull(error) ?? false;
    const text = error instanceof Error ? error.message : String(error);
    return new StoreUnavailableError(
      this.#isFull ? databaseSpaceExceeded : `etcdserver: the log takes no writes: ${text}`,
      { cause: error },
    );
  }
}
