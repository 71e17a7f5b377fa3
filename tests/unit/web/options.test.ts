import { expect, test } from 'vitest';
import { browserCommand } from '../../../src-main/web/open-browser.ts';
import { parseWebOptions } from '../../../src-main/web/options.ts';

const defaults = { port: 0, open: false, data: undefined, help: false };

test.each([
  { args: [], options: defaults },
  { args: ['--port', '8080'], options: { ...defaults, port: 8080 } },
  { args: ['--port=0', '--open'], options: { ...defaults, open: true } },
  { args: ['--data', '/tmp/x'], options: { ...defaults, data: '/tmp/x' } },
  { args: ['-h'], options: { ...defaults, help: true } },
])('$args', ({ args, options }) => {
  expect(parseWebOptions(args)).toEqual(options);
});

test.each([
  { args: ['--port', 'x'], message: '--port must be a number from 0 to 65535, not "x"' },
  { args: ['--port', '70000'], message: '--port must be a number from 0 to 65535, not "70000"' },
  { args: ['--port', '-1'], message: /--port/ },
  { args: ['--data', ''], message: '--data needs a folder' },
  { args: ['--host', '0.0.0.0'], message: /Unknown option '--host'/ },
  { args: ['extra'], message: /Unexpected argument 'extra'/ },
])('$args is refused', ({ args, message }) => {
  expect(() => parseWebOptions(args)).toThrow(message);
});

test.each([
  { platform: 'linux', env: { DISPLAY: ':0' }, program: 'xdg-open' },
  { platform: 'linux', env: { WAYLAND_DISPLAY: 'wayland-0' }, program: 'xdg-open' },
  { platform: 'linux', env: {}, program: undefined },
  { platform: 'darwin', env: {}, program: 'open' },
  { platform: 'win32', env: {}, program: 'rundll32' },
] as const)('a link is opened on $platform by $program', ({ platform, env, program }) => {
  expect(browserCommand('http://127.0.0.1:1/?token=a&b', env, platform)?.[0]).toBe(program);
});
