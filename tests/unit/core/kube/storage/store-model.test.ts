import fc from 'fast-check';
import { expect, test } from 'vitest';
import {
  CompactedError,
  createStore,
  type KeyValue,
  type Store,
  type StoreEvent,
} from '../../../../../src-main/core/kube/storage/index.ts';
import { TestTime } from '#tests/sim';
import { MemoryLog } from './memory-log.ts';

type Step =
  | { readonly do: 'put' | 'delete'; readonly key: string }
  | { readonly do: 'transaction'; readonly keys: readonly string[] }
  | { readonly do: 'compact'; readonly back: number }
  | { readonly do: 'watch'; readonly back: number }
  | { readonly do: 'sweep' }
  | { readonly do: 'reopen' };

/** The law in its plainest form: the whole state after each revision, and the events of each. */
class Model {
  readonly states: Map<string, KeyValue<string>>[] = [new Map(), new Map()];
  readonly events: string[][] = [[], []];
  compacted = 0;

  get revision(): number {
    return this.states.length - 1;
  }

  write(puts: readonly string[], deletes: readonly string[]): void {
    const state = new Map(this.states[this.revision]);
    const revision = this.revision + 1;
    const events: string[] = [];
    for (const key of puts) {
      const before = state.get(key);
      const kv = {
        key,
        value: `${key}@${revision}`,
        createRevision: before?.createRevision ?? revision,
        modRevision: revision,
        version: (before?.version ?? 0) + 1,
        lease: 0,
      };
      state.set(key, kv);
      events.push(`${revision} put ${key} was ${before?.value ?? '-'}`);
    }
    for (const key of deletes) {
      const before = state.get(key);
      if (!before) continue;
      state.delete(key);
      events.push(`${revision} delete ${key} was ${before.value}`);
    }
    if (events.length === 0) return;
    this.states.push(state);
    this.events.push(events);
  }

  range(revision: number, start: string, end: string): KeyValue<string>[] {
    return [...(this.states[revision] ?? new Map<string, KeyValue<string>>()).values()]
      .filter(({ key }) => key >= start && key < end)
      .sort((a, b) => (a.key < b.key ? -1 : 1));
  }

  eventsFrom(revision: number): string[] {
    return this.events.slice(revision).flat();
  }
}

const describeEvent = ({ revision, type, key, previous }: StoreEvent<string>): string =>
  `${revision} ${type} ${key} was ${previous?.value ?? '-'}`;

const key = fc.constantFrom('a', 'a/b', 'a/c', 'a0', 'b', 'c/x/y', 'd');
const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 6, arbitrary: fc.record({ do: fc.constant('put' as const), key }) },
  { weight: 3, arbitrary: fc.record({ do: fc.constant('delete' as const), key }) },
  {
    weight: 2,
    arbitrary: fc.record({
      do: fc.constant('transaction' as const),
      keys: fc.uniqueArray(key, { minLength: 1, maxLength: 4 }),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({ do: fc.constant('compact' as const), back: fc.nat(8) }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('watch' as const), back: fc.nat(8) }) },
  { weight: 1, arbitrary: fc.constant({ do: 'sweep' as const }) },
  { weight: 1, arbitrary: fc.constant({ do: 'reopen' as const }) },
);

test('the store agrees with the model at every revision, for every watch, through compaction and restart', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 40 }), async (steps) => {
      const time = new TestTime();
      const codec = { encode: (value: string) => value, decode: (text: string) => text };
      const log = new MemoryLog();
      const open = (): Store<string> => createStore({ clock: time.clock, codec, log });
      const model = new Model();
      let store = open();
      let watches: { seen: string[]; from: number }[] = [];
      const value = (name: string) => (revision: number) => `${name}@${revision}`;
      for (const action of steps) {
        switch (action.do) {
          case 'put':
            store.put(action.key, value(action.key));
            model.write([action.key], []);
            break;
          case 'delete':
            store.delete(action.key);
            model.write([], [action.key]);
            break;
          case 'transaction': {
            const [first, ...others] = action.keys;
            store.transaction((writes) => {
              writes.put(first as string, value(first as string));
              for (const other of others) writes.delete(other);
            });
            model.write([first as string], others);
            break;
          }
          case 'compact': {
            const revision = Math.max(0, store.revision - action.back);
            if (revision <= store.compactedRevision)
              expect(() => store.compact(revision)).toThrow(CompactedError);
            else {
              store.compact(revision);
              model.compacted = revision;
            }
            break;
          }
          case 'watch': {
            const from = Math.max(1, model.compacted, store.revision - action.back);
            const seen: string[] = [];
            store.watch('', '\0', {
              startRevision: from,
              onEvents: (events) => seen.push(...events.map(describeEvent)),
            });
            watches.push({ seen, from });
            break;
          }
          case 'sweep':
            await time.advance(1);
            break;
          case 'reopen':
            for (const { seen, from } of watches) expect(seen).toEqual(model.eventsFrom(from));
            watches = [];
            store = open();
            break;
        }
      }
      expect(store.revision).toBe(model.revision);
      for (const { seen, from } of watches) expect(seen).toEqual(model.eventsFrom(from));
      for (let revision = 1; revision <= model.revision; revision++) {
        if (revision < model.compacted) {
          expect(() => store.range('a', 'b', { revision })).toThrow(CompactedError);
          continue;
        }
        for (const [start, end] of [
          ['', '\uffff'],
          ['a/', 'a0'],
          ['b', 'b'],
        ] as const) {
          const expected = model.range(revision, start, end);
          expect(store.range(start, end, { revision }).kvs).toEqual(expected);
          expect(store.range(start, end, { revision, limit: 1 })).toEqual({
            kvs: expected.slice(0, 1),
            count: expected.length,
            revision,
          });
        }
        for (const { key: name } of model.range(revision, '', '\uffff'))
          expect(store.get(name, revision)).toEqual(model.states[revision]?.get(name));
        const seen: string[] = [];
        store.watch('', '\0', {
          startRevision: revision,
          onEvents: (events) => seen.push(...events.map(describeEvent)),
        });
        expect(seen).toEqual(model.eventsFrom(revision));
      }
      expect(store.count('a', 'b')).toBe(model.range(model.revision, 'a', 'b').length);
    }),
    { numRuns: 400 },
  );
});

test('many keys in random order: chunks split and empty without losing one', () => {
  fc.assert(
    fc.property(
      fc.array(fc.nat(3000), { minLength: 1500, maxLength: 2500 }),
      fc.nat(3000),
      fc.nat(3000),
      (numbers, from, to) => {
        const clock = new TestTime().clock;
        const codec = { encode: (value: string) => value, decode: (text: string) => text };
        const store = createStore({ clock, codec });
        const live = new Set<string>();
        for (const number of numbers) {
          const name = `k${String(number).padStart(5, '0')}`;
          if (live.delete(name)) store.delete(name);
          else {
            store.put(name, name);
            live.add(name);
          }
        }
        const [start, end] = [
          `k${String(from).padStart(5, '0')}`,
          `k${String(to).padStart(5, '0')}`,
        ];
        const expected = [...live].filter((name) => name >= start && name < end).sort();
        expect(store.range(start, end).kvs.map(({ key: name }) => name)).toEqual(expected);
        expect(store.count(start, end)).toBe(expected.length);
      },
    ),
    { numRuns: 15 },
  );
});
