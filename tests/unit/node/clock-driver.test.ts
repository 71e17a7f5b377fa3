import { expect, test } from 'vitest';
import { ClockDriver } from '#node/clock';

test('the clock stands while a held service works, and goes on afterwards', async () => {
  const driver = new ClockDriver(0, 0);
  const happened: string[] = [];
  let sign: (text: string) => void = () => undefined;
  const service = driver.hold({
    name: 'pki',
    sign: () => new Promise<string>((resolve) => (sign = resolve)),
    fail: () => Promise.reject(new Error('no key')),
  });
  driver.clock.setTimer(10, () => {
    happened.push('asks');
    void service.sign().then((text) => happened.push(`${text} at ${driver.clock.now()}`));
  });
  driver.clock.setTimer(20, () => happened.push('later'));
  const advanced = driver.advance(50);
  for (let turn = 0; turn < 10; turn++) await new Promise((resolve) => setImmediate(resolve));
  expect(happened).toEqual(['asks']);
  expect(driver.clock.now()).toBe(10);
  sign('signed');
  await advanced;
  expect(happened).toEqual(['asks', 'signed at 10', 'later']);
  expect(driver.clock.now()).toBe(50);
  await expect(service.fail()).rejects.toThrow('no key');
  await driver.advance(1);
  expect(driver.clock.now()).toBe(51);
  expect(service.name).toBe('pki');
  driver.stop();
});

test('all promises settle between two steps, however deep they are chained', async () => {
  const driver = new ClockDriver(0, 0);
  const seen: string[] = [];
  const deep = async (name: string): Promise<void> => {
    for (let turn = 0; turn < 20; turn++) await Promise.resolve();
    seen.push(name);
  };
  for (const name of ['a', 'b', 'c'])
    driver.clock.setTimer(1000, () => {
      seen.push(`${name} begins`);
      void deep(`${name} ends`);
    });
  await driver.advance(1000);
  expect(seen).toEqual(['a begins', 'a ends', 'b begins', 'b ends', 'c begins', 'c ends']);
  driver.stop();
});

test('a long burst leaves the event loop its turns', async () => {
  const driver = new ClockDriver(0, 0);
  let steps = 0;
  const step = (): void => {
    steps += 1;
    driver.clock.setTimer(1, step);
  };
  step();
  const burst = driver.advance(1e9);
  const before = await new Promise<number>((resolve) => setTimeout(() => resolve(steps), 5));
  await new Promise((resolve) => setImmediate(resolve));
  driver.stop();
  await burst;
  expect(before).toBeGreaterThan(0);
  expect(steps).toBeLessThan(1e9);
});
