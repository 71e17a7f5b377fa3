import { describe, expect, it } from 'vitest';
import { formatDuration, parseDuration } from '#core/kube';

describe('Go durations', () => {
  it.each([
    ['0s', 0],
    ['500ms', 500],
    ['1.5s', 1500],
    ['40s', 40_000],
    ['1m20s', 80_000],
    ['5m0s', 300_000],
    ['1h0m0.25s', 3_600_250],
    ['-2m0s', -120_000],
  ])('%s is written and read', (text, ms) => {
    expect(formatDuration(ms)).toBe(text);
    expect(parseDuration(text)).toBe(ms);
  });

  it.each([
    ['0', 0],
    ['.5m', 30_000],
    ['2500us', 2.5],
    ['+1h', 3_600_000],
  ])('%s is read', (text, ms) => {
    expect(parseDuration(text)).toBe(ms);
  });

  it.each(['', '5', '5 m', 's', '1d', 'in 5s'])('%j is none', (text) => {
    expect(parseDuration(text)).toBeUndefined();
  });
});
