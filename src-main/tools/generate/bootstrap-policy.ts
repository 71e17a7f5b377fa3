/**
 * Writes the default RBAC policy from the test data of a Kubernetes source tree:
 *
 *     node src-main/tools/generate/bootstrap-policy.ts [KUBERNETES_SOURCE]
 *
 * KUBERNETES_SOURCE defaults to the Go module cache's k8s.io/kubernetes of the served version.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { load } from 'js-yaml';

const source = process.argv[2] ?? join(homedir(), 'go/pkg/mod/k8s.io/kubernetes@v1.36.3');
const folder = join(source, 'plugin/pkg/auth/authorizer/rbac/bootstrappolicy/testdata');
const files = [
  'cluster-roles',
  'controller-roles',
  'cluster-role-bindings',
  'controller-role-bindings',
  'namespace-roles',
  'namespace-role-bindings',
];

interface List {
  items: Record<string, unknown>[];
}

function clean(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(clean);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .filter(([name, item]) => name !== 'creationTimestamp' || item !== null)
      .map(([name, item]) => [name, clean(item)]),
  );
}

const objects = files.flatMap(
  (file) => (load(readFileSync(join(folder, `${file}.yaml`), 'utf8')) as List).items,
);
const target = new URL(
  '../../core/kube/apiserver/authorization/generated/bootstrap-policy.ts',
  import.meta.url,
);
writeFileSync(
  target,
  [
    '// Written by src-main/tools/generate/bootstrap-policy.ts from Kubernetes v1.36.3. Do not edit.',
    'export const bootstrapPolicy: readonly unknown[] = [',
    ...objects.map((object) => `  ${JSON.stringify(clean(object))},`),
    '];',
    '',
  ].join('\n'),
);
