import Sqlite from 'better-sqlite3';
import { backUpNow, newestGoodBackup, setAside } from './backups.ts';
import { type Connection, isDamage, openConnection, quickCheck } from './connection.ts';
import { DatabaseCorruptError, DatabaseTooNewError, MigrationError } from './errors.ts';
import { migrate, type Migration, readMigrations, schemaVersion } from './migrations.ts';

export interface DatabaseOptions {
  /** Folder of `NNNN_name.sql`. */
  readonly migrationsDirectory: string;
  /** The version this program was built for; must be that of the newest migration. Absent: not checked. */
  readonly schemaVersion?: number;
  /** Time for the names of backups and files kept aside, ms since the epoch. */
  readonly now: () => number;
}

/**
 * Opens the database of a user's progress: exclusively, WAL with `synchronous=FULL`, checked, backed up before
 * a change of schema, and migrated.
 *
 * @param file path, or `:memory:`.
 * @throws DatabaseCorruptError the file is damaged; it was renamed, and the error names the newest backup.
 * @throws DatabaseTooNewError a newer program wrote it; nothing was changed.
 * @throws DatabaseInUseError | DatabaseReadOnlyError | MigrationError
 */
export function openDatabase(file: string, options: DatabaseOptions): Connection {
  const migrations = readMigrations(options.migrationsDirectory);
  if (options.schemaVersion !== undefined && options.schemaVersion !== migrations.length)
    throw new MigrationError(
      `the program needs schema version ${options.schemaVersion}, its migrations end at ${migrations.length}`,
    );
  let database: Connection | undefined;
  try {
    database = openConnection(file);
    const problem = quickCheck(database);
    if (problem !== undefined) throw new Damage(problem);
    prepareSchema(database, file, migrations, options.now());
    return database;
  } catch (error) {
    database?.close();
    if (!(error instanceof Damage) && !isDamage(error)) throw error;
    const problem = error instanceof Error ? error.message : String(error);
    const backup = newestGoodBackup(file);
    const kept = setAside(file, options.now());
    throw new DatabaseCorruptError(file, kept, backup, problem, { cause: error });
  }
}

/** The schema that all migrations make, as SQL: what `db/schema.sql` holds. */
export function schemaSql(migrationsDirectory: string): string {
  const database = new Sqlite(':memory:');
  try {
    const migrations = readMigrations(migrationsDirectory);
    migrate(database, migrations);
    const statements = database
      .prepare(
        `SELECT sql FROM sqlite_schema
         WHERE sql IS NOT NULL AND name NOT LIKE 'sqlite_%' AND name NOT IN
           (SELECT name FROM pragma_table_list WHERE type = 'shadow')
         ORDER BY rowid`,
      )
      .pluck()
      .all();
    return [
      '-- Generated from db/migrations by `npm run generate`; do not edit.',
      `PRAGMA user_version = ${migrations.length};`,
      ...statements.map((statement) => `${String(statement)};`),
      '',
    ].join('\n');
  } finally {
    database.close();
  }
}

/** `quick_check` found a fault. */
class Damage extends Error {}

function prepareSchema(
  database: Connection,
  file: string,
  migrations: readonly Migration[],
  nowMs: number,
): void {
  const version = schemaVersion(database);
  if (version > migrations.length) throw new DatabaseTooNewError(file, version, migrations.length);
  if (version > 0 && version < migrations.length) backUpNow(database, file, nowMs);
  migrate(database, migrations);
}
