import { expect, test } from 'vitest';
import { failure } from '#tests/renderer/fake-rpc';
import type { CallOptions } from '#contract';
import { SeededStart } from '../../../../../src-renderer/ui/task/index.ts';

test.each([
  { typed: '', sent: {} },
  { typed: '   ', sent: {} },
  { typed: ' spring ', sent: { seed: 'spring' } },
])('the seed "$typed" is sent as $sent', async ({ typed, sent }) => {
  const asked: unknown[] = [];
  const start = new SeededStart((id, seed) => Promise.resolve(asked.push([id, seed])));
  start.seed = typed;
  await start.start('mock-30');
  expect(asked).toEqual([['mock-30', sent]]);
});

test('it tells its steps while it runs, and runs once at a time', async () => {
  let finish: (value: string) => void = () => undefined;
  let options: CallOptions = {};
  const start = new SeededStart<string>((_id, _seed, given) => {
    options = given;
    return new Promise((resolve) => (finish = resolve));
  });
  const first = start.start('task');
  options.onProgress?.({ step: 'cluster.starting', fraction: 0.5 });
  expect([start.running, start.progress?.step]).toEqual([true, 'cluster.starting']);
  expect(await start.start('task')).toBeUndefined();
  finish('session');
  expect([await first, start.running, start.error]).toEqual(['session', false, null]);
});

test('a failure is told, a cancellation is not', async () => {
  const start = new SeededStart<string>(
    (id, _seed, { signal }) =>
      new Promise((_resolve, reject) => {
        if (id === 'broken') reject(failure('no disk space'));
        signal?.addEventListener('abort', () => reject(failure('cancelled')));
      }),
  );
  expect([await start.start('broken'), start.error]).toEqual([undefined, 'no disk space']);
  const cancelled = start.start('slow');
  start.cancel();
  expect([await cancelled, start.error, start.running]).toEqual([undefined, null, false]);
});
