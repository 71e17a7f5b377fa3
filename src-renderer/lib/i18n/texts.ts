import type { Bilingual } from '#contract';

/** The texts of one feature: every key in both languages. */
export type Texts = Readonly<Record<string, Bilingual>>;
export type TextParams = Readonly<Record<string, string | number>>;
export type Translate<T extends Texts> = (key: keyof T & string, params?: TextParams) => string;

/** Keeps the keys as literal types, so that a misspelt key is a type error. */
export function defineTexts<const T extends Texts>(texts: T): T {
  return texts;
}

/**
 * Fills placeholders: `{name}` by its value, `{count|card|cards}` by the number and the fitting noun.
 * An unknown placeholder stays as it is, which shows the mistake.
 */
export function fill(text: string, params: TextParams = {}): string {
  return text.replace(
    /\{(\w+)(?:\|([^|}]*)\|([^|}]*))?\}/g,
    (whole, name: string, one?: string, many?: string) => {
      const value = params[name];
      if (value === undefined) return whole;
      return one === undefined ? String(value) : `${value} ${value === 1 ? one : (many ?? '')}`;
    },
  );
}
