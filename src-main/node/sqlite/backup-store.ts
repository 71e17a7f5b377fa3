import fs from 'node:fs';
import path from 'node:path';
import { badRequest, failure } from '#core/kube';
import type { BackupRecord, BackupStore } from '#core/study';
import { type Backup, backUp, isSound, listBackups } from './backups.ts';
import type { Connection } from './connection.ts';
import { openDatabase } from './database.ts';

export interface BackupStoreOptions {
  readonly migrationsDirectory: string;
  /** ms since the epoch. */
  readonly now: () => number;
}

/**
 * Backups of the open database of progress. A restore replaces the rows of every table in one transaction, so
 * that whoever holds the connection goes on working; what they keep in memory they must read again.
 */
export function createBackupStore(
  database: Connection,
  file: string,
  { migrationsDirectory, now }: BackupStoreOptions,
): BackupStore {
  const create: BackupStore['create'] = async (reason) => {
    const target = await backUp(database, file, now(), reason);
    const backup = listBackups(file).find((each) => each.file === target);
    if (!backup) throw new Error(`the backup ${target} is not there`);
    return recordOf(backup);
  };
  return {
    list: () => listBackups(file).map(recordOf),
    create,
    restore: async (backupId) => {
      const backup = listBackups(file).find((each) => path.basename(each.file) === backupId);
      if (!backup) throw failure(404, 'NotFound', `there is no backup ${JSON.stringify(backupId)}`);
      if (!isSound(backup.file))
        throw badRequest(`the backup ${backupId} is damaged; nothing was changed`);
      // A copy, because an older backup is migrated before its rows are taken.
      const copy = `${file}.restore`;
      removeDatabase(copy);
      try {
        fs.copyFileSync(backup.file, copy);
        openDatabase(copy, { migrationsDirectory, now }).close();
        await create('before-restore');
        replaceRows(database, copy);
      } finally {
        removeDatabase(copy);
      }
    },
  };
}

function recordOf({ file, timeMs, reason }: Backup): BackupRecord {
  return {
    backupId: path.basename(file),
    createdMs: timeMs,
    sizeBytes: fs.statSync(file).size,
    reason,
  };
}

/** Both have the same schema: the copy was migrated to it. */
function replaceRows(database: Connection, from: string): void {
  database.prepare('ATTACH DATABASE ? AS restored').run(from);
  try {
    const tables = database
      .prepare<[], string>(
        `SELECT name FROM pragma_table_list
         WHERE schema = 'main' AND type = 'table' AND name NOT LIKE 'sqlite_%'`,
      )
      .pluck()
      .all();
    const replace = database.transaction(() => {
      database.pragma('defer_foreign_keys = ON');
      for (const table of tables) {
        // A table's name cannot be a parameter; these come from the schema itself.
        const name = `"${table.replaceAll('"', '""')}"`;
        database.exec(`DELETE FROM main.${name}`);
        database.exec(`INSERT INTO main.${name} SELECT * FROM restored.${name}`);
      }
    });
    replace.exclusive();
  } finally {
    database.exec('DETACH DATABASE restored');
  }
}

function removeDatabase(file: string): void {
  for (const suffix of ['', '-wal', '-shm', '-journal']) fs.rmSync(file + suffix, { force: true });
}
