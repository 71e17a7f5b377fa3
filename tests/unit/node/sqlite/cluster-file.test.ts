import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import fs from 'node:fs';
import path from 'node:path';
import Sqlite from 'better-sqlite3';
import { expect, test } from 'vitest';
import { createStore, type LogRow, type StoreLog } from '#core/kube';
import {
  createClusterFile,
  DatabaseCorruptError,
  DatabaseInUseError,
  LogCorruptError,
} from '#node/sqlite';
import { TestTime } from '#tests/sim';
import { notRun, scratchDirectory } from './scratch.ts';

/** The log of one cluster, without its blobs. */
function createStoreLog(file: string): StoreLog {
  const clusterFile = createClusterFile(file);
  return {
    load: () => clusterFile.log.load(),
    append: (rows) => clusterFile.log.append(rows),
    sync: () => clusterFile.log.sync(),
    isFull: (error) => clusterFile.log.isFull(error),
    retry: (rows) => clusterFile.log.retry(rows),
    compact: (revision) => clusterFile.log.compact(revision),
    close: () => clusterFile.close(),
  };
}

const writer = path.join(import.meta.dirname, 'log-writer.ts');
const storeWriter = path.join(import.meta.dirname, 'store-writer.ts');
const isRoot = process.getuid?.() === 0;

function rowAt(revision: number, key = 'a', value: string | null = `v${revision}`): LogRow {
  return { revision, sub: 0, key, value, createRevision: 2, version: 1, lease: 0, timeMs: 7 };
}

/** A hint of every row as text, for comparing. */
const briefOf = (rows: Iterable<LogRow>): string[] =>
  [...rows].map(({ revision, key, value }) => `${revision} ${key} ${value ?? '(deleted)'}`);

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
async function turns(count: number): Promise<void> {
  for (let i = 0; i < count; i++) await turn();
}

test('rows come back as they were, in order', async () => {
  const file = path.join(scratchDirectory(), 'cluster.db');
  const log = createStoreLog(file);
  const rows: LogRow[] = [
    { ...rowAt(2), sub: 0, lease: 3 },
    { ...rowAt(2, 'b', ''), sub: 1 },
    rowAt(3, '한글\0🙂', null),
  ];
  await Promise.all([log.append(rows.slice(0, 2)), log.append(rows.slice(2))]);
  log.close();
  const again = createStoreLog(file);
  expect([...again.load().rows]).toEqual(rows);
  expect(again.load().compactedRevision).toBe(0);
  again.close();
});

test('appends of one turn share one transaction', async () => {
  const file = path.join(scratchDirectory(), 'cluster.db');
  const log = createStoreLog(file);
  const order: number[] = [];
  const writes = [2, 3, 4].map((revision) =>
    log.append([rowAt(revision)]).then(() => order.push(revision)),
  );
  expect(order).toEqual([]);
  await Promise.all(writes);
  expect(order).toEqual([2, 3, 4]);
  log.close();
  await expect(log.append([rowAt(5)])).rejects.toThrow('is closed');
});

test('what nobody waits for gathers until somebody does, or goes to the disk by itself soon', async () => {
  const file = path.join(scratchDirectory(), 'cluster.db');
  const log = createStoreLog(file);
  const settled: number[] = [];
  const append = (revision: number): Promise<unknown> =>
    log.append([rowAt(revision)]).then(() => settled.push(revision));
  const first = append(2);
  await turn();
  expect(settled).toEqual([]);
  const second = append(3);
  log.sync();
  await Promise.all([first, second]);
  expect(settled).toEqual([2, 3]);
  await append(4);
  expect(briefOf(log.load().rows)).toEqual(['2 a v2', '3 a v3', '4 a v4']);
  log.close();
});

