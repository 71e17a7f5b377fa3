import fs from 'node:fs';
import path from 'node:path';
import { expect, test } from 'vitest';
import { backUp, backupsToKeep, listBackups, openDatabase } from '#node/sqlite';
import { scratchDirectory } from './scratch.ts';

const dayMs = 86_400_000;
const nowMs = Date.parse('2026-06-17T12:00:00Z');

test('thinning keeps two days whole, then 12 days, 10 weeks and 9 months', () => {
  const backups = Array.from({ length: 2 * 600 }, (_, half) => ({
    file: `backup ${half}`,
    timeMs: nowMs - (half * dayMs) / 2,
    reason: 'automatic' as const,
  }));
  const kept = [...backupsToKeep(backups, nowMs)].map(({ timeMs }) => (nowMs - timeMs) / dayMs);
  expect(kept.slice(0, 5)).toEqual([0, 0.5, 1, 1.5, 2]);
  const older = kept.slice(5);
  expect(older.slice(0, 12)).toEqual([3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14]);
  const weeks = older.slice(12, 22).map((age) => new Date(nowMs - age * dayMs));
  expect(weeks.every((time) => time.getUTCDay() === 0)).toBe(true);
  const months = older.slice(22);
  expect(months).toHaveLength(9);
  expect(Math.max(...months)).toBeGreaterThan(330);
});

test('thinning again keeps the same', () => {
  const backups = Array.from({ length: 300 }, (_, day) => ({
    file: `backup ${day}`,
    timeMs: nowMs - day * dayMs,
    reason: 'automatic' as const,
  }));
  const kept = backupsToKeep(backups, nowMs);
  expect(backupsToKeep([...kept], nowMs).size).toBeGreaterThan(30);
});

test('a backup of an open database is whole, private and listed', async () => {
  const directory = scratchDirectory();
  const migrationsDirectory = path.join(directory, 'migrations');
  fs.mkdirSync(migrationsDirectory);
  fs.writeFileSync(
    path.join(migrationsDirectory, '0001_a.sql'),
    'CREATE TABLE a (a TEXT NOT NULL) STRICT;',
  );
  const file = path.join(directory, 'progress.db');
  const options = { migrationsDirectory, now: () => nowMs };
  const database = openDatabase(file, options);
  database.exec("INSERT INTO a VALUES ('kept')");
  const backup = await backUp(database, file, nowMs);
  database.close();
  expect(listBackups(file)).toEqual([{ file: backup, timeMs: nowMs, reason: 'automatic' }]);
  expect(fs.statSync(backup).mode & 0o777).toBe(0o600);
  const copy = openDatabase(backup, options);
  expect(copy.prepare('SELECT a FROM a').pluck().get()).toBe('kept');
  copy.close();
});

test('what a killed process left of a backup goes with the next one, what is being written stays', async () => {
  const directory = scratchDirectory();
  const file = path.join(directory, 'progress.db');
  const migrations = path.join(directory, 'migrations');
  fs.mkdirSync(migrations);
  const database = openDatabase(file, { migrationsDirectory: migrations, now: () => nowMs });
  await backUp(database, file, nowMs);
  const folder = path.join(directory, 'backups');
  const stamp = 'progress-2026-06-01T00-00-00-000Z';
  const leave = (name: string, ageMs: number): void => {
    const made = path.join(folder, name);
    fs.writeFileSync(made, '');
    fs.utimesSync(made, (nowMs - ageMs) / 1000, (nowMs - ageMs) / 1000);
  };
  for (const name of [`${stamp}.db.tmp`, `${stamp}.db-wal`, `${stamp}.db-shm`]) leave(name, dayMs);
  leave(`${stamp}.manual.db.tmp`, 60_000);
  leave('notes.txt', dayMs);
  await backUp(database, file, nowMs + 1000);
  database.close();
  expect(fs.readdirSync(folder).sort()).toEqual([
    'notes.txt',
    `${stamp}.manual.db.tmp`,
    'progress-2026-06-17T12-00-00-000Z.db',
    'progress-2026-06-17T12-00-01-000Z.db',
  ]);
});
