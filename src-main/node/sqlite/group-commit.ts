import { type Connection, isDiskFull } from './connection.ts';

interface Job {
  readonly weight: number;
  readonly run: () => void;
  readonly resolve: () => void;
  readonly reject: (error: Error) => void;
}

/** Rows that go into one transaction at most: a few milliseconds of work. */
const groupLimit = 1000;

/**
 * Gathers the writes of one turn of the event loop into one transaction, so that they share one fsync.
 * After a failure nothing is written any more: a later write on top of a lost one would be a hole. A full disk is
 * the one failure that leaves the file as it was, so what did not fit may be tried again.
 */
export class GroupCommit {
  readonly #database: Connection;
  readonly #transact: (jobs: readonly Job[]) => void;
  #jobs: Job[] = [];
  #weight = 0;
  #scheduled: NodeJS.Immediate | undefined;
  #failure: Error | undefined;

  constructor(database: Connection) {
    this.#database = database;
    this.#transact = database.transaction((jobs: readonly Job[]) => {
      for (const job of jobs) job.run();
    });
  }

  get failure(): Error | undefined {
    return this.#failure;
  }

  /** Runs `run` within the next transaction; settles after its fsync. @param weight rows it writes. */
  add(weight: number, run: () => void): Promise<void> {
    if (this.#failure) return Promise.reject(this.#failure);
    return new Promise((resolve, reject) => {
      this.#jobs.push({ weight, run, resolve, reject });
      this.#weight += weight;
      if (this.#weight >= groupLimit) this.flush();
      else this.#scheduled ??= setImmediate(() => this.flush());
    });
  }

  /** Writes now what waits. Failures reach those who wait, not the caller. */
  flush(): void {
    clearImmediate(this.#scheduled);
    this.#scheduled = undefined;
    if (this.#jobs.length === 0) return;
    const jobs = this.#jobs;
    this.#jobs = [];
    this.#weight = 0;
    try {
      this.#transact(jobs);
    } catch (error) {
      this.#failure = error instanceof Error ? error : new Error(String(error));
      for (const job of jobs) job.reject(this.#failure);
      return;
    }
    for (const job of jobs) job.resolve();
  }

  /** After a failure for want of room: runs `run` in a transaction of its own; if that fits, later writes are taken again. */
  retry(run: () => void): Promise<void> {
    if (this.#failure && !isDiskFull(this.#failure)) return Promise.reject(this.#failure);
    const settled = new Promise<void>((resolve, reject) => {
      this.#jobs.push({ weight: 0, run, resolve, reject });
    });
    this.#failure = undefined;
    this.flush();
    return settled;
  }

  /** Writes what waits; everything later is refused. */
  close(): void {
    this.flush();
    this.#failure ??= new Error(`${this.#database.name} is closed`);
  }
}
