import { readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { kubectlPlane } from '#tests/kubectl-plane';

const { work, run: runPlain } = kubectlPlane([
  'create cm settings --from-literal=color=red',
  'create deployment web --image=nginx',
]);

type Change = (content: string) => string;

/** Runs with an editor that makes these changes, one each time it is opened; what it was shown, too. */
async function run(line: string, changes: readonly Change[]) {
  const shown: string[] = [];
  const outcome = await runPlain(line, {
    env: { EDITOR: 'ed' },
    io: {
      runProgram: ([program, path = '']) => {
        if (program !== 'ed') return Promise.resolve(null);
        const content = readFileSync(path, 'utf8');
        const change = changes[shown.length] ?? ((same: string) => same);
        shown.push(content);
        writeFileSync(path, change(content));
        return Promise.resolve(0);
      },
    },
  });
  return { ...outcome, shown };
}

const files = () => readdirSync(work).filter((name) => name.startsWith('kubectl-edit-'));
const replace = (from: string, to: string) => (content: string) => content.replace(from, to);

test('a saved change is sent, and the file is gone', async () => {
  const { shown, ...outcome } = await run('edit cm settings', [
    replace('color: red', 'color: blue'),
  ]);
  expect(outcome).toEqual({ stdout: 'configmap/settings edited\n', stderr: '', code: 0 });
  expect(shown[0]).toMatch(
    /^# Please edit the object below\. Lines beginning with a '#' will be ignored,\n# and an empty file will abort the edit\. If an error occurs while saving this file will be\n# reopened with the relevant failures\.\n#\napiVersion: v1\ndata:\n {2}color: red\nkind: ConfigMap\n/,
  );
  expect(shown[0]).not.toContain('managedFields');
  expect(files()).toEqual([]);
});

test('nothing is sent when nothing was changed', async () => {
  const { stdout, stderr, code } = await run('edit cm settings', []);
  expect({ stdout, stderr, code }).toEqual({
    stdout: '',
    stderr: 'Edit cancelled, no changes made.\n',
    code: 0,
  });
  expect(files()).toEqual([]);
});

test('an invalid object is opened again with the reasons, and may be mended', async () => {
  const { shown, ...outcome } = await run('edit deploy web', [
    replace('replicas: 1', 'replicas: -1'),
    replace('replicas: -1', 'replicas: 3'),
  ]);
  expect(outcome).toEqual({
    stdout: 'deployment.apps/web edited\n',
    stderr: 'error: deployments.apps "web" is invalid\n',
    code: 0,
  });
  expect(shown[1]).toContain(
    '# deployments.apps "web" was not valid:\n# * spec.replicas: Invalid value: -1: must be greater than or equal to 0\n#\napiVersion: apps/v1\n',
  );
  expect(files()).toEqual([]);
});

test.each([
  {
    name: 'a new name',
    change: replace('name: settings', 'name: other'),
    stderr: 'error: At least one of apiVersion, kind and name was changed\n',
  },
  {
    name: 'no kind',
    change: replace('kind: ConfigMap', ''),
    first: 'error: configmaps "settings" is invalid\n',
    stderr: 'error: Edit cancelled, no valid changes were saved.\n',
  },
])('$name is refused and the file kept', async ({ change, first = '', stderr }) => {
  const outcome = await run('edit cm settings', [change]);
  const [kept = ''] = files();
  expect(outcome.code).toBe(1);
  expect(outcome.stderr).toBe(
    `${first}A copy of your changes has been stored to "${join(work, kept)}"\n${stderr}`,
  );
  for (const file of files()) rmSync(join(work, file));
});

test('several objects are edited as a list; those left alone are skipped', async () => {
  const { stdout, shown } = await run('edit cm/settings deploy/web', [
    replace('color: blue', 'color: green'),
  ]);
  expect(shown[0]).toContain('apiVersion: v1\nitems:\n- apiVersion: v1\n');
  expect(stdout).toBe('configmap/settings edited\ndeployment.apps/web skipped\n');
});

test('help', async () => {
  const { stdout, code } = await run('edit -h', []);
  expect(code).toBe(0);
  expect(stdout).toContain('Edit a resource on the server.\n');
  expect(stdout).toContain('Usage:\n  kubectl edit (RESOURCE/NAME | -f FILENAME) [options]\n');
});
