import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { load } from 'js-yaml';
import type { Sources } from './sources.ts';

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

/** The default RBAC policy, from the test data of upstream's policy. @returns paths and texts of files. */
export function generateBootstrapPolicy({ kubernetes, version }: Sources): [string, string][] {
  const folder = join(kubernetes, 'plugin/pkg/auth/authorizer/rbac/bootstrappolicy/testdata');
  const objects = files.flatMap(
    (file) => (load(readFileSync(join(folder, `${file}.yaml`), 'utf8')) as List).items,
  );
  const text = [
    `// Written by src-main/tools/generate/bootstrap-policy.ts from Kubernetes ${version}. Do not edit.`,
    'export const bootstrapPolicy: readonly unknown[] = [',
    ...objects.map((object) => `  ${JSON.stringify(clean(object))},`),
    '];',
    '',
  ].join('\n');
  return [['src-main/core/kube/apiserver/authorization/generated/bootstrap-policy.ts', text]];
}
