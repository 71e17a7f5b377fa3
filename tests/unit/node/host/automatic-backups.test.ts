import { expect, test } from 'vitest';
import type { Logger } from '#core/base';
import type { BackupReason, BackupStore } from '#core/study';
import { TestTime } from '#tests/sim';
import { backUpAutomatically } from '../../../../src-main/node/host/automatic-backups.ts';

const logger: Logger = { log: () => undefined };

function store(made: BackupReason[]): BackupStore {
  return {
    list: () => [],
    create: (reason) => {
      made.push(reason);
      return Promise.resolve({ backupId: 'b', createdMs: 0, sizeBytes: 1, reason });
    },
    restore: () => Promise.resolve(),
  };
}

test('a backup is made each half hour with news in it, and once more at the end', async () => {
  const time = new TestTime();
  const made: BackupReason[] = [];
  let changes = 0;
  const automatic = backUpAutomatically(time.clock, store(made), () => changes, logger);
  await time.advance(30 * 60_000);
  expect(made).toEqual([]);
  changes = 3;
  await time.advance(60 * 60_000);
  expect(made).toEqual(['automatic']);
  changes = 4;
  await automatic.stop();
  expect(made).toEqual(['automatic', 'automatic']);
});

test('a backup that fails is told and tried again', async () => {
  const time = new TestTime();
  const told: string[] = [];
  const failing: BackupStore = {
    ...store([]),
    create: () => Promise.reject(new Error('no space left on device')),
  };
  let changes = 0;
  const automatic = backUpAutomatically(time.clock, failing, () => changes, {
    log: (_, message) => told.push(message),
  });
  changes = 1;
  await time.advance(60 * 60_000);
  expect(told).toEqual(Array(2).fill('The study record could not be backed up'));
  await automatic.stop();
});
