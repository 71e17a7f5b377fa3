import { expect, test } from 'vitest';
import {
  formatBytes,
  formatClock,
  formatDay,
  formatInterval,
  formatPercent,
} from '../../../../../src-renderer/lib/format/index.ts';

const minuteMs = 60_000;
const dayMs = 24 * 60 * minuteMs;

test.each([
  { ms: 30_000, ko: '1분 미만', en: '<1m' },
  { ms: 10 * minuteMs, ko: '10분', en: '10m' },
  { ms: 90 * minuteMs, ko: '2시간', en: '2h' },
  { ms: 9 * dayMs, ko: '9일', en: '9d' },
  { ms: 46 * dayMs, ko: '1.5개월', en: '1.5mo' },
  { ms: 400 * dayMs, ko: '1.1년', en: '1.1y' },
])('$ms ms is $en', ({ ms, ko, en }) => {
  expect([formatInterval(ms, 'ko'), formatInterval(ms, 'en')]).toEqual([ko, en]);
});

test.each([
  { ms: 7_200_000, text: '2:00:00' },
  { ms: 899_001, text: '15:00' },
  { ms: 5_000, text: '00:05' },
  { ms: -1, text: '00:00' },
])('the clock of $ms ms shows $text', ({ ms, text }) => {
  expect(formatClock(ms)).toBe(text);
});

test.each([
  { bytes: 0, text: '0 B' },
  { bytes: 1_023, text: '1023 B' },
  { bytes: 1_536, text: '1.5 KB' },
  { bytes: 20 * 1024 * 1024, text: '20 MB' },
])('$bytes bytes are $text', ({ bytes, text }) => {
  expect(formatBytes(bytes)).toBe(text);
});

test('shares and days', () => {
  expect([formatPercent(0.655), formatPercent(null)]).toEqual(['66%', '—']);
  expect(formatDay('2026-04-11', 'ko')).toBe('2026년 4월 11일');
  expect(formatDay('2026-04-11', 'en')).toBe('11 Apr 2026');
});
