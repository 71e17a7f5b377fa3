import type { DeepReadonly } from '#core/base';
import type { Affinity, PodSpec, Toleration } from '../../apis/index.ts';
import { matchesRequiredNodeAffinity, untoleratedTaint } from '../../machinery/index.ts';
import type { NodeView } from '../shared/nodes.ts';
import { mutableCopy } from '../shared/context.ts';

type Spec = DeepReadonly<PodSpec>;

/** Tolerations every daemon pod has: it runs where others would be sent away. */
const daemonTolerations: readonly Toleration[] = [
  { key: 'node.kubernetes.io/not-ready', operator: 'Exists', effect: 'NoExecute' },
  { key: 'node.kubernetes.io/unreachable', operator: 'Exists', effect: 'NoExecute' },
  { key: 'node.kubernetes.io/disk-pressure', operator: 'Exists', effect: 'NoSchedule' },
  { key: 'node.kubernetes.io/memory-pressure', operator: 'Exists', effect: 'NoSchedule' },
  { key: 'node.kubernetes.io/pid-pressure', operator: 'Exists', effect: 'NoSchedule' },
  { key: 'node.kubernetes.io/unschedulable', operator: 'Exists', effect: 'NoSchedule' },
];
const hostNetworkToleration: Toleration = {
  key: 'node.kubernetes.io/network-unavailable',
  operator: 'Exists',
  effect: 'NoSchedule',
};

export function withDaemonTolerations(spec: Spec): Toleration[] {
  const added = spec.hostNetwork
    ? [...daemonTolerations, hostNetworkToleration]
    : daemonTolerations;
  const own = mutableCopy<Toleration[]>(spec.tolerations ?? []);
  for (const toleration of added) {
    const at = own.findIndex(
      ({ key, operator, effect, value }) =>
        key === toleration.key &&
        (operator ?? 'Equal') === toleration.operator &&
        effect === toleration.effect &&
        (value ?? '') === '',
    );
    if (at < 0) own.push({ ...toleration });
    else own[at] = { ...toleration };
  }
  return own;
}

/** The affinity that binds a daemon pod to one node, in place of any other required terms. */
export function boundToNode(affinity: DeepReadonly<Affinity> | undefined, name: string): Affinity {
  const draft = mutableCopy<Affinity>(affinity ?? {});
  return {
    ...draft,
    nodeAffinity: {
      ...draft.nodeAffinity,
      requiredDuringSchedulingIgnoredDuringExecution: {
        nodeSelectorTerms: [
          { matchFields: [{ key: 'metadata.name', operator: 'In', values: [name] }] },
        ],
      },
    },
  };
}

/** The node a pending daemon pod is meant for. */
export function intendedNode(spec: Spec | undefined): string {
  if (spec?.nodeName) return spec.nodeName;
  const terms =
    spec?.affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution
      ?.nodeSelectorTerms ?? [];
  for (const term of terms)
    for (const { key, operator, values } of term.matchFields ?? [])
      if (key === 'metadata.name' && operator === 'In' && values?.length === 1)
        return values[0] ?? '';
  return '';
}

/**
 * Whether a daemon pod should run on a node, and whether one that does may stay.
 *
 * @see k8s.io/kubernetes/pkg/controller/daemon/daemon_controller.go, NodeShouldRunDaemonPod
 */
export function eligibility(
  spec: Spec | undefined,
  node: NodeView,
): { readonly shouldRun: boolean; readonly mayStay: boolean } {
  const no = { shouldRun: false, mayStay: false };
  if (!spec) return no;
  if (spec.nodeName && spec.nodeName !== node.metadata.name) return no;
  if (!matchesRequiredNodeAffinity(spec, node.metadata)) return no;
  const tolerations = withDaemonTolerations(spec);
  const isFree = (...effects: string[]): boolean =>
    untoleratedTaint(node.spec?.taints, tolerations, effects) === undefined;
  return { shouldRun: isFree('NoExecute', 'NoSchedule'), mayStay: isFree('NoExecute') };
}
