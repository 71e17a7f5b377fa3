import { expect, test } from 'vitest';
import { silentLogger } from '#core/base';
import { createStore, storedObjectCodec } from '#core/kube';
import { TestTime } from '#tests/sim';
import { runCompactor } from '../../../../../src-main/core/kube/apiserver/compactor.ts';
import { plainValue } from '../../../../../src-main/core/kube/apiserver/stored-object.ts';

const intervalMs = 300_000;

function open() {
  const time = new TestTime();
  const store = createStore({ clock: time.clock, codec: storedObjectCodec });
  const write = (count: number): void => {
    for (let i = 0; i < count; i++) store.put(`k${i}`, plainValue('v'));
  };
  const compactor = () =>
    runCompactor({ store, clock: time.clock, logger: silentLogger, intervalMs });
  return { time, store, write, compactor };
}

test('every five minutes history ends where it stood five minutes before', async () => {
  const { time, store, write, compactor } = open();
  compactor();
  write(10);
  await time.advance(intervalMs);
  expect([store.revision, store.compactedRevision]).toEqual([12, 0]);
  expect(store.get('compact_rev_key')?.value.json()).toBe('0');
  write(5);
  await time.advance(intervalMs);
  expect([store.revision, store.compactedRevision]).toEqual([18, 12]);
  expect(store.get('compact_rev_key')?.value.json()).toBe('12');
});

test('of two servers one compacts, and the other goes on when it ends', async () => {
  const { time, store, compactor } = open();
  const first = compactor();
  await time.advance(1000);
  compactor();
  await time.advance(2 * intervalMs);
  // The second finds the key newer than it knows and leaves the work to the first.
  expect(store.get('compact_rev_key')?.version).toBe(2);
  first.dispose();
  await time.advance(2 * intervalMs);
  expect(store.get('compact_rev_key')?.version).toBe(4);
  expect(store.compactedRevision).toBeGreaterThan(2);
});
