import { expect, test, vi } from 'vitest';
import {
  CompactedError,
  CompareFailedError,
  createStore,
  FutureRevisionError,
  prefixEnd,
  type Store,
  type StoreEvent,
  StoreUnavailableError,
} from '../../../../../src-main/core/kube/storage/index.ts';
import { TestTime } from '#tests/sim';
import { MemoryLog } from './memory-log.ts';

const codec = { encode: (value: string) => value, decode: (text: string) => text };

function open(log?: MemoryLog, time = new TestTime()): { store: Store<string>; time: TestTime } {
  return { store: createStore({ clock: time.clock, codec, ...(log ? { log } : {}) }), time };
}

/** Records what a watch sees, as `revision:type:key`. */
function record(store: Store<string>, startRevision?: number, start = '', end = '\0'): string[] {
  const seen: string[] = [];
  store.watch(start, end, {
    ...(startRevision === undefined ? {} : { startRevision }),
    onEvents: (events) => seen.push(...events.map(describeEvent)),
  });
  return seen;
}
const describeEvent = ({ revision, type, key }: StoreEvent<string>): string =>
  `${revision}:${type}:${key}`;

test('an empty store is at revision 1, the first write is 2', () => {
  const { store } = open();
  expect(store.revision).toBe(1);
  const kv = store.put('a', 'x');
  expect(kv).toEqual({
    key: 'a',
    value: 'x',
    createRevision: 2,
    modRevision: 2,
    version: 1,
    lease: 0,
  });
  expect(store.put('a', (revision) => `at ${revision}`)).toMatchObject({
    value: 'at 3',
    createRevision: 2,
    modRevision: 3,
    version: 2,
  });
});

test('a deleted key starts again at version 1', () => {
  const { store } = open();
  store.put('a', 'x');
  store.delete('a');
  expect(store.put('a', 'y')).toMatchObject({ createRevision: 4, version: 1 });
});

test.each([
  { name: 'present, wrong revision', key: 'a', expected: 9, current: 2 },
  { name: 'present, must be absent', key: 'a', expected: 0, current: 2 },
  { name: 'absent, must be present', key: 'b', expected: 2, current: undefined },
])('a compare that fails changes nothing: $name', ({ key, expected, current }) => {
  const { store } = open();
  store.put('a', 'x');
  for (const write of [
    () => store.put(key, 'y', { expected }),
    () => store.delete(key, { expected }),
  ]) {
    expect(write).toThrow(CompareFailedError);
    expect(write).toThrow(expect.objectContaining({ currentModRevision: current }) as Error);
  }
  expect(store.revision).toBe(2);
});

test('a transaction is one revision, and all or nothing', () => {
  const { store } = open();
  store.put('a', '1');
  const seen: string[][] = [];
  store.watch('', '\0', { onEvents: (events) => seen.push(events.map(describeEvent)) });
  const revision = store.transaction((writes) => {
    writes.put('b', '2');
    writes.delete('a');
    writes.delete('absent');
  });
  expect(revision).toBe(3);
  expect(seen).toEqual([['3:put:b', '3:delete:a']]);
  expect(() =>
    store.transaction((writes) => {
      writes.put('c', '3');
      writes.put('b', '4', { expected: 2 });
    }),
  ).toThrow(CompareFailedError);
  expect(store.revision).toBe(3);
  expect(store.get('c')).toBeUndefined();
  expect(seen).toHaveLength(1);
});

test('a transaction that writes a key twice is refused, as by etcd', () => {
  const { store } = open();
  expect(() =>
    store.transaction((writes) => {
      writes.put('a', '1');
      writes.put('a', '2');
    }),
  ).toThrow('etcdserver: duplicate key given in txn request');
});

test('a transaction that changes nothing takes no revision', () => {
  const { store } = open();
  expect(store.transaction((writes) => writes.delete('absent'))).toBe(1);
  expect(store.delete('absent')).toBeUndefined();
});

