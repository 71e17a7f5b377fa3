import { spawnSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { beforeAll, expect, test } from 'vitest';
import { kubectlPlane } from '#tests/kubectl-plane';

const { work, run: runPlain } = kubectlPlane(['create secret generic keys --from-literal=a=b']);
const configMap =
  'apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: settings\ndata:\n  color: red\n';
beforeAll(async () => {
  await run('apply -f -', configMap);
});

/** Runs with this computer's own diff; what it printed counts as kubectl's output. */
async function run(line: string, stdin: string, programs: readonly string[] = ['diff']) {
  let printed = '';
  const outcome = await runPlain(line, {
    stdin,
    io: {
      runProgram: ([program = '', ...args]) => {
        if (!programs.includes(program)) return Promise.resolve(null);
        const { stdout, status } = spawnSync(program, args, { encoding: 'utf8' });
        printed += stdout;
        return Promise.resolve(status);
      },
    },
  });
  const stdout = `${outcome.stdout}${printed}`
    .replaceAll(work, '')
    .replace(/(LIVE|MERGED)-\d+/g, '$1-N')
    .replace(/\t\d{4}-.*/g, '\tTIME');
  return { ...outcome, stdout };
}

test('no difference', async () => {
  expect(await run('diff -f -', configMap)).toEqual({ stdout: '', stderr: '', code: 0 });
  expect(readdirSync(work)).toEqual([]);
});

test('a difference is shown as diff shows it, and ends with 1', async () => {
  const { stdout, stderr, code } = await run('diff -f -', configMap.replace('red', 'blue'));
  expect({ stderr, code }).toEqual({ stderr: '', code: 1 });
  expect(stdout).toContain(
    'diff -u -N /LIVE-N/v1.ConfigMap.default.settings /MERGED-N/v1.ConfigMap.default.settings\n--- /LIVE-N/v1.ConfigMap.default.settings\tTIME\n+++ /MERGED-N/v1.ConfigMap.default.settings\tTIME\n@@ -1,6 +1,6 @@\n apiVersion: v1\n data:\n-  color: red\n+  color: blue\n kind: ConfigMap\n',
  );
  expect(readdirSync(work)).toEqual([]);
  expect((await run('get cm settings -o jsonpath={.data.color}', '')).stdout).toBe('red');
});

test('an object that is not there yet is all new', async () => {
  const { stdout, code } = await run('diff -f -', configMap.replace('settings', 'fresh'));
  expect(code).toBe(1);
  expect(stdout).toContain('@@ -0,0 +1,9 @@\n+apiVersion: v1\n+data:\n+  color: red\n');
});

test('values of secrets are not shown', async () => {
  const secret =
    'apiVersion: v1\nkind: Secret\nmetadata:\n  name: keys\ndata:\n  a: Yw==\n  d: eA==\n';
  const { stdout } = await run('diff -f -', secret);
  expect(stdout).toContain("-  a: '*** (before)'\n+  a: '*** (after)'\n+  d: '***'\n");
});

test.each([
  { line: 'diff', stderr: 'error: must specify one of -f and -k\n' },
  {
    line: 'diff a -f x',
    stderr: "error: Unexpected args: [a]\nSee 'kubectl diff -h' for help and examples\n",
  },
  {
    line: 'diff --nope',
    stderr: "error: unknown flag: --nope\nSee 'kubectl diff -h' for help and examples\n",
  },
  { line: 'diff -f nope.yaml', stderr: 'error: the path "nope.yaml" does not exist\n' },
  {
    line: 'diff -f x --force-conflicts',
    stderr: 'error: --force-conflicts only works with --server-side\n',
  },
])('$line ends with 2', async ({ line, stderr }) => {
  expect(await run(line, '')).toEqual({ stdout: '', stderr, code: 2 });
});

test('without a diff program nothing can be compared', async () => {
  const { stderr, code } = await run('diff -f -', configMap, []);
  expect(code).toBe(2);
  expect(stderr).toBe('error: failed to run "diff": executable file not found in $PATH\n');
});

test('help', async () => {
  const { stdout, code } = await run('diff -h', '');
  expect(code).toBe(0);
  expect(stdout).toContain('Usage:\n  kubectl diff -f FILENAME [options]\n');
});
