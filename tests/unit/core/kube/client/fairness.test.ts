import { expect, test } from 'vitest';
import { silentLogger } from '#core/base';
import { TestTime } from '#tests/sim';
import { runController, WorkQueue } from '../../../../../src-main/core/kube/client/index.ts';
import { ObjectCache } from '../../../../../src-main/core/kube/client/cache.ts';
import type { ObjectKey } from '../../../../../src-main/core/kube/machinery/index.ts';

type Queue = WorkQueue<ObjectKey>;
const hot = 'hot' as ObjectKey;

test.each([
  {
    how: 'changes with each round',
    again: (queue: Queue): Promise<void> => Promise.resolve(queue.add(hot)),
  },
  { how: 'fails each time', again: (): Promise<void> => Promise.reject(new Error('no')) },
])('one object that $how does not hold up the others', async ({ again }) => {
  const { clock } = new TestTime();
  const queue = new WorkQueue<ObjectKey>(clock);
  const order: string[] = [];
  const controller = runController({
    name: 'test',
    queue,
    workers: 1,
    clock,
    logger: silentLogger,
    reconcile: async (key) => {
      order.push(key);
      await Promise.resolve();
      if (key === 'hot') await again(queue);
      return {};
    },
  });
  for (const key of ['hot', 'a', 'b', 'c']) queue.add(key as ObjectKey);
  const until = clock.now() + 1000;
  for (let step = 0; step < 60; step++) {
    clock.step(until);
    await new Promise((resolve) => setImmediate(resolve));
  }
  controller.dispose();
  expect(order.slice(0, 4)).toEqual(['hot', 'a', 'b', 'c']);
  expect(order.filter((key) => key === 'hot').length).toBeGreaterThan(3);
});

test('an index that is there already is not replaced by another of its name', () => {
  const cache = new ObjectCache<object>();
  const byNothing = (): string[] => [];
  cache.addIndex('mine', byNothing);
  cache.addIndex('mine', byNothing);
  expect(() => cache.addIndex('mine', () => ['x'])).toThrow('index mine is there already');
});
