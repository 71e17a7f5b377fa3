import { existsSync } from 'node:fs';
import { type Browser, chromium } from 'playwright-core';

const places = [
  process.env['KIJABI_CHROMIUM'],
  '/usr/bin/chromium',
  '/usr/bin/chromium-browser',
  '/usr/bin/google-chrome',
  '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome',
];

/** A Chromium of this machine; undefined when there is none. */
export const chromiumPath = places.find((path) => path !== undefined && existsSync(path));

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
