import { say } from './language.ts';
import { UsageError } from './usage.ts';

const units: Readonly<Record<string, number>> = {
  ms: 1,
  s: 1000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
};

/** `90s`, `1h30m`, `2d`; a bare number is seconds. @returns milliseconds. @throws UsageError */
export function parseDuration(text: string): number {
  if (/^\d+(\.\d+)?$/.test(text)) return Number(text) * 1000;
  const parts = [...text.matchAll(/(\d+(?:\.\d+)?)(ms|s|m|h|d)/g)];
  if (parts.length === 0 || parts.map(([part]) => part).join('') !== text)
    throw new UsageError(
      say(
        `${JSON.stringify(text)} is not a duration: write 90s, 5m or 1h30m`,
        `${JSON.stringify(text)}는 시간이 아닙니다: 90s, 5m, 1h30m처럼 쓰세요`,
      ),
    );
  return parts.reduce((sum, [, value, unit = 's']) => sum + Number(value) * (units[unit] ?? 0), 0);
}
