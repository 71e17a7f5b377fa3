import { jsonEqual } from '#core/base';
import type { Comparison, Matcher, Normalisation } from './assertion.ts';
import { safePattern } from './safe-pattern.ts';

/** Whether a value, or its absence, is what a matcher demands. */
export function matches(value: unknown, matcher: Matcher): boolean {
  const { compare = 'json' } = matcher;
  if (matcher.exists !== undefined && (value !== undefined) !== matcher.exists) return false;
  if ('equals' in matcher && !equal(value, matcher.equals, compare)) return false;
  if (matcher.oneOf && !matcher.oneOf.some((item) => equal(value, item, compare))) return false;
  if (matcher.matches !== undefined && !matchesText(value, matcher.matches)) return false;
  if ('contains' in matcher && !contains(value, matcher.contains, compare)) return false;
  if (matcher.atLeast !== undefined && !ordered(matcher.atLeast, value, compare)) return false;
  return matcher.atMost === undefined || ordered(value, matcher.atMost, compare);
}

/** The demand in a few signs: `= 3`, `≥ 1.36`, `∈ {a, b}`. */
export function describeMatcher(matcher: Matcher): string {
  const parts: string[] = [];
  if (matcher.exists !== undefined) parts.push(matcher.exists ? '≠ ∅' : '= ∅');
  if ('equals' in matcher) parts.push(`= ${show(matcher.equals)}`);
  if (matcher.oneOf) parts.push(`∈ {${matcher.oneOf.map(show).join(', ')}}`);
  if (matcher.matches !== undefined) parts.push(`~ /${matcher.matches}/`);
  if ('contains' in matcher) parts.push(`∋ ${show(matcher.contains)}`);
  if (matcher.atLeast !== undefined) parts.push(`≥ ${matcher.atLeast}`);
  if (matcher.atMost !== undefined) parts.push(`≤ ${matcher.atMost}`);
  return parts.join(', ');
}

const shownLength = 400;

/** A value as text for a person, cut when long; ∅ when there is none. */
export function show(value: unknown): string {
  if (value === undefined || value === null) return '∅';
  const text = typeof value === 'string' ? value : JSON.stringify(value);
  if (text === '') return '""';
  return text.length > shownLength ? `${text.slice(0, shownLength)}…` : text;
}

/** Applies what a text comparison overlooks. */
export function normaliseText(text: string, steps: readonly Normalisation[]): string {
  let lines = text.split(steps.includes('crlf') ? /\r?\n/ : '\n');
  if (steps.includes('spaces')) lines = lines.map((line) => line.replace(/[ \t]+/g, ' '));
  if (steps.includes('trimLines')) lines = lines.map((line) => line.trim());
  if (steps.includes('noBlankLines')) lines = lines.filter((line) => line.trim() !== '');
  if (steps.includes('sortLines')) lines = lines.sort();
  const joined = lines.join('\n');
  return steps.includes('trim') ? joined.trim() : joined;
}

function equal(value: unknown, expected: unknown, compare: Comparison): boolean {
  if (expected === null) return value === undefined || value === null;
  if (value === undefined) return false;
  switch (compare) {
    case 'json':
    case 'list':
      return jsonEqual(value, expected) || sameScalarText(value, expected);
    case 'set':
      return (
        Array.isArray(value) &&
        Array.isArray(expected) &&
        includesAll(value, expected) &&
        includesAll(expected, value)
      );
    case 'subset':
      return isSubset(value, expected);
    case 'semver':
      return compareVersions(textOf(value), textOf(expected)) === 0;
    case 'quantity':
    case 'duration':
    case 'mode': {
      const [a, b] = [numberOf(value, compare, false), numberOf(expected, compare, true)];
      return a !== undefined && a === b;
    }
  }
}

/** A YAML author may write `8080` where the API has `"8080"`; kubectl shows both alike. */
function sameScalarText(a: unknown, b: unknown): boolean {
  return typeof a !== 'object' && typeof b !== 'object' && textOf(a) === textOf(b);
}

function includesAll(list: readonly unknown[], items: readonly unknown[]): boolean {
  return items.every((item) => list.some((other) => jsonEqual(other, item)));
}

function isSubset(value: unknown, expected: unknown): boolean {
  if (typeof expected !== 'object' || expected === null) return equal(value, expected, 'json');
  if (typeof value !== 'object' || value === null) return false;
  if (Array.isArray(expected))
    return (
      Array.isArray(value) &&
      expected.every((item) => value.some((other: unknown) => isSubset(other, item)))
    );
  return Object.entries(expected).every(([key, item]) =>
    isSubset((value as Record<string, unknown>)[key], item),
  );
}

