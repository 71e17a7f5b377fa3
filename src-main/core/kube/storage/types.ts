import type { Disposable } from '#core/base';
import { failure, StatusError } from '../machinery/index.ts';

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

/** etcd's words for a store without room, and ours for a disk without. */
export const databaseSpaceExceeded = 'etcdserver: mvcc: database space exceeded';

/** Nobody writes to the store at the moment: nothing was changed, or what was changed is not on disk. A client sees 500. */
export class StoreUnavailableError extends StatusError {
  constructor(message: string, options?: ErrorOptions) {
    super(failure(500, '', message).status, options);
  }
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
  /**
   * Takes history before `revision` from clients, and forgets what nobody retains.
   * @throws CompactedError | FutureRevisionError
   */
  compact(revision: Revision): void;
  /** The first revision that `rangePast` and `writesPast` know: time travel goes further back than clients may. */
  readonly oldestRevision: Revision;
  /** As `range` at a revision, whether it was compacted or not. @throws CompactedError it is forgotten. */
  rangePast(start: string, end: string, revision: Revision): RangeResult<V>;
  /** The writes in [start, end) from a revision on, one array for each revision. @throws CompactedError */
  writesPast(start: string, end: string, from: Revision): readonly (readonly StoreEvent<V>[])[];
  /** Keeps history from a revision on, whatever is compacted, until disposed. */
  retain(revision: Revision): Disposable;
  /** Resolves when everything up to `revision` (default: newest) is on disk; rejects with StoreUnavailableError. */
  durable(revision?: Revision): Promise<void>;
  /** The time of a revision, ms since the epoch on the cluster's clock; for time travel. */
  timeOf(revision: Revision): number | undefined;
  /** @returns the lease's id (never 0). Its keys are deleted when it runs out unless kept alive. */
  grantLease(ttlSeconds: number, id?: number): number;
  keepAlive(lease: number): boolean;
  revokeLease(lease: number): void;
  leases(): readonly LeaseState[];
  /** Why writes are refused at the moment; undefined: they are not. */
  readonly problem: StoreUnavailableError | undefined;
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
  /** Somebody waits for what was appended: until then a log may gather more of it. */
  sync(): void;
  /** Whether an append was refused only because there was no room: then `retry` may be called. */
  isFull(error: unknown): boolean;
  /** Tries once more the rows of all refused appends. When it resolves they are on disk and appends are taken again. */
  retry(rows: readonly LogRow[]): Promise<void>;
  compact(revision: Revision): void;
  close(): void;
}
