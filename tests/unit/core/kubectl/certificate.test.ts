import { expect, test } from 'vitest';
import { kubectlPlane } from '#tests/kubectl-plane';

const { run } = kubectlPlane();

test.each([
  {
    line: 'approve',
    stderr: 'error: one or more CSRs must be specified as <name> or -f <filename>\n',
  },
  {
    line: 'deny nope',
    stderr:
      'Error from server (NotFound): certificatesigningrequests.certificates.k8s.io "nope" not found\n',
  },
])("certificate $line fails with upstream's words", async ({ line, stderr }) => {
  expect(await run(`certificate ${line}`)).toEqual({ stdout: '', stderr, code: 1 });
});

test('the help names the flags', async () => {
  const { stdout, code } = await run('certificate approve -h');
  expect(code).toBe(0);
  expect(stdout).toContain('Approve a certificate signing request.\n');
  expect(stdout).toContain('    --force=false\n');
});
