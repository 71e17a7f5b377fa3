import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { type Figure, figureTable, keepsLimit, within } from './measure.ts';
import { parts } from './parts/index.ts';

// `npm run bench [-- --only start,writes] [--json]`: measures the build as a user runs it.
const root = resolve(import.meta.dirname, '../..');

/** A part that hangs must not hide the others. */
const partLimitMs = 5 * 60_000;

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: { only: { type: 'string' }, json: { type: 'boolean', default: false } },
  });
  const wanted = values.only?.split(',') ?? Object.keys(parts);
  for (const name of wanted)
    if (!Object.hasOwn(parts, name))
      throw new Error(`there is no part ${name}; there are: ${Object.keys(parts).join(', ')}`);
  const figures: Figure[] = [];
  const failures: string[] = [];
  for (const name of wanted) {
    const dataFolder = mkdtempSync(join(tmpdir(), 'kijabi-bench-'));
    console.error(`measuring ${name}`);
    try {
      const measured = parts[name]?.({ root, dataFolder }) ?? Promise.resolve([]);
      figures.push(...(await within(partLimitMs, name, measured)));
    } catch (error) {
      failures.push(`${name}: ${error instanceof Error ? error.message : String(error)}`);
    } finally {
      rmSync(dataFolder, { recursive: true, force: true });
    }
  }
  console.log(values.json ? JSON.stringify(figures, null, 2) : figureTable(figures));
  for (const failure of failures) console.error(`FAILED ${failure}`);
  if (failures.length > 0 || figures.some((figure) => keepsLimit(figure) === false))
    process.exitCode = 1;
}

main().catch((error: unknown) => {
  console.error(`kijabi: ${error instanceof Error ? error.message : String(error)}`);
  process.exitCode = 2;
});
