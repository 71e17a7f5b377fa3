import type { LabelSelector } from '../machinery/index.ts';
import { matchesSelector } from '../client/index.ts';
import type { DeepReadonly } from '#core/base';
import type {
  Labels,
  NodeSelectorView,
  NodeView,
  PodView,
  TaintView,
  TolerationView,
} from './views.ts';

export type SelectorView = DeepReadonly<LabelSelector>;

type Requirement = NonNullable<
  NodeSelectorView['nodeSelectorTerms'][number]['matchExpressions']
>[number];

function integer(text: string | undefined): number | undefined {
  return text !== undefined && /^[+-]?\d+$/.test(text) ? Number(text) : undefined;
}

function meets({ key, operator, values = [] }: Requirement, labels: Labels): boolean {
  const value = labels[key];
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
    case 'Lt': {
      const has = integer(value);
      const bound = integer(values[0]);
      if (has === undefined || bound === undefined) return false;
      return operator === 'Gt' ? has > bound : has < bound;
    }
    default:
      return false;
  }
}

/** Whether a node satisfies one term; an empty term matches nothing. */
export function matchesTerm(
  { matchExpressions = [], matchFields = [] }: NodeSelectorView['nodeSelectorTerms'][number],
  labels: Labels,
  nodeName: string,
): boolean {
  if (matchExpressions.length === 0 && matchFields.length === 0) return false;
  return (
    matchExpressions.every((requirement) => meets(requirement, labels)) &&
    matchFields.every((requirement) => meets(requirement, { 'metadata.name': nodeName }))
  );
}

/** Whether a node satisfies one of the terms. @see component-helpers/scheduling/corev1/nodeaffinity */
export function matchesNodeSelector(
  selector: NodeSelectorView,
  labels: Labels,
  name = '',
): boolean {
  return selector.nodeSelectorTerms.some((term) => matchesTerm(term, labels, name));
}

/** Whether a node has all that `nodeSelector` and the required node affinity of a pod ask for. */
export function matchesRequiredNodeAffinity(pod: PodView, node: NodeView): boolean {
  const labels = node.metadata.labels ?? {};
  for (const [key, value] of Object.entries(pod.spec?.nodeSelector ?? {}))
    if (labels[key] !== value) return false;
  const required = pod.spec?.affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution;
  return !required || matchesNodeSelector(required, labels, node.metadata.name);
}

/** @see k8s.io/api/core/v1/toleration.go, ToleratesTaint */
export function tolerates(toleration: TolerationView, taint: TaintView): boolean {
  if (toleration.effect && toleration.effect !== taint.effect) return false;
  if (toleration.key && toleration.key !== taint.key) return false;
  switch (toleration.operator ?? '') {
    case '':
    case 'Equal':
      return (toleration.value ?? '') === (taint.value ?? '');
    case 'Exists':
      return true;
    default:
      return false;
  }
}

/** Whether some NoSchedule or NoExecute taint is not tolerated. */
export function hasUntoleratedTaint(
  pod: PodView,
  taints: readonly TaintView[] | undefined,
): boolean {
  return (taints ?? []).some(
    (taint) =>
      (taint.effect === 'NoSchedule' || taint.effect === 'NoExecute') &&
      !pod.spec?.tolerations?.some((toleration) => tolerates(toleration, taint)),
  );
}

/** An absent selector selects nothing, an empty one everything. */
export function selects(selector: SelectorView | undefined, labels: Labels): boolean {
  return selector !== undefined && matchesSelector(selector, labels);
}
