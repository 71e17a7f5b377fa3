import { afterAll, beforeAll, expect, test } from 'vitest';
import { clusterSpec, startEngine, type TestEngine } from '#tests/lab';
import { createPki } from '#node/pki';

// Admission and conversion webhooks that run in the cluster: agnhost behind a Service. The tests share the cluster.
let lab: TestEngine;
let ca = '';

const run = async (command: string): Promise<string> => {
  const { stdout, stderr } = await lab.engine.run('test', 'controlplane', command, {
    timeoutMs: 60_000,
  });
  return (stdout + stderr).trim();
};
const apply = (manifest: string): Promise<string> =>
  run(`kubectl apply -f - <<'EOF'\n${manifest}\nEOF`);
const base64 = (text: string): string => Buffer.from(text).toString('base64');
const advance = (ms: number): Promise<unknown> => lab.engine.advance('test', ms);

interface Hook {
  readonly path?: string;
  readonly service?: string;
  readonly resource?: string;
  readonly operation?: string;
  readonly caBundle?: string;
  readonly more?: string;
}

const configuration = (kind: 'Validating' | 'Mutating', hook: Hook): string => `
apiVersion: admissionregistration.k8s.io/v1
kind: ${kind}WebhookConfiguration
metadata: {name: hook}
webhooks:
  - name: hook.example.com
    clientConfig:
      caBundle: ${hook.caBundle ?? base64(ca)}
      service: {namespace: hooks, name: ${hook.service ?? 'hook'}, path: ${hook.path ?? '/always-deny'}}
    rules: [{apiGroups: [""], apiVersions: [v1], operations: [${hook.operation ?? 'CREATE'}], resources: [${hook.resource ?? 'configmaps'}]}]
    namespaceSelector: {matchLabels: {hooked: "yes"}}
    sideEffects: None
    admissionReviewVersions: [v1]
    ${hook.more ?? 'timeoutSeconds: 3'}`;

async function withHook(
  kind: 'Validating' | 'Mutating',
  hook: Hook,
  commands: readonly string[],
): Promise<string[]> {
  await apply(configuration(kind, hook));
  const answers: string[] = [];
  for (const command of commands) answers.push(await run(command));
  await run(`kubectl delete ${kind.toLowerCase()}webhookconfiguration hook`);
  return answers;
}

const create = 'kubectl create configmap x -n hooked';
const failed = (why: string): string =>
  `error: failed to create configmap: Internal error occurred: failed calling webhook "hook.example.com": failed to call webhook: Post "https://hook.hooks.svc:443/always-deny?timeout=3s": ${why}`;

beforeAll(async () => {
  lab = await startEngine();
  await lab.engine.create(clusterSpec());
  const pki = await createPki();
  const validity = { notBeforeMs: Date.now() - 3_600_000, notAfterMs: Date.now() + 86_400_000 };
  const authority = await pki.generateKey();
  ca = await pki.issue({
    commonName: 'hooks-ca',
    subjectKey: authority.privateKey,
    isCa: true,
    keyUsages: ['digital signature', 'cert sign'],
    extendedKeyUsages: [],
    ...validity,
  });
  const key = await pki.generateKey();
  const certificate = await pki.issue({
    issuer: { certificate: ca, privateKey: authority.privateKey },
    commonName: 'hook',
    subjectKey: key.publicKey,
    dnsNames: ['hook.hooks.svc', 'convert.hooks.svc', 'empty.hooks.svc'],
    keyUsages: ['digital signature', 'key encipherment'],
    extendedKeyUsages: ['server auth'],
    ...validity,
  });
  const server = (name: string, command: string): string => `
apiVersion: apps/v1
kind: Deployment
metadata: {name: ${name}, namespace: hooks}
spec:
  selector: {matchLabels: {app: ${name}}}
  template:
    metadata: {labels: {app: ${name}}}
    spec:
      volumes: [{name: certs, secret: {secretName: certs}}]
      containers:
        - name: agnhost
          image: registry.k8s.io/e2e-test-images/agnhost:2.53
          args: [${command}, --tls-cert-file=/certs/tls.crt, --tls-private-key-file=/certs/tls.key, --port=8443, --sidecar-image=busybox]
          ports: [{name: hooks, containerPort: 8443}]
          readinessProbe: {httpGet: {scheme: HTTPS, port: hooks, path: /readyz}, periodSeconds: 1}
          volumeMounts: [{name: certs, mountPath: /certs}]
---
apiVersion: v1
kind: Service
metadata: {name: ${name}, namespace: hooks}
spec: {selector: {app: ${name}}, ports: [{port: 443, targetPort: hooks}]}
---`;
  await apply(`
apiVersion: v1
kind: Namespace
metadata: {name: hooks}
---
apiVersion: v1
kind: Namespace
metadata: {name: hooked, labels: {hooked: "yes"}}
---
apiVersion: v1
kind: Secret
type: kubernetes.io/tls
metadata: {name: certs, namespace: hooks}
data: {tls.crt: ${base64(certificate)}, tls.key: ${base64(key.privateKey)}}
---
apiVersion: v1
kind: Service
metadata: {name: empty, namespace: hooks}
spec: {selector: {app: none}, ports: [{port: 443}]}
---
apiVersion: v1
kind: Service
metadata: {name: other, namespace: hooks}
spec: {selector: {app: hook}, ports: [{port: 443, targetPort: hooks}]}
---${server('hook', 'webhook')}${server('convert', 'crd-conversion-webhook')}`);
  await advance(15_000);
}, 120_000);
afterAll(() => lab.stop());

