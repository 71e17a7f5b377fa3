import { createHash } from 'node:crypto';
import fs from 'node:fs';

/**
 * What has passed its schema before. Compiling the schemas is most of what a start would take, and content seldom
 * changes: a value that is known need not be checked again.
 */
export interface CheckMemory {
  knows(schema: string, value: unknown): boolean;
  remember(schema: string, value: unknown): void;
}

/** Everything is checked. */
export const noMemory: CheckMemory = { knows: () => false, remember: () => undefined };

/** A memory in a file; `save` writes what was met since it was opened. */
export function fileMemory(file: string): CheckMemory & { save(): void } {
  const before = new Set(read(file));
  const met = new Set<string>();
  const keyOf = (schema: string, value: unknown): string =>
    createHash('sha256').update(schema).update('\0').update(JSON.stringify(value)).digest('hex');
  return {
    knows: (schema, value) => {
      const key = keyOf(schema, value);
      const isKnown = before.has(key);
      if (isKnown) met.add(key);
      return isKnown;
    },
    remember: (schema, value) => void met.add(keyOf(schema, value)),
    save: () => {
      if (met.size === before.size && [...met].every((key) => before.has(key))) return;
      fs.writeFileSync(file, JSON.stringify([...met]), { mode: 0o600 });
    },
  };
}

/** Nothing, where there is no such file or it was cut short: then all is checked once more. */
function read(file: string): readonly string[] {
  try {
    const keys: unknown = JSON.parse(fs.readFileSync(file, 'utf8'));
    return Array.isArray(keys) ? keys.filter((key) => typeof key === 'string') : [];
  } catch {
    return [];
  }
}
