import { type LogRow, type Revision, type StoreLog, StoreUnavailableError } from './types.ts';

interface Waiter {
  readonly revision: Revision;
  readonly resolve: () => void;
  readonly reject: (error: Error) => void;
}

/** Which revisions are on disk, and who waits for them. */
export class Durability {
  readonly #log: StoreLog | undefined;
  #revision: Revision;
  #failure: StoreUnavailableError | undefined;
  #waiters: Waiter[] = [];

  /** @param revision the newest revision that the log already holds. */
  constructor(log: StoreLog | undefined, revision: Revision) {
    this.#log = log;
    this.#revision = revision;
  }

  /** @throws StoreUnavailableError an earlier append failed. */
  demandWritable(): void {
    if (this.#failure) throw this.#failure;
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
    written.then(
      () => this.#reached(revision),
      (error: unknown) => void this.#fail(error),
    );
  }

  wait(revision: Revision): Promise<void> {
    if (!this.#log || revision <= this.#revision) return Promise.resolve();
    if (this.#failure) return Promise.reject(this.#failure);
    return new Promise((resolve, reject) => this.#waiters.push({ revision, resolve, reject }));
  }

  #reached(revision: Revision): void {
    if (revision <= this.#revision) return;
    this.#revision = revision;
    if (this.#waiters.length === 0) return;
    const waiters = this.#waiters;
    this.#waiters = waiters.filter((waiter) => waiter.revision > revision);
    for (const waiter of waiters) if (waiter.revision <= revision) waiter.resolve();
  }

  #fail(error: unknown): StoreUnavailableError {
    const text = error instanceof Error ? error.message : String(error);
    this.#failure ??= new StoreUnavailableError(`the store takes no writes: ${text}`, {
      cause: error,
    });
    const waiters = this.#waiters;
    this.#waiters = [];
    for (const waiter of waiters) waiter.reject(this.#failure);
    return this.#failure;
  }
}
