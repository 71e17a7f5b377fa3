import fs from 'node:fs';
import path from 'node:path';
import Sqlite from 'better-sqlite3';
import { expect, test } from 'vitest';
import {
  type Connection,
  DatabaseCorruptError,
  DatabaseInUseError,
  DatabaseTooNewError,
  listBackups,
  MigrationError,
  openDatabase,
  schemaSql,
} from '#node/sqlite';
import { generateSchemaSql } from '../../../../src-main/tools/generate/schema-sql.ts';
import { scratchDirectory } from './scratch.ts';

const nowMs = Date.parse('2026-01-31T09:30:00Z');
const cards = 'CREATE TABLE cards (card_id TEXT NOT NULL PRIMARY KEY) STRICT;';
const notes = `CREATE TABLE notes (
  note_id TEXT NOT NULL PRIMARY KEY,
  card_id TEXT NOT NULL REFERENCES cards
) STRICT;`;

function writeMigrations(directory: string, files: Record<string, string>): string {
  const migrationsDirectory = path.join(directory, 'migrations');
  fs.rmSync(migrationsDirectory, { recursive: true, force: true });
  fs.mkdirSync(migrationsDirectory);
  for (const [name, sql] of Object.entries(files))
    fs.writeFileSync(path.join(migrationsDirectory, name), sql);
  return migrationsDirectory;
}

function open(directory: string, files: Record<string, string>): Connection {
  return openDatabase(path.join(directory, 'progress.db'), {
    migrationsDirectory: writeMigrations(directory, files),
    now: () => nowMs,
  });
}

test('a database is opened for durability, and says so', () => {
  const directory = scratchDirectory();
  const database = open(directory, { '0001_cards.sql': cards });
  const pragmas = ['journal_mode', 'synchronous', 'foreign_keys', 'locking_mode', 'user_version'];
  expect(pragmas.map((name) => database.pragma(name, { simple: true }))).toEqual([
    'wal',
    2,
    1,
    'exclusive',
    1,
  ]);
  expect(fs.statSync(path.join(directory, 'progress.db')).mode & 0o777).toBe(0o600);
  database.close();
});

test('a second opener is refused at once', () => {
  const directory = scratchDirectory();
  const database = open(directory, {});
  expect(() => open(directory, {})).toThrow(DatabaseInUseError);
  expect(() => open(directory, {})).toThrow(
    `${path.join(directory, 'progress.db')} is open in another Kijabi. Close that one first.`,
  );
  database.close();
  open(directory, {}).close();
});

test('migrations run once, in order, with a backup before those of an existing database', () => {
  const directory = scratchDirectory();
  const file = path.join(directory, 'progress.db');
  open(directory, { '0001_cards.sql': cards }).close();
  expect(listBackups(file)).toEqual([]);
  const database = open(directory, { '0001_cards.sql': cards, '0002_notes.sql': notes });
  database.exec("INSERT INTO cards VALUES ('a'); INSERT INTO notes VALUES ('n', 'a')");
  database.close();
  const backup = path.join(
    directory,
    'backups',
    'progress-2026-01-31T09-30-00-000Z.before-migration.db',
  );
  expect(listBackups(file)).toEqual([{ file: backup, timeMs: nowMs, reason: 'before-migration' }]);
  const copy = new Sqlite(backup, { readonly: true });
  expect(copy.pragma('user_version', { simple: true })).toBe(1);
  copy.close();
  open(directory, { '0001_cards.sql': cards, '0002_notes.sql': notes }).close();
  expect(listBackups(file)).toHaveLength(1);
});

test.each([
  {
    why: 'a gap',
    files: { '0001_a.sql': cards, '0003_b.sql': notes },
    message: '0003_b.sql stands where migration 0002 must follow',
  },
  {
    why: 'two of one number',
    files: { '0001_a.sql': cards, '0001_b.sql': notes },
    message: '0001_b.sql stands where migration 0002 must follow',
  },
  {
    why: 'a bad name',
    files: { '1_a.sql': cards },
    message: '1_a.sql is not named like 0001_cards.sql',
  },
  {
    why: 'a table that is not strict',
    files: { '0001_a.sql': 'CREATE TABLE loose (a TEXT);' },
    message: '0001_a.sql makes table loose without STRICT',
  },
  {
    why: 'rows without a parent',
    files: {
      '0001_a.sql': `${cards} ${notes} PRAGMA defer_foreign_keys = ON;
        INSERT INTO notes VALUES ('n', 'nobody');`,
    },
    message: '0001_a.sql leaves rows of notes without a parent',
  },
  {
    why: 'an error of SQL',
    files: { '0001_a.sql': 'CREATE TABL cards;' },
    message: '0001_a.sql: near "TABL": syntax error',
  },
])('migrations are refused for $why', ({ files, message }) => {
  const directory = scratchDirectory();
  expect(() => open(directory, files as Record<string, string>)).toThrow(
    new MigrationError(message),
  );
});

