import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { findBarriers, walkFocus } from '#tests/accessibility';
import { chromiumPath, launchBrowser, reportNoBrowser } from '#tests/browser';
import { startWebHost, type WebHost } from '#tests/web-host';

reportNoBrowser('every screen by keyboard, by ear and with weak eyes');

/** A screen by its address, what shows that it is there, and what to do before looking. */
interface Screen {
  readonly name: string;
  readonly hash: string;
  readonly there: string;
  readonly first?: (page: Page) => Promise<void>;
}

const terminal = '.xterm-accessibility-tree';
const screens: readonly Screen[] = [
  { name: 'today', hash: 'today', there: 'h3' },
  { name: 'learn', hash: 'learn', there: 'main ul a' },
  { name: 'a lesson', hash: 'learn/pods-and-deployments', there: terminal },
  { name: 'review, the question', hash: 'review', there: 'article' },
  {
    name: 'review, the answer',
    hash: 'review',
    there: '[role=group] button',
    first: (page) => page.keyboard.press('Space'),
  },
  { name: 'practice', hash: 'practice', there: 'main ul a' },
  { name: 'the start of a task', hash: 'practice/wl-cronjob', there: 'form' },
  {
    name: 'a task',
    hash: 'practice/wl-cronjob',
    there: terminal,
    first: (page) => page.locator('form button[type=submit]').click(),
  },
  {
    name: 'a task, checked',
    hash: 'practice',
    there: '.criteria li',
    first: async (page) => {
      await page.locator('[role=status] button').click();
      await page.locator(terminal).waitFor();
      await page.locator('h1').click();
      await page.keyboard.press('c');
    },
  },
  { name: 'the exams', hash: 'exam', there: 'h2' },
  {
    name: 'the question before an exam',
    hash: 'exam',
    there: 'dialog[open]',
    first: (page) => page.locator('main li button').first().click(),
  },
  { name: 'the clusters', hash: 'cluster', there: 'table' },
  {
    name: 'the objects of a cluster',
    hash: 'cluster',
    there: '[role=tabpanel], [role=tablist]',
    first: (page) => page.locator('td a').first().click(),
  },
  { name: 'progress', hash: 'progress', there: 'h2' },
  { name: 'the library', hash: 'library', there: 'h2' },
  { name: 'the settings', hash: 'settings', there: 'table' },
  {
    name: 'the keys',
    hash: 'today',
    there: 'dialog[open]',
    first: (page) => page.keyboard.press('?'),
  },
];

describe.runIf(chromiumPath !== undefined)('every screen can be used by everybody', () => {
  let host: WebHost;
  let browser: Browser;
  beforeAll(async () => {
    browser = await launchBrowser();
  });
  afterAll(() => browser.close());

  test.each([
    { language: 'ko', locale: 'ko-KR', colorScheme: 'dark' },
    { language: 'en', locale: 'en-US', colorScheme: 'light' },
  ] as const)('in $language, $colorScheme', async ({ language, locale, colorScheme }) => {
    host = await startWebHost();
    const context = await browser.newContext({
      locale,
      colorScheme,
      reducedMotion: 'reduce',
      viewport: { width: 1280, height: 800 },
    });
    try {
      const page = await context.newPage();
      await page.goto(host.launchUrl);
      await page.getByRole('navigation').first().waitFor();
      const found: Record<string, readonly string[]> = {};
      for (const { name, hash, there, first } of screens) {
        await page.keyboard.press('Escape');
        await page.evaluate((to) => {
          if (document.activeElement instanceof HTMLElement) document.activeElement.blur();
          location.hash = `#/${to}`;
        }, hash);
        await page.locator(`main :is(h1, h2)`).first().waitFor();
        await first?.(page);
        await page.locator(there).first().waitFor({ timeout: 30_000 });
        const barriers = await findBarriers(page, language);
        const { count, unseen } = await walkFocus(page);
        found[name] = [
          ...barriers,
          ...unseen.map((what) => `focus not seen: ${what}`),
          ...(count === 0 ? ['nothing takes the focus'] : []),
        ];
      }
      expect(found).toEqual(Object.fromEntries(screens.map(({ name }) => [name, []])));
    } finally {
      await context.close();
      await host.stop();
    }
  });
});
