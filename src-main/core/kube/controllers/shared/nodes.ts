import type { Node, NodeView, Taint, TaintView } from '../../apis/index.ts';
import type { KubeClient } from '../../client/index.ts';
import { formatTime, isReason } from '../../machinery/index.ts';
import { mutableCopy } from './context.ts';

export type { NodeView, TaintView } from '../../apis/index.ts';

export function nodeCondition(
  node: NodeView,
  type: string,
): NonNullable<NonNullable<NodeView['status']>['conditions']>[number] | undefined {
  return node.status?.conditions?.find((condition) => condition.type === type);
}

export function sameTaint(a: TaintView, b: TaintView): boolean {
  return a.key === b.key && a.effect === b.effect;
}

/**
 * Adds and removes taints of a node in one write.
 *
 * @returns the node as it is now; undefined when it is gone.
 * @see k8s.io/kubernetes/pkg/controller/controller_utils.go, AddOrUpdateTaintOnNode
 */
export async function changeTaints(
  client: KubeClient,
  name: string,
  add: readonly TaintView[],
  remove: readonly TaintView[],
  nowMs: number,
): Promise<NodeView | undefined> {
  const nodes = client.resource('nodes');
  for (let tries = 1; ; tries++) {
    try {
      const node = await nodes.get(undefined, name);
      const taints = node.spec?.taints ?? [];
      const missing = add.filter((taint) => !taints.some((other) => sameTaint(taint, other)));
      const kept = taints.filter((taint) => !remove.some((other) => sameTaint(taint, other)));
      if (missing.length === 0 && kept.length === taints.length) return node;
      const draft = mutableCopy<Node>(node);
      draft.spec = {
        ...draft.spec,
        taints: [
          ...missing.map((taint) => ({
            ...taint,
            ...(taint.effect === 'NoExecute' || taint.effect === 'NoSchedule'
              ? { timeAdded: formatTime(nowMs) }
              : {}),
          })),
          ...mutableCopy<Taint[]>(kept),
        ],
      };
      if (draft.spec.taints?.length === 0) delete draft.spec.taints;
      return await nodes.update(draft);
    } catch (error) {
      if (isReason(error, 'NotFound')) return undefined;
      if (!isReason(error, 'Conflict') || tries >= 5) throw error;
    }
  }
}

/** How events name a node: by its name, not its uid, as the kubelet's do. */
export function nodeReference(
  name: string,
  uid: string | undefined,
): {
  apiVersion: string;
  kind: string;
  name: string;
  uid: string;
} {
  return { apiVersion: 'v1', kind: 'Node', name, uid: uid ?? '' };
}
