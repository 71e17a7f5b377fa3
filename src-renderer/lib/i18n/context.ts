import { createContext } from 'svelte';
import type { I18n } from './i18n.svelte.ts';
import type { Texts, Translate } from './texts.ts';

/** The shell provides the language once; components below ask for it while they are set up. */
export const [getI18n, provideI18n] = createContext<I18n>();

/** `const t = useTexts(texts)` at the top of a component; `t('key', { count })` in its markup. */
export function useTexts<T extends Texts>(texts: T): Translate<T> {
  return getI18n().translator(texts);
}
