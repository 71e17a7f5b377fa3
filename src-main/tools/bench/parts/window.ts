import { chromiumPath } from '../chromium.ts';
import { startHost } from '../host.ts';
import type { Figure } from '../measure.ts';
import { type Part, webProgram } from './context.ts';

/**
 * From the start of the process until a page in a real browser shows what is due today and takes clicks: the first
 * time, and with data there. The browser runs already, as a desktop's window does.
 */
export const window: Part = async ({ root, dataFolder }) => {
  if (chromiumPath === undefined) {
    console.error('NOT MEASURED: the page in a browser: no Chromium on this machine');
    return [];
  }
  const { chromium } = await import('playwright-core');
  const browser = await chromium.launch({ executablePath: chromiumPath, args: ['--no-sandbox'] });
  try {
    const figures: Figure[] = [];
    for (const name of ['page usable, nothing there yet', 'page usable, second start']) {
      const context = await browser.newContext({ locale: 'en-US' });
      const page = await context.newPage();
      const started = performance.now();
      const host = await startHost(webProgram(root), dataFolder);
      await page.goto(host.launchUrl, { waitUntil: 'commit' });
      await page.locator('main h1').waitFor();
      // What is due comes with the answers of the core, not with the page.
      await page.locator('main button, main a').first().click({ trial: true });
      const value = performance.now() - started;
      figures.push({ name, value, unit: 'ms', limit: { atMost: 1500 } });
      await context.close();
      await host.stop();
    }
    return figures;
  } finally {
    await browser.close();
  }
};
