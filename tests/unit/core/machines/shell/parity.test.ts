import { spawnSync } from 'node:child_process';
import { expect, test } from 'vitest';
import { bootedMachine } from '../machine/world.ts';
import { scripts } from './scripts.ts';

const environment = { PATH: '/usr/bin:/bin', HOME: '/root', LC_ALL: 'C.UTF-8' };

function real(shell: string, script: string) {
  return spawnSync(shell, ['-c', script], {
    encoding: 'utf8',
    cwd: '/',
    env: environment,
    timeout: 10_000,
    input: '',
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

test('what the environment holds under names that no variable can have goes on to children', async () => {
  const { run } = await bootedMachine();
  const env = { ...environment, 'data-1': 'value-1' };
  const got = await run(['sh', '-c', 'sh -c env'], { env, cwd: '/' });
  expect(got.stdout).toContain('data-1=value-1\n');
});