test('compaction leaves what reads from its revision on need', async () => {
  const file = path.join(scratchDirectory(), 'cluster.db');
  const log = createStoreLog(file);
  const rows = [
    rowAt(2, 'old'),
    rowAt(3, 'gone'),
    rowAt(4, 'old'),
    rowAt(5, 'gone', null),
    rowAt(6, 'late'),
    rowAt(7, 'late', null),
    rowAt(8, 'old'),
  ];
  await log.append(rows);
  log.compact(7);
  await turns(4);
  const expected = ['4 old v4', '6 late v6', '7 late (deleted)', '8 old v8'];
  expect(briefOf(log.load().rows)).toEqual(expected);
  log.compact(8);
  await turns(4);
  log.close();
  const again = createStoreLog(file);
  expect(again.load().compactedRevision).toBe(8);
  expect(briefOf(again.load().rows)).toEqual(['4 old v4', '8 old v8']);
  again.compact(9);
  await turns(4);
  expect(briefOf(again.load().rows)).toEqual(['8 old v8']);
  again.close();
});

test('a store on the file comes back with its history, through 3,000 writes and compactions', async () => {
  const file = path.join(scratchDirectory(), 'cluster.db');
  const { clock } = new TestTime();
  const codec = { encode: (value: string) => value, decode: (text: string) => text };
  const log = createStoreLog(file);
  const store = createStore({ clock, codec, log });
  for (let i = 0; i < 3000; i++) {
    if (i % 7 === 3) store.delete(`k${i % 50}`);
    else store.put(`k${i % 50}`, `v${i}`);
    if (i % 600 === 599) store.compact(store.revision - 100);
    if (i % 100 === 0) await turn();
  }
  await store.durable();
  await turns(20);
  log.close();
  const reopened = createStoreLog(file);
  const again = createStore({ clock, codec, log: reopened });
  expect(again.revision).toBe(store.revision);
  for (let revision = store.compactedRevision; revision <= store.revision; revision += 20)
    expect(again.range('', '\0', { revision })).toEqual(store.range('', '\0', { revision }));
  reopened.close();
});

test('blobs: read what was put, sorted names, gone when deleted', async () => {
  const file = path.join(scratchDirectory(), 'cluster.db');
  const cluster = createClusterFile(file);
  const { blobs } = cluster;
  const bytes = Uint8Array.of(1, 2, 3);
  const written = blobs.put('disk/b', bytes);
  bytes[0] = 9;
  expect([...(blobs.get('disk/b') ?? [])]).toEqual([1, 2, 3]);
  await written;
  await Promise.all([blobs.put('disk/a', bytes), blobs.put('keys/ca', new Uint8Array())]);
  expect(blobs.list('disk/')).toEqual(['disk/a', 'disk/b']);
  await blobs.delete('disk/b');
  cluster.close();
  const again = createClusterFile(file);
  expect(again.blobs.list('')).toEqual(['disk/a', 'keys/ca']);
  expect(again.blobs.get('disk/b')).toBeUndefined();
  expect(again.blobs.get('keys/ca')).toHaveLength(0);
  again.close();
});

test('a second opener is refused', () => {
  const file = path.join(scratchDirectory(), 'cluster.db');
  const first = createClusterFile(file);
  expect(() => createClusterFile(file)).toThrow(DatabaseInUseError);
  first.close();
  createClusterFile(file).close();
});

test.each([
  {
    name: 'a value',
    sql: "UPDATE log SET value = 'v3 ' WHERE revision = 3",
    message: 'revision 3 of b does not match its checksum',
  },
  {
    name: 'a revision',
    sql: 'UPDATE log SET revision = 9 WHERE revision = 3',
    message: 'revision 9 of b does not match its checksum',
  },
  {
    name: 'a delete instead of an empty value',
    sql: 'UPDATE log SET value = NULL WHERE revision = 4',
    message: 'revision 4 of c does not match its checksum',
  },
])('a row that was changed is found: $name', async ({ sql, message }) => {
  const file = path.join(scratchDirectory(), 'cluster.db');
  const log = createStoreLog(file);
  await log.append([rowAt(2, 'a'), rowAt(3, 'b'), rowAt(4, 'c', '')]);
  log.close();
  const raw = new Sqlite(file);
  raw.exec(sql);
  raw.close();
  const damaged = createStoreLog(file);
  const load = (): unknown => [...damaged.load().rows];
  expect(load).toThrow(LogCorruptError);
  expect(load).toThrow(message);
  damaged.close();
});

