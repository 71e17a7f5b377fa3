import { spawnSync } from 'node:child_process';
import { BytePipe, readText, utf8 } from '#core/base';
import { expect, test } from 'vitest';
import { bootedMachine } from '../machine/world.ts';
import { scripts } from './scripts.ts';

const environment = { PATH: '/usr/bin:/bin', HOME: '/root', LC_ALL: 'C.UTF-8' };

function real(shell: string, script: string) {
  return spawnReal(shell, ['-c', script], '');
}

function spawnReal(shell: string, args: readonly string[], input: string) {
  return spawnSync(shell, args, {
    encoding: 'utf8',
    cwd: '/',
    env: environment,
    timeout: 10_000,
    input,
  });
}

const hasBash = real('bash', ':').status === 0;
if (!hasBash)
  console.error('NOT RUN: no bash on this computer, so the simulated one is compared with nothing');

test.runIf(hasBash)(
  'scripts end as they do in bash, with the same output',
  async () => {
    const { run } = await bootedMachine();
    const different: unknown[] = [];
    for (const script of scripts) {
      const want = real('bash', script);
      const got = await run(['bash', '-c', script], { env: environment, cwd: '/' });
      if (got.code !== want.status || got.stdout !== want.stdout)
        different.push({
          script,
          want: [want.status, want.stdout],
          got: [got.code, got.stdout, got.stderr],
        });
    }
    expect(different).toEqual([]);
  },
  120_000,
);

/** Scripts on standard input, and what they read of it themselves. */
const pipedScripts: readonly string[] = [
  'echo a\nread x\nfoo bar\necho "got $x"\n',
  'echo a\ncat\nthe rest\nis text\n',
  'if true\nthen\necho a\nfi\n',
  'cat <<EOF\na\n  b\nEOF\necho after\n',
  'x=1\ncat <<-EOF\n\ta\n\t\t$x \tb\n\n\t$x\n\tEOF\necho after\n',
  'echo one \\\ntwo\necho three\n',
  'echo "one\ntwo"\necho three',
  'f() {\n  echo $LINENO\n}\n\nf\necho $LINENO\n',
  'echo a\n)\necho b\n',
  'echo a\nif true; then\necho b\n',
  'echo a\nexit 3\necho b\n',
  'for i in 1 2; do cat; done\nx\n',
  'false\n\n# a comment\n',
  '(exit 4)\n',
  'echo $((1 << 2))\necho b\n',
];

test.runIf(hasBash)(
  'scripts on standard input are read command by command, as bash does',
  async () => {
    const { run } = await bootedMachine();
    const different: unknown[] = [];
    for (const stdin of pipedScripts) {
      const want = spawnReal('bash', [], stdin);
      const got = await run(['bash'], { env: environment, cwd: '/', stdin });
      if (got.code !== want.status || got.stdout !== want.stdout)
        different.push({
          stdin,
          want: [want.status, want.stdout],
          got: [got.code, got.stdout, got.stderr],
        });
    }
    expect(different).toEqual([]);
  },
  60_000,
);

test('a shell ends when it is told to, though its input stays open', async () => {
  const { machine, time } = await bootedMachine();
  const stdin = new BytePipe();
  const stdout = new BytePipe();
  const child = machine.spawn(['sh'], { stdin, stdout, stderr: new BytePipe() });
  void stdin.write(utf8('echo hi\nexit 5\n'));
  for (let index = 0; index < 5; index++) await time.advance(10);
  stdout.end();
  expect([await child.exit, await readText(stdout)]).toEqual([5, 'hi\n']);
});

test('what the environment holds under names that no variable can have goes on to children', async () => {
  const { run } = await bootedMachine();
  const env = { ...environment, 'data-1': 'value-1' };
  const got = await run(['sh', '-c', 'sh -c env'], { env, cwd: '/' });
  expect(got.stdout).toContain('data-1=value-1\n');
});
