import type { Language } from '#contract';

let chosen: Language | undefined;

/** Sets the language of all texts from now on: `--lang`. */
export function useLanguage(language: Language): void {
  chosen = language;
}

/** The language of this terminal, by `--lang` or the environment; English where it is neither of ours. */
export function language(): Language {
  const { LC_ALL, LC_MESSAGES, LANG } = process.env;
  return chosen ?? (/^ko/i.test(LC_ALL || LC_MESSAGES || LANG || '') ? 'ko' : 'en');
}

/** The one of two texts that is in the language of this terminal. */
export function say(en: string, ko: string): string {
  return language() === 'ko' ? ko : en;
}