test('range: limit, count and reads in the past', () => {
  const { store } = open();
  for (const key of ['p/a', 'p/b', 'p/c', 'q/a']) store.put(key, key);
  store.delete('p/b');
  const end = prefixEnd('p/');
  const keysOf = (revision: number, limit = 0): unknown => {
    const { kvs, count } = store.range('p/', end, { revision, limit });
    return [kvs.map(({ key }) => key), count];
  };
  expect(keysOf(0)).toEqual([['p/a', 'p/c'], 2]);
  expect(keysOf(0, 1)).toEqual([['p/a'], 2]);
  expect(keysOf(5)).toEqual([['p/a', 'p/b', 'p/c'], 3]);
  expect(keysOf(5, 2)).toEqual([['p/a', 'p/b'], 3]);
  expect(keysOf(2)).toEqual([['p/a'], 1]);
  expect(store.count('p/', end)).toBe(2);
  expect(store.get('p/b', 5)?.value).toBe('p/b');
});

test.each([
  { prefix: '/registry/pods/', end: '/registry/pods0' },
  { prefix: 'a\uffff', end: 'b' },
  { prefix: '', end: '\0' },
])('prefixEnd($prefix)', ({ prefix, end }) => {
  expect(prefixEnd(prefix)).toBe(end);
});

test('errors carry the texts of etcd', () => {
  const { store } = open();
  for (let i = 0; i < 5; i++) store.put('a', `${i}`);
  store.compact(4);
  const compacted = 'etcdserver: mvcc: required revision has been compacted';
  const future = 'etcdserver: mvcc: required revision is a future revision';
  for (const read of [
    () => store.get('a', 3),
    () => store.range('', '\0', { revision: 3 }),
    () => store.watch('', '\0', { startRevision: 3, onEvents: () => undefined }),
    () => store.compact(4),
  ])
    expect(read).toThrow(new CompactedError(compacted));
  for (const read of [() => store.get('a', 7), () => store.compact(7)])
    expect(read).toThrow(new FutureRevisionError(future));
  expect(store.get('a', 4)?.value).toBe('2');
});

test('etcd #18089, #19179: a delete at the compacted revision itself is still delivered', () => {
  const log = new MemoryLog();
  const { store } = open(log);
  store.put('a', '1');
  store.delete('a');
  store.put('b', '1');
  store.compact(3);
  expect(record(store, 3)).toEqual(['3:delete:a', '4:put:b']);
  const again = open(log).store;
  expect(record(again, 3)).toEqual(['3:delete:a', '4:put:b']);
  const previous: unknown[] = [];
  again.watch('a', 'b', {
    startRevision: 3,
    onEvents: ([event]) => previous.push(event?.previous?.value),
  });
  expect(previous).toEqual(['1']);
});

test('etcd #20221: a watch on a future revision gets nothing older', () => {
  const { store } = open();
  store.put('a', '1');
  const seen = record(store, 5);
  for (let i = 0; i < 4; i++) store.put('a', `${i}`);
  expect(seen).toEqual(['5:put:a', '6:put:a']);
});

test('etcd #17780: the revision never goes down, though compaction removed the newest rows', () => {
  const log = new MemoryLog();
  const { store } = open(log);
  store.put('a', '1');
  store.delete('a');
  store.compact(3);
  log.rows = [];
  expect(open(log).store.revision).toBe(3);
});

test('etcd #17247: each event once, to each of several watchers', () => {
  const { store } = open();
  store.put('a', '1');
  const early = record(store, 2);
  const late = record(store);
  store.transaction((writes) => {
    writes.put('a', '2');
    writes.put('b', '2');
  });
  expect(early).toEqual(['2:put:a', '3:put:a', '3:put:b']);
  expect(late).toEqual(['3:put:a', '3:put:b']);
});

test('a watcher that throws hurts neither the write nor the others', async () => {
  const { store } = open();
  const faults: unknown[] = [];
  vi.stubGlobal('queueMicrotask', (callback: () => void) => {
    try {
      callback();
    } catch (error) {
      faults.push(error);
    }
  });
  store.watch('', '\0', {
    onEvents: () => {
      throw new Error('fault of the watcher');
    },
  });
  const seen = record(store);
  store.put('a', '1');
  vi.unstubAllGlobals();
  expect(seen).toEqual(['2:put:a']);
  expect(faults).toEqual([new Error('fault of the watcher')]);
});

