import { type Browser, chromium } from 'playwright-core';
import { chromiumPath } from '../../src-main/tools/bench/chromium.ts';

export { chromiumPath };

/** Says aloud that what needs a browser was not tested. */
export function reportNoBrowser(what: string): void {
  if (chromiumPath === undefined)
    console.error(
      `NOT RUN: ${what}: no Chromium on this machine (apt-get install chromium, or set KIJABI_CHROMIUM)`,
    );
}

export function launchBrowser(): Promise<Browser> {
  if (chromiumPath === undefined) throw new Error('no Chromium on this machine');
  return chromium.launch({ executablePath: chromiumPath, args: ['--no-sandbox'] });
}
