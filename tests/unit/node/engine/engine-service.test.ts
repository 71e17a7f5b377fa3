import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ClusterSpec, EngineEvents } from '#core/app';
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

test('a save writes the files of the machines when they changed, and only then', async () => {
  const service = engine(await createPki());
  await service.create(spec('1cp'));
  const written = async (): Promise<number> => {
    const log = join(dataFolder, 'clusters', 'lab.sqlite-wal');
    const before = readFileSync(log);
    await service.save('lab');
    // A log that was copied home is written over from its beginning.
    return readFileSync(log).reduce((sum, byte, at) => sum + (byte === before[at] ? 0 : 1), 0);
  };
  await service.save('lab');
  expect(await written()).toBeLessThan(50_000);
  // With the API server gone nothing is written to the store; files are saved all the same.
  await service.run(
    'lab',
    'controlplane',
    'mv /etc/kubernetes/manifests/kube-apiserver.yaml /root/',
  );
  expect(await written()).toBeGreaterThan(50_000);
  await service.stop();

  const again = engine(await createPki());
  await again.create(spec('1cp'));
  const { stdout } = await again.run('lab', 'controlplane', 'ls /root/*.yaml');
  expect(stdout).toBe('/root/kube-apiserver.yaml\n');
  await again.stop();
});

test('a command waits while its output is not taken, and comes to its end when it is', async () => {
  let received = 0;
  let exitCode: number | undefined;
  const service = new EngineService({
    dataFolder,
    pki: await createPki(),
    logger: silentLogger,
    emit: (name, payload) => {
      if (name === 'commandData') received += (payload as EngineEvents['commandData']).bytes.length;
      if (name === 'commandExit') ({ exitCode } = payload as EngineEvents['commandExit']);
    },
  });
  await service.create({ ...spec('1cp'), persistent: false });
  const command = 'head -c 8000000 /dev/zero';
  await service.startCommand(1, { clusterId: 'lab', host: 'controlplane', command, input: false });
  await expect.poll(() => received).toBeGreaterThan(1024 * 1024);
  await service.run('lab', 'controlplane', 'sleep 1');
  expect(received).toBeLessThan(3_000_000);
  expect(exitCode).toBeUndefined();
  let taken = 0;
  await expect
    .poll(async () => {
      const fresh = received - taken;
      taken += fresh;
      await service.takenFromCommand(1, fresh);
      return exitCode;
    })
    .toBe(0);
  expect(received).toBe(8_000_000);
  await service.stop();
});

test('a cluster that is stopped while it comes up ends its creation and leaves no file', async () => {
  const service = engine(await createPki());
  const created = service.create(spec('1cp'));
  const ended = expect(created).rejects.toThrow('cluster lab was stopped');
  // Its port is open before its nodes are Ready.
  while ((await service.get('lab')).server.endsWith(':0'))
    await new Promise((resolve) => setImmediate(resolve));
  await service.stop();
  await ended;
  expect(files()).toEqual([]);
});

test('controllers and kubelets go on where they were when the API server has been away', async () => {
  const service = engine(await createPki());
  await service.create(spec('1cp'));
  const run = async (command: string): Promise<string> =>
    (await service.run('lab', 'controlplane', command)).stdout;
  const manifest = 'kube-apiserver.yaml';
  await run(`mv /etc/kubernetes/manifests/${manifest} /root/`);
  await service.advance('lab', 10_000);
  expect(await run('kubectl get nodes 2>&1')).toContain('was refused');
  await run(`mv /root/${manifest} /etc/kubernetes/manifests/`);
  await service.advance('lab', 60_000);
  await run('kubectl create deployment web --image=nginx:1.27');
  await run('kubectl taint node controlplane node-role.kubernetes.io/control-plane-');
  await service.advance('lab', 15_000);
  expect(await run('kubectl get deployment web --no-headers')).toMatch(/^web +1\/1 /);
  await service.stop();
});
