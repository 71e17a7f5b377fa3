import type { Bilingual, Language, Settings } from '#contract';
import { fill, type TextParams, type Texts, type Translate } from './texts.ts';

/** The language of the page: the person's choice, or the first language of the browser that we speak. */
export class I18n {
  /** Set by the shell from the settings. */
  preference = $state<Settings['language']>('system');
  readonly #system: Language;
  readonly language = $derived.by((): Language =>
    this.preference === 'system' ? this.#system : this.preference,
  );

  /** @param systemLanguages as `navigator.languages`; with none that we speak, English. */
  constructor(systemLanguages: readonly string[]) {
    const known = systemLanguages
      .map((tag) => tag.toLowerCase().split('-')[0])
      .find((tag) => tag === 'ko' || tag === 'en');
    this.#system = known === 'ko' ? 'ko' : 'en';
  }

  /** The text in the page's language; reading it in markup follows the language. */
  text(text: Bilingual, params?: TextParams): string {
    return fill(text[this.language], params);
  }

  translator<T extends Texts>(texts: T): Translate<T> {
    return (key, params) => {
      const text: Bilingual | undefined = texts[key];
      return text === undefined ? key : this.text(text, params);
    };
  }
}