test.each<[string, Hook, string]>([
  [
    'refuses',
    {},
    'error: failed to create configmap: admission webhook "hook.example.com" denied the request: this webhook denies all requests',
  ],
  [
    'is not there',
    { service: 'none' },
    failed('service "none" not found').replace('hook.hooks', 'none.hooks'),
  ],
  [
    'has a certificate for another name',
    { service: 'other' },
    failed(
      'tls: failed to verify certificate: x509: certificate is valid for hook.hooks.svc, convert.hooks.svc, empty.hooks.svc, not other.hooks.svc',
    ).replace('hook.hooks.svc:443', 'other.hooks.svc:443'),
  ],
  [
    'takes too long',
    { path: '/always-allow-delay-5s' },
    failed('context deadline exceeded').replace('always-deny', 'always-allow-delay-5s'),
  ],
  [
    'has no such path',
    { path: '/none' },
    'error: failed to create configmap: Internal error occurred: failed calling webhook "hook.example.com": failed to call webhook: the server could not find the requested resource',
  ],
  ['fails and may', { path: '/none', more: 'failurePolicy: Ignore' }, 'configmap/x created'],
])('a webhook that %s', { timeout: 60_000 }, async (_what, hook, told) => {
  const [answer] = await withHook('Validating', hook, [create]);
  expect(answer).toBe(told);
  await run('kubectl delete configmap x -n hooked --ignore-not-found');
});

test('a webhook whose Service has no endpoints, or that nobody vouches for', async () => {
  const [refused] = await withHook('Validating', { service: 'empty' }, [create]);
  const address = await run('kubectl get service empty -n hooks -o jsonpath={.spec.clusterIP}');
  expect(refused).toBe(
    failed(`dial tcp ${address}:443: connect: connection refused`).replace(
      'hook.hooks',
      'empty.hooks',
    ),
  );
  const other = await run('cat /etc/kubernetes/pki/ca.crt');
  const [unknown] = await withHook('Validating', { caBundle: base64(other) }, [create]);
  expect(unknown).toBe(
    failed('tls: failed to verify certificate: x509: certificate signed by unknown authority'),
  );
});

test('mutating webhooks change objects, and the kind fills in the rest', async () => {
  const [, , labels] = await withHook('Mutating', { path: '/add-label' }, [
    create,
    'kubectl create configmap y --dry-run=server -n hooked -o jsonpath={.metadata.labels}',
    'kubectl get configmap x -n hooked -o jsonpath={.metadata.labels}',
  ]);
  expect(labels).toBe('{"added-label":"yes"}');
  const [, sidecar] = await withHook(
    'Mutating',
    { path: '/mutating-pods-sidecar', resource: 'pods' },
    [
      'kubectl run web --image=nginx -n hooked',
      `kubectl get pod web -n hooked -o jsonpath='{.spec.containers[1].name} {.spec.containers[1].imagePullPolicy} {.spec.containers[1].terminationMessagePath} {.spec.containers[1].volumeMounts[0].mountPath}'`,
    ],
  );
  // The service account's volume comes to containers that were added later, too: the second round.
  expect(sidecar).toBe(
    'webhook-added-sidecar Always /dev/termination-log /var/run/secrets/kubernetes.io/serviceaccount',
  );
});

test('connecting is an operation, too', { timeout: 60_000 }, async () => {
  await run('kubectl run to-be-attached-pod --image=nginx -n hooked');
  await run('kubectl wait --for=condition=Ready pod/to-be-attached-pod -n hooked');
  const [answer] = await withHook(
    'Validating',
    { path: '/always-deny', resource: 'pods/exec', operation: 'CONNECT' },
    ['kubectl exec to-be-attached-pod -n hooked -- true'],
  );
  expect(answer).toBe(
    'Error from server: admission webhook "hook.example.com" denied the request: this webhook denies all requests',
  );
});

test('custom resources are converted by their webhook', { timeout: 60_000 }, async () => {
  const schema = (fields: string): string =>
    `schema: {openAPIV3Schema: {type: object, properties: {${fields}}}}`;
  await apply(`
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: tests.stable.example.com}
spec:
  group: stable.example.com
  scope: Namespaced
  names: {plural: tests, singular: test, kind: Test}
  versions:
    - {name: v1, served: true, storage: true, ${schema('hostPort: {type: string}')}}
    - {name: v2, served: true, storage: false, ${schema('host: {type: string}, port: {type: string}')}}
  conversion:
    strategy: Webhook
    webhook:
      conversionReviewVersions: [v1]
      clientConfig:
        caBundle: ${base64(ca)}
        service: {namespace: hooks, name: convert, path: /crdconvert}`);
  await advance(1000);
  expect(
    await apply(`
apiVersion: stable.example.com/v2
kind: Test
metadata: {name: t}
host: localhost
port: "8080"`),
  ).toBe('test.stable.example.com/t created');
  expect(await run('kubectl get tests.v1.stable.example.com t -o jsonpath={.hostPort}')).toBe(
    'localhost:8080',
  );
  expect(await run(`kubectl get tests.v2.stable.example.com t -o jsonpath='{.host} {.port}'`)).toBe(
    'localhost 8080',
  );
  await apply(`
apiVersion: stable.example.com/v1
kind: Test
metadata: {name: bad}
hostPort: nowhere`);
  expect(await run('kubectl get tests.v2.stable.example.com bad')).toBe(
    'Error from server: conversion webhook for stable.example.com/v1, Kind=Test failed: invalid hostPort value `nowhere`',
  );
  await run('kubectl scale deployment convert -n hooks --replicas=0');
  await advance(5000);
  const answer = await apply(`
apiVersion: stable.example.com/v2
kind: Test
metadata: {name: late}
host: a`);
  expect(answer).toMatch(
    /: conversion webhook for stable.example.com\/v2, Kind=Test failed: Post "https:\/\/convert.hooks.svc:443\/crdconvert\?timeout=30s": dial tcp \S+:443: connect: connection refused$/,
  );
});
