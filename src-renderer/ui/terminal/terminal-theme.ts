import type { ITheme } from '@xterm/xterm';

const names = [
  'black',
  'red',
  'green',
  'yellow',
  'blue',
  'magenta',
  'cyan',
  'white',
  'bright-black',
  'bright-red',
  'bright-green',
  'bright-yellow',
  'bright-blue',
  'bright-magenta',
  'bright-cyan',
  'bright-white',
] as const;

const camel = (name: string): string =>
  name.replace(/-(\w)/, (_whole, letter: string) => letter.toUpperCase());

/**
 * The colours of a terminal, from the page's tokens (`--term-…`).
 * @param token reads a custom property; empty when the page does not define it.
 */
export function terminalTheme(token: (name: string) => string): ITheme {
  const theme: Record<string, string> = {
    background: token('--term-ground'),
    foreground: token('--term-ink'),
    cursor: token('--term-cursor'),
    cursorAccent: token('--term-ground'),
    selectionBackground: token('--term-selection'),
  };
  for (const name of names) theme[camel(name)] = token(`--term-${name}`);
  return Object.fromEntries(Object.entries(theme).filter(([, colour]) => colour !== ''));
}

/** Calls `onchange` when the page's theme may have changed; returns how to stop. */
export function watchTheme(onchange: () => void): () => void {
  const observer = new MutationObserver(onchange);
  observer.observe(document.documentElement, {
    attributes: true,
    attributeFilter: ['data-theme', 'class', 'style'],
  });
  const dark = matchMedia('(prefers-color-scheme: dark)');
  dark.addEventListener('change', onchange);
  return () => {
    observer.disconnect();
    dark.removeEventListener('change', onchange);
  };
}
