import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { startControlPlane, type ControlPlane } from '#tests/control-plane';
import { kubectl } from '#tests/kubectl';

let plane: ControlPlane;
const work = mkdtempSync(join(tmpdir(), 'kijabi-kubectl-certificate-'));
const run = (line: string) =>
  kubectl(line.split(' '), {
    env: { HOME: work, KUBECONFIG: plane.kubeconfig },
    cwd: work,
    connect: () => plane.admin,
  });
beforeAll(async () => {
  plane = await startControlPlane({ controllers: false });
});
afterAll(async () => {
  await plane.stop();
  rmSync(work, { recursive: true, force: true });
});

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
