import fs from 'node:fs';
import path from 'node:path';
import Sqlite from 'better-sqlite3';
import { type Connection, isDamage, quickCheck } from './connection.ts';
import { DatabaseCorruptError } from './errors.ts';

export type BackupReason = 'manual' | 'automatic' | 'before-restore' | 'before-migration';

export interface Backup {
  readonly file: string;
  /** ms since the Unix epoch, UTC, from the file's name. */
  readonly timeMs: number;
  /** Why it was made, from the file's name; `automatic` when that says nothing. */
  readonly reason: BackupReason;
}

/** How many backups stay of those older than two days, in which all stay. */
const thinning = { keepAllMs: 2 * 86_400_000, daily: 12, weekly: 10, monthly: 9 } as const;

/** `2026-01-31T09-30-00-000Z`: sorts by time and is a file name on every system. */
const stampOf = (timeMs: number): string => new Date(timeMs).toISOString().replace(/[:.]/g, '-');

const stampPattern =
  /(\d{4}-\d\d-\d\d)T(\d\d)-(\d\d)-(\d\d)-(\d{3})Z(?:\.(manual|before-restore|before-migration))?\.db$/;

const directoryOf = (file: string): string => path.join(path.dirname(file), 'backups');

const nameOf = (file: string): string => path.basename(file, path.extname(file));

/** The backups of a database file, newest first; they lie in `backups/` beside it. */
export function listBackups(file: string): readonly Backup[] {
  const directory = directoryOf(file);
  if (!fs.existsSync(directory)) return [];
  const prefix = `${nameOf(file)}-`;
  return fs
    .readdirSync(directory)
    .flatMap((name): Backup[] => {
      const match = name.startsWith(prefix) ? stampPattern.exec(name) : null;
      if (!match || match.index !== prefix.length) return [];
      const [, day, hour, minute, second, millis, reason = 'automatic'] =
        match as unknown as string[];
      const timeMs = Date.parse(`${day}T${hour}:${minute}:${second}.${millis}Z`);
      return [{ file: path.join(directory, name), timeMs, reason: reason as BackupReason }];
    })
    .sort((a, b) => b.timeMs - a.timeMs);
}

/** The newest backup that opens and passes `quick_check`. */
export function newestGoodBackup(file: string): string | undefined {
  return listBackups(file).find((backup) => isSound(backup.file))?.file;
}

/**
 * Copies an open database while it goes on working, checks the copy, and thins the older ones.
 * A copy that fails its check never replaces anything.
 *
 * @returns the backup's path.
 * @throws DatabaseCorruptError the copy is not sound, so neither is the database.
 */
export async function backUp(
  database: Connection,
  file: string,
  nowMs: number,
  reason: BackupReason = 'automatic',
): Promise<string> {
  const { target, temporary } = prepare(file, nowMs, reason);
  await database.backup(temporary);
  finish(file, temporary, target);
  thinBackups(file, nowMs);
  return target;
}

/** As `backUp`, in one step and without thinning: for the moment before a migration. */
export function backUpNow(database: Connection, file: string, nowMs: number): string {
  const { target, temporary } = prepare(file, nowMs, 'before-migration');
  database.prepare('VACUUM INTO ?').run(temporary);
  finish(file, temporary, target);
  return target;
}

function prepare(
  file: string,
  nowMs: number,
  reason: BackupReason,
): { target: string; temporary: string } {
  fs.mkdirSync(directoryOf(file), { recursive: true, mode: 0o700 });
  const suffix = reason === 'automatic' ? '' : `.${reason}`;
  const target = path.join(directoryOf(file), `${nameOf(file)}-${stampOf(nowMs)}${suffix}.db`);
  const temporary = `${target}.tmp`;
  fs.rmSync(temporary, { force: true });
  return { target, temporary };
}

