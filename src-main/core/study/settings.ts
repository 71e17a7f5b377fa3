import { dayNumber } from './calendar.ts';
import type { Settings } from './types.ts';

export const defaultSettings: Settings = {
  language: 'system',
  theme: 'system',
  examDate: null,
  newCardsPerDay: 15,
  desiredRetention: 0.9,
  terminalFontSize: 14,
  vimKeys: false,
};

type Check = (value: unknown) => string | undefined;

const oneOf =
  (...values: readonly string[]): Check =>
  (value) =>
    values.includes(value as string) ? undefined : `must be one of ${values.join(', ')}`;
const inRange =
  (least: number, most: number, whole: boolean): Check =>
  (value) =>
    typeof value === 'number' &&
    value >= least &&
    value <= most &&
    (!whole || Number.isInteger(value))
      ? undefined
      : `must be ${whole ? 'a whole number' : 'a number'} from ${least} to ${most}`;

const checks: Readonly<Record<keyof Settings, Check>> = {
  language: oneOf('system', 'ko', 'en'),
  theme: oneOf('system', 'light', 'dark'),
  examDate: (value) =>
    value === null || (typeof value === 'string' && dayNumber(value) !== undefined)
      ? undefined
      : 'must be a date such as 2026-12-31, or null',
  newCardsPerDay: inRange(0, 500, true),
  desiredRetention: inRange(0.7, 0.99, false),
  terminalFontSize: inRange(8, 32, true),
  vimKeys: (value) => (typeof value === 'boolean' ? undefined : 'must be true or false'),
};

/** What is wrong with changes of settings, naming the setting; undefined when nothing is. */
export function settingsProblem(changes: Readonly<Record<string, unknown>>): string | undefined {
  for (const [name, value] of Object.entries(changes)) {
    if (!Object.hasOwn(checks, name)) return `settings: there is no ${JSON.stringify(name)}`;
    const problem = checks[name as keyof Settings](value);
    if (problem !== undefined) return `settings: ${name} ${problem}`;
  }
  return undefined;
}

/** Stored settings over the defaults; what another version wrote and this one does not accept is left out. */
export function readSettings(stored: Readonly<Record<string, unknown>>): Settings {
  const usable = Object.entries(stored).filter(
    ([name, value]) => settingsProblem({ [name]: value }) === undefined,
  );
  return { ...defaultSettings, ...Object.fromEntries(usable) };
}
