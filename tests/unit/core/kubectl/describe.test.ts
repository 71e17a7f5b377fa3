import { join } from 'node:path';
import { expect, test } from 'vitest';
import { kubectlPlane } from '#tests/kubectl-plane';

const files = join(import.meta.dirname, '../../../conformance/kubectl-parity/files');
const { run } = kubectlPlane([
  `apply -f ${files}/csr.yaml`,
  `apply -f ${files}/hpa.yaml`,
  'create ns bounded',
  'create sa default',
]);
const described = async (line: string) => {
  const { stdout, stderr } = await run(line);
  expect(stderr).toBe('');
  return stdout.replace(/CreationTimestamp: .*/, 'CreationTimestamp:').replace(/ +$/gm, '');
};

test('a signing request is described with what its subject asks for', async () => {
  expect(await described('describe csr parity-csr')).toMatch(
    /\nCreationTimestamp:\nRequesting User: +.*\nSigner: +kubernetes\.io\/kube-apiserver-client\nRequested Duration: +24h\nStatus: +Pending\nSubject:\n +Common Name: +jane\n +Serial Number:\n +Organization: +dev\n +ops\n +Country: +KR\n +Locality: +Seoul\nSubject Alternative Names:\n +DNS Names: +a\.example\n +b\.example\n +Email Addresses: +a@b\.c\n +URIs: +https:\/\/x\/y\n +IP Addresses: +10\.0\.0\.1\n +::1\n +2001:db8::1:0:0:5\nEvents: +<none>\n$/,
  );
});

test('an autoscaler is described with every kind of metric and its behaviour', async () => {
  const shown = (await described('describe hpa full')).replace(/:  +/g, ': ');
  for (const line of [
    '  resource cpu on pods  (as a percentage of request): <unknown> / 50%',
    '  resource cpu of container "c" on pods: <unknown> / 5m',
    '  "rps" on pods: <unknown> / 1k',
    '  "rps" on Ingress/i (target average value): <unknown> / 2k',
    '  "q" (target value): <unknown> / 30',
    '  Scale Down:\n    Select Policy: Min\n    Policies:\n      - Type: Percent  Value: 10  Period: 60 seconds',
  ])
    expect(shown).toContain(`${line}\n`);
});

test.each([
  ['describe limitrange cap -n bounded', ''],
  ['describe ns bounded', ' '],
])('%s has one table of limits', async (line, indent) => {
  await run('apply -f -', {
    stdin:
      'apiVersion: v1\nkind: LimitRange\nmetadata: {name: cap, namespace: bounded}\nspec: {limits: [{type: Container, max: {cpu: "2"}, default: {cpu: "1"}, defaultRequest: {cpu: 500m}}]}\n',
  });
  expect(await described(line)).toMatch(
    new RegExp(
      `${indent}Type +Resource +Min +Max +Default Request +Default Limit +Max Limit/Request Ratio\n${indent}---- +-------- +--- +--- +--------------- +------------- +-----------------------\n${indent}Container +cpu +- +2 +500m +1 +-\n`,
    ),
  );
});

test('volumes stand deeper in a pod than in a template', async () => {
  const spec =
    '{containers: [{name: c, image: nginx}], volumes: [{name: v, emptyDir: {}}, {name: m, configMap: {name: x}}]}';
  await run('apply -f -', {
    stdin: `apiVersion: v1\nkind: Pod\nmetadata: {name: p}\nspec: ${spec}\n---\napiVersion: apps/v1\nkind: Deployment\nmetadata: {name: d}\nspec: {selector: {matchLabels: {a: b}}, template: {metadata: {labels: {a: b}}, spec: ${spec}}}\n`,
  });
  expect(await described('describe pod p')).toMatch(
    /\nVolumes:\n {2}v:\n {4}Type: +EmptyDir .*\n {4}Medium:\n {4}SizeLimit: +<unset>\n {2}m:\n {4}Type: +ConfigMap/,
  );
  expect(await described('describe deploy d')).toMatch(
    /\n {2}Volumes:\n {3}v:\n {4}Type: +EmptyDir .*\n {4}Medium:\n {4}SizeLimit: +<unset>\n {3}m:\n {4}Type: +ConfigMap/,
  );
});
