import { closeSync, fstatSync, mkdirSync, openSync, renameSync, rmSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import type { Disposable, Logger, LogLevel } from '#core/base';

export interface FileLogOptions {
  readonly folder: string;
  /** Lines below it are not written. */
  readonly level?: LogLevel;
  /** A file that grows beyond it becomes `kijabi.log.1`, that one `.2`, and so on. */
  readonly maxBytes?: number;
  /** Older files to keep. */
  readonly keep?: number;
  /** Also told of every line that is written, for a console. */
  readonly echo?: (level: LogLevel, line: string) => void;
  readonly now?: () => Date;
}

const levels: readonly LogLevel[] = ['debug', 'info', 'warn', 'error'];

/** A log of one line for each entry in `kijabi.log`, which is rotated by size. */
export function openFileLog(options: FileLogOptions): Logger & Disposable {
  const { folder, level = 'info', maxBytes = 4 * 1024 * 1024, keep = 3, echo } = options;
  const now = options.now ?? (() => new Date());
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const file = join(folder, 'kijabi.log');
  let handle: number | undefined = openSync(file, 'a', 0o600);
  let size = fstatSync(handle).size;

  const rotate = (): void => {
    if (handle === undefined) return;
    closeSync(handle);
    rmSync(`${file}.${keep}`, { force: true });
    for (let number = keep - 1; number >= 0; number--)
      try {
        renameSync(number === 0 ? file : `${file}.${number}`, `${file}.${number + 1}`);
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
      }
    handle = openSync(file, 'a', 0o600);
    size = 0;
  };

  return {
    log: (entryLevel, message, fields) => {
      if (levels.indexOf(entryLevel) < levels.indexOf(level) || handle === undefined) return;
      const line = formatLine(now(), entryLevel, message, fields);
      echo?.(entryLevel, line);
      const bytes = Buffer.from(`${line}\n`);
      try {
        if (size > 0 && size + bytes.length > maxBytes) rotate();
        size += writeSync(handle, bytes);
      } catch {
        // A full disk must not end the program that wanted to report it.
      }
    },
    dispose: () => {
      if (handle !== undefined) closeSync(handle);
      handle = undefined;
    },
  };
}

/** `2026-01-31T09:30:00.000Z warn  message key=value key="two words"`, never more than one line. */
export function formatLine(
  time: Date,
  level: LogLevel,
  message: string,
  fields: Readonly<Record<string, unknown>> = {},
): string {
  const pairs = Object.entries(fields).map(([key, value]) => ` ${key}=${fieldText(value)}`);
  const text = message.replaceAll('\n', '\\n').replaceAll('\r', '\\r');
  return `${time.toISOString()} ${level.padEnd(5)} ${text}${pairs.join('')}`;
}

function fieldText(value: unknown): string {
  const text =
    value instanceof Error
      ? (value.stack ?? value.message)
      : typeof value === 'string'
        ? value
        : (JSON.stringify(value) ?? 'undefined');
  return /^[^\s"=]+$/.test(text) ? text : JSON.stringify(text);
}
