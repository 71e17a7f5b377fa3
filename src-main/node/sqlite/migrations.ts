import fs from 'node:fs';
import path from 'node:path';
import type { Connection } from './connection.ts';
import { MigrationError } from './errors.ts';

export interface Migration {
  /** From 1, without a gap. */
  readonly version: number;
  /** `0001_cards.sql` */
  readonly name: string;
  readonly sql: string;
}

/** Reads `NNNN_name.sql`, in order. @throws MigrationError a name or the numbering is wrong. */
export function readMigrations(directory: string): readonly Migration[] {
  const names = fs.readdirSync(directory).filter((name) => name.endsWith('.sql'));
  return names.sort().map((name, index) => {
    const version = Number(/^(\d{4})_[a-z0-9_]+\.sql$/.exec(name)?.[1] ?? Number.NaN);
    if (Number.isNaN(version)) throw new MigrationError(`${name} is not named like 0001_cards.sql`);
    if (version !== index + 1)
      throw new MigrationError(
        `${name} stands where migration ${String(index + 1).padStart(4, '0')} must follow`,
      );
    return { version, name, sql: fs.readFileSync(path.join(directory, name), 'utf8') };
  });
}

export function schemaVersion(database: Connection): number {
  return Number(database.pragma('user_version', { simple: true }));
}

/**
 * Applies what is newer than the file, each migration in a transaction of its own.
 * @throws MigrationError names the file that failed; the database stands as before it.
 */
export function migrate(database: Connection, migrations: readonly Migration[]): void {
  for (const { version, name, sql } of migrations) {
    if (version <= schemaVersion(database)) continue;
    const apply = database.transaction(() => {
      database.exec(sql);
      demandStrictTables(database, name);
      const violations = database.pragma('foreign_key_check') as readonly { table: string }[];
      if (violations[0])
        throw new MigrationError(`${name} leaves rows of ${violations[0].table} without a parent`);
      database.pragma(`user_version = ${version}`);
    });
    try {
      apply.exclusive();
    } catch (error) {
      if (error instanceof MigrationError) throw error;
      const text = error instanceof Error ? error.message : String(error);
      throw new MigrationError(`${name}: ${text}`, { cause: error });
    }
  }
}

function demandStrictTables(database: Connection, name: string): void {
  const loose = database
    .prepare<[], string>(
      `SELECT name FROM pragma_table_list
       WHERE schema = 'main' AND type = 'table' AND strict = 0 AND name NOT LIKE 'sqlite_%'`,
    )
    .pluck()
    .get();
  if (loose !== undefined) throw new MigrationError(`${name} makes table ${loose} without STRICT`);
}
