import type { DeepReadonly } from '#core/base';
import type { Affinity, NodeSelectorTerm, PodSpec, Toleration } from '../../apis/index.ts';
import { type NodeView, tolerates } from '../shared/nodes.ts';
import { mutableCopy } from '../shared/context.ts';

type Spec = DeepReadonly<PodSpec>;
type Term = DeepReadonly<NodeSelectorTerm>;

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

function matchesRequirement(
  value: string | undefined,
  operator: string,
  values: readonly string[],
): boolean {
  switch (operator) {
    case 'In':
      return value !== undefined && values.includes(value);
    case 'NotIn':
      return value === undefined || !values.includes(value);
    case 'Exists':
      return value !== undefined;
    case 'DoesNotExist':
      return value === undefined;
    case 'Gt':
      return value !== undefined && Number(value) > Number(values[0]);
    case 'Lt':
      return value !== undefined && Number(value) < Number(values[0]);
    default:
      return false;
  }
}

function matchesTerm(term: Term, node: NodeView): boolean {
  const { matchExpressions = [], matchFields = [] } = term;
  if (matchExpressions.length + matchFields.length === 0) return false;
  return (
    matchExpressions.every(({ key, operator, values }) =>
      matchesRequirement(node.metadata.labels?.[key], operator, values ?? []),
    ) &&
    matchFields.every(
      ({ key, operator, values }) =>
        key === 'metadata.name' && matchesRequirement(node.metadata.name, operator, values ?? []),
    )
  );
}

/** Whether node selector and required node affinity let a pod onto a node. */
export function matchesNodeAffinity(spec: Spec, node: NodeView): boolean {
  for (const [key, value] of Object.entries(spec.nodeSelector ?? {}))
    if (node.metadata.labels?.[key] !== value) return false;
  const required = spec.affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution;
  return !required || required.nodeSelectorTerms.some((term) => matchesTerm(term, node));
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
  if (!matchesNodeAffinity(spec, node)) return no;
  const tolerations = withDaemonTolerations(spec);
  const untolerated = (node.spec?.taints ?? []).filter(
    (taint) =>
      (taint.effect === 'NoExecute' || taint.effect === 'NoSchedule') &&
      !tolerations.some((toleration) => tolerates(toleration, taint)),
  );
  if (untolerated.length === 0) return { shouldRun: true, mayStay: true };
  return { shouldRun: false, mayStay: untolerated.every(({ effect }) => effect !== 'NoExecute') };
}