test('a watcher may not write, and a disposed one hears no more', () => {
  const { store } = open();
  let refusal: unknown;
  const watch = store.watch('', '\0', {
    onEvents: () => {
      try {
        store.put('b', '1');
      } catch (error) {
        refusal = error;
      }
    },
  });
  store.put('a', '1');
  expect(refusal).toEqual(new Error('the store was written from within a write or a watch'));
  watch.dispose();
  refusal = undefined;
  store.put('a', '2');
  expect(refusal).toBeUndefined();
});

test('compaction in slices: 10,000 keys written and deleted leave nothing', async () => {
  const { store, time } = open();
  for (let i = 0; i < 10_000; i++) store.put(`k${i}`, '1');
  for (let i = 0; i < 10_000; i++) store.delete(`k${i}`);
  store.put('last', '1');
  store.compact(store.revision);
  await time.advance(1);
  expect(store.range('', '\0').kvs).toHaveLength(1);
  expect(store.range('', '\0', { revision: store.revision }).count).toBe(1);
});

test('leases: keys go when the time is up, kept alive or detached ones stay', async () => {
  const { store, time } = open();
  const short = store.grantLease(10);
  const kept = store.grantLease(10);
  store.put('a', '1', { lease: short });
  store.put('b', '1', { lease: short });
  store.put('c', '1', { lease: kept });
  store.put('d', '1', { lease: short });
  store.put('d', '2');
  const seen = record(store);
  await time.advance(9_000);
  expect(store.keepAlive(kept)).toBe(true);
  await time.advance(1_000);
  expect(seen).toEqual(['7:delete:a', '7:delete:b']);
  expect(store.leases()).toEqual([
    { id: kept, ttlSeconds: 10, expiresMs: time.clock.now() + 9_000, keys: ['c'] },
  ]);
  await time.advance(9_000);
  expect(store.range('', '\0').kvs.map(({ key }) => key)).toEqual(['d']);
  expect(store.keepAlive(kept)).toBe(false);
  expect(() => store.put('e', '1', { lease: kept })).toThrow(
    'etcdserver: requested lease not found',
  );
});

test('leases come back after a restart with their whole time', async () => {
  const log = new MemoryLog();
  const first = open(log);
  const lease = first.store.grantLease(10);
  first.store.put('a', '1', { lease });
  const gone = first.store.grantLease(10);
  first.store.put('b', '1', { lease: gone });
  first.store.revokeLease(gone);
  await first.time.advance(5_000);
  const second = open(log, first.time);
  expect(second.store.leases()).toEqual([
    { id: lease, ttlSeconds: 10, expiresMs: first.time.clock.now() + 10_000, keys: ['a'] },
  ]);
  expect(second.store.grantLease(1)).toBeGreaterThan(lease);
});

test('durable waits for the disk, reads do not', async () => {
  const log = new MemoryLog();
  log.held = [];
  const { store } = open(log);
  store.put('a', '1');
  store.put('b', '1');
  expect(log.synced).toBe(0);
  const order: string[] = [];
  const both = store.durable().then(() => order.push('both'));
  const first = store.durable(2).then(() => order.push('first'));
  await store.durable(1);
  expect(log.synced).toBe(2);
  expect(store.get('b')?.value).toBe('1');
  expect(order).toEqual([]);
  for (const release of log.held) release();
  await Promise.all([both, first]);
  expect(order.sort()).toEqual(['both', 'first']);
});

test('etcd #14370: what the disk refused is never acknowledged; reads go on', async () => {
  const log = new MemoryLog();
  const { store } = open(log);
  store.put('a', '1');
  await store.durable();
  log.failure = new Error('disk I/O error');
  store.put('b', '1');
  const refusal = 'etcdserver: the log takes no writes: disk I/O error';
  await expect(store.durable()).rejects.toThrow(new StoreUnavailableError(refusal));
  for (const write of [
    () => store.put('c', '1'),
    () => store.delete('a'),
    () => store.grantLease(1),
  ])
    expect(write).toThrow(new StoreUnavailableError(refusal));
  expect(store.get('a')?.value).toBe('1');
  await expect(store.durable(2)).resolves.toBeUndefined();
});

