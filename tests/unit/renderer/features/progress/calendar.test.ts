import { expect, test } from 'vitest';
import {
  calendarCells,
  calendarMonths,
} from '../../../../../src-renderer/features/progress/calendar.ts';

// 26 February 2026 is a Thursday.
const days = ['02-26', '02-27', '02-28', '03-01', '03-02'].map((day, index) => ({
  day: `2026-${day}`,
  reviews: [0, 1, 50, 51, 100][index] ?? 0,
}));

test('weeks begin on Sunday; levels are quarters of the busiest day', () => {
  expect(calendarCells(days).map(({ column, row, level }) => [column, row, level])).toEqual([
    [0, 4, 0],
    [0, 5, 1],
    [0, 6, 2],
    [1, 0, 3],
    [1, 1, 4],
  ]);
});

test('a month is named where it begins', () => {
  expect(calendarMonths(calendarCells(days), 'en')).toEqual([{ column: 1, label: 'Mar' }]);
});

test('no days are no cells', () => {
  expect(calendarCells([])).toEqual([]);
});
