import { type Connection, isDiskFull } from './connection.ts';

interface Job {
  readonly weight: number;
  readonly run: () => void;
  readonly resolve: () => void;
  readonly reject: (error: Error) => void;
}

/** Rows that go into one transaction at most: a few milliseconds of work. */
const groupLimit = 250;
/**
 * How long a write that nobody waits for may wait for others. What a cluster's own programs write is of this kind: they
 * are gone with the process, so a crash can take back only what nobody outside has seen.
 */
const lingerMs = 20;

/**
 * Gathers writes into one transaction, so that they share one fsync: those of some milliseconds, or, as soon as
 * somebody waits for one of them, those of one turn of the event loop.
 * After a failure nothing is written any more: a later write on top of a lost one would be a hole. A full disk is
 * the one failure that leaves the file as it was, so what did not fit may be tried again.
 */
export class GroupCommit {
  readonly #database: Connection;
  readonly #transact: (jobs: readonly Job[]) => void;
  #jobs: Job[] = [];
  #weight = 0;
  #lingering: NodeJS.Timeout | undefined;
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
      else if (!this.#scheduled)
        this.#lingering ??= setTimeout(() => {
          this.flush();
        }, lingerMs);
    });
  }

  /** Somebody waits for what was added: it is written at the end of this turn. */
  sync(): void {
    if (this.#jobs.length > 0) this.#scheduled ??= setImmediate(() => this.flush());
  }

  /** Writes now what waits. Failures reach those who wait, not the caller. */
  flush(): void {
    clearImmediate(this.#scheduled);
    clearTimeout(this.#lingering);
    this.#scheduled = undefined;
    this.#lingering = undefined;
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
