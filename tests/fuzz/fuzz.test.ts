import { expect, test } from 'vitest';
import { fuzz } from './fuzz.ts';

// A short run of `npm run fuzz`, with a seed of its own, so that what it finds it finds again.
test('random requests find no broken promise and no fault', { timeout: 120_000 }, async () => {
  const report = await fuzz('slice', 1500);
  expect(report.findings).toEqual([]);
  expect(report.acknowledged).toBeGreaterThan(50);
});
