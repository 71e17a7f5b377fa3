import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { kubectlPlane } from '#tests/kubectl-plane';

const { run, work } = kubectlPlane();
const inFolder = (line: string) => run(line, { env: { KUBECONFIG: 'own/config' } });

test('a configuration may be named from the working directory', async () => {
  expect(await inFolder('config set-context dev --cluster=c --user=u --namespace=team')).toEqual({
    stdout: 'Context "dev" created.\n',
    stderr: '',
    code: 0,
  });
  expect(readFileSync(join(work, 'own/config'), 'utf8')).toContain('namespace: team');
  expect((await inFolder('config get-contexts -o name')).stdout).toBe('dev\n');
  expect((await inFolder('config use-context dev')).stdout).toBe('Switched to context "dev".\n');
  expect((await inFolder('config current-context')).stdout).toBe('dev\n');
  expect((await inFolder('config delete-context dev')).stdout).toBe(
    'deleted context dev from own/config\n',
  );
});

test('a kustomization may be where kubectl stands', async () => {
  mkdirSync(join(work, 'base'));
  writeFileSync(join(work, 'base/kustomization.yaml'), 'resources: [cm.yaml]\nnamePrefix: p-\n');
  writeFileSync(
    join(work, 'base/cm.yaml'),
    'apiVersion: v1\nkind: ConfigMap\nmetadata: {name: c}\ndata: {a: "1"}\n',
  );
  for (const folder of ['.', './', '../base/.'])
    expect(await run(['kustomize', folder], { cwd: join(work, 'base') })).toEqual({
      stdout: 'apiVersion: v1\ndata:\n  a: "1"\nkind: ConfigMap\nmetadata:\n  name: p-c\n',
      stderr: '',
      code: 0,
    });
});

test.each([
  [
    'config set-cluster c --certificate-authority=x --insecure-skip-tls-verify=true',
    'you cannot specify a certificate authority and insecure mode at the same time',
  ],
  [
    'config set-credentials u --token=a --username=b',
    'you cannot specify more than one authentication method at the same time: --token, --username/--password',
  ],
  ['config set nothing x', 'unable to parse nothing after [] at api.Config'],
  [
    'config set clusters.c.insecure-skip-tls-verify maybe',
    'strconv.ParseBool: parsing "maybe": invalid syntax',
  ],
  ['version extra', 'extra arguments: [extra]'],
  ['api-resources --sort-by=odd', '--sort-by accepts only name or kind'],
])('%s is refused', async (line, message) => {
  expect(await run(line)).toEqual({ stdout: '', stderr: `error: ${message}\n`, code: 1 });
});
