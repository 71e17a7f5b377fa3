import fs from 'node:fs';
import path from 'node:path';
import Sqlite from 'better-sqlite3';
import { DatabaseInUseError, DatabaseReadOnlyError } from './errors.ts';

export type Connection = Sqlite.Database;

/**
 * Opens a file for this process alone, so that nothing acknowledged is lost in a power cut: better-sqlite3 by
 * itself runs WAL with `synchronous=NORMAL`, which may lose the last commits.
 *
 * @throws DatabaseInUseError | DatabaseReadOnlyError | SqliteError (SQLITE_NOTADB, SQLITE_CORRUPT)
 */
export function openConnection(file: string): Connection {
  let database: Connection | undefined;
  try {
    if (file !== ':memory:') {
      fs.mkdirSync(path.dirname(file), { recursive: true, mode: 0o700 });
      // Made here, because SQLite would make it readable for others.
      fs.closeSync(fs.openSync(file, 'a', 0o600));
    }
    database = new Sqlite(file, { timeout: 0 });
    configure(database, file);
    return database;
  } catch (error) {
    database?.close();
    throw explain(file, error);
  }
}

/** Sets what every connection must have and asks back whether it holds. */
function configure(database: Connection, file: string): void {
  demandPragma(database, 'locking_mode', 'EXCLUSIVE', 'exclusive');
  demandPragma(database, 'journal_mode', 'WAL', file === ':memory:' ? 'memory' : 'wal');
  demandPragma(database, 'synchronous', 'FULL', 2);
  demandPragma(database, 'foreign_keys', 'ON', 1);
  demandPragma(database, 'trusted_schema', 'OFF', 0);
  demandPragma(database, 'cell_size_check', 'ON', 1);
  // The exclusive lock is taken by the first write; a second opener has to fail now, not later.
  database.exec('BEGIN IMMEDIATE; COMMIT');
}

function demandPragma(
  database: Connection,
  name: string,
  value: string,
  expected: string | number,
): void {
  database.pragma(`${name} = ${value}`);
  const actual = database.pragma(name, { simple: true });
  if (actual !== expected)
    throw new Error(`PRAGMA ${name} is ${String(actual)}, not ${String(expected)}`);
}

function explain(file: string, error: unknown): unknown {
  const code = errorCode(error);
  if (/^SQLITE_(BUSY|LOCKED)/.test(code)) return new DatabaseInUseError(file, { cause: error });
  if (/^(SQLITE_READONLY|SQLITE_PERM|SQLITE_CANTOPEN|EACCES|EPERM|EROFS)/.test(code))
    return new DatabaseReadOnlyError(file, { cause: error });
  return error;
}

/** SQLite's or the system's code of an error; empty when it has none. */
export function errorCode(error: unknown): string {
  return error instanceof Error && 'code' in error && typeof error.code === 'string'
    ? error.code
    : '';
}

/** Whether the error says that the file itself is damaged. */
export function isDamage(error: unknown): boolean {
  return /^SQLITE_(CORRUPT|NOTADB)/.test(errorCode(error));
}

/**
 * Whether a write found no room (disk, quota or file size). Such a write fails before its fsync and is rolled back, so
 * that the file holds what it held.
 */
export function isDiskFull(error: unknown): boolean {
  return /^SQLITE_(FULL|IOERR_WRITE)$/.test(errorCode(error));
}

/** What is wrong with the file's structure; undefined when nothing is. */
export function quickCheck(database: Connection): string | undefined {
  const answer = database.pragma('quick_check(1)', { simple: true });
  return answer === 'ok' ? undefined : String(answer);
}