function contains(value: unknown, item: unknown, compare: Comparison): boolean {
  if (typeof value === 'string') return value.includes(textOf(item));
  return Array.isArray(value) && value.some((other: unknown) => equal(other, item, compare));
}

function matchesText(value: unknown, pattern: string): boolean {
  if (value === undefined || value === null) return false;
  return safePattern(pattern).test(textOf(value));
}

/** Whether `low` ≤ `high` in the measure; false when one of them has no number. */
function ordered(low: unknown, high: unknown, compare: Comparison): boolean {
  if (low === undefined || high === undefined) return false;
  if (compare === 'semver') return (compareVersions(textOf(low), textOf(high)) ?? 1) <= 0;
  const [a, b] = [numberOf(low, compare, false), numberOf(high, compare, false)];
  return a !== undefined && b !== undefined && a <= b;
}

function numberOf(value: unknown, compare: Comparison, expected: boolean): number | undefined {
  if (compare === 'quantity') return quantity(textOf(value));
  if (compare === 'duration') return durationSeconds(textOf(value));
  if (compare === 'mode') return fileMode(value, expected);
  const number = Number(textOf(value));
  return Number.isNaN(number) ? undefined : number;
}

const suffixes: Readonly<Record<string, number>> = {
  n: 1e-9,
  u: 1e-6,
  m: 1e-3,
  '': 1,
  k: 1e3,
  M: 1e6,
  G: 1e9,
  T: 1e12,
  P: 1e15,
  E: 1e18,
  Ki: 1024,
  Mi: 1024 ** 2,
  Gi: 1024 ** 3,
  Ti: 1024 ** 4,
  Pi: 1024 ** 5,
  Ei: 1024 ** 6,
};

/** In base units; undefined for what is no quantity. @see k8s.io/apimachinery/pkg/api/resource */
export function quantity(text: string): number | undefined {
  const match = /^([+-]?\d*\.?\d+(?:[eE][+-]?\d+)?|[+-]?\d+\.)([A-Za-z]*)$/.exec(text);
  const factor = suffixes[match?.[2] ?? ''];
  if (!match || factor === undefined) return undefined;
  // Rounded to nano units, so that 0.1 and 100m are the same number.
  return Math.round(Number(match[1]) * factor * 1e9) / 1e9;
}

const durationUnits: Readonly<Record<string, number>> = {
  ns: 1e-9,
  us: 1e-6,
  ms: 1e-3,
  s: 1,
  m: 60,
  h: 3600,
};

/** Seconds of a Go duration or a bare number of seconds. */
export function durationSeconds(text: string): number | undefined {
  if (/^\d+(\.\d+)?$/.test(text)) return Number(text);
  if (!/^(\d+(\.\d+)?(ns|us|ms|s|m|h))+$/.test(text)) return undefined;
  let seconds = 0;
  for (const [, amount, unit] of text.matchAll(/(\d+(?:\.\d+)?)(ns|us|ms|s|m|h)/g))
    seconds += Number(amount) * (durationUnits[unit ?? ''] ?? 0);
  return Math.round(seconds * 1e9) / 1e9;
}

/** The API holds a mode as a decimal number; authors write octal text. */
function fileMode(value: unknown, expected: boolean): number | undefined {
  if (typeof value === 'number' && !expected) return value;
  const text = textOf(value);
  return /^0?[0-7]{3,4}$/.test(text) ? parseInt(text, 8) : undefined;
}

/** -1, 0 or 1; a missing part counts as 0; undefined when one is no version. */
export function compareVersions(a: string, b: string): number | undefined {
  const [left, right] = [versionParts(a), versionParts(b)];
  if (!left || !right) return undefined;
  for (let index = 0; index < 3; index++) {
    const difference = (left[index] ?? 0) - (right[index] ?? 0);
    if (difference !== 0) return Math.sign(difference);
  }
  return 0;
}

function versionParts(text: string): readonly number[] | undefined {
  const match = /^v?(\d+)(?:\.(\d+))?(?:\.(\d+))?(?:[-+].*)?$/.exec(text);
  return match?.slice(1, 4).map((part) => Number(part ?? 0));
}

function textOf(value: unknown): string {
  return typeof value === 'string' ? value : JSON.stringify(value);
}
