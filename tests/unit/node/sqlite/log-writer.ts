// A process to be killed: writes revisions from 16 places at once and prints each one after its fsync.
import fs from 'node:fs';
import { createClusterFile } from '#node/sqlite';

const [file = '', first = '2', size = '300'] = process.argv.slice(2);
const { log } = createClusterFile(file);
let revision = Number(first) - 1;
async function write(): Promise<never> {
  for (;;) {
    const own = ++revision;
    const row = { key: `/registry/pods/default/p${own % 200}`, value: 'x'.repeat(Number(size)) };
    await log.append([
      { ...row, revision: own, sub: 0, createRevision: own, version: 1, lease: 0, timeMs: own },
      { ...row, revision: own, sub: 1, createRevision: own, version: 1, lease: 0, timeMs: own },
    ]);
    fs.writeSync(1, `${own}\n`);
    if (own % 500 === 0) log.compact(own - 250);
  }
}
await Promise.all(Array.from({ length: 16 }, write)).catch((error: unknown) => {
  fs.writeSync(1, `failed: ${error instanceof Error ? error.message : String(error)}\n`);
  process.exit(3);
});
