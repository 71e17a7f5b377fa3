import { existsSync } from 'node:fs';

const places = [
  process.env['KIJABI_CHROMIUM'],
  '/usr/bin/chromium',
  '/usr/bin/chromium-browser',
  '/usr/bin/google-chrome',
  '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome',
];

/** A Chromium of this machine; undefined when there is none. */
export const chromiumPath = places.find((path) => path !== undefined && existsSync(path));
