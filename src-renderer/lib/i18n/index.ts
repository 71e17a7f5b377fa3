export { getI18n, provideI18n, useTexts } from './context.ts';
export { I18n } from './i18n.svelte.ts';
export { defineTexts, fill, type Texts, type TextParams, type Translate } from './texts.ts';
