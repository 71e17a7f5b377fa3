import type { Clock, Disposable, Logger } from '#core/base';
import type { BackupStore } from '#core/study';

const everyMs = 30 * 60_000;

export interface AutomaticBackups {
  /** The last one, unless nothing changed since the one before. Never rejects. */
  stop(): Promise<void>;
}

/**
 * Backs the study record up every half an hour and at the end, as long as there is something new to keep.
 * `changes` counts the rows written since the database was opened.
 */
export function backUpAutomatically(
  clock: Clock,
  backups: BackupStore,
  changes: () => number,
  logger: Logger,
): AutomaticBackups {
  let kept = changes();
  let stopped = false;
  const run = async (): Promise<void> => {
    const now = changes();
    if (now === kept) return;
    try {
      await backups.create('automatic');
      kept = now;
    } catch (error) {
      // The record itself is safe; a full disk must not end the program.
      logger.log('error', 'The study record could not be backed up', {
        error: error instanceof Error ? error.message : String(error),
      });
    }
  };
  let timer: Disposable;
  const next = (): void => {
    timer = clock.setTimer(everyMs, () => void run().then(() => stopped || next()));
  };
  next();
  return {
    stop: () => {
      stopped = true;
      timer.dispose();
      return run();
    },
  };
}
