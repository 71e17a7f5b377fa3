import type { Clock, Disposable } from '#core/base';
import { Durability } from './durability.ts';
import { KeyHistory } from './key-history.ts';
import { Leases } from './leases.ts';
import { SortedMap } from './sorted-map.ts';
import {
  CompactedError,
  CompareFailedError,
  FutureRevisionError,
  type KeyValue,
  type LeaseState,
  type LogRow,
  type PutOptions,
  type RangeOptions,
  type RangeResult,
  type Revision,
  type Store,
  type StoreEvent,
  type StoreLog,
  type StoreTransaction,
  StoreUnavailableError,
  type StoreWatch,
} from './types.ts';

/** How values are written to the log and read back. */
export interface StoreCodec<V> {
  encode(value: V): string;
  decode(text: string, row: LogRow): V;
  /** A value that a newer one has taken the place of: what was made of it for readers is needed no longer. */
  superseded?(value: V): void;
}

export interface StoreOptions<V> {
  readonly clock: Clock;
  readonly codec: StoreCodec<V>;
  /** Absent: the store lives in memory alone. */
  readonly log?: StoreLog;
  /** How many of the newest revisions time travel can read however much is compacted; default 0. */
  readonly retainedRevisions?: number;
}

/** One revision as history keeps it. */
interface Commit<V> {
  readonly revision: Revision;
  readonly timeMs: number;
  readonly events: readonly StoreEvent<V>[];
}

interface Watcher<V> {
  readonly start: string;
  readonly end: string | undefined;
  readonly from: Revision;
  readonly sink: StoreWatch<V>;
}

/** Commits whose keys a compaction has still to trim, from index `next` on. */
interface Sweep<V> {
  readonly commits: readonly Pick<Commit<V>, 'events'>[];
  next: number;
}

/** A write that passed its compare and waits for the end of its transaction. */
interface StagedWrite<V> {
  readonly key: string;
  /** Absent for a delete. */
  readonly value?: V;
  readonly lease: number;
}

const firstRevision = 1;
/** Events swept in one step of a compaction; well under a millisecond. */
const sweepSlice = 2000;
/** Log rows of this prefix are leases, not keys; no key of the API starts so. */
const leaseRowPrefix = '\0lease/';

/** The key of the log row that tells a lease's time to live. */
export function leaseLogKey(id: number): string {
  return `${leaseRowPrefix}${id}`;
}

/** The log row that tells the compacted revision; the log itself may go further back. */
const compactedRow = '\0compacted';
/** When a lease that ran out is looked at again after the store refused to delete its keys. */
const expiryRetryMs = 1000;

/**
 * Opens a store: empty, or as its log has it.
 *
 * A write is applied in memory at once and handed to the log; who shows it outside the process first awaits
 * `durable`. After a failed append the store refuses every write with StoreUnavailableError but goes on
 * serving reads and watches, which may include the writes that did not reach the disk. If the disk was full, they
 * reach it, and writes are taken again, as soon as it has room.
 *
 * A compaction takes history from clients at once; how long it stays for time travel is `retainedRevisions` and `retain`.
 *
 * Leases and compactions reach the log together with the next write; leases start anew with their whole time after a
 * restart, as in etcd. An `end` of `'\0'` means no upper bound.
 *
 * @throws Error the log has a gap, or its codec refuses a row.
 */
export function createStore<V>(options: StoreOptions<V>): Store<V> {
  return new MemoryStore(options);
}

/** The end of the range that holds all keys with this prefix. @see etcd clientv3.GetPrefixRangeEnd */
export function prefixEnd(prefix: string): string {
  for (let length = prefix.length; length > 0; length--) {
    const code = prefix.charCodeAt(length - 1);
    if (code < 0xffff) return prefix.slice(0, length - 1) + String.fromCharCode(code + 1);
  }
  return '\0';
}

