import type { Clock } from '#core/base';
import {
  createStore,
  leaseLogKey,
  type LogRow,
  type Store,
  type StoredObject,
  storedObjectCodec,
  type StoreLog,
} from '#core/kube';
import type { FileSystem } from '#core/machines';
import type { EtcdSnapshot } from './programs/etcd-snapshot.ts';

/** Where a store keeps its log; undefined: it lives in memory. */
export type OpenLog = (storeId: string) => StoreLog | undefined;

/** First line of a data directory's database file: which store the directory holds. */
const marker = 'kijabi-store ';
/** The store of a new cluster. */
const firstId = 'main';
/** Revisions time travel reaches back at least. */
const retainedRevisions = 10_000;

/** A log of what is given and nothing more, for a store in memory. */
class SeedLog implements StoreLog {
  readonly #rows: LogRow[] = [];
  #compactedRevision = 0;

  load() {
    return { rows: this.#rows.splice(0), compactedRevision: this.#compactedRevision };
  }

  append(rows: readonly LogRow[]): Promise<void> {
    if (this.#compactedRevision === 0) this.#rows.push(...rows);
    return Promise.resolve();
  }

  sync(): void {}

  isFull(): boolean {
    return false;
  }

  retry(): Promise<void> {
    return Promise.resolve();
  }

  compact(revision: number): void {
    this.#compactedRevision = revision;
  }

  close(): void {
    this.#rows.length = 0;
  }
}

/**
 * Stores by the data directories that hold them. A directory carries its store: move it, and the next etcd that
 * opens it finds the same keys; remove it, and a new one begins empty.
 */
export class EtcdData {
  readonly #stores = new Map<string, Store<StoredObject>>();
  readonly #clock: Clock;
  readonly #openLog: OpenLog;
  #created = 0;
  #currentId = firstId;

  constructor(clock: Clock, openLog: OpenLog) {
    this.#clock = clock;
    this.#openLog = openLog;
  }

  /** Opens what a data directory holds, or begins it. @returns the store and its id. */
  open(
    files: FileSystem,
    dataDir: string,
  ): { readonly id: string; readonly store: Store<StoredObject> } {
    const database = `${dataDir}/member/snap/db`;
    let id: string;
    if (files.exists(database) && files.readText(database).startsWith(marker)) {
      id = files.readText(database).slice(marker.length).split('\n', 1)[0] ?? '';
    } else {
      // The first store belongs to the first directory; whoever wipes that one must not find its keys again.
      id = this.storeOf(firstId).revision === 1 ? firstId : this.#newId();
      this.#mark(files, dataDir, id);
    }
    this.#currentId = id;
    return { id, store: this.storeOf(id) };
  }

  /** The store that was opened last, and its id. */
  get currentId(): string {
    return this.#currentId;
  }

  storeOf(id: string): Store<StoredObject> {
    return this.#stores.get(id) ?? this.#create(id, this.#openLog(id));
  }

  /**
   * Begins a data directory that holds what a snapshot does, as `etcdutl snapshot restore` does: with its revisions.
   * Settles when the store is on disk.
   *
   * @param bumpRevision how far the new store's revision lies above the snapshot's.
   */
  async restore(
    files: FileSystem,
    dataDir: string,
    snapshot: EtcdSnapshot,
    bumpRevision: number,
  ): Promise<void> {
    const id = this.#newId();
    const log = this.#openLog(id) ?? new SeedLog();
    const written = log.append(rowsOf(snapshot, this.#clock.now()));
    log.compact(snapshot.revision + bumpRevision);
    this.#create(id, log);
    await written;
    this.#mark(files, dataDir, id);
    files.writeFile(`${dataDir}/member/snap/0000000000000001-0000000000000001.snap`, '', 0o600);
  }

  #create(id: string, log: StoreLog | undefined): Store<StoredObject> {
    const store = createStore<StoredObject>({
      clock: this.#clock,
      codec: storedObjectCodec,
      retainedRevisions,
      ...(log ? { log } : {}),
    });
    this.#stores.set(id, store);
    return store;
  }

  /** No other store of this cluster has it, those of former runs included: its clock never runs backwards. */
  #newId(): string {
    this.#created += 1;
    return `store-${this.#clock.now()}-${this.#created}`;
  }

  #mark(files: FileSystem, dataDir: string, id: string): void {
    files.mkdir(`${dataDir}/member/snap`, { recursive: true, mode: 0o700 });
    files.mkdir(`${dataDir}/member/wal`, { recursive: true, mode: 0o700 });
    files.writeFile(`${dataDir}/member/snap/db`, `${marker}${id}\n`, 0o600);
    files.writeFile(`${dataDir}/member/wal/0000000000000000-0000000000000000.wal`, '', 0o600);
  }
}

function rowsOf({ revision, entries, leases }: EtcdSnapshot, timeMs: number): LogRow[] {
  const rows: LogRow[] = [];
  const add = (row: Omit<LogRow, 'sub' | 'timeMs'>): void => {
    const last = rows.at(-1);
    const sub = last?.revision === row.revision ? last.sub + 1 : 0;
    rows.push({ ...row, sub, timeMs });
  };
  for (const { modRevision, ...entry } of [...entries].sort(
    (a, b) => a.modRevision - b.modRevision,
  ))
    add({ ...entry, revision: modRevision });
  for (const { id, ttlSeconds } of leases)
    add({
      revision,
      key: leaseLogKey(id),
      value: String(ttlSeconds),
      createRevision: 0,
      version: 0,
      lease: 0,
    });
  return rows;
}