test('a full disk refuses writes until it has room, then nothing is missing', async () => {
  const log = new MemoryLog();
  const { store, time } = open(log);
  store.put('a', '1');
  const lease = store.grantLease(5);
  store.put('leased', '1', { lease });
  await store.durable();
  log.failure = new Error('database or disk is full');
  store.put('b', '1');
  store.put('c', '1');
  const refusal = new StoreUnavailableError('etcdserver: mvcc: database space exceeded');
  await expect(store.durable()).rejects.toThrow(refusal);
  expect(store.problem?.status).toMatchObject({ code: 500, message: refusal.message });
  expect(() => store.put('d', '1')).toThrow(refusal);
  await time.advance(6000);
  expect(store.get('leased')?.value).toBe('1');

  log.failure = undefined;
  expect(() => store.put('d', '1')).toThrow(refusal);
  await time.advance(0);
  expect(store.problem).toBeUndefined();
  store.put('d', '2');
  await store.durable();
  await time.advance(1000);
  expect(store.get('leased')).toBeUndefined();
  const again = createStore({ clock: time.clock, codec, log });
  expect(again.range('', '\0')).toEqual(store.range('', '\0'));
  expect(again.range('', '\0').kvs.map(({ key }) => key)).toEqual(['a', 'b', 'c', 'd']);
});

test('what is compacted can still be travelled to: the newest revisions, and from what is retained on', async () => {
  const log = new MemoryLog();
  const { clock } = new TestTime();
  const store = createStore({ clock, codec, log, retainedRevisions: 10 });
  for (let i = 2; i <= 40; i++) store.put(i % 2 === 0 ? 'even' : 'odd', `${i}`);
  const kept = store.retain(20);
  store.compact(38);
  expect([store.compactedRevision, store.oldestRevision]).toEqual([38, 20]);
  expect(() => store.range('', '\0', { revision: 37 })).toThrow(CompactedError);
  expect(() => store.watch('', '\0', { startRevision: 37, onEvents: () => undefined })).toThrow(
    CompactedError,
  );
  expect(store.rangePast('', '\0', 20).kvs.map(({ value }) => value)).toEqual(['20', '19']);
  expect(store.writesPast('even', 'even\0', 36).map(([event]) => event?.revision)).toEqual([
    36, 38, 40,
  ]);
  expect(() => store.rangePast('', '\0', 19)).toThrow(CompactedError);
  kept.dispose();
  store.put('even', '41');
  store.compact(39);
  expect(store.oldestRevision).toBe(31);
  store.put('even', '42');
  await store.durable();
  const again = createStore({ clock, codec, log, retainedRevisions: 10 });
  expect([again.compactedRevision, again.oldestRevision]).toEqual([39, 31]);
  expect(again.rangePast('', '\0', 35)).toEqual(store.rangePast('', '\0', 35));
});

test('a log with a hole is refused', () => {
  const log = new MemoryLog();
  const { store } = open(log);
  for (let i = 0; i < 3; i++) store.put('a', `${i}`);
  log.rows.splice(1, 1);
  expect(() => open(log)).toThrow('log has revision 4 where 3 must follow');
});

test('timeOf names the time of a revision, which never runs backwards', async () => {
  const { store, time } = open();
  const start = time.clock.now();
  store.put('a', '1');
  await time.advance(1_000);
  store.put('a', '2');
  store.put('b', '2');
  expect([1, 2, 3, 4, 5].map((revision) => store.timeOf(revision))).toEqual([
    undefined,
    start,
    start + 1_000,
    start + 1_000,
    undefined,
  ]);
  store.compact(3);
  expect(store.timeOf(2)).toBeUndefined();
  expect(store.timeOf(3)).toBe(start + 1_000);
});
