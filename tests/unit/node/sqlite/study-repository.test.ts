import fs from 'node:fs';
import path from 'node:path';
import { expect, test } from 'vitest';
import { Study } from '#core/study';
import { createBackupStore, createStudyRepository, listBackups, openDatabase } from '#node/sqlite';
import { lesson, migrationsDirectory, numberedCards, TestClock } from '#tests/study';
import { scratchDirectory } from './scratch.ts';

function open(file: string, clock = new TestClock()) {
  const options = { migrationsDirectory, now: () => clock.now() };
  const database = openDatabase(file, options);
  const content = { lessons: [lesson('one')], cards: numberedCards(400) };
  const repository = createStudyRepository(database);
  const study = new Study({ content, repository, clock });
  return {
    study,
    clock,
    database,
    repository,
    backups: createBackupStore(database, file, options),
  };
}

test('progress is on disk when a call returns', () => {
  const file = path.join(scratchDirectory(), 'progress.db');
  const { study, clock, database } = open(file);
  study.updateSettings({ newCardsPerDay: 9 });
  study.answer('card-1', 'good', 2500);
  study.markDone('one', 'look');
  study.bringForward(['card-7']);
  const before = study.review();
  database.close();
  const again = open(file, clock);
  expect(again.study.review()).toEqual(before);
  expect(again.study.stepsDone('one')).toEqual(['look']);
  again.database.close();
});

test('a restore brings back what was, after a backup of what is', async () => {
  const file = path.join(scratchDirectory(), 'progress.db');
  const { study, clock, database, backups } = open(file);
  study.answer('card-1', 'easy', 1000);
  const first = await backups.create('manual');
  expect(first).toMatchObject({ createdMs: clock.now(), reason: 'manual' });
  clock.pass(60_000);
  study.answer('card-2', 'easy', 1000);
  study.updateSettings({ theme: 'dark' });

  await backups.restore(first.backupId);
  study.reload();
  expect(study.statistics().reviewsTotal).toBe(1);
  expect(study.settings().theme).toBe('system');
  expect(backups.list().map(({ reason }) => reason)).toEqual(['before-restore', 'manual']);
  expect(listBackups(file)).toHaveLength(2);

  clock.pass(60_000);
  await backups.restore(backups.list()[0]?.backupId ?? '');
  study.reload();
  expect(study.statistics().reviewsTotal).toBe(2);
  expect(study.settings().theme).toBe('dark');
  database.close();
  expect(fs.readdirSync(path.dirname(file)).sort()).toEqual(['backups', 'progress.db']);
});

test('a backup that is not there, or damaged, changes nothing', async () => {
  const file = path.join(scratchDirectory(), 'progress.db');
  const { study, database, backups } = open(file);
  study.answer('card-1', 'easy', 1000);
  const { backupId } = await backups.create('manual');
  await expect(backups.restore('../progress.db')).rejects.toThrow(
    'there is no backup "../progress.db"',
  );
  const backup = path.join(path.dirname(file), 'backups', backupId);
  fs.writeFileSync(backup, 'not a database, but long enough to be looked at'.repeat(100));
  await expect(backups.restore(backupId)).rejects.toThrow(
    `the backup ${backupId} is damaged; nothing was changed`,
  );
  expect(study.statistics().reviewsTotal).toBe(1);
  database.close();
});
