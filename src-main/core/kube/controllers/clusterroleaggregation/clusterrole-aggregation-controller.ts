import type { ClusterRole, PolicyRule } from '../../apis/index.ts';
import { type Result, WorkQueue } from '../../client/index.ts';
import { matchesSelector, objectKey, type ObjectKey } from '../../machinery/index.ts';
import { type Controller, type ControllerContext, mutableCopy } from '../shared/context.ts';
import { semanticJson, semanticEqual } from '../shared/hash.ts';
import { queueController } from '../shared/informer-queue.ts';

/**
 * Fills ClusterRoles that have an aggregation rule with the rules of those it selects.
 *
 * @see k8s.io/kubernetes/pkg/controller/clusterroleaggregation
 */
export function createClusterRoleAggregationController(context: ControllerContext): Controller {
  const { client, informers, clock } = context;
  const roles = informers.for('clusterroles.rbac.authorization.k8s.io');
  const queue = new WorkQueue<ObjectKey>(clock);

  async function reconcile(key: ObjectKey): Promise<Result> {
    const role = roles.get(key);
    if (!role?.aggregationRule) return {};
    const rules: PolicyRule[] = [];
    const seen = new Set<string>();
    for (const selector of role.aggregationRule.clusterRoleSelectors ?? []) {
      const selected = roles
        .list()
        .filter(
          (other) =>
            other.metadata.name !== key && matchesSelector(selector, other.metadata.labels),
        )
        .sort((a, b) => ((a.metadata.name ?? '') < (b.metadata.name ?? '') ? -1 : 1));
      for (const rule of selected.flatMap((other) => other.rules ?? [])) {
        const text = semanticJson(rule);
        if (seen.has(text)) continue;
        seen.add(text);
        rules.push(mutableCopy<PolicyRule>(rule));
      }
    }
    if (semanticEqual(role.rules ?? [], rules)) return {};
    const draft: Omit<ClusterRole, 'metadata'> & { metadata: { name: string } } = {
      apiVersion: 'rbac.authorization.k8s.io/v1',
      kind: 'ClusterRole',
      metadata: { name: key },
      rules,
    };
    await client
      .resource('clusterroles.rbac.authorization.k8s.io')
      .patch(undefined, key, 'apply', draft, {
        fieldManager: 'clusterrole-aggregation-controller',
        force: true,
      });
    return {};
  }

  return queueController(context, {
    name: 'clusterrole-aggregation-controller',
    queue,
    reconcile,
    handlers: (own) => {
      // Any role may be selected by any other.
      const all = (): void => {
        for (const role of roles.list())
          if (role.aggregationRule) queue.add(objectKey(role.metadata));
      };
      own(roles.addHandler({ onAdd: all, onUpdate: all, onDelete: all }));
    },
  });
}
