import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createLocalShell, shellEnvironment } from '#node/pty';
import { afterAll, describe, expect, test } from 'vitest';

const folder = mkdtempSync(join(tmpdir(), 'kijabi-pty-'));
afterAll(() => rmSync(folder, { recursive: true }));

describe('the environment of a local shell', () => {
  test('our kubectl is found only where there is none', () => {
    writeFileSync(join(folder, 'kubectl'), '', { mode: 0o755 });
    expect(shellEnvironment({ PATH: '/nowhere' }, '/k', '/shim')['PATH']).toBe('/nowhere:/shim');
    expect(shellEnvironment({ PATH: folder }, '/k', '/shim')['PATH']).toBe(folder);
  });

  test("a parent's own settings stay behind", () => {
    const env = {
      PATH: '/p',
      ELECTRON_RUN_AS_NODE: '1',
      npm_config_x: 'y',
      NODE_OPTIONS: '-i',
      HOME: '/h',
    };
    expect(shellEnvironment(env, '/k', undefined)).toEqual({
      PATH: '/p',
      HOME: '/h',
      TERM: 'xterm-256color',
      COLORTERM: 'truecolor',
      KUBECONFIG: '/k',
    });
  });
});

test('a shell runs, takes its size and its input, and tells its exit code', async () => {
  const shell = await createLocalShell({
    env: { SHELL: '/bin/sh', PATH: process.env['PATH'] ?? '' },
  });
  let output = '';
  let exited: (code: number) => void = () => undefined;
  const exit = new Promise<number>((resolve) => (exited = resolve));
  const process_ = shell.open({
    columns: 80,
    rows: 24,
    kubeconfig: '/tmp/its-own',
    onData: (bytes) => (output += Buffer.from(bytes).toString()),
    onExit: (code) => exited(code),
  });
  process_.resize(100, 30);
  process_.write(Buffer.from('stty size; echo "[$KUBECONFIG 한글]"; exit 7\r'));
  expect(await exit).toBe(7);
  expect(output).toContain('30 100');
  expect(output).toContain('[/tmp/its-own 한글]');
  // What comes after its end is dropped.
  process_.write(Buffer.from('x'));
  process_.kill();
});
