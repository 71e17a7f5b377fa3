import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { ConnectionError, type Transport } from '#core/kube';
import { kubectlPlane } from '#tests/kubectl-plane';

const { work, run } = kubectlPlane();

test('an object is created, shown, changed, described and deleted', async () => {
  const manifest =
    'apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: settings\ndata:\n  color: red\n';
  const steps = [
    ['apply -f -', manifest, 'configmap/settings created\n'],
    ['apply -f -', manifest, 'configmap/settings unchanged\n'],
    ['apply -f -', manifest.replace('red', 'blue'), 'configmap/settings configured\n'],
    ['get cm settings -o jsonpath={.data.color}', '', 'blue'],
    ['get cm settings -o name', '', 'configmap/settings\n'],
    ['label cm settings tier=web', '', 'configmap/settings labeled\n'],
    ['delete cm settings', '', 'configmap "settings" deleted from default namespace\n'],
  ] as const;
  for (const [line, stdin, stdout] of steps)
    expect(await run(line, { stdin })).toEqual({ stdout, stderr: '', code: 0 });
});

test.each([
  { line: 'get cm nope', stderr: 'Error from server (NotFound): configmaps "nope" not found\n' },
  { line: 'get nothing', stderr: 'error: the server doesn\'t have a resource type "nothing"\n' },
  {
    line: 'get cm --nope',
    stderr: "error: unknown flag: --nope\nSee 'kubectl get --help' for usage.\n",
  },
  {
    line: 'gett',
    stderr: 'error: unknown command "gett" for "kubectl"\n\nDid you mean this?\n\tset\n\tget\n',
  },
  {
    line: 'get cm --context=nope',
    stderr: 'Error in configuration: context was not found for specified context: nope\n',
  },
  { line: 'get cm --kubeconfig=/nope', stderr: 'error: stat /nope: no such file or directory\n' },
])("$line fails with upstream's words", async ({ line, stderr }) => {
  expect(await run(line)).toEqual({ stdout: '', stderr, code: 1 });
});

test('a refused connection is told five times by discovery and once by the command', async () => {
  const refused: Transport = {
    send: () =>
      Promise.reject(
        new ConnectionError('ECONNREFUSED', 'dial tcp 127.0.0.1:1: connect: connection refused'),
      ),
  };
  const { stderr, code } = await run('get pods --server=https://127.0.0.1:1', {
    connect: () => refused,
  });
  expect(code).toBe(1);
  const lines = stderr.trimEnd().split('\n');
  expect(lines).toHaveLength(6);
  expect(lines[0]).toContain(
    'memcache.go:265] "Unhandled Error" err="couldn\'t get current server API group list: Get \\"https://127.0.0.1:1/api?timeout=32s\\": dial tcp 127.0.0.1:1: connect: connection refused"',
  );
  expect(lines[5]).toBe(
    'The connection to the server 127.0.0.1:1 was refused - did you specify the right host or port?',
  );
});

test('contexts are kept in the file that holds them', async () => {
  const path = join(work, 'config');
  writeFileSync(path, 'apiVersion: v1\nkind: Config\n');
  const line = (text: string) => run(`${text} --kubeconfig=${path}`);
  expect((await line('config set-context dev --cluster=c --namespace=web')).stdout).toBe(
    'Context "dev" created.\n',
  );
  expect((await line('config use-context dev')).stdout).toBe('Switched to context "dev".\n');
  expect(readFileSync(path, 'utf8')).toContain('current-context: dev\n');
  expect((await line('config use-context nope')).stderr).toBe(
    'error: no context exists with the name: "nope"\n',
  );
});

test.each([
  ['--as-group=dev --as-group=ops', '', '[dev ops system:authenticated]'],
  ['--as-group=dev,ops', '', '[dev,ops system:authenticated]'],
  ['', 'as-groups: [one, "two,three"]', '[one two,three system:authenticated]'],
])('whoever acts as jane with %s%s is in these groups', async (flags, entry, groups) => {
  const line =
    `auth whoami --as=jane --as-user-extra=team=a --as-user-extra=team=b,c ${flags}`.trim();
  const kubeconfig = join(work, 'as.yaml');
  writeFileSync(
    kubeconfig,
    `clusters: [{name: c, cluster: {server: "https://x"}}]\nusers: [{name: u, user: {${entry}}}]\ncontexts: [{name: c, context: {cluster: c, user: u}}]\ncurrent-context: c\n`,
  );
  expect(await run(line, { env: { KUBECONFIG: kubeconfig } })).toEqual({
    stdout: `ATTRIBUTE     VALUE\nUsername      jane\nGroups        ${groups}\nExtra: team   [a b,c]\n`,
    stderr: '',
    code: 0,
  });
});

test.each([
  ['label', 'labeled', 'labels'],
  ['annotate', 'annotated', 'annotations'],
])('%s --local changes what a file holds, and sends nothing', async (verb, word, field) => {
  const stdin = 'apiVersion: v1\nkind: ConfigMap\nmetadata: {name: nowhere}\n';
  expect(await run(`${verb} --local -f - a=b`, { stdin })).toEqual({
    stdout: `configmap/nowhere ${word}\n`,
    stderr: '',
    code: 0,
  });
  const { stdout } = await run(`${verb} --local -f - a=b -o jsonpath={.metadata.${field}}`, {
    stdin,
  });
  expect(stdout).toBe('{"a":"b"}');
});

test('a dump of the cluster holds the objects of each namespace', async () => {
  const { stdout, code } = await run(
    'cluster-info dump --namespaces=default --output-directory=dump',
  );
  expect({ stdout, code }).toEqual({ stdout: 'Cluster info dumped to dump\n', code: 0 });
  const services = readFileSync(join(work, 'dump/default/services.json'), 'utf8');
  expect(JSON.parse(services)).toMatchObject({
    kind: 'ServiceList',
    items: [{ metadata: { name: 'kubernetes' } }],
  });
});

test('taints are added, replaced and removed; a dry run shows what would become of the node', async () => {
  const node = 'apiVersion: v1\nkind: Node\nmetadata: {name: worker}\n';
  expect(await run('create -f -', { stdin: node })).toMatchObject({ stderr: '', code: 0 });
  for (const [line, stdout] of [
    ['a=b:NoSchedule --dry-run=client', 'node/worker tainted\n'],
    ['a=b:NoSchedule --dry-run=client -o jsonpath={.spec.taints[0].value}', 'b'],
    ['a=b:NoSchedule', 'node/worker tainted\n'],
    ['a=c:NoSchedule --overwrite', 'node/worker modified\n'],
    ['d=:NoExecute a-', 'node/worker modified\n'],
    ['d:NoExecute-', 'node/worker untainted\n'],
  ] as const)
    expect(await run(`taint node worker ${line}`)).toEqual({ stdout, stderr: '', code: 0 });
});
