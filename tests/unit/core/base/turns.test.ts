import { expect, test } from 'vitest';
import { deferred, Turns } from '#core/base';

test('work waits for what came before it, also when that fails', async () => {
  const turns = new Turns();
  const first = deferred<string>();
  const begun: string[] = [];
  const work = (name: string, outcome: () => Promise<string>) =>
    turns.take(() => {
      begun.push(name);
      return outcome();
    });
  const results = [
    work('first', () => first.promise),
    work('second', () => Promise.reject(new Error('no'))),
    work('third', () => Promise.resolve('c')),
  ];
  await Promise.resolve();
  expect(begun).toEqual(['first']);
  first.resolve('a');
  expect(await Promise.allSettled(results)).toMatchObject([
    { value: 'a' },
    { reason: { message: 'no' } },
    { value: 'c' },
  ]);
  expect(begun).toEqual(['first', 'second', 'third']);
});
