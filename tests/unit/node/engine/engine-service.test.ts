import { existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ClusterSpec } from '#core/app';
import { silentLogger } from '#core/base';
import type { Pki } from '#core/kube';
import { EngineService } from '#node/engine';
import { createPki } from '#node/pki';
import { afterEach, beforeEach, expect, test } from 'vitest';

let dataFolder: string;
beforeEach(() => {
  dataFolder = mkdtempSync(join(tmpdir(), 'kijabi-engine-'));
});
afterEach(() => rmSync(dataFolder, { recursive: true, force: true }));

const spec = (topology: string): ClusterSpec => ({
  clusterId: 'lab',
  name: 'lab',
  topology,
  purpose: 'playground',
  seed: 's',
  persistent: true,
});
const engine = (pki: Pki): EngineService =>
  new EngineService({ dataFolder, pki, logger: silentLogger, emit: () => undefined });
const files = (): string[] => readdirSync(join(dataFolder, 'clusters'));

test('a cluster that cannot be laid out leaves no file', async () => {
  const service = engine(await createPki());
  await expect(service.create(spec('nine nodes'))).rejects.toThrow(/topology/);
  expect(files()).toEqual([]);
  await service.stop();
});

test('a cluster that does not come up leaves no file; one that was up before keeps its own', async () => {
  const pki = await createPki();
  const broken = engine({
    ...pki,
    issue: () => Promise.reject(new Error('no certificates today')),
  });
  await expect(broken.create(spec('1cp'))).rejects.toThrow('no certificates today');
  expect(files()).toEqual([]);
  await broken.stop();

  const good = engine(pki);
  await good.create(spec('1cp'));
  await good.stop();
  const again = engine(pki);
  await expect(again.create({ ...spec('nine nodes') })).rejects.toThrow(/topology/);
  expect(existsSync(join(dataFolder, 'clusters', 'lab.sqlite'))).toBe(true);
  expect((await again.create(spec('1cp'))).state).toBe('ready');
  await again.stop();
});
