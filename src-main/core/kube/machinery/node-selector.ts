import {
  type Labels,
  meetsOperator,
  meetsRequirement,
  type SelectorRequirement,
} from './label-requirement.ts';
import { hasLabels } from './label-selector.ts';

/** What a node selector looks at: labels, and the name as the field `metadata.name`. */
export interface NodeIdentity {
  readonly name?: string | undefined;
  readonly labels?: Labels | undefined;
}

/** A `v1.NodeSelectorTerm`. */
export interface NodeTerm {
  readonly matchExpressions?: readonly SelectorRequirement[] | undefined;
  readonly matchFields?: readonly SelectorRequirement[] | undefined;
}

/** The parts of a pod's spec that bind it to nodes by their labels and names. */
export interface NodeRequirements {
  readonly nodeSelector?: Labels | undefined;
  readonly affinity?:
    | {
        readonly nodeAffinity?:
          | {
              readonly requiredDuringSchedulingIgnoredDuringExecution?:
                { readonly nodeSelectorTerms: readonly NodeTerm[] } | undefined;
            }
          | undefined;
      }
    | undefined;
}

function meetsField(
  { key, operator, values = [] }: SelectorRequirement,
  { name = '' }: NodeIdentity,
): boolean {
  if ((operator !== 'In' && operator !== 'NotIn') || values.length !== 1) return false;
  // A node without a name (a volume asks of labels alone) has no fields to fail.
  return name === '' || meetsOperator(key === 'metadata.name' ? name : '', operator, values);
}

/**
 * Whether a node satisfies one term; an empty term, and one upstream could not parse, match nothing.
 *
 * @see k8s.io/component-helpers/scheduling/corev1/nodeaffinity/nodeaffinity.go
 */
export function matchesNodeTerm(
  { matchExpressions = [], matchFields = [] }: NodeTerm,
  node: NodeIdentity,
): boolean {
  return (
    matchExpressions.length + matchFields.length > 0 &&
    matchExpressions.every((requirement) => meetsRequirement(requirement, node.labels)) &&
    matchFields.every((requirement) => meetsField(requirement, node))
  );
}

/** Whether a node satisfies one of the terms of a `v1.NodeSelector`. */
export function matchesNodeSelector(
  selector: { readonly nodeSelectorTerms: readonly NodeTerm[] },
  node: NodeIdentity,
): boolean {
  return selector.nodeSelectorTerms.some((term) => matchesNodeTerm(term, node));
}

/**
 * Whether a node has all that `nodeSelector` and the required node affinity of a pod ask for.
 *
 * @see k8s.io/component-helpers/scheduling/corev1/nodeaffinity/nodeaffinity.go, GetRequiredNodeAffinity
 */
export function matchesRequiredNodeAffinity(
  spec: NodeRequirements | undefined,
  node: NodeIdentity,
): boolean {
  const required = spec?.affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution;
  return (
    hasLabels(spec?.nodeSelector ?? {}, node.labels) &&
    (!required || matchesNodeSelector(required, node))
  );
}
