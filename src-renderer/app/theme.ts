import type { Settings } from '#contract';

/**
 * Writes the theme in force on the document, and follows the system while the person leaves it to that.
 * @returns a function that ends following.
 */
export function followTheme(theme: Settings['theme']): () => void {
  const dark = window.matchMedia('(prefers-color-scheme: dark)');
  const write = (): void => {
    const inForce = theme === 'system' ? (dark.matches ? 'dark' : 'light') : theme;
    document.documentElement.dataset['theme'] = inForce;
  };
  write();
  dark.addEventListener('change', write);
  return () => dark.removeEventListener('change', write);
}
