import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { loadAll } from 'js-yaml';
import { expect, vi } from 'vitest';
import type { Seed } from './run.ts';
import type { Server } from './servers.ts';

const folder = join(import.meta.dirname, 'catalogue');

/** Valid objects by kind; `$ID` in them is replaced by what keeps runs apart. */
export function catalogue(id: string): Map<string, { file: string; seeds: Seed[] }> {
  const kinds = new Map<string, { file: string; seeds: Seed[] }>();
  for (const name of readdirSync(folder).sort()) {
    const text = readFileSync(join(folder, name), 'utf8').replaceAll('$ID', id);
    for (const seed of loadAll(text) as Seed[]) {
      const entry = kinds.get(seed.kind) ?? { file: name.replace('.yaml', ''), seeds: [] };
      entry.seeds.push(seed);
      kinds.set(seed.kind, entry);
    }
  }
  return kinds;
}

/** Limits and quotas would be felt in every Pod: they have a namespace of their own, the second. */
export const namespacesOf = (id: string): readonly [string, string] => [
  `differential-${id}`,
  `limited-${id}`,
];

/** Makes the namespaces and waits until they have their accounts. */
export async function makeNamespaces(server: Server, id: string): Promise<void> {
  for (const name of namespacesOf(id)) {
    await server.send('POST', '/api/v1/namespaces', { metadata: { name } });
    const account = `/api/v1/namespaces/${name}/serviceaccounts/default`;
    await vi.waitFor(async () => expect((await server.send('GET', account)).status).toBe(200), {
      timeout: 20_000,
      interval: 100,
    });
  }
}
