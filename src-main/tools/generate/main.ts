/**
 * Writes the API surface of one Kubernetes release into `src-main/core/kube/apis/generated`.
 *
 *     npm run generate [-- VERSION]     writes the files
 *     npm run generate -- --check       fails when a file differs from what would be written
 *     npm run generate -- --descriptions   writes out/data/descriptions.json, from installed packages
 */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { generateApis } from './apis.ts';
import { defaultKubernetesVersion, findSources } from './sources.ts';

if (process.argv.includes('--descriptions')) {
  // Loaded late: it reads what this program generates.
  const { writeDescriptions } = await import('./descriptions.ts');
  console.log(writeDescriptions());
  process.exit();
}
const root = join(import.meta.dirname, '../../..');
const check = process.argv.includes('--check');
const version =
  process.argv.slice(2).find((word) => word.startsWith('v')) ?? defaultKubernetesVersion;

const sources = findSources(version);
if (typeof sources === 'string') {
  console.error(`NOT RUN: the Kubernetes ${version} sources are not on this machine: ${sources}`);
  process.exit(check ? 0 : 1);
}
for (const [path, text] of generateApis(sources)) {
  const file = join(root, path);
  if (check) {
    if (readText(file) === text) continue;
    console.error(`${path} is stale: run npm run generate`);
    process.exitCode = 1;
  } else {
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, text);
    console.log(`${path} ${Math.ceil(text.length / 1024)} KiB`);
  }
}

function readText(file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return undefined;
  }
}
