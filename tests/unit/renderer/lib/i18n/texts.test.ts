import { describe, expect, test } from 'vitest';
import { fill, I18n, type Texts } from '../../../../../src-renderer/lib/i18n/index.ts';

test.each([
  { text: '{count|card|cards}', params: { count: 1 }, filled: '1 card', why: 'one' },
  { text: '{count|card|cards}', params: { count: 0 }, filled: '0 cards', why: 'none is plural' },
  { text: '{done}/{total}단계', params: { done: 2, total: 5 }, filled: '2/5단계', why: 'plain' },
  { text: '{name}', params: {}, filled: '{name}', why: 'a missing value shows the mistake' },
  { text: '{a}{a}', params: { a: 'x' }, filled: 'xx', why: 'every occurrence' },
])('$text with $params is $filled: $why', ({ text, params, filled }) => {
  expect(fill(text, params)).toBe(filled);
});

test.each([
  { preference: 'system', system: ['ko-KR', 'en'], language: 'ko', why: 'first of the browser' },
  { preference: 'system', system: ['fr', 'ko'], language: 'ko', why: 'first that we speak' },
  { preference: 'system', system: ['de'], language: 'en', why: 'none that we speak' },
  { preference: 'en', system: ['ko'], language: 'en', why: 'the choice wins' },
] as const)('$preference on $system is $language: $why', ({ preference, system, language }) => {
  const i18n = new I18n(system);
  i18n.preference = preference;
  expect(i18n.language).toBe(language);
});

const modules = import.meta.glob<Record<string, Texts>>('../../../../../src-renderer/**/texts.ts', {
  eager: true,
});

describe('every table of texts', () => {
  const placeholders = (text: string): string[] =>
    [...new Set([...text.matchAll(/\{(\w+)/g)].map(([, name]) => name ?? ''))].sort();
  const entries = Object.entries(modules).flatMap(([file, exports]) =>
    Object.entries(exports['texts'] ?? {}).map(([key, text]) => ({
      key: `${file.split('src-renderer/')[1]} ${key}`,
      text,
    })),
  );

  test('is found', () => {
    expect(entries.length).toBeGreaterThan(150);
  });
  test('says everything in both languages', () => {
    expect(entries.filter(({ text }) => text.ko.trim() === '' || text.en.trim() === '')).toEqual(
      [],
    );
  });
  test('has the same placeholders in both languages', () => {
    const differing = entries.filter(
      ({ text }) => placeholders(text.ko).join() !== placeholders(text.en).join(),
    );
    expect(differing.map(({ key }) => key)).toEqual([]);
  });
});
