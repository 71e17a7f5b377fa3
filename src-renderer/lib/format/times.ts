import type { Language } from '#contract';

const minuteMs = 60_000;
const hourMs = 60 * minuteMs;
const dayMs = 24 * hourMs;
const monthMs = 30.44 * dayMs;
const yearMs = 365.25 * dayMs;

const steps: readonly { ms: number; ko: string; en: string }[] = [
  { ms: yearMs, ko: '년', en: 'y' },
  { ms: monthMs, ko: '개월', en: 'mo' },
  { ms: dayMs, ko: '일', en: 'd' },
  { ms: hourMs, ko: '시간', en: 'h' },
  { ms: minuteMs, ko: '분', en: 'm' },
];

/** A span as a grade button shows it: `10m`, `3d`, `1.4mo`; `10분`, `3일`, `1.4개월`. */
export function formatInterval(ms: number, language: Language): string {
  for (const { ms: unitMs, ...names } of steps) {
    if (ms < unitMs) continue;
    const value = ms / unitMs;
    const digits = unitMs >= monthMs && value < 10 ? 1 : 0;
    return `${Number(value.toFixed(digits))}${names[language]}`;
  }
  return language === 'ko' ? '1분 미만' : '<1m';
}

/** A running clock: `1:05:09`, `15:00`. Negative spans count as zero. */
export function formatClock(ms: number): string {
  const seconds = Math.max(0, Math.ceil(ms / 1000));
  const two = (value: number): string => String(value).padStart(2, '0');
  const hours = Math.floor(seconds / 3600);
  const rest = `${two(Math.floor(seconds / 60) % 60)}:${two(seconds % 60)}`;
  return hours > 0 ? `${hours}:${rest}` : rest;
}

const locale = (language: Language): string => (language === 'ko' ? 'ko-KR' : 'en-GB');
/** The style in which a date reads as words in each language. */
const dateStyle = (language: Language) => (language === 'ko' ? 'long' : 'medium');

/** Date and time to the minute. */
export function formatDateTime(ms: number, language: Language): string {
  return new Intl.DateTimeFormat(locale(language), {
    dateStyle: dateStyle(language),
    timeStyle: 'short',
    hourCycle: 'h23',
  }).format(ms);
}

/** A calendar day `YYYY-MM-DD` in words, whatever the time zone. */
export function formatDay(day: string, language: Language): string {
  const options = { dateStyle: dateStyle(language), timeZone: 'UTC' } as const;
  return new Intl.DateTimeFormat(locale(language), options).format(Date.parse(`${day}T00:00:00Z`));
}