test('a flipped blob is found', async () => {
  const file = path.join(scratchDirectory(), 'cluster.db');
  const cluster = createClusterFile(file);
  await cluster.blobs.put('disk', Buffer.from('abc'));
  cluster.close();
  const raw = new Sqlite(file);
  raw.exec("UPDATE blobs SET bytes = x'616264'");
  raw.close();
  const damaged = createClusterFile(file);
  expect(() => damaged.blobs.get('disk')).toThrow(LogCorruptError);
  damaged.close();
});

test('a file that is no database is named and left where it is', () => {
  const file = path.join(scratchDirectory(), 'cluster.db');
  fs.writeFileSync(file, 'this is no database\n'.repeat(500));
  expect(() => createClusterFile(file)).toThrow(DatabaseCorruptError);
  expect(fs.existsSync(file)).toBe(true);
});

test('kill -9 in the middle of writes, 60 times: no acknowledged row is lost', async () => {
  const file = path.join(scratchDirectory(), 'cluster.db');
  let first = 2;
  let acknowledged = 0;
  for (let round = 0; round < 60; round++) {
    const child = spawn(process.execPath, [writer, file, String(first)], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    let output = '';
    const killAfter = 1 + Math.floor(Math.random() * 4000);
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      output += text;
      if (output.length > killAfter) child.kill('SIGKILL');
    });
    await once(child, 'close');
    // The last line may be cut short by the kill; the number before it was printed whole.
    const acks = output.slice(0, output.lastIndexOf('\n')).split('\n').map(Number);
    acknowledged += acks.length;
    const { rows, compactedRevision } = checkedRows(file);
    const last = Math.max(...rows.keys());
    expect(Math.max(...acks)).toBeLessThanOrEqual(last);
    // Two rows each, and no hole after the compacted revision: the log is a prefix of what was written.
    const wrong: number[] = [];
    for (let revision = Math.max(2, compactedRevision); revision <= last; revision++) {
      const row = `/registry/pods/default/p${revision % 200} ${revision} 300`;
      if (rows.get(revision)?.join() !== `${row},${row}`) wrong.push(revision);
    }
    expect(wrong).toEqual([]);
    first = last + 1;
  }
  expect(acknowledged).toBeGreaterThan(3000);
}, 900_000);

/** Of each revision its rows as `key time length-of-value`, checksums proven. */
function checkedRows(file: string): { rows: Map<number, string[]>; compactedRevision: number } {
  const log = createStoreLog(file);
  try {
    const { rows, compactedRevision } = log.load();
    const found = new Map<number, string[]>();
    for (const { revision, key, timeMs, value } of rows)
      found.set(revision, [...(found.get(revision) ?? []), `${key} ${timeMs} ${value?.length}`]);
    return { rows: found, compactedRevision };
  } finally {
    log.close();
  }
}

