import type { Page } from 'playwright-core';

/**
 * What a page does wrong to those who use it by keyboard, by ear or with weak eyes, each as a sentence; empty
 * when nothing. Looks at the page as it stands: language, landmarks, headings, names of controls, ids, and the
 * contrast of every visible text as the browser computed it.
 * @see https://www.w3.org/TR/WCAG22/ 1.3.1, 1.4.3, 2.4.3, 2.4.6, 3.1.1, 4.1.2
 */
export function findBarriers(page: Page, language: string): Promise<readonly string[]> {
  return page.evaluate(look, language);
}

/**
 * Walks with Tab through the page until the focus has come round.
 * @returns what had the focus without a sign of it; `count` is how many stops the walk had.
 */
export async function walkFocus(
  page: Page,
): Promise<{ readonly count: number; readonly unseen: readonly string[] }> {
  const unseen: string[] = [];
  await page.evaluate(() => {
    // Tab goes on from what had the focus last, so the top of the page, or of the dialog, takes it first.
    const top = document.querySelector<HTMLElement>('dialog[open]') ?? document.body;
    top.tabIndex = -1;
    top.focus();
    top.removeAttribute('tabindex');
    for (const element of document.querySelectorAll<HTMLElement>('[data-walked]'))
      delete element.dataset['walked'];
  });
  for (let count = 0; count < 200; count++) {
    await page.keyboard.press('Tab');
    const stop = await page.evaluate(seeFocus);
    if (stop === 'round') return { count, unseen };
    if (stop !== 'seen') unseen.push(stop);
  }
  return { count: 200, unseen };
}

// The functions below run in the page: they may use nothing from outside themselves.

function seeFocus(): string {
  const element = document.activeElement;
  if (!(element instanceof HTMLElement) || element === document.body) return 'round';
  if (element.dataset['walked'] !== undefined) return 'round';
  element.dataset['walked'] = '';
  // A terminal and an editor show a cursor.
  if (element.closest('.xterm, .cm-editor')) return 'seen';
  const { outlineStyle, outlineWidth } = getComputedStyle(element);
  const box = element.getBoundingClientRect();
  if (outlineStyle !== 'none' && parseFloat(outlineWidth) >= 1 && box.width > 0) return 'seen';
  return `${element.tagName.toLowerCase()} "${element.textContent.trim().slice(0, 40)}"`;
}

