import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { kubectlPlane } from '#tests/kubectl-plane';

const { work: folder, run } = kubectlPlane();

const manifests = `apiVersion: apps/v1
kind: Deployment
metadata:
  name: web
spec:
  replicas: 1
  selector:
    matchLabels: {app: web}
  template:
    metadata:
      labels: {app: web}
    spec:
      containers:
      - name: c
        image: nginx:1.20
---
apiVersion: v1
kind: Service
metadata: {name: web}
spec:
  selector: {app: web}
  ports: [{port: 80}]
`;
const kustomization = `resources: [web.yaml]
namespace: dev
commonLabels: {team: a}
commonAnnotations: {note: x}
images:
- name: nginx
  newName: registry/nginx
  newTag: "1.27"
replicas:
- name: web
  count: 3
`;
// What kubectl v1.36.3 prints for these two files.
const built = `apiVersion: v1
kind: Service
metadata:
  annotations:
    note: x
  labels:
    team: a
  name: web
  namespace: dev
spec:
  ports:
  - port: 80
  selector:
    app: web
    team: a
---
apiVersion: apps/v1
kind: Deployment
metadata:
  annotations:
    note: x
  labels:
    team: a
  name: web
  namespace: dev
spec:
  replicas: 3
  selector:
    matchLabels:
      app: web
      team: a
  template:
    metadata:
      annotations:
        note: x
      labels:
        app: web
        team: a
    spec:
      containers:
      - image: registry/nginx:1.27
        name: c
`;

const warning = (field: string, instead: string) =>
  `# Warning: '${field}' is deprecated. Please use '${instead}' instead. Run 'kustomize edit fix' to update your Kustomization automatically.\n`;
const deprecated = warning('commonLabels', 'labels');

const write = (path: string, content: string) => {
  mkdirSync(join(folder, path, '..'), { recursive: true });
  writeFileSync(join(folder, path), content);
};
test('a kustomization is laid over its resources and printed in the order of kinds', async () => {
  write('app/web.yaml', manifests);
  write('app/kustomization.yaml', kustomization);
  expect(await run(['kustomize', 'app'])).toEqual({ stdout: built, stderr: deprecated, code: 0 });
});

test('-k sends what kustomize prints', async () => {
  write('pod/web.yaml', manifests);
  write('pod/kustomization.yaml', kustomization.replace('namespace: dev', 'namespace: default'));
  expect(await run(['apply', '-k', 'pod'])).toEqual({
    stdout: 'service/web created\ndeployment.apps/web created\n',
    stderr: deprecated,
    code: 0,
  });
});

// Recorded from kubectl v1.36.3, which the conformance rows of the same folders ask again.
const recorded = join(import.meta.dirname, '../../../conformance/kubectl-parity/files/kustomize');
test.each([
  ['labels', ''],
  ['prefixes/base', ''],
  ['prefixes/overlay', ''],
  ['generators/base', ''],
  ['generators/overlay', ''],
  ['patches', ''],
  [
    'legacy',
    warning('bases', 'resources') +
      warning('commonLabels', 'labels') +
      warning('imageTags', 'images') +
      warning('patchesJson6902', 'patches') +
      warning('patchesStrategicMerge', 'patches'),
  ],
  ['components/base', ''],
  ['components/prod', ''],
  ['images', ''],
  ['sorted', ''],
])('%s is built to the letter', async (path, stderr) => {
  const stdout = readFileSync(join(recorded, 'expected', `${path.replace('/', '-')}.yaml`), 'utf8');
  expect(await run(['kustomize', join(recorded, path)])).toEqual({ stdout, stderr, code: 0 });
});

const ofConfig = (config: string, message: string) =>
  `trouble configuring builtin PatchTransformer with config: \`\n${config}\`: ${message}`;
