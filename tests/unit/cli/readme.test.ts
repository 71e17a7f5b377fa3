import { readFileSync } from 'node:fs';
import { readArguments } from '../../../src-main/cli/arguments.ts';
import { expect, test } from 'vitest';

/** Command lines of a text, without comments; quotes hold words together. */
function linesOf(file: string): string[] {
  return [...readFileSync(file, 'utf8').matchAll(/npx kijabi ([^\n#)]*)/g)].map(([, line = '']) =>
    line.trim(),
  );
}

test.each(['README.md', 'README.ko.md'])('every command line of %s is one', (file) => {
  const lines = linesOf(file);
  expect(lines.length).toBeGreaterThan(4);
  for (const line of lines) {
    const words = line.match(/'[^']*'|\S+/g) ?? [];
    expect(() => readArguments(words.map((word) => word.replaceAll("'", '')))).not.toThrow();
  }
});