class MemoryStore<V> implements Store<V> {
  readonly #clock: Clock;
  readonly #codec: StoreCodec<V>;
  readonly #log: StoreLog | undefined;
  readonly #durability: Durability;
  readonly #leases: Leases;
  readonly #histories = new Map<string, KeyHistory<V>>();
  /** All keys with history, deleted ones too: for reads in the past. */
  readonly #known = new SortedMap<KeyHistory<V>>();
  /** Keys that exist at the newest revision. */
  readonly #live = new SortedMap<KeyHistory<V>>();
  /** History without a gap: the forgotten revision itself (when it is one) and all after it. */
  #commits: Commit<V>[] = [];
  readonly #watchers = new Set<Watcher<V>>();
  /** Rows beside the keys that go with the next write. */
  readonly #pendingRows: { key: string; value: string | null }[] = [];
  readonly #retainedRevisions: number;
  /** Revisions that somebody retains, each as often as it is. */
  readonly #retained: Revision[] = [];
  #revision = firstRevision;
  #compactedRevision = 0;
  /** History before it is gone; never above the compacted revision. */
  #forgottenRevision = 0;
  #lastTimeMs = 0;
  #busy = false;
  readonly #sweeps: Sweep<V>[] = [];

  constructor({ clock, codec, log, retainedRevisions = 0 }: StoreOptions<V>) {
    this.#clock = clock;
    this.#codec = codec;
    this.#log = log;
    this.#retainedRevisions = retainedRevisions;
    this.#leases = new Leases(clock, (id) => this.#leaseExpired(id));
    if (log) this.#load(log);
    this.#durability = new Durability(log, this.#revision);
  }

  get revision(): Revision {
    return this.#revision;
  }

  get compactedRevision(): Revision {
    return this.#compactedRevision;
  }

  get problem(): StoreUnavailableError | undefined {
    return this.#durability.failure;
  }

  get(key: string, revision: Revision = 0): KeyValue<V> | undefined {
    this.#demandReadable(revision);
    const history = this.#histories.get(key);
    return revision === 0 || revision === this.#revision ? history?.current : history?.at(revision);
  }

