import { expect, test } from 'vitest';
import { utf8 } from '#core/base';
import type { Transport } from '#core/kube';
import { kubectlPlane } from '#tests/kubectl-plane';

const { run: runPlain } = kubectlPlane();

const node = (name: string, cpu: string, memory: string) => ({
  metadata: { name },
  usage: { cpu, memory },
});
const pod = (namespace: string, name: string, ...containers: [string, string, string][]) => ({
  metadata: { namespace, name },
  containers: containers.map(([container, cpu, memory]) => ({
    name: container,
    usage: { cpu, memory },
  })),
});
const allocatable = { cpu: '4', memory: '8Gi' };
const web = pod('default', 'web', ['app', '1500001n', '20Mi'], ['side', '2m', '1536Ki']);
const answers: Readonly<Record<string, unknown>> = {
  '/apis': { groups: [{ name: 'metrics.k8s.io', versions: [{ version: 'v1beta1' }] }] },
  '/apis/metrics.k8s.io/v1beta1/nodes': {
    items: [node('node02', '400m', '1Gi'), node('node01', '123456789n', '2Gi')],
  },
  '/api/v1/nodes': {
    items: ['node01', 'node02', 'node03'].map((name) => ({
      metadata: { name },
      status: { allocatable },
    })),
  },
  '/apis/metrics.k8s.io/v1beta1/namespaces/default/pods': {
    items: [web, pod('default', 'db', ['pg', '10m', '300Mi'])],
  },
  '/apis/metrics.k8s.io/v1beta1/namespaces/default/pods/web': web,
  '/apis/metrics.k8s.io/v1beta1/pods': {
    items: [web, pod('aa', 'zz', ['c', '1m', '1Mi'])],
  },
};

const measured: Transport = {
  send: ({ url }) =>
    Promise.resolve({
      status: 200,
      headers: {},
      body: {
        kind: 'bytes',
        bytes: utf8(JSON.stringify(answers[url.split('?')[0] ?? ''] ?? { items: [] })),
      },
    }),
};

const run = (line: string, transport?: Transport) =>
  runPlain(line, transport ? { connect: () => transport } : {});

test.each([
  {
    line: 'top node',
    stdout:
      'NAME     CPU(cores)   CPU(%)      MEMORY(bytes)   MEMORY(%)   \nnode01   124m         3%          2048Mi          25%         \nnode02   400m         10%         1024Mi          12%         \nnode03   <unknown>    <unknown>   <unknown>       <unknown>   \n',
  },
  {
    line: 'top pod',
    stdout:
      'NAME   CPU(cores)   MEMORY(bytes)   \ndb     10m          300Mi           \nweb    4m           21Mi            \n',
  },
  {
    line: 'top pod web --containers',
    stdout:
      'POD   NAME   CPU(cores)   MEMORY(bytes)   \nweb   app    2m           20Mi            \nweb   side   2m           1Mi             \n',
  },
  {
    line: 'top po -A --no-headers',
    stdout: 'aa        zz    1m    1Mi    \ndefault   web   4m    21Mi   \n',
  },
  {
    line: 'top pod --sort-by=memory --sum',
    stdout:
      'NAME   CPU(cores)   MEMORY(bytes)   \ndb     10m          300Mi           \nweb    4m           21Mi            \n       ________     ________        \n       14m          321Mi           \n',
  },
])('$line', async ({ line, stdout }) => {
  expect(await run(line, measured)).toEqual({ stdout, stderr: '', code: 0 });
});

test.each([
  { line: 'top node', stderr: 'error: Metrics API not available\n' },
  { line: 'top pod', stderr: 'error: Metrics API not available\n' },
  { line: 'top node --sort-by=x', stderr: 'error: --sort-by accepts only cpu or memory\n' },
  {
    line: 'top pod a b',
    stderr: "error: pod [NAME | -l label]\nSee 'kubectl top pod -h' for help and examples\n",
  },
  { line: 'top pod a -l b=c', stderr: 'error: only one of NAME or selector can be provided\n' },
])('$line without a metrics server', async ({ line, stderr }) => {
  expect(await run(line)).toEqual({ stdout: '', stderr, code: 1 });
});

test('help', async () => {
  const { stdout, code } = await run('top pod -h', measured);
  expect(code).toBe(0);
  expect(stdout).toContain('Usage:\n  kubectl top pod [NAME | -l label] [options]\n');
});
