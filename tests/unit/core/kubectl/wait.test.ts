import { expect, test } from 'vitest';
import { kubectlPlane } from '#tests/kubectl-plane';

const { run } = kubectlPlane(['create cm settings --from-literal=color=red']);

test.each([
  { line: 'cm/settings --for=create', stdout: 'configmap/settings condition met\n' },
  {
    line: 'cm/settings --for=jsonpath={.data.color}=red',
    stdout: 'configmap/settings condition met\n',
  },
  { line: 'cm/nope --for=delete', stdout: '' },
])('wait $line is met', async ({ line, stdout }) => {
  expect(await run(`wait ${line}`)).toEqual({ stdout, stderr: '', code: 0 });
});

test.each([
  { line: 'cm/settings', stderr: 'error: unrecognized condition: []\n' },
  { line: 'cm/settings --for=soon', stderr: 'error: unrecognized condition: "soon"\n' },
  {
    line: 'cm/settings --for=condition=Ready --timeout=100ms',
    stderr: 'error: timed out waiting for the condition on configmaps/settings\n',
  },
  {
    line: 'cm/settings --for=delete --timeout=0',
    stderr: 'error: condition not met for configmaps/settings\n',
  },
  {
    line: 'cm/later --for=create --timeout=100ms',
    stderr: 'error: timed out waiting for the condition\n',
  },
  { line: 'cm -l a=b --for=condition=Ready', stderr: 'error: no matching resources found\n' },
  {
    line: 'cm/settings --for=jsonpath={.data}=red',
    stderr: 'error: jsonpath leads to a nested object or list which is not supported\n',
  },
])("wait $line fails with upstream's words", async ({ line, stderr }) => {
  expect(await run(`wait ${line}`)).toEqual({ stdout: '', stderr, code: 1 });
});

test('wait ends when the object changes or goes', async () => {
  const changed = run('wait cm/settings --for=jsonpath={.data.color}=blue');
  await run('patch cm settings -p {"data":{"color":"blue"}}');
  expect((await changed).stdout).toBe('configmap/settings condition met\n');
  const gone = run('wait cm/settings --for=delete');
  await run('delete cm settings');
  expect(await gone).toMatchObject({ stderr: '', code: 0 });
});

test('the help names the flags', async () => {
  const { stdout, code } = await run('wait -h');
  expect(code).toBe(0);
  expect(stdout).toContain('Wait for a specific condition on one or many resources.\n');
  expect(stdout).toContain('    --for=[]\n');
  expect(stdout).toContain("    --timeout='30s'\n");
});
