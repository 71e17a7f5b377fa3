import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { onTestFinished } from 'vitest';

/** A folder of the running test alone, removed when it ends. */
export function scratchDirectory(): string {
  const directory = fs.mkdtempSync(path.join(os.tmpdir(), 'kijabi-sqlite-'));
  onTestFinished(() => fs.rmSync(directory, { recursive: true, force: true }));
  return directory;
}

/** Says loudly that a test could not be made here. */
export function notRun(what: string, why: string): void {
  console.warn(`NOT RUN: ${what}: ${why}`);
}
