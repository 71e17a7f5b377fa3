import Sqlite from 'better-sqlite3';

/** The version of SQLite that is linked in: proof that the native module works. @throws when it does not. */
export function sqliteVersion(): string {
  const database = new Sqlite(':memory:');
  try {
    return String(database.prepare('SELECT sqlite_version()').pluck().get());
  } finally {
    database.close();
  }
}
