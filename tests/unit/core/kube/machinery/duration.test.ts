import { describe, expect, it } from 'vitest';
import { durationFault, formatDuration, parseDuration } from '#core/kube';
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

  it.each([
    ['', 'time: invalid duration ""'],
    ['-', 'time: invalid duration "-"'],
    ['abc', 'time: invalid duration "abc"'],
    ['.s', 'time: invalid duration ".s"'],
    ['5', 'time: missing unit in duration "5"'],
    ['1m1', 'time: missing unit in duration "1m1"'],
    ['5x', 'time: unknown unit "x" in duration "5x"'],
    ['1d', 'time: unknown unit "d" in duration "1d"'],
    ['9999999999h', 'time: invalid duration "9999999999h"'],
  ])('%j is refused as Go does', (text, fault) => {
    expect(durationFault(text)).toBe(fault);
  });
});
