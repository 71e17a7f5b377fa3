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