function look(language: string): readonly string[] {
  const problems: string[] = [];
  const isShown = (element: Element): boolean =>
    element.checkVisibility({ opacityProperty: true, visibilityProperty: true }) &&
    element.closest('[aria-hidden=true]') === null;
  // A dialog hides what is behind it from everybody.
  const root = document.querySelector('dialog[open]') ?? document.body;
  const all = (selector: string): readonly HTMLElement[] =>
    [...root.querySelectorAll<HTMLElement>(selector)].filter(isShown);
  const describe = (element: Element): string =>
    `${element.tagName.toLowerCase()}${element.className === '' ? '' : `.${String(element.className).split(' ')[0] ?? ''}`} "${(element.textContent ?? '').trim().replace(/\s+/g, ' ').slice(0, 40)}"`;

  if (document.documentElement.lang !== language)
    problems.push(`the page says it is in ${document.documentElement.lang}, not ${language}`);
  if (document.title === '') problems.push('the page has no title');

  if (root === document.body) {
    if (all('main').length !== 1) problems.push(`${all('main').length} main landmarks`);
    if (all('h1').length !== 1) problems.push(`${all('h1').length} headings of level 1`);
    let last = 0;
    for (const heading of all('h1, h2, h3, h4, h5, h6')) {
      const level = Number(heading.tagName.slice(1));
      if (level > last + 1)
        problems.push(`${describe(heading)} follows a heading of level ${last}`);
      last = level;
    }
  } else if (root.getAttribute('aria-labelledby') === null) problems.push('a dialog has no name');

  const textOf = (ids: string | null): string =>
    (ids ?? '')
      .split(' ')
      .map((id) => document.getElementById(id)?.textContent ?? '')
      .join(' ')
      .trim();
  const nameOf = (element: HTMLElement): string => {
    const own =
      element.getAttribute('aria-label') ?? textOf(element.getAttribute('aria-labelledby'));
    if (own.trim() !== '') return own;
    if (
      element instanceof HTMLInputElement ||
      element instanceof HTMLSelectElement ||
      element instanceof HTMLTextAreaElement
    )
      return [...(element.labels ?? [])]
        .map((label) => label.textContent)
        .join(' ')
        .trim();
    const inner = [...element.querySelectorAll('[aria-label]')].map((part) =>
      part.getAttribute('aria-label'),
    );
    return `${element.textContent ?? ''} ${inner.join(' ')} ${element.title}`.trim();
  };
  const controls =
    'button, a[href], input, select, textarea, summary, progress, meter, [tabindex="0"], [role=tab], [role=button], [role=dialog], [role=meter], [role=progressbar], [role=slider], [role=separator][tabindex], [role=img], [role=timer], [role=tablist], [role=tabpanel]';
  for (const element of all(controls))
    if (nameOf(element) === '' && element.getAttribute('contenteditable') === null)
      problems.push(`no name: ${describe(element)} ${element.outerHTML.slice(0, 80)}`);
  for (const element of all('[tabindex]'))
    if (element.tabIndex > 0) problems.push(`out of order: ${describe(element)}`);
  const ids = [...document.querySelectorAll('[id]')].map(({ id }) => id);
  for (const id of new Set(ids.filter((one, index) => ids.indexOf(one) !== index)))
    problems.push(`several elements have the id ${id}`);

  type Colour = readonly [red: number, green: number, blue: number, alpha: number];
  const canvas = document.createElement('canvas').getContext('2d', { willReadFrequently: true });
  const read = (text: string): Colour => {
    if (!canvas) return [0, 0, 0, 0];
    canvas.clearRect(0, 0, 1, 1);
    canvas.fillStyle = text;
    canvas.fillRect(0, 0, 1, 1);
    const [red = 0, green = 0, blue = 0, alpha = 0] = canvas.getImageData(0, 0, 1, 1).data;
    return [red, green, blue, alpha / 255];
  };
  const over = (front: Colour, back: Colour): Colour => {
    const [red, green, blue, alpha] = front;
    const mix = (one: number, other: number): number => one * alpha + other * (1 - alpha);
    return [mix(red, back[0]), mix(green, back[1]), mix(blue, back[2]), 1];
  };
  const groundOf = (element: Element): Colour => {
    const layers: Colour[] = [];
    for (let at: Element | null = element; at; at = at.parentElement) {
      const layer = read(getComputedStyle(at).backgroundColor);
      if (layer[3] > 0) layers.push(layer);
      if (layer[3] === 1) break;
    }
    return layers.reduceRight<Colour>((ground, layer) => over(layer, ground), [255, 255, 255, 1]);
  };
  const luminance = (colour: Colour): number => {
    const [red = 0, green = 0, blue = 0] = colour.slice(0, 3).map((part) => {
      const share = part / 255;
      return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
    });
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
  };
  const walker = document.createTreeWalker(root, NodeFilter.SHOW_TEXT);
  const faint = new Set<string>();
  for (let node = walker.nextNode(); node; node = walker.nextNode()) {
    const element = node.parentElement;
    if (!element || (node.textContent ?? '').trim() === '' || !isShown(element)) continue;
    // What is switched off may be faint; a terminal draws its text elsewhere.
    if (element.closest(':disabled, .xterm, .visually-hidden, option')) continue;
    const style = getComputedStyle(element);
    let opacity = 1;
    for (let at: Element | null = element; at; at = at.parentElement)
      opacity *= Number(getComputedStyle(at).opacity);
    const isSvg = element instanceof SVGElement;
    const ground = groundOf(element);
    const [red, green, blue, alpha] = read(isSvg ? style.fill : style.color);
    const ink = over([red, green, blue, alpha * opacity], ground);
    const [lighter = 0, darker = 0] = [luminance(ink), luminance(ground)].sort((a, b) => b - a);
    const contrast = (lighter + 0.05) / (darker + 0.05);
    const size = parseFloat(style.fontSize);
    const isLarge = size >= 24 || (size >= 18.66 && Number(style.fontWeight) >= 700);
    if (contrast < (isLarge ? 3 : 4.5) && !isSvg)
      faint.add(`contrast ${contrast.toFixed(2)}: ${describe(element)}`);
  }
  return [...problems, ...faint];
}
