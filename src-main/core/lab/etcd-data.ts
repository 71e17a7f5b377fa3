import type { Clock } from '#core/base';
import {
  createStore,
  type KubeObject,
  type Store,
  type StoreCodec,
  StoredObject,
  type StoreLog,
} from '#core/kube';
import type { FileSystem } from '#core/machines';

/** Where a store keeps its log; undefined: it lives in memory. */
export type OpenLog = (storeId: string) => StoreLog | undefined;

/** First line of a data directory's database file: which store the directory holds. */
const marker = 'kijabi-store ';

/** Values that are not API objects (`etcdctl put foo bar`) are kept as their text. */
const codec: StoreCodec<StoredObject> = {
  encode: (value) => value.json(),
  decode: (text) => {
    if (text.startsWith('{"')) {
      try {
        return new StoredObject(JSON.parse(text) as KubeObject, text);
      } catch {
        // A value that only looks like an object.
      }
    }
    return plainValue(text);
  },
};

/** A value that is only text to everybody. */
export function plainValue(text: string): StoredObject {
  return new StoredObject({ apiVersion: '', kind: '', metadata: {} }, text);
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
  #currentId = 'main';

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
      id = this.newId();
      this.#mark(files, dataDir, id);
    }
    this.#currentId = id;
    return { id, store: this.storeOf(id) };
  }

  /** The store that was opened last. */
  current(): Store<StoredObject> {
    return this.storeOf(this.#currentId);
  }

  storeOf(id: string): Store<StoredObject> {
    let store = this.#stores.get(id);
    if (!store) {
      const log = this.#openLog(id);
      store = createStore<StoredObject>({ clock: this.#clock, codec, ...(log ? { log } : {}) });
      this.#stores.set(id, store);
    }
    return store;
  }

  /** The first store of a cluster is `main`: it is the one that a host keeps on disk. */
  newId(): string {
    this.#created += 1;
    return this.#created === 1 ? 'main' : `restored-${this.#created}`;
  }

  /** Begins a data directory that holds a copy of other keys, as `etcdutl snapshot restore` does. */
  restore(
    files: FileSystem,
    dataDir: string,
    entries: readonly { readonly key: string; readonly value: string }[],
  ): void {
    const id = this.newId();
    const store = this.storeOf(id);
    store.transaction((transaction) => {
      for (const { key, value } of entries)
        transaction.put(key, codec.decode(value, { key } as Parameters<typeof codec.decode>[1]));
    });
    this.#mark(files, dataDir, id);
  }

  #mark(files: FileSystem, dataDir: string, id: string): void {
    files.mkdir(`${dataDir}/member/snap`, { recursive: true, mode: 0o700 });
    files.mkdir(`${dataDir}/member/wal`, { recursive: true, mode: 0o700 });
    files.writeFile(`${dataDir}/member/snap/db`, `${marker}${id}\n`, 0o600);
    files.writeFile(`${dataDir}/member/wal/0000000000000000-0000000000000000.wal`, '', 0o600);
  }
}
