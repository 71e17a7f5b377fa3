import { expect, test } from 'vitest';
import { SimClock, sleep } from '#core/base';
import { TestTime } from '#tests/sim';

test('timers fire in order of due time, then of creation, each at its own time', async () => {
  const time = new TestTime(1000);
  const fired: string[] = [];
  const at = (name: string, delayMs: number) =>
    time.clock.setTimer(delayMs, () => fired.push(`${name}@${time.clock.now()}`));
  at('c', 30);
  at('a', 10);
  at('b', 10);
  at('gone', 20).dispose();
  await time.advance(25);
  expect(fired).toEqual(['a@1010', 'b@1010']);
  expect(time.clock.now()).toBe(1025);
  await time.advance(5);
  expect(fired.at(-1)).toBe('c@1030');
});

test('settle does not wait for background work, and stops at the limit', async () => {
  const time = new TestTime(0);
  let beats = 0;
  const beat = (): void => {
    beats += 1;
    time.clock.setTimer(10_000, beat, { background: true });
  };
  time.clock.setTimer(10_000, beat, { background: true });
  time.clock.setTimer(15_000, () => undefined);
  await time.settle();
  expect(beats).toBe(1);
  expect(time.clock.now()).toBe(15_000);
  const loop = (): void => void time.clock.setTimer(1000, loop);
  loop();
  await expect(time.settle(5000)).rejects.toThrow('not settled after 5000 ms');
});

test('an aborted sleep rejects with the reason and leaves no timer', async () => {
  const clock = new SimClock(0);
  const abort = new AbortController();
  const slept = sleep(clock, 1000, abort.signal);
  abort.abort(new Error('killed'));
  await expect(slept).rejects.toThrow('killed');
  expect(clock.nextDueMs()).toBeUndefined();
});
