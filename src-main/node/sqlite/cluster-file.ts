import { crc32 } from 'node:zlib';
import type { LogRow, Revision, StoreLog } from '#core/kube';
import { type Connection, isDamage, isDiskFull, openConnection } from './connection.ts';
import { DatabaseCorruptError, DatabaseTooNewError, LogCorruptError } from './errors.ts';
import { GroupCommit } from './group-commit.ts';
import { LogCompaction } from './log-compaction.ts';

const formatVersion = 1;
/**
 * Pages in the write-ahead log before they are copied home, a quarter of SQLite's choice: whoever commits does it, and
 * everybody waits meanwhile.
 */
const checkpointPages = 250;

/** Times are ms since the Unix epoch on the cluster's clock. The log is only appended to and compacted. */
const format = `
  CREATE TABLE log (
    log_id INTEGER NOT NULL PRIMARY KEY,
    revision INTEGER NOT NULL,
    sub INTEGER NOT NULL,
    key TEXT NOT NULL,
    value TEXT,
    create_revision INTEGER NOT NULL,
    version INTEGER NOT NULL,
    lease INTEGER NOT NULL,
    time_ms INTEGER NOT NULL,
    checksum INTEGER NOT NULL
  ) STRICT;
  CREATE TABLE blobs (
    name TEXT NOT NULL PRIMARY KEY,
    bytes BLOB NOT NULL,
    checksum INTEGER NOT NULL
  ) STRICT;
  CREATE TABLE compaction (revision INTEGER NOT NULL) STRICT;
  INSERT INTO compaction VALUES (0);
  PRAGMA user_version = ${formatVersion};
`;

/** Named bytes beside the log: machine disks, keys, whatever a cluster has besides its store. */
export interface BlobStore {
  /** What the last `put` gave, waiting ones included. @throws LogCorruptError the bytes were damaged. */
  get(name: string): Uint8Array | undefined;
  /** Settles after the fsync of the group it was written in. */
  put(name: string, bytes: Uint8Array): Promise<void>;
  delete(name: string): Promise<void>;
  /** Names with this prefix, in byte order. */
  list(prefix: string): readonly string[];
}

export interface ClusterFile {
  readonly log: StoreLog;
  readonly blobs: BlobStore;
  /** Writes what waits and closes the file. */
  close(): void;
}

/**
 * Opens, or makes, the file of one cluster: the append-only log behind its store and its blobs, written in
 * common groups.
 *
 * A group whose fsync fails was not acknowledged, yet the system may have it on disk nevertheless; the file
 * takes no writes from then on. A group for which the disk has no room can be tried again.
 *
 * @throws DatabaseInUseError | DatabaseReadOnlyError | DatabaseTooNewError
 * @throws DatabaseCorruptError not a database; the file stays where it is.
 */
export function createClusterFile(file: string): ClusterFile {
  let database: Connection | undefined;
  try {
    database = openConnection(file);
    database.pragma(`wal_autocheckpoint = ${checkpointPages}`);
    prepareFormat(database, file);
    return openTables(database, file);
  } catch (error) {
    database?.close();
    throw damageOr(error, file);
  }
}

function prepareFormat(database: Connection, file: string): void {
  const version = Number(database.pragma('user_version', { simple: true }));
  if (version > formatVersion) throw new DatabaseTooNewError(file, version, formatVersion);
  if (version === 0) database.transaction(() => database.exec(format))();
}

function openTables(database: Connection, file: string): ClusterFile {
  const commits = new GroupCommit(database);
  const log = new SqliteLog(database, file, commits);
  return {
    log,
    blobs: openBlobs(database, file, commits),
    close: () => log.close(),
  };
}

/** One row as the table has it. */
interface StoredRow {
  readonly log_id: number;
  readonly revision: number;
  readonly sub: number;
  readonly key: string;
  readonly value: string | null;
  readonly create_revision: number;
  readonly version: number;
  readonly lease: number;
  readonly time_ms: number;
  readonly checksum: number;
}

const loadPage = 1000;

class SqliteLog implements StoreLog {
  readonly #database: Connection;
  readonly #file: string;
  readonly #commits: GroupCommit;
  readonly #compaction: LogCompaction;
  readonly #insert: (row: LogRow) => void;

