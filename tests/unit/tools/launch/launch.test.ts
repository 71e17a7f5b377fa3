import { type ChildProcess, spawn } from 'node:child_process';
import {
  chmodSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';

let root: string;
let children: ChildProcess[];

/** A checkout whose npm and build only write down that they ran, each for as long as `hold` is there. */
beforeEach(() => {
  children = [];
  root = mkdtempSync(join(tmpdir(), 'kijabi-launch-'));
  const write = (file: string, text: string): void => {
    mkdirSync(dirname(join(root, file)), { recursive: true });
    writeFileSync(join(root, file), text);
  };
  const note = (what: string): string =>
    `fs.appendFileSync(${JSON.stringify(join(root, 'done'))}, '${what}\\n');`;
  write(
    'src-main/tools/launch/launch.mjs',
    readFileSync('src-main/tools/launch/launch.mjs', 'utf8'),
  );
  write('src-main/tools/generate/main.ts', "import fs from 'node:fs';\n" + note('generate'));
  write('src-renderer/main.ts', '');
  write('package-lock.json', '{}');
  write('electron.vite.config.ts', '');
  write(
    'bin/npm',
    `#!${process.execPath}
const fs = require('node:fs');
${note('install')}
const nap = new Int32Array(new SharedArrayBuffer(4));
while (fs.existsSync(${JSON.stringify(join(root, 'hold'))})) Atomics.wait(nap, 0, 0, 10);
fs.cpSync(${JSON.stringify(join(root, 'packages'))}, ${JSON.stringify(join(root, 'node_modules'))}, { recursive: true });
`,
  );
  chmodSync(join(root, 'bin/npm'), 0o755);
  write(
    'packages/electron-vite/bin/electron-vite.js',
    `const fs = require('node:fs');
${note('build')}
fs.mkdirSync(${JSON.stringify(join(root, 'out/main'))}, { recursive: true });
fs.writeFileSync(${JSON.stringify(join(root, 'out/main/web.js'))}, "console.log('the app')");
`,
  );
});
afterEach(() => {
  rmSync(join(root, 'hold'), { force: true });
  for (const child of children) child.kill('SIGKILL');
  rmSync(root, { recursive: true, force: true });
});

interface Start {
  readonly child: ChildProcess;
  readonly errors: () => string;
  readonly ended: Promise<{ code: number | null; stdout: string; stderr: string }>;
}

function start(): Start {
  const child = spawn(process.execPath, [join(root, 'src-main/tools/launch/launch.mjs'), 'web'], {
    env: { ...process.env, PATH: `${join(root, 'bin')}:${process.env['PATH'] ?? ''}` },
  });
  children.push(child);
  let [stdout, stderr] = ['', ''];
  child.stdout.on('data', (data: Buffer) => (stdout += data.toString()));
  child.stderr.on('data', (data: Buffer) => (stderr += data.toString()));
  return {
    child,
    errors: () => stderr,
    ended: new Promise((resolve) =>
      child.once('close', (code) => resolve({ code, stdout, stderr })),
    ),
  };
}

const done = (): string => {
  const file = join(root, 'done');
  return existsSync(file) ? readFileSync(file, 'utf8') : '';
};

describe('the first start of a checkout', () => {
  test('installs, builds and runs; the second only runs', async () => {
    expect(await start().ended).toMatchObject({ code: 0, stdout: 'the app\n' });
    expect(done()).toBe('install\ngenerate\nbuild\n');
    expect(await start().ended).toEqual({ code: 0, stdout: 'the app\n', stderr: '' });
    expect(done()).toBe('install\ngenerate\nbuild\n');
    expect(existsSync(join(root, 'out/.setup-lock'))).toBe(false);
  });

  test('two at once install and build once, and both run', async () => {
    writeFileSync(join(root, 'hold'), '');
    const first = start();
    await expect.poll(done).toBe('install\n');
    const second = start();
    await expect
      .poll(second.errors)
      .toBe('kijabi: waiting for another start that is installing or building\n');
    rmSync(join(root, 'hold'));
    expect(await first.ended).toMatchObject({ code: 0, stdout: 'the app\n' });
    expect(await second.ended).toMatchObject({ code: 0, stdout: 'the app\n' });
    expect(done()).toBe('install\ngenerate\nbuild\n');
  });

  test('one that was killed in the middle does not stop the next', async () => {
    writeFileSync(join(root, 'hold'), '');
    const first = start();
    await expect.poll(done).toBe('install\n');
    const killed = new Promise((resolve) => first.child.once('exit', resolve));
    first.child.kill('SIGKILL');
    await killed;
    rmSync(join(root, 'hold'));
    expect(await start().ended).toMatchObject({ code: 0, stdout: 'the app\n' });
    expect(done()).toBe('install\ninstall\ngenerate\nbuild\n');
  });

  test('a node_modules that is a link to others’ packages is left alone', async () => {
    cpSync(join(root, 'packages'), join(root, 'of-others'), { recursive: true });
    symlinkSync(join(root, 'of-others'), join(root, 'node_modules'));
    expect(await start().ended).toEqual({
      code: 1,
      stdout: '',
      stderr: `kijabi: node_modules is a link to ${join(root, 'of-others')}, which holds other packages than package-lock.json asks for: remove the link, and start again to install them here\n`,
    });
    expect(done()).toBe('');
  });
});
