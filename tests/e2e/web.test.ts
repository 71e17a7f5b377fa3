import { chromiumPath, launchBrowser, reportNoBrowser } from '#tests/browser';
import { startWebHost, type WebHost } from '#tests/web-host';
import type { Browser, BrowserContext, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

reportNoBrowser('the page in a real browser');

describe.runIf(chromiumPath !== undefined)('the page in a real browser', () => {
  let host: WebHost;
  let browser: Browser;

  beforeAll(async () => {
    browser = await launchBrowser();
  });
  afterAll(async () => {
    await browser.close();
  });

  /** A page of a fresh host, logged in, with what it complained of. */
  async function open(locale: string): Promise<{
    context: BrowserContext;
    page: Page;
    complaints: string[];
  }> {
    host = await startWebHost();
    const context = await browser.newContext({ locale, viewport: { width: 1280, height: 800 } });
    const page = await context.newPage();
    const complaints: string[] = [];
    page.on('console', (message) => {
      if (message.type() === 'error' || message.type() === 'warning')
        complaints.push(message.text());
    });
    page.on('pageerror', (error) => complaints.push(error.message));
    await page.goto(host.launchUrl);
    return { context, page, complaints };
  }

  test.each([
    { locale: 'ko-KR', language: 'ko', places: ['오늘', '학습', '복습', '설정'] },
    { locale: 'en-US', language: 'en', places: ['Today', 'Learn', 'Review', 'Settings'] },
  ])('shows itself in $language, without a complaint', async ({ locale, language, places }) => {
    const { context, page, complaints } = await open(locale);
    try {
      await page.getByRole('navigation').first().waitFor();
      for (const place of places)
        await page.getByRole('link', { name: place }).first().waitFor({ timeout: 5000 });
      expect(await page.evaluate('document.documentElement.lang')).toBe(language);
      expect(new URL(page.url()).search).toBe('');
      expect(complaints).toEqual([]);
    } finally {
      await context.close();
      expect(await host.stop()).toBe(0);
    }
  });

  test('a reload keeps the session, another browser has none, a foreign page opens nothing', async () => {
    const { context, page } = await open('en-US');
    try {
      await page.getByRole('navigation').first().waitFor();
      await page.reload();
      await page.getByRole('navigation').first().waitFor();

      const other = await browser.newContext();
      const stranger = await other.newPage();
      expect((await stranger.goto(host.launchUrl))?.status()).toBe(403);
      expect((await stranger.goto(new URL('/', host.launchUrl).href))?.status()).toBe(401);
      await other.close();

      const foreign = await context.newPage();
      await foreign.goto('data:text/html,<title>foreign</title>');
      const address = `ws://${new URL(host.launchUrl).host}/rpc`;
      const opened = await foreign.evaluate(
        `new Promise((resolve) => {
          const socket = new WebSocket(${JSON.stringify(address)});
          socket.onopen = () => resolve(true);
          socket.onerror = () => resolve(false);
        })`,
      );
      expect(opened).toBe(false);
    } finally {
      await context.close();
      await host.stop();
    }
  });

  test('a script that is not ours does not run', async () => {
    const { context, page } = await open('en-US');
    try {
      await page.getByRole('navigation').first().waitFor();
      const ran = await page.evaluate(`new Promise((resolve) => {
        const script = document.createElement('script');
        script.textContent = 'window.stolen = true';
        document.addEventListener('securitypolicyviolation', (event) =>
          resolve(event.effectiveDirective));
        document.head.append(script);
        setTimeout(() => resolve(window.stolen ? 'ran' : 'nothing'), 1000);
      })`);
      expect(ran).toBe('script-src-elem');
    } finally {
      await context.close();
      await host.stop();
    }
  });
});