const object = 'apiVersion: v1\nkind: ConfigMap\nmetadata: {name: x}\n';
test.each([
  ['foo: 1', '', 'invalid Kustomization: json: unknown field "foo"'],
  [
    'configMapGenerator: [{name: x, literal: [a]}]',
    '',
    'invalid Kustomization: json: unknown field "literal"',
  ],
  [
    'images: [{name: nginx, newTag: 1.27}]',
    '',
    'invalid Kustomization: json: cannot unmarshal number into Go struct field Image.images.newTag of type string',
  ],
  [
    'resources: x.yaml',
    object,
    'invalid Kustomization: json: cannot unmarshal string into Go struct field Kustomization.resources of type []string',
  ],
  [
    'secretGenerator: [{name: x, literals: a=b}]',
    '',
    'invalid Kustomization: json: cannot unmarshal string into Go struct field SecretArgs.secretGenerator.GeneratorArgs.KvPairSources.literals of type []string',
  ],
  ['vars: []', '', 'the kustomization field "vars" is not supported by this kubectl'],
  ['', '', 'kustomization.yaml is empty'],
  [
    'resources: [nope.yaml]',
    '',
    "accumulating resources: accumulation err='accumulating resources from 'nope.yaml': evalsymlink failure on 'DIR/nope.yaml' : lstat DIR/nope.yaml: no such file or directory': must build at directory: not a valid directory: evalsymlink failure on 'DIR/nope.yaml' : lstat DIR/nope.yaml: no such file or directory",
  ],
  [
    'resources: [../bad]',
    '',
    "accumulating resources: accumulation err='accumulating resources from '../bad': 'DIR' must resolve to a file': cycle detected: candidate root 'DIR' contains visited root 'DIR'",
  ],
  [
    'resources: [x.yaml]',
    'foo: bar',
    "accumulating resources: accumulation err='accumulating resources from 'x.yaml': missing Resource metadata': must build at directory: 'DIR/x.yaml': file is not directory",
  ],
  [
    'components: [../app]',
    '',
    `accumulating components: accumulateDirectory: "expected kind 'Component' for path 'ROOT/app' but got 'Kustomization'"`,
  ],
  [
    'configMapGenerator: [{name: x, literals: [a]}]',
    '',
    'loading KV pairs: literal sources [a]: invalid literal source a, expected key=value',
  ],
  [
    'resources: [x.yaml]\npatches: [{path: nope.yaml}]',
    object,
    ofConfig(
      'path: nope.yaml\n',
      "failed to get the patch file from path(nope.yaml): evalsymlink failure on 'DIR/nope.yaml' : lstat DIR/nope.yaml: no such file or directory",
    ),
  ],
  [
    'resources: [x.yaml]\npatches: [{patch: "- op: add"}]',
    object,
    'must specify a target for JSON patch [patch: "- op: add"]',
  ],
  [
    `resources: [x.yaml]\npatches: [{target: {kind: ConfigMap}, patch: '[{"op": "replace", "path": "/data/a", "value": 1}]'}]`,
    object,
    'replace operation does not apply: doc is missing path: /data/a: missing value',
  ],
  [
    'resources: [x.yaml]\npatches: [{patch: "apiVersion: v1\\nkind: ConfigMap\\nmetadata: {name: y}"}]',
    object,
    'no resource matches strategic merge patch "ConfigMap.v1.[noGrp]/y.[noNs]": no matches for Id ConfigMap.v1.[noGrp]/y.[noNs]; failed to find unique target for patch ConfigMap.v1.[noGrp]/y.[noNs]',
  ],
  [
    'replicas: [{name: x, count: 3}]',
    '',
    'resource with name x does not match a config with the following GVK [Deployment.[noVer].[noGrp] StatefulSet.[noVer].[noGrp] ReplicaSet.[noVer].[noGrp] ReplicationController.[noVer].[noGrp]]',
  ],
])('%s is refused', async (source, resource, message) => {
  write('bad/kustomization.yaml', source);
  write('bad/x.yaml', resource);
  write('app/kustomization.yaml', 'resources: []');
  const { stderr, ...rest } = await run('kustomize bad');
  expect({
    ...rest,
    stderr: stderr.replaceAll(join(folder, 'bad'), 'DIR').replaceAll(folder, 'ROOT'),
  }).toEqual({
    stdout: '',
    stderr: `error: ${message}\n`,
    code: 1,
  });
});

test('apply -k sends a generated ConfigMap and the pod that names it', async () => {
  const result = await run(['apply', '-k', join(recorded, 'generators/base'), '--dry-run=client']);
  expect(result.stderr).toBe('');
  expect(result.stdout).toMatch(/^configmap\/settings-\w{10} created \(dry run\)$/m);
  expect(result.stdout).toContain('pod/p created (dry run)\n');
});

test('a build is written to a file, or to a file each in a folder', async () => {
  mkdirSync(join(folder, 'built'), { recursive: true });
  const source = join(recorded, 'components/prod');
  for (const output of ['all.yaml', 'built'])
    expect(await run(['kustomize', source, '-o', output])).toEqual({
      stdout: '',
      stderr: '',
      code: 0,
    });
  expect(readFileSync(join(folder, 'all.yaml'), 'utf8')).toBe(
    readFileSync(join(recorded, 'expected/components-prod.yaml'), 'utf8'),
  );
  expect(readdirSync(join(folder, 'built')).sort()).toEqual([
    'apps_v1_deployment_web-prod.yaml',
    'policy_v1_poddisruptionbudget_web-prod.yaml',
    'v1_configmap_ha-prod-5bd7gk56cd.yaml',
    'v1_service_web-prod.yaml',
  ]);
});

test('files outside are read only where the flag lets them', async () => {
  write('outside/x.yaml', object);
  write('inside/kustomization.yaml', 'resources: [../outside/x.yaml]');
  const refused = await run('kustomize inside');
  expect(refused.stderr).toContain(
    `security; file '${join(folder, 'outside/x.yaml')}' is not in or below '${join(folder, 'inside')}'`,
  );
  const { stdout } = await run('kustomize inside --load-restrictor=LoadRestrictionsNone');
  expect(stdout).toBe('apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: x\n');
});