test('cut at any byte, the log is what was written up to some revision, or says that it is damaged', async () => {
  const folder = scratchDirectory();
  const file = path.join(folder, 'cluster.db');
  const child = spawn(process.execPath, [writer, file, '2'], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let written = 0;
  child.stdout.on('data', (bytes: Buffer) => {
    written += bytes.length;
    if (written > 4000) child.kill('SIGKILL');
  });
  await once(child, 'close');
  const whole = { db: fs.readFileSync(file), wal: fs.readFileSync(`${file}-wal`) };
  const cut = path.join(folder, 'cut.db');
  const outcomes = { prefix: 0, damaged: 0 };
  for (let round = 0; round < 60; round++) {
    const part = round % 2 === 0 ? 'wal' : 'db';
    const at = Math.floor(Math.random() * whole[part].length);
    fs.writeFileSync(cut, part === 'db' ? whole.db.subarray(0, at) : whole.db);
    fs.writeFileSync(`${cut}-wal`, part === 'wal' ? whole.wal.subarray(0, at) : whole.wal);
    try {
      const { rows, compactedRevision } = checkedRows(cut);
      const revisions = [...rows.keys()].filter((revision) => revision >= compactedRevision);
      const [lowest = 0] = revisions;
      expect(revisions).toEqual(revisions.map((_, index) => lowest + index));
      for (const revision of revisions) expect(rows.get(revision)).toHaveLength(2);
      outcomes.prefix += 1;
    } catch (error) {
      if (!(error instanceof DatabaseCorruptError || error instanceof LogCorruptError)) throw error;
      outcomes.damaged += 1;
    }
  }
  expect(outcomes.prefix).toBeGreaterThan(20);
}, 120_000);

test('disk full: writes are refused while it lasts, go on with room, and no acknowledged one is lost', async () => {
  if (spawnSync('prlimit', ['--version']).status !== 0) {
    notRun('disk full and room again', 'no prlimit on this machine');
    return;
  }
  const file = path.join(scratchDirectory(), 'cluster.db');
  const child = spawn('prlimit', ['--fsize=1000000:', process.execPath, storeWriter, file], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const lines: string[] = [];
  let rest = '';
  let hasRoom = false;
  let afterwards = 0;
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    const parts = (rest + text).split('\n');
    rest = parts.pop() ?? '';
    lines.push(...parts);
    if (hasRoom) afterwards += parts.filter((line) => line.startsWith('ack')).length;
    if (!hasRoom && parts.some((line) => line.startsWith('refused'))) {
      hasRoom = true;
      spawnSync('prlimit', ['--fsize=unlimited', '--pid', String(child.pid)]);
    }
    if (afterwards > 200) child.kill('SIGKILL');
  });
  await once(child, 'close');
  expect(new Set(lines.filter((line) => line.startsWith('refused')))).toEqual(
    new Set(['refused etcdserver: mvcc: database space exceeded']),
  );
  const log = createStoreLog(file);
  const codec = { encode: (value: string) => value, decode: (text: string) => text };
  const store = createStore({ clock: new TestTime().clock, codec, log });
  const lost = lines
    .filter((line) => line.startsWith('ack'))
    .filter((line) => store.get(`k${line.slice(4)}`)?.value.length !== 300);
  expect(lost).toEqual([]);
  log.close();
}, 60_000);

test('disk full: the writer is told, what was acknowledged stays', () => {
  if (spawnSync('prlimit', ['--version']).status !== 0) {
    notRun('disk full', 'no prlimit on this machine');
    return;
  }
  const file = path.join(scratchDirectory(), 'cluster.db');
  const child = spawnSync(
    'prlimit',
    ['--fsize=1000000', process.execPath, writer, file, '2', '2000'],
    { encoding: 'utf8' },
  );
  expect(child.stdout).toMatch(/failed: (disk I\/O error|database or disk is full)\n$/);
  const acks = child.stdout.split('\n').map(Number).filter(Number.isFinite);
  const log = createStoreLog(file);
  const present = new Set([...log.load().rows].map(({ revision }) => revision));
  const { compactedRevision } = log.load();
  expect(acks.filter((ack) => ack > compactedRevision && !present.has(ack)).slice(1)).toEqual([]);
  log.close();
});

test('after a failure nothing later is written, and every waiter hears of it', async () => {
  const file = path.join(scratchDirectory(), 'cluster.db');
  const log = createStoreLog(file);
  await log.append([rowAt(2)]);
  // A row the table refuses stands for a failing disk: the group fails as a whole.
  const bad = { ...rowAt(4), timeMs: 0.5 };
  const group = await Promise.allSettled([log.append([rowAt(3)]), log.append([bad])]);
  expect(group.map(({ status }) => status)).toEqual(['rejected', 'rejected']);
  await expect(log.append([rowAt(5)])).rejects.toThrow('cannot store REAL value');
  expect(briefOf(log.load().rows)).toEqual(['2 a v2']);
  log.close();
});

test('a file that cannot be written is refused with the mend', () => {
  if (!isRoot || spawnSync('setpriv', ['--version']).status !== 0) {
    notRun('read-only file', 'needs root and setpriv');
    return;
  }
  const directory = scratchDirectory();
  const file = path.join(directory, 'cluster.db');
  createClusterFile(file).close();
  fs.chmodSync(file, 0o444);
  fs.chmodSync(directory, 0o555);
  const child = spawnSync(
    'setpriv',
    ['--reuid=65534', '--clear-groups', process.execPath, writer, file],
    { encoding: 'utf8' },
  );
  if (child.stderr.includes('EACCES: permission denied, open') && !child.stderr.includes(file)) {
    notRun('read-only file', 'another user cannot read this checkout');
    return;
  }
  expect(child.stderr).toContain(
    `DatabaseReadOnlyError: ${file} cannot be written. Make the file and its folder writable for your account.`,
  );
});
