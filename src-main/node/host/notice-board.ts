import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Notice } from '#contract';
import type { NoticeBoard } from '#core/app';
import { Emitter } from '#core/base';
import type { BackupRecord } from '#core/study';

/** A file of progress that was found damaged. */
export interface DamagedProgress {
  /** Where it lies now. */
  readonly keptAs: string;
  /** Name of the newest good backup of that moment; null when there was none. */
  readonly backupId: string | null;
}

export interface HostNotices extends NoticeBoard {
  /** Progress is as its person wants it again. */
  progressMended(): void;
}

const progressNotice = 'progress-damaged';

/**
 * What a host has to tell. That progress was damaged is remembered in a small file until a backup is restored or the
 * person does without; what is wrong with content is found anew at each start.
 */
export function noticeBoard(
  dataFolder: string,
  backups: () => readonly BackupRecord[],
  contentProblems: readonly string[],
): HostNotices {
  const file = damageFile(dataFolder);
  const dismissed = new Set<string>();
  const changes = new Emitter<void>();
  const progress = (): Notice[] => {
    const damage = readDamage(file);
    if (!damage) return [];
    const backup = backups().find(({ backupId }) => backupId === damage.backupId) ?? null;
    return [{ kind: 'progress-damaged', noticeId: progressNotice, keptAs: damage.keptAs, backup }];
  };
  const mended = (): void => {
    if (!existsSync(file)) return;
    rmSync(file);
    changes.fire();
  };
  return {
    list: () => [
      ...progress(),
      ...contentProblems
        .map((message): Notice => ({ kind: 'content-broken', noticeId: message, message }))
        .filter(({ noticeId }) => !dismissed.has(noticeId)),
    ],
    dismiss: (noticeId) => {
      if (noticeId === progressNotice) mended();
      else {
        dismissed.add(noticeId);
        changes.fire();
      }
    },
    onChange: changes.event,
    progressMended: mended,
  };
}

/** Remembers the damage until it is mended. */
export function rememberDamage(dataFolder: string, damage: DamagedProgress): void {
  writeFileSync(damageFile(dataFolder), `${JSON.stringify(damage)}\n`, { mode: 0o600 });
}

const damageFile = (dataFolder: string): string => join(dataFolder, 'progress-damaged.json');

function readDamage(file: string): DamagedProgress | undefined {
  if (!existsSync(file)) return undefined;
  try {
    return JSON.parse(readFileSync(file, 'utf8')) as DamagedProgress;
  } catch {
    // Cut short by a crash: that there was damage is still worth telling.
    return { keptAs: file, backupId: null };
  }
}