  constructor(database: Connection, file: string, commits: GroupCommit) {
    this.#database = database;
    this.#file = file;
    this.#commits = commits;
    this.#compaction = new LogCompaction(database, commits);
    const insert = database.prepare(
      `INSERT INTO log
         (revision, sub, key, value, create_revision, version, lease, time_ms, checksum)
       VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)`,
    );
    this.#insert = (row) => {
      const { revision, sub, key, value, createRevision, version, lease, timeMs } = row;
      const checksum = checksumOf(row);
      insert.run(revision, sub, key, value, createRevision, version, lease, timeMs, checksum);
    };
  }

  load(): { readonly rows: Iterable<LogRow>; readonly compactedRevision: Revision } {
    this.#commits.flush();
    const compacted = this.#database.prepare('SELECT revision FROM compaction').pluck().get();
    return { rows: this.#rows(), compactedRevision: Number(compacted) };
  }

  append(rows: readonly LogRow[]): Promise<void> {
    return this.#commits.add(rows.length, () => {
      for (const row of rows) this.#insert(row);
    });
  }

  sync(): void {
    this.#commits.sync();
  }

  isFull(error: unknown): boolean {
    return isDiskFull(error);
  }

  retry(rows: readonly LogRow[]): Promise<void> {
    return this.#commits.retry(() => {
      for (const row of rows) this.#insert(row);
    });
  }

  compact(revision: Revision): void {
    this.#compaction.compact(revision);
  }

  close(): void {
    if (!this.#database.open) return;
    this.#compaction.dispose();
    this.#commits.close();
    this.#database.close();
  }

  /** In pages, so that the connection is free between any two of them. */
  *#rows(): Iterable<LogRow> {
    const page = this.#database.prepare<[number, number], StoredRow>(
      'SELECT * FROM log WHERE log_id > ? ORDER BY log_id LIMIT ?',
    );
    let last = 0;
    for (;;) {
      const stored = this.#read(() => page.all(last, loadPage));
      for (const row of stored) yield this.#checked(row);
      if (stored.length < loadPage) return;
      last = stored.at(-1)?.log_id ?? last;
    }
  }

  #read<T>(read: () => T): T {
    try {
      return read();
    } catch (error) {
      throw damageOr(error, this.#file);
    }
  }

  #checked(stored: StoredRow): LogRow {
    const { revision, sub, key, value, version, lease } = stored;
    const row: LogRow = {
      revision,
      sub,
      key,
      value,
      createRevision: stored.create_revision,
      version,
      lease,
      timeMs: stored.time_ms,
    };
    if (checksumOf(row) !== stored.checksum) throw new LogCorruptError(this.#file, revision, key);
    return row;
  }
}

function openBlobs(database: Connection, file: string, commits: GroupCommit): BlobStore {
  const select = database.prepare<[string], { bytes: Buffer; checksum: number }>(
    'SELECT bytes, checksum FROM blobs WHERE name = ?',
  );
  const upsert = database.prepare(
    `INSERT INTO blobs (name, bytes, checksum) VALUES (?, ?, ?)
     ON CONFLICT (name) DO UPDATE SET bytes = excluded.bytes, checksum = excluded.checksum`,
  );
  const remove = database.prepare('DELETE FROM blobs WHERE name = ?');
  const names = database
    .prepare<[string, string]>(
      'SELECT name FROM blobs WHERE substr(name, 1, length(?)) = ? ORDER BY name',
    )
    .pluck();
  const write = (run: () => void): Promise<void> => {
    const written = commits.add(1, run);
    commits.sync();
    return written;
  };
  return {
    get: (name) => {
      commits.flush();
      const row = select.get(name);
      if (row && crc32(row.bytes, crc32(name)) !== row.checksum)
        throw new LogCorruptError(file, 0, name);
      return row?.bytes;
    },
    put: (name, bytes) => {
      // The caller may reuse its array before the group is written.
      const copy = Buffer.from(bytes);
      return write(() => upsert.run(name, copy, crc32(copy, crc32(name))));
    },
    delete: (name) => write(() => remove.run(name)),
    list: (prefix) => {
      commits.flush();
      return names.all(prefix, prefix).map(String);
    },
  };
}

/** CRC-32 of the whole row; SQLite itself does not notice a flipped bit within a value. */
function checksumOf(row: LogRow): number {
  const { revision, sub, createRevision, version, lease, timeMs, key, value } = row;
  const numbers = `${revision} ${sub} ${createRevision} ${version} ${lease} ${timeMs}`;
  return crc32(value ?? '', crc32(`${numbers} ${value === null ? 0 : 1} ${key}\0`));
}

function damageOr(error: unknown, file: string): unknown {
  if (!(error instanceof Error) || !isDamage(error)) return error;
  return new DatabaseCorruptError(file, file, undefined, error.message, { cause: error });
}
