import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type ControlPlane, startControlPlane } from '#tests/control-plane';
import { kubectl } from '#tests/kubectl';

let plane: ControlPlane;
beforeAll(async () => {
  plane = await startControlPlane({ controllers: false });
});
afterAll(async () => {
  await plane.stop();
});

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

const folder = mkdtempSync(join(tmpdir(), 'kijabi-kustomize-'));
afterAll(() => rmSync(folder, { recursive: true }));

const write = (path: string, content: string) => {
  mkdirSync(join(folder, path, '..'), { recursive: true });
  writeFileSync(join(folder, path), content);
};
const run = (...argv: string[]) =>
  kubectl(argv, {
    cwd: folder,
    env: { HOME: '/none', KUBECONFIG: plane.kubeconfig },
    connect: () => plane.admin,
  });

test('a kustomization is laid over its resources and printed in the order of kinds', async () => {
  write('app/web.yaml', manifests);
  write('app/kustomization.yaml', kustomization);
  expect(await run('kustomize', 'app')).toEqual({ stdout: built, stderr: '', code: 0 });
});

test('-k sends what kustomize prints', async () => {
  write('pod/web.yaml', manifests);
  write('pod/kustomization.yaml', kustomization.replace('namespace: dev', 'namespace: default'));
  expect(await run('apply', '-k', 'pod')).toEqual({
    stdout: 'service/web created\ndeployment.apps/web created\n',
    stderr: '',
    code: 0,
  });
});

test.each([
  ['foo: 1', 'invalid Kustomization: json: unknown field "foo"'],
  ['namePrefix: a-', 'the kustomization field "namePrefix" is not supported by this kubectl'],
])('%s is refused', async (source, message) => {
  write('bad/kustomization.yaml', source);
  expect(await run('kustomize', 'bad')).toEqual({
    stdout: '',
    stderr: `error: ${message}\n`,
    code: 1,
  });
});
