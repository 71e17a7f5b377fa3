import type { Disposable } from '#core/base';

/** Number of a write in the store: positive, growing by one with every transaction. */
export type Revision = number;

export interface KeyValue<V> {
  readonly key: string;
  readonly value: V;
  readonly createRevision: Revision;
  readonly modRevision: Revision;
  /** Writes since creation, from 1. */
  readonly version: number;
  /** Id of the lease that holds the key; 0 for none. */
  readonly lease: number;
}

export interface RangeOptions {
  /** 0, or absent, reads the newest state. */
  readonly revision?: Revision;
  /** Most entries to return; 0, or absent, means all. */
  readonly limit?: number;
}

export interface RangeResult<V> {
  /** In byte order of key. */
  readonly kvs: readonly KeyValue<V>[];
  /** Matches before `limit`. */
  readonly count: number;
  /** The revision that was read. */
  readonly revision: Revision;
}

/** The asked revision was compacted away; callers must list again. The API server answers 410. */
export class CompactedError extends Error {
  override readonly name = 'CompactedError';
}

/** The asked revision lies in the future. */
export class FutureRevisionError extends Error {
  override readonly name = 'FutureRevisionError';
}

/** A compare of a write failed; `current` is what is there, undefined when nothing is. */
export class CompareFailedError extends Error {
  override readonly name = 'CompareFailedError';
  readonly currentModRevision: Revision | undefined;

  constructor(key: string, currentModRevision: Revision | undefined) {
    super(`compare failed on ${key}`);
    this.currentModRevision = currentModRevision;
  }
}

/** The log no longer takes writes (disk full, I/O error, read-only); nothing was changed. */
export class StoreUnavailableError extends Error {
  override readonly name = 'StoreUnavailableError';
}

export interface PutOptions {
  /**
   * Fails with CompareFailedError unless the key's modRevision is this; 0 demands that the key is absent.
   * Absent: no demand.
   */
  readonly expected?: Revision;
  readonly lease?: number;
}

/** One write as watchers see it. */
export interface StoreEvent<V> {
  readonly type: 'put' | 'delete';
  readonly key: string;
  readonly revision: Revision;
  /** The new state; absent for a delete. */
  readonly kv?: KeyValue<V>;
  /** The state before; absent when the key was created. */
  readonly previous?: KeyValue<V>;
}

export interface StoreWatch<V> {
  /** First revision to deliver; 0 means "from now on". A compacted one throws CompactedError. */
  readonly startRevision?: Revision;
  /**
   * Called synchronously after each transaction with the events in range, in order, each once; history is
   * replayed inside `watch` itself. Must be cheap, and must not write.
   */
  onEvents(events: readonly StoreEvent<V>[], revision: Revision): void;
}

/**
 * A multi-version key-value store with etcd's guarantees. Its verbs are synchronous: no await stands between
 * reading a revision and writing on it. Values are immutable and shared with every reader.
 *
 * @see go.etcd.io/etcd/server/v3/storage/mvcc/kv.go
 */
export interface Store<V> {
  /** The newest revision; 1 for an empty store, as in etcd. */
  readonly revision: Revision;
  readonly compactedRevision: Revision;
  /** @throws CompactedError | FutureRevisionError */
  get(key: string, revision?: Revision): KeyValue<V> | undefined;
  /** Reads the keys of [start, end) as they stood at one revision. @throws CompactedError | FutureRevisionError */
  range(start: string, end: string, options?: RangeOptions): RangeResult<V>;
  /** Matches of [start, end) at the newest revision. */
  count(start: string, end: string): number;
  /**
   * Writes one key as the next revision. A function gets that revision, so that a value can hold it.
   * @throws CompareFailedError | StoreUnavailableError
   */
  put(key: string, value: V | ((revision: Revision) => V), options?: PutOptions): KeyValue<V>;
  /** @returns the removed state; undefined when there was none. @throws CompareFailedError | StoreUnavailableError */
  delete(key: string, options?: { readonly expected?: Revision }): KeyValue<V> | undefined;
  /** Several writes as one revision; all or none. @throws as `put` */
  transaction(writes: (transaction: StoreTransaction<V>) => void): Revision;
  watch(start: string, end: string, watch: StoreWatch<V>): Disposable;
  /** Forgets history before `revision`. @throws CompactedError | FutureRevisionError */
  compact(revision: Revision): void;
  /** Resolves when everything up to `revision` (default: newest) is on disk; rejects with StoreUnavailableError. */
  durable(revision?: Revision): Promise<void>;
  /** The time of a revision, ms since the epoch on the cluster's clock; for time travel. */
  timeOf(revision: Revision): number | undefined;
  /** @returns the lease's id (never 0). Its keys are deleted when it runs out unless kept alive. */
  grantLease(ttlSeconds: number, id?: number): number;
  keepAlive(lease: number): boolean;
  revokeLease(lease: number): void;
  leases(): readonly LeaseState[];
}

export interface LeaseState {
  readonly id: number;
  readonly ttlSeconds: number;
  /** ms since the epoch on the cluster's clock. */
  readonly expiresMs: number;
  readonly keys: readonly string[];
}

export interface StoreTransaction<V> {
  put(key: string, value: V | ((revision: Revision) => V), options?: PutOptions): void;
  delete(key: string, options?: { readonly expected?: Revision }): void;
}

/** One row of the append-only log behind a store. Rows of one revision share it and are written together. */
export interface LogRow {
  readonly revision: Revision;
  /** Order within the revision, from 0. */
  readonly sub: number;
  readonly key: string;
  /** The encoded value; null records a delete. */
  readonly value: string | null;
  readonly createRevision: Revision;
  readonly version: number;
  readonly lease: number;
  /** ms since the epoch on the cluster's clock. */
  readonly timeMs: number;
}

/** Where a store keeps its log; `node/sqlite` implements it on better-sqlite3. */
export interface StoreLog {
  /** Rows in order of revision and sub; only those a compaction has left. */
  load(): { readonly rows: Iterable<LogRow>; readonly compactedRevision: Revision };
  /**
   * Takes rows for the disk. The promise settles after the fsync of the group they were written in; a
   * rejection means that none of this group, nor any later one, is on disk.
   */
  append(rows: readonly LogRow[]): Promise<void>;
  compact(revision: Revision): void;
  close(): void;
}
