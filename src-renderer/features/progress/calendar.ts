import type { Language } from '#contract';

export interface CalendarCell {
  readonly day: string;
  readonly reviews: number;
  /** Week from the left, from 0. */
  readonly column: number;
  /** 0 is Sunday. */
  readonly row: number;
  /** 0 for none, then 1 to 4 by quarters of the busiest day. */
  readonly level: number;
}

export interface CalendarMonth {
  readonly column: number;
  readonly label: string;
}

const dayMs = 86_400_000;

/** Lays days out as weeks of seven rows, oldest at the left. `days` are consecutive and oldest first. */
export function calendarCells(
  days: readonly { readonly day: string; readonly reviews: number }[],
): readonly CalendarCell[] {
  const [first] = days;
  if (first === undefined) return [];
  const startMs = Date.parse(`${first.day}T00:00:00Z`);
  const offset = new Date(startMs).getUTCDay();
  const busiest = Math.max(1, ...days.map(({ reviews }) => reviews));
  return days.map(({ day, reviews }) => {
    const place = Math.round((Date.parse(`${day}T00:00:00Z`) - startMs) / dayMs) + offset;
    return {
      day,
      reviews,
      column: Math.floor(place / 7),
      row: place % 7,
      level: reviews === 0 ? 0 : Math.ceil((reviews / busiest) * 4),
    };
  });
}

/** Where a month's name stands: over the first full column of the month, if there is room before the next. */
export function calendarMonths(
  cells: readonly CalendarCell[],
  language: Language,
): readonly CalendarMonth[] {
  const format = new Intl.DateTimeFormat(language, { month: 'short', timeZone: 'UTC' });
  const months: CalendarMonth[] = [];
  for (const { day, column } of cells) {
    if (!day.endsWith('-01')) continue;
    months.push({ column, label: format.format(Date.parse(`${day}T00:00:00Z`)) });
  }
  return months;
}
