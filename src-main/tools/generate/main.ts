/**
 * Writes `db/schema.sql`, and what the repository carries of one Kubernetes release: its API surface (`src-main/core/kube/apis/generated`),
 * its default RBAC policy and the flags of its components.
 *
 *     npm run generate [-- VERSION]     writes the files
 *     npm run generate -- --check       fails when a file differs from what would be written
 *     npm run generate -- --flags FOLDER   writes the flags of the components and etcd, asking the binaries in FOLDER
 *     npm run generate -- --descriptions   writes out/data/descriptions.json, from installed packages
 */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { generateApis } from './apis.ts';
import { generateBootstrapPolicy } from './bootstrap-policy.ts';
import { generateComponentFlags } from './component-flags.ts';
import { defaultKubernetesVersion, findSources } from './sources.ts';

if (process.argv.includes('--descriptions')) {
  // Loaded late: it reads what this program generates.
  const { writeDescriptions } = await import('./descriptions.ts');
  console.log(writeDescriptions());
  process.exit();
}
const root = join(import.meta.dirname, '../../..');
const check = process.argv.includes('--check');
const flags = process.argv.indexOf('--flags');
if (flags >= 0) {
  write(generateComponentFlags(process.argv[flags + 1] ?? ''));
  process.exit();
}
const { generateSchemaSql } = await import('./schema-sql.ts');
write([generateSchemaSql(root)]);
const version =
  process.argv.slice(2).find((word) => word.startsWith('v')) ?? defaultKubernetesVersion;

const sources = findSources(version);
if (typeof sources === 'string') {
  console.error(`NOT RUN: the Kubernetes ${version} sources are not on this machine: ${sources}`);
  process.exit(check ? 0 : 1);
}
write([...generateApis(sources), ...generateBootstrapPolicy(sources)]);

function write(files: Iterable<readonly [string, string]>): void {
  for (const [path, text] of files) {
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
}

function readText(file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return undefined;
  }
}
