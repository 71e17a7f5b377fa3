import { jsonClone, jsonEqual } from '#core/base';
import type { KubeObject } from '../../machinery/index.ts';
import { at, mapsOf, textAt } from '../fields/index.ts';
import type { ServerState } from '../types.ts';
import { bootstrapPolicy } from './generated/bootstrap-policy.ts';
import { type PolicyRule, policyRulesOf, uncoveredRules } from './policy-rule.ts';
import { rbacGroup } from './rbac.ts';

const autoupdate = 'rbac.authorization.kubernetes.io/autoupdate';
const resourceOf: Readonly<Record<string, string>> = {
  ClusterRole: 'clusterroles',
  ClusterRoleBinding: 'clusterrolebindings',
  Role: 'roles',
  RoleBinding: 'rolebindings',
};

/** The rules every kubelet has, those of ClusterRole `system:node`. */
export function bootstrapNodeRules(): readonly PolicyRule[] {
  const role = bootstrapPolicy.find(
    (object) => textAt(object, 'metadata', 'name') === 'system:node',
  );
  return policyRulesOf(at(role, 'rules'));
}

/** The default roles and bindings, as a new cluster gets them: roles first. */
export function bootstrapPolicyObjects(): KubeObject[] {
  return bootstrapPolicy.map((object) => jsonClone(object) as KubeObject);
}

export interface PolicyWrite {
  readonly operation: 'create' | 'update';
  readonly resource: string;
  readonly object: KubeObject;
}

/**
 * What must be written to bring the default policy back: absent objects whole, objects with `autoupdate` not
 * switched off with the missing rules, subjects, labels and annotations added. Nothing is taken away.
 * A server does this at each start, before it serves.
 * @see k8s.io/component-helpers/auth/rbac/reconciliation; pkg/registry/rbac/rest/storage_rbac.go
 */
export function reconcileBootstrapPolicy(state: ServerState): PolicyWrite[] {
  const writes: PolicyWrite[] = [];
  for (const expected of bootstrapPolicyObjects()) {
    const resource = resourceOf[expected.kind] ?? '';
    const { name = '', namespace = '' } = expected.metadata;
    const current = state.get(rbacGroup, resource, namespace, name);
    if (!current) {
      writes.push({ operation: 'create', resource, object: expected });
      continue;
    }
    if (current.metadata.annotations?.[autoupdate] === 'false') continue;
    const merged = merge(jsonClone(current) as KubeObject, expected);
    if (!jsonEqual(merged, current)) writes.push({ operation: 'update', resource, object: merged });
  }
  return writes;
}

function merge(current: KubeObject, expected: KubeObject): KubeObject {
  current.metadata.labels = { ...expected.metadata.labels, ...current.metadata.labels };
  current.metadata.annotations = {
    ...expected.metadata.annotations,
    ...current.metadata.annotations,
  };
  if (expected['aggregationRule'] !== undefined) {
    const have = mapsOf(at(current, 'aggregationRule', 'clusterRoleSelectors'));
    const want = mapsOf(at(expected, 'aggregationRule', 'clusterRoleSelectors'));
    const missing = want.filter((selector) => !have.some((each) => jsonEqual(each, selector)));
    if (missing.length > 0)
      current['aggregationRule'] = { clusterRoleSelectors: [...have, ...missing] };
  } else if (expected.kind === 'Role' || expected.kind === 'ClusterRole') {
    const missing = uncoveredRules(
      policyRulesOf(current['rules']),
      policyRulesOf(expected['rules']),
    );
    if (missing.length > 0)
      current['rules'] = [
        ...mapsOf(current['rules']),
        ...mapsOf(expected['rules']).filter(
          (rule) =>
            uncoveredRules(policyRulesOf(current['rules']), policyRulesOf([rule])).length > 0,
        ),
      ];
  } else {
    const have = mapsOf(current['subjects']);
    const missing = mapsOf(expected['subjects']).filter(
      (subject) => !have.some((each) => jsonEqual(each, subject)),
    );
    if (missing.length > 0) current['subjects'] = [...have, ...missing];
  }
  return current;
}