test('a migration that fails leaves the schema before it', () => {
  const directory = scratchDirectory();
  const files = { '0001_cards.sql': cards, '0002_notes.sql': `${notes} SELECT broken;` };
  expect(() => open(directory, files)).toThrow('0002_notes.sql: no such column: broken');
  const database = open(directory, { '0001_cards.sql': cards });
  expect(database.prepare('SELECT name FROM sqlite_schema').pluck().all()).toEqual([
    'cards',
    'sqlite_autoindex_cards_1',
  ]);
  database.close();
});

test('a newer database is refused with both versions and the mend', () => {
  const directory = scratchDirectory();
  const file = path.join(directory, 'progress.db');
  open(directory, { '0001_cards.sql': cards, '0002_notes.sql': notes }).close();
  const before = fs.readFileSync(file);
  expect(() => open(directory, { '0001_cards.sql': cards })).toThrow(DatabaseTooNewError);
  expect(() => open(directory, { '0001_cards.sql': cards })).toThrow(
    `${file} has schema version 2, but this version of Kijabi knows only up to 1. ` +
      'Start the newer Kijabi that wrote it, or restore a backup from before the update.',
  );
  expect(fs.readFileSync(file).equals(before)).toBe(true);
});

test.each([
  { name: 'a header of zeros', damage: (bytes: Buffer) => bytes.fill(0, 0, 100) },
  { name: 'a page of noise', damage: (bytes: Buffer) => bytes.fill(0xa5, 4096, 8192) },
  { name: 'half a file', damage: (bytes: Buffer) => bytes.subarray(0, 6000) },
  { name: 'text', damage: () => Buffer.from('this is no database\n'.repeat(500)) },
])('a damaged file is kept aside and the newest good backup named: $name', ({ damage }) => {
  const directory = scratchDirectory();
  const file = path.join(directory, 'progress.db');
  const migrations = { '0001_cards.sql': cards, '0002_notes.sql': notes };
  open(directory, { '0001_cards.sql': cards }).close();
  const database = open(directory, migrations);
  const insert = database.prepare('INSERT INTO cards VALUES (?)');
  for (let i = 0; i < 500; i++) insert.run(`card ${i}`);
  database.close();
  const damaged = damage(fs.readFileSync(file));
  fs.writeFileSync(file, damaged);
  const bad = path.join(directory, 'backups', 'progress-2026-02-01T00-00-00-000Z.db');
  fs.writeFileSync(bad, 'a backup that is damaged too, and newer');
  let error: unknown;
  try {
    open(directory, migrations);
  } catch (thrown) {
    error = thrown;
  }
  const kept = `${file}.corrupt-2026-01-31T09-30-00-000Z`;
  const backup = path.join(
    directory,
    'backups',
    'progress-2026-01-31T09-30-00-000Z.before-migration.db',
  );
  expect(error).toBeInstanceOf(DatabaseCorruptError);
  expect(error).toMatchObject({ file, keptAs: kept, newestBackup: backup });
  expect((error as Error).message).toContain(`The newest good backup is ${backup}.`);
  expect(fs.readFileSync(kept).equals(damaged)).toBe(true);
  expect(fs.existsSync(file)).toBe(false);

  open(directory, migrations).close();
});

test('db/schema.sql is what the migrations make', () => {
  const root = path.join(import.meta.dirname, '../../../..');
  const [file, text] = generateSchemaSql(root);
  expect(fs.readFileSync(path.join(root, file), 'utf8')).toBe(text);
});

test('schemaSql lists every statement, and works without a migration', () => {
  const directory = scratchDirectory();
  expect(schemaSql(writeMigrations(directory, {}))).toBe(
    '-- Generated from db/migrations by `npm run generate`; do not edit.\nPRAGMA user_version = 0;\n',
  );
  expect(
    schemaSql(
      writeMigrations(directory, {
        '0001_cards.sql': `${cards} CREATE INDEX cards_by_id ON cards (card_id);`,
      }),
    ),
  ).toContain(`${cards}\nCREATE INDEX cards_by_id ON cards (card_id);\n`);
});

test('a program whose migrations do not reach its own version is refused', () => {
  const directory = scratchDirectory();
  const migrationsDirectory = writeMigrations(directory, { '0001_cards.sql': cards });
  expect(() =>
    openDatabase(':memory:', { migrationsDirectory, schemaVersion: 2, now: () => nowMs }),
  ).toThrow('the program needs schema version 2, its migrations end at 1');
});