  range(
    start: string,
    end: string,
    { revision = 0, limit = 0 }: RangeOptions = {},
  ): RangeResult<V> {
    this.#demandReadable(revision);
    const kvs: KeyValue<V>[] = [];
    const bound = endOf(end);
    if (revision === 0 || revision === this.#revision) {
      this.#live.scan(start, bound, (history) => {
        kvs.push(history.current as KeyValue<V>);
        return kvs.length !== limit;
      });
      const count = limit === 0 || kvs.length < limit ? kvs.length : this.count(start, end);
      return { kvs, count, revision: this.#revision };
    }
    return this.#rangeAt(start, bound, revision, limit);
  }

  #rangeAt(
    start: string,
    bound: string | undefined,
    revision: Revision,
    limit: number,
  ): RangeResult<V> {
    const kvs: KeyValue<V>[] = [];
    let count = 0;
    this.#known.scan(start, bound, (history) => {
      const kv = history.at(revision);
      if (kv && ++count && (limit === 0 || count <= limit)) kvs.push(kv);
      return true;
    });
    return { kvs, count, revision };
  }

  get oldestRevision(): Revision {
    return Math.max(this.#forgottenRevision, firstRevision);
  }

  rangePast(start: string, end: string, revision: Revision): RangeResult<V> {
    this.#demandRemembered(revision);
    return this.#rangeAt(start, endOf(end), revision, 0);
  }

  writesPast(start: string, end: string, from: Revision): readonly (readonly StoreEvent<V>[])[] {
    this.#demandRemembered(from);
    const writes: (readonly StoreEvent<V>[])[] = [];
    const onEvents = (events: readonly StoreEvent<V>[]): void => void writes.push(events);
    this.#replay({ start, end: endOf(end), from, sink: { onEvents } });
    return writes;
  }

  retain(revision: Revision): Disposable {
    this.#demandRemembered(revision);
    this.#retained.push(revision);
    return {
      dispose: () => {
        const index = this.#retained.indexOf(revision);
        if (index >= 0) this.#retained.splice(index, 1);
        revision = -1;
      },
    };
  }

  count(start: string, end: string): number {
    return this.#live.count(start, endOf(end));
  }

  put(key: string, value: V | ((revision: Revision) => V), options?: PutOptions): KeyValue<V> {
    this.transaction((transaction) => transaction.put(key, value, options));
    return this.#histories.get(key)?.current as KeyValue<V>;
  }

  delete(key: string, options?: { readonly expected?: Revision }): KeyValue<V> | undefined {
    const previous = this.#histories.get(key)?.current;
    this.transaction((transaction) => transaction.delete(key, options));
    return previous;
  }

  transaction(writes: (transaction: StoreTransaction<V>) => void): Revision {
    this.#demandWritable();
    this.#busy = true;
    try {
      const staged = new Map<string, StagedWrite<V>>();
      const revision = this.#revision + 1;
      writes({
        put: (key, value, options) => {
          this.#demandStageable(staged, key, options?.expected);
          const lease = options?.lease ?? 0;
          if (lease !== 0 && !this.#leases.has(lease))
            throw new Error('etcdserver: requested lease not found');
          const made =
            typeof value === 'function' ? (value as (revision: Revision) => V)(revision) : value;
          staged.set(key, { key, value: made, lease });
        },
        delete: (key, options) => {
          this.#demandStageable(staged, key, options?.expected);
          if (this.#histories.get(key)?.current) staged.set(key, { key, lease: 0 });
        },
      });
      if (staged.size > 0) this.#commit(revision, [...staged.values()]);
      return this.#revision;
    } finally {
      this.#busy = false;
    }
  }

  watch(start: string, end: string, sink: StoreWatch<V>): Disposable {
    const startRevision = sink.startRevision ?? 0;
    if (startRevision !== 0 && startRevision < this.#compactedRevision) throw compacted();
    const from = startRevision === 0 ? this.#revision + 1 : startRevision;
    const past: Watcher<V> = { start, end: endOf(end), from, sink };
    this.#replay(past);
    const watcher = { ...past, from: Math.max(from, this.#revision + 1) };
    this.#watchers.add(watcher);
    return { dispose: () => void this.#watchers.delete(watcher) };
  }

  #replay(watcher: Watcher<V>): void {
    const first = this.#commits[0]?.revision ?? 0;
    for (let index = Math.max(0, watcher.from - first); index < this.#commits.length; index++)
      deliver(watcher, this.#commits[index] as Commit<V>);
  }

  compact(revision: Revision): void {
    if (revision <= this.#compactedRevision) throw compacted();
    if (revision > this.#revision) throw future();
    this.#compactedRevision = revision;
    const keepFrom = Math.min(
      revision,
      this.#revision - this.#retainedRevisions,
      ...this.#retained,
    );
    if (keepFrom < revision && this.#log)
      this.#pendingRows.push({ key: compactedRow, value: `${revision}` });
    if (keepFrom > this.#forgottenRevision) this.#forget(keepFrom);
  }

  /** Gives up history before `revision`. */
  #forget(revision: Revision): void {
    this.#forgottenRevision = revision;
    const first = this.#commits[0]?.revision;
    if (first !== undefined && first < revision)
      this.#sweeps.push({ commits: this.#commits.splice(0, revision - first), next: 0 });
    this.#log?.compact(revision);
    this.#sweepSlice();
  }

  durable(revision: Revision = this.#revision): Promise<void> {
    return this.#durability.wait(revision);
  }

  timeOf(revision: Revision): number | undefined {
    const first = this.#commits[0]?.revision ?? 0;
    return this.#commits[revision - first]?.timeMs;
  }

  grantLease(ttlSeconds: number, id?: number): number {
    this.#demandWritable();
    const granted = this.#leases.grant(ttlSeconds, id);
    this.#logLease(granted, `${ttlSeconds}`);
    return granted;
  }

  keepAlive(lease: number): boolean {
    return this.#leases.keepAlive(lease);
  }

  revokeLease(lease: number): void {
    this.#demandWritable();
    if (!this.#leases.has(lease)) throw new Error('etcdserver: requested lease not found');
    const keys = this.#leases.keysOf(lease);
    this.#leases.remove(lease);
    this.#logLease(lease, null);
    this.transaction((transaction) => {
      for (const key of keys) transaction.delete(key);
    });
  }

  leases(): readonly LeaseState[] {
    return this.#leases.list();
  }

  #leaseExpired(id: number): void {
    try {
      this.revokeLease(id);
    } catch (error) {
      if (!(error instanceof StoreUnavailableError)) throw error;
      this.#leases.postpone(id, expiryRetryMs);
    }
  }

  #logLease(id: number, value: string | null): void {
    if (this.#log) this.#pendingRows.push({ key: leaseLogKey(id), value });
  }

  #demandWritable(): void {
    if (this.#busy) throw new Error('the store was written from within a write or a watch');
    this.#durability.demandWritable();
  }

  #demandReadable(revision: Revision): void {
    if (revision === 0) return;
    if (revision > this.#revision) throw future();
    if (revision < this.#compactedRevision) throw compacted();
  }

  #demandRemembered(revision: Revision): void {
    if (revision > this.#revision) throw future();
    if (revision < this.#forgottenRevision) throw compacted();
  }

  #demandStageable(
    staged: ReadonlyMap<string, StagedWrite<V>>,
    key: string,
    expected: Revision | undefined,
  ): void {
    if (staged.has(key)) throw new Error('etcdserver: duplicate key given in txn request');
    if (expected === undefined) return;
    const current = this.#histories.get(key)?.current?.modRevision;
    if ((current ?? 0) !== expected) throw new CompareFailedError(key, current);
  }

  #commit(revision: Revision, writes: readonly StagedWrite<V>[]): void {
    // Time never runs backwards in history, whatever the clock was set to.
    const timeMs = Math.max(this.#clock.now(), this.#lastTimeMs);
    const events = writes.map((write) => this.#eventOf(write, revision));
    if (this.#log) this.#durability.append(revision, this.#rowsOf(events, revision, timeMs));
    this.#lastTimeMs = timeMs;
    this.#revision = revision;
    for (const event of events) this.#apply(event);
    const commit: Commit<V> = { revision, timeMs, events };
    this.#commits.push(commit);
    // A watch that begins meanwhile is from a later revision on.
    for (const watcher of this.#watchers) {
      try {
        deliver(watcher, commit);
      } catch (error) {
        // The write stands and the other watchers must see it; the fault still surfaces.
        queueMicrotask(() => {
          throw error;
        });
      }
    }
  }

  #eventOf({ key, value, lease }: StagedWrite<V>, revision: Revision): StoreEvent<V> {
    const previous = this.#histories.get(key)?.current;
    const before = previous ? { previous } : {};
    if (value === undefined) return { type: 'delete', key, revision, ...before };
    const kv: KeyValue<V> = {
      key,
      value,
      createRevision: previous?.createRevision ?? revision,
      modRevision: revision,
      version: (previous?.version ?? 0) + 1,
      lease,
    };
    return { type: 'put', key, revision, kv, ...before };
  }

  #rowsOf(events: readonly StoreEvent<V>[], revision: Revision, timeMs: number): LogRow[] {
    const rows: LogRow[] = events.map(({ key, kv, previous }, sub) => ({
      revision,
      sub,
      key,
      value: kv ? this.#codec.encode(kv.value) : null,
      createRevision: kv?.createRevision ?? previous?.createRevision ?? 0,
      version: kv?.version ?? 0,
      lease: kv?.lease ?? 0,
      timeMs,
    }));
    for (const { key, value } of this.#pendingRows.splice(0)) {
      const sub = rows.length;
      rows.push({ revision, sub, key, value, createRevision: 0, version: 0, lease: 0, timeMs });
    }
    return rows;
  }

  #apply({ key, revision, kv, previous }: StoreEvent<V>): void {
    let history = this.#histories.get(key);
    if (!history) {
      history = new KeyHistory(key);
      this.#histories.set(key, history);
      this.#known.set(key, history);
    }
    history.add(revision, kv);
    if (previous) this.#codec.superseded?.(previous.value);
    if (kv && !previous) this.#live.set(key, history);
    else if (!kv) this.#live.delete(key);
    if (previous && previous.lease !== 0) this.#leases.detach(key, previous.lease);
    if (kv && kv.lease !== 0) this.#leases.attach(key, kv.lease);
  }

  /** Forgets versions of the keys that the compacted commits wrote, a slice at a time. */
  #sweepSlice(): void {
    const sweep = this.#sweeps[0];
    if (!sweep) return;
    let left = sweepSlice;
    for (; left > 0 && sweep.next < sweep.commits.length; sweep.next++)
      for (const { key } of sweep.commits[sweep.next]?.events ?? []) {
        left -= 1;
        if (!this.#histories.get(key)?.trim(this.#forgottenRevision)) continue;
        this.#histories.delete(key);
        this.#known.delete(key);
      }
    if (sweep.next === sweep.commits.length) this.#sweeps.shift();
    if (this.#sweeps.length > 0)
      this.#clock.setTimer(0, () => this.#sweepSlice(), { background: true });
  }

  #load(log: StoreLog): void {
    const { rows, compactedRevision } = log.load();
    this.#forgottenRevision = compactedRevision;
    this.#compactedRevision = compactedRevision;
    const leaseSeconds = new Map<number, number>();
    const leftOver: StoreEvent<V>[] = [];
    let open: { revision: Revision; timeMs: number; events: StoreEvent<V>[] } | undefined;
    for (const row of rows) {
      if (open?.revision !== row.revision) {
        // Below the compacted revision only survivors are left; from it on every revision must be there.
        const expected = Math.max(this.#revision, compactedRevision) + 1;
        if (row.revision > compactedRevision && row.revision !== expected)
          throw new Error(`log has revision ${row.revision} where ${expected} must follow`);
        open = { revision: row.revision, timeMs: row.timeMs, events: [] };
        if (row.revision >= compactedRevision) this.#commits.push(open);
        this.#revision = row.revision;
        this.#lastTimeMs = row.timeMs;
      }
      if (row.key === compactedRow) {
        this.#compactedRevision = Math.max(this.#compactedRevision, Number(row.value));
        continue;
      }
      if (row.key.startsWith(leaseRowPrefix)) {
        const id = Number(row.key.slice(leaseRowPrefix.length));
        if (row.value === null) leaseSeconds.delete(id);
        else leaseSeconds.set(id, Number(row.value));
        continue;
      }
      const event = this.#eventOfRow(row);
      this.#apply(event);
      open.events.push(event);
      // Left over when a compaction of the log was cut short.
      if (row.revision < compactedRevision && (event.previous || !event.kv)) leftOver.push(event);
    }
    this.#revision = Math.max(this.#revision, compactedRevision);
    this.#sweeps.push({ commits: leftOver.map((event) => ({ events: [event] })), next: 0 });
    this.#sweepSlice();
    this.#restoreLeases(leaseSeconds);
  }

  #eventOfRow(row: LogRow): StoreEvent<V> {
    const { key, revision, createRevision, version, lease } = row;
    const previous = this.#histories.get(key)?.current;
    const before = previous ? { previous } : {};
    if (row.value === null) return { type: 'delete', key, revision, ...before };
    const value = this.#codec.decode(row.value, row);
    const kv: KeyValue<V> = { key, value, createRevision, modRevision: revision, version, lease };
    return { type: 'put', key, revision, kv, ...before };
  }

  #restoreLeases(leaseSeconds: ReadonlyMap<number, number>): void {
    for (const [id, ttlSeconds] of leaseSeconds) this.#leases.grant(ttlSeconds, id);
    this.#live.scan('', undefined, ({ key, current }) => {
      if (current && current.lease !== 0) this.#leases.attach(key, current.lease);
      return true;
    });
  }
}

function deliver<V>(watcher: Watcher<V>, { revision, events }: Commit<V>): void {
  if (revision < watcher.from) return;
  const { start, end } = watcher;
  const [first] = events;
  // Almost every commit has one event, and almost every watch is of something else.
  if (
    events.length === 1 &&
    first &&
    (first.key < start || (end !== undefined && first.key >= end))
  )
    return;
  const matches = ({ key }: StoreEvent<V>): boolean =>
    key >= start && (end === undefined || key < end);
  const seen = events.every(matches) ? events : events.filter(matches);
  if (seen.length > 0) watcher.sink.onEvents(seen, revision);
}

const endOf = (end: string): string | undefined => (end === '\0' ? undefined : end);

const compacted = (): CompactedError =>
  new CompactedError('etcdserver: mvcc: required revision has been compacted');

const future = (): FutureRevisionError =>
  new FutureRevisionError('etcdserver: mvcc: required revision is a future revision');
