import { expect, test } from 'vitest';
import { failure, fakeRpc } from '#tests/renderer/fake-rpc';
import { follow, Loader } from '../../../../../src-renderer/lib/loading/index.ts';

test('a failure shows the message of the Status and keeps what was there', async () => {
  const answers = [() => 'first', () => Promise.reject(failure('disk is full')), () => 'second'];
  const loader = new Loader<string>(async () => (await answers.shift()?.()) ?? '');
  await loader.load();
  await loader.load();
  expect([loader.value, loader.error, loader.loading]).toEqual(['first', 'disk is full', false]);
  await loader.load();
  expect([loader.value, loader.error]).toEqual(['second', null]);
});

test('an older answer never replaces a newer one', async () => {
  const settle: ((value: string) => void)[] = [];
  const loader = new Loader<string>(() => new Promise((resolve) => settle.push(resolve)));
  const loads = [loader.load(), loader.load()];
  settle[1]?.('new');
  settle[0]?.('old');
  await Promise.all(loads);
  expect([loader.value, loader.loading]).toEqual(['new', false]);
});

test('what was set meanwhile stays', async () => {
  let settle: (value: string) => void = () => undefined;
  const loader = new Loader<string>(() => new Promise((resolve) => (settle = resolve)));
  const load = loader.load();
  loader.set('set');
  settle('asked');
  await load;
  expect(loader.value).toBe('set');
});

test('following asks again only for what it follows', () => {
  const rpc = fakeRpc({});
  let asked = 0;
  const loader = new Loader(() => Promise.resolve(++asked));
  const stop = follow(rpc, loader, ['cards']);
  rpc.emit('study.changed', { what: 'exams' });
  rpc.emit('study.changed', { what: 'cards' });
  stop();
  rpc.emit('study.changed', { what: 'cards' });
  expect(asked).toBe(2);
});