function finish(file: string, temporary: string, target: string): void {
  if (!isSound(temporary)) {
    fs.rmSync(temporary, { force: true });
    throw new DatabaseCorruptError(file, file, newestGoodBackup(file), 'its copy fails the check');
  }
  // The check has opened the copy in the database's own mode, which makes files of its own; nothing was written.
  for (const suffix of ['-wal', '-shm']) fs.rmSync(temporary + suffix, { force: true });
  fs.chmodSync(temporary, 0o600);
  syncAndRename(temporary, target);
}

/** Renames a damaged database, its log included, to `<name>.corrupt-<time>`. @returns the new path. */
export function setAside(file: string, nowMs: number): string {
  const kept = `${file}.corrupt-${stampOf(nowMs)}`;
  for (const suffix of ['-wal', '-shm'])
    if (fs.existsSync(file + suffix)) fs.renameSync(file + suffix, kept + suffix);
  fs.renameSync(file, kept);
  return kept;
}

/** What a process that was killed leaves of a backup it was writing or reading. */
const debrisPattern = /\.db(?:\.tmp.*|-wal|-shm|-journal)$/;
/** No backup takes so long: what is older belongs to nobody. */
const debrisAgeMs = 3_600_000;

function sweepDebris(file: string, nowMs: number): void {
  const directory = directoryOf(file);
  for (const name of fs.readdirSync(directory)) {
    const leftover = path.join(directory, name);
    if (!name.startsWith(`${nameOf(file)}-`) || !debrisPattern.test(name)) continue;
    if (nowMs - fs.statSync(leftover).mtimeMs > debrisAgeMs) fs.rmSync(leftover, { force: true });
  }
}

/**
 * Deletes the backups that `backupsToKeep` does not name, and debris beside them.
 * @returns the deleted backups.
 */
export function thinBackups(file: string, nowMs: number): readonly string[] {
  sweepDebris(file, nowMs);
  const backups = listBackups(file);
  const kept = backupsToKeep(backups, nowMs);
  const surplus = backups.filter((backup) => !kept.has(backup)).map((backup) => backup.file);
  for (const old of surplus) fs.rmSync(old, { force: true });
  return surplus;
}

/**
 * All of the last two days; before that the newest of each of 12 days, then of 10 weeks, then of 9 months.
 * @see rslib/src/collection/backup.rs of Anki, BackupFilter
 */
export function backupsToKeep(backups: readonly Backup[], nowMs: number): ReadonlySet<Backup> {
  const kept = new Set<Backup>();
  const stages = [
    { left: thinning.daily as number, periodOf: dayOf, last: '' },
    { left: thinning.weekly as number, periodOf: weekOf, last: '' },
    { left: thinning.monthly as number, periodOf: monthOf, last: '' },
  ];
  for (const backup of [...backups].sort((a, b) => b.timeMs - a.timeMs)) {
    if (nowMs - backup.timeMs <= thinning.keepAllMs) {
      kept.add(backup);
      for (const stage of stages) stage.last = stage.periodOf(backup.timeMs);
      continue;
    }
    const stage = stages.find(({ left }) => left > 0);
    if (!stage || stage.periodOf(backup.timeMs) === stage.last) continue;
    kept.add(backup);
    stage.left -= 1;
    for (const each of stages) each.last = each.periodOf(backup.timeMs);
  }
  return kept;
}

const dayOf = (timeMs: number): string => new Date(timeMs).toISOString().slice(0, 10);
const monthOf = (timeMs: number): string => new Date(timeMs).toISOString().slice(0, 7);
/** Weeks begin on Monday; the epoch was a Thursday. */
const weekOf = (timeMs: number): string => String(Math.floor((timeMs / 86_400_000 + 3) / 7));

/** Whether a file opens as a database and passes `quick_check`. */
export function isSound(file: string): boolean {
  let database: Connection | undefined;
  try {
    database = new Sqlite(file, { readonly: true, fileMustExist: true });
    return quickCheck(database) === undefined;
  } catch (error) {
    if (isDamage(error)) return false;
    throw error;
  } finally {
    database?.close();
  }
}

function syncAndRename(from: string, to: string): void {
  const handle = fs.openSync(from, 'r+');
  fs.fsyncSync(handle);
  fs.closeSync(handle);
  fs.renameSync(from, to);
}
