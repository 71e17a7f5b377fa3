import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { describe, expect, test } from 'vitest';

const css = readFileSync(resolve('src-renderer/app/theme.css'), 'utf8');

/** The custom properties of the rule with this selector that are colours. */
function colours(selector: string): Map<string, string> {
  const start = css.indexOf(`${selector} {`);
  const body = css.slice(start, css.indexOf('\n}', start));
  return new Map(
    [...body.matchAll(/--([\w-]+): (#[0-9a-f]{6});/g)].map(([, name = '', value = '']) => [
      name,
      value,
    ]),
  );
}

/** @see WCAG 2.2, relative luminance */
function luminance(colour: string): number {
  const [red = 0, green = 0, blue = 0] = [1, 3, 5].map((at) => {
    const share = parseInt(colour.slice(at, at + 2), 16) / 255;
    return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
}

function contrast(a: string, b: string): number {
  const [light = 0, dark = 0] = [luminance(a), luminance(b)].sort((x, y) => y - x);
  return (light + 0.05) / (dark + 0.05);
}

const grounds = ['ground', 'surface', 'surface-2', 'surface-3'];
const text: readonly (readonly [string, string])[] = [
  ...['ink', 'ink-2', 'ink-3'].flatMap((ink) => grounds.map((ground) => [ink, ground] as const)),
  ...['accent', 'good', 'warn', 'bad'].flatMap((tone) => [
    [tone, `${tone}-soft`] as const,
    [tone, 'surface'] as const,
    [tone, 'ground'] as const,
    ['ink', `${tone}-soft`] as const,
    ['ink-2', `${tone}-soft`] as const,
  ]),
  ['on-accent', 'accent'],
  ['on-accent', 'accent-strong'],
  ...['key', 'string', 'number', 'comment'].map((kind) => [`code-${kind}`, 'code-ground'] as const),
  ...['ink', 'red', 'green', 'yellow', 'blue', 'magenta', 'cyan', 'white', 'bright-black'].map(
    (name) => [`term-${name}`, 'term-ground'] as const,
  ),
];
const lines: readonly (readonly [string, string])[] = [
  ...grounds.map((ground) => ['line-strong', ground] as const),
  ...grounds.map((ground) => ['focus', ground] as const),
];

describe.each([
  { theme: 'light', selector: ':root' },
  { theme: 'dark', selector: ":root[data-theme='dark']" },
])('$theme', ({ selector }) => {
  const palette = colours(selector);
  const weak = (pairs: typeof text, least: number): string[] =>
    pairs
      .map(([front, back]) => ({
        pair: `${front} on ${back}`,
        ratio: contrast(palette.get(front) ?? '', palette.get(back) ?? ''),
      }))
      .filter(({ ratio }) => !(ratio >= least))
      .map(({ pair, ratio }) => `${pair} ${ratio.toFixed(2)}`);

  test('every text reaches 4.5:1', () => {
    expect(weak(text, 4.5)).toEqual([]);
  });
  test('edges of controls and the focus ring reach 3:1', () => {
    expect(weak(lines, 3)).toEqual([]);
  });
  test('names the same colours as the other theme', () => {
    expect([...palette.keys()].sort()).toEqual([...colours(':root').keys()].sort());
  });
});
