import { expect, test } from 'vitest';
import { TestTime } from '#tests/sim';
import {
  StoredObject,
  storedObjectCodec,
} from '../../../../../src-main/core/kube/apiserver/stored-object.ts';
import { WatchHub } from '../../../../../src-main/core/kube/apiserver/watch-hub.ts';
import { createStore } from '../../../../../src-main/core/kube/storage/index.ts';

const quiet = { onEvent: () => undefined, onEnd: () => undefined };

function bench() {
  const { clock } = new TestTime();
  const store = createStore({ clock, codec: storedObjectCodec });
  const hub = new WatchHub(store, clock);
  const put = (key: string): void => {
    const metadata = { name: key };
    store.put(key, new StoredObject({ apiVersion: 'v1', kind: 'ConfigMap', metadata }));
  };
  return { clock, store, hub, put };
}

test('an event for thousands of watchers is no single step: what is due meanwhile has its turn', () => {
  const { clock, hub, put } = bench();
  const seen = new Set<number>();
  for (let index = 0; index < 5000; index++)
    hub.watch('/registry/configmaps/', 0, { ...quiet, onEvent: () => void seen.add(index) });
  put('/registry/configmaps/default/a');
  let seenBefore = -1;
  clock.step(clock.now());
  clock.setTimer(0, () => void (seenBefore = seen.size));
  while (clock.step(clock.now())) continue;
  expect(seenBefore).toBeLessThan(5000);
  expect(seen.size).toBe(5000);
  hub.dispose();
});

test('an object that is written again and again does not hold up the watch of another kind', () => {
  const { clock, hub, put } = bench();
  const order: string[] = [];
  let writes = 0;
  hub.watch('/registry/configmaps/', 0, {
    ...quiet,
    onEvent: () => {
      order.push('hot');
      // What a controller does about an event is a step of its own.
      if (++writes < 50) clock.setTimer(0, () => put('/registry/configmaps/default/hot'));
    },
  });
  hub.watch('/registry/secrets/', 0, { ...quiet, onEvent: () => void order.push('other') });
  put('/registry/configmaps/default/hot');
  put('/registry/secrets/default/a');
  while (clock.step(clock.now())) continue;
  expect(order.indexOf('other')).toBeLessThan(3);
  expect(order.filter((each) => each === 'hot')).toHaveLength(50);
  hub.dispose();
});

test('watches end with the server, those of one value too, and none begins afterwards', () => {
  const { hub } = bench();
  const ended: string[] = [];
  const watcher = (name: string) => ({ ...quiet, onEnd: () => void ended.push(name) });
  hub.watch('/registry/pods/', 0, watcher('all'));
  hub.watch('/registry/pods/', 0, {
    ...watcher('of a node'),
    trigger: { field: 'spec.nodeName', value: 'node01' },
  });
  hub.watch('/registry/pods/', 0, watcher('gone')).dispose();
  hub.dispose();
  expect(ended).toEqual(['all', 'of a node']);
  hub.watch('/registry/pods/', 0, watcher('late'));
  expect(ended).toEqual(['all', 'of a node', 'late']);
});
