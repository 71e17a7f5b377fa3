import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { generateApis } from '../../../../src-main/tools/generate/apis.ts';
import { generateBootstrapPolicy } from '../../../../src-main/tools/generate/bootstrap-policy.ts';
import {
  defaultKubernetesVersion,
  findSources,
} from '../../../../src-main/tools/generate/sources.ts';

test('generated files are what the generator writes', () => {
  const sources = findSources(defaultKubernetesVersion);
  if (typeof sources === 'string') {
    console.warn(`NOT RUN: generated files were not compared with their sources: ${sources}`);
    return;
  }
  for (const [path, text] of [...generateApis(sources), ...generateBootstrapPolicy(sources)]) {
    const written = readFileSync(new URL(`../../../../${path}`, import.meta.url), 'utf8');
    // Not toBe: a diff of two lines of 200 kB helps nobody.
    expect(written === text, `${path} is stale: npm run generate`).toBe(true);
  }
}, 20_000);
