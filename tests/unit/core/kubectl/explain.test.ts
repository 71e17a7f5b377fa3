import { expect, test } from 'vitest';
import { kubectlPlane } from '#tests/kubectl-plane';

const { run } = kubectlPlane();

test('explain shows a field, its type and its values', async () => {
  const { stdout, stderr, code } = await run('explain pods.spec.restartPolicy');
  expect({ stderr, code }).toEqual({ stderr: '', code: 0 });
  expect(stdout).toContain(
    'KIND:       Pod\nVERSION:    v1\n\nFIELD: restartPolicy <string>\nENUM:\n    Always\n    Never\n    OnFailure\n\nDESCRIPTION:\n    ',
  );
});

test('explain shows the fields of fields on lines of their own', async () => {
  const { stdout } = await run('explain deploy.spec.strategy --recursive');
  expect(stdout).toMatch(/^GROUP: {6}apps\nKIND: {7}Deployment\nVERSION: {4}v1\n\n/);
  expect(stdout).toContain(
    '  rollingUpdate\t<RollingUpdateDeployment>\n    maxSurge\t<IntOrString>\n',
  );
});

test.each([
  {
    line: '',
    stderr:
      'error: You must specify the type of resource to explain. Use "kubectl api-resources" for a complete list of supported resources.\n',
  },
  { line: ' nope', stderr: 'the server doesn\'t have a resource type "nope"\n' },
  { line: ' pods pods', stderr: 'error: We accept only this format: explain RESOURCE\n' },
  { line: ' pods.spec.nope', stderr: 'error: field "nope" does not exist\n' },
  {
    line: ' pods --api-version=nope/v1',
    stderr: 'error: couldn\'t find resource for "nope/v1, Resource=pods"\n',
  },
])("explain$line fails with upstream's words", async ({ line, stderr }) => {
  expect(await run(`explain${line}`)).toMatchObject({ stderr, code: 1 });
});

test('the help names the flags', async () => {
  const { stdout, code } = await run('explain -h');
  expect(code).toBe(0);
  expect(stdout).toContain('Get documentation for a resource.\n');
  expect(stdout).toContain('    -R, --recursive=false\n');
});
