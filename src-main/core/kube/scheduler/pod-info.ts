import { selects, type SelectorView } from './selectors.ts';
import { nonZeroRequests, podRequests, type Amounts } from './resources.ts';
import { type Labels, labelsOf, namespaceOf, type PodView, priorityOf, uidOf } from './views.ts';
import type { DeepReadonly } from '#core/base';
import type { PodAffinityTerm } from '../apis/index.ts';

/** One term of pod affinity, ready to be matched. */
export interface AffinityTerm {
  readonly namespaces: ReadonlySet<string>;
  readonly namespaceSelector: SelectorView | undefined;
  readonly selector: SelectorView | undefined;
  readonly topologyKey: string;
  /** Of a preferred term. */
  readonly weight: number;
}

/**
 * What the spreading and affinity plugins see of a pod. Pods made from one template share it, so that those
 * plugins count shapes and not pods: a thousand replicas cost as much as one.
 */
export interface PodShape {
  readonly key: string;
  readonly namespace: string;
  readonly labels: Labels;
  readonly requiredAffinity: readonly AffinityTerm[];
  readonly requiredAntiAffinity: readonly AffinityTerm[];
  readonly preferredAffinity: readonly AffinityTerm[];
  readonly preferredAntiAffinity: readonly AffinityTerm[];
}

export interface HostPort {
  readonly protocol: string;
  readonly ip: string;
  readonly port: number;
}

/** A pod with all that is worked out once. */
export interface PodInfo {
  readonly pod: PodView;
  readonly uid: string;
  readonly priority: number;
  readonly requests: Amounts;
  /** Requests with upstream's defaults for containers that ask for nothing. */
  readonly nonZero: Amounts;
  readonly hostPorts: readonly HostPort[];
  readonly shape: PodShape;
  /** Names of the claims the pod mounts. */
  readonly claims: readonly string[];
}

/** Whether a pod of `namespace` with `labels` satisfies a term; `namespaceLabels` as far as known. */
export function termMatches(
  term: AffinityTerm,
  pod: { readonly namespace: string; readonly labels: Labels },
  namespaceLabels?: Labels,
): boolean {
  const inNamespace =
    term.namespaces.has(pod.namespace) ||
    (namespaceLabels !== undefined && selects(term.namespaceSelector, namespaceLabels));
  return inNamespace && selects(term.selector, pod.labels);
}

function termOf(pod: PodView, term: DeepReadonly<PodAffinityTerm>, weight = 0): AffinityTerm {
  const named = term.namespaces ?? [];
  return {
    namespaces: new Set(
      named.length === 0 && term.namespaceSelector === undefined ? [namespaceOf(pod)] : named,
    ),
    namespaceSelector: term.namespaceSelector,
    selector: term.labelSelector,
    topologyKey: term.topologyKey,
    weight,
  };
}

function shapeOf(pod: PodView): PodShape {
  const labels = labelsOf(pod);
  const { podAffinity, podAntiAffinity } = pod.spec?.affinity ?? {};
  const hard = 'requiredDuringSchedulingIgnoredDuringExecution';
  const soft = 'preferredDuringSchedulingIgnoredDuringExecution';
  const sorted = Object.keys(labels)
    .sort()
    .map((key) => [key, labels[key]]);
  return {
    key: JSON.stringify([namespaceOf(pod), sorted, podAffinity ?? 0, podAntiAffinity ?? 0]),
    namespace: namespaceOf(pod),
    labels,
    requiredAffinity: (podAffinity?.[hard] ?? []).map((term) => termOf(pod, term)),
    requiredAntiAffinity: (podAntiAffinity?.[hard] ?? []).map((term) => termOf(pod, term)),
    preferredAffinity: (podAffinity?.[soft] ?? []).map(({ podAffinityTerm, weight }) =>
      termOf(pod, podAffinityTerm, weight),
    ),
    preferredAntiAffinity: (podAntiAffinity?.[soft] ?? []).map(({ podAffinityTerm, weight }) =>
      termOf(pod, podAffinityTerm, weight),
    ),
  };
}

/** Host ports of the containers that run together: sidecars count, other init containers do not. */
function hostPortsOf(pod: PodView): HostPort[] {
  const sidecars = (pod.spec?.initContainers ?? []).filter(
    ({ restartPolicy }) => restartPolicy === 'Always',
  );
  return [...(pod.spec?.containers ?? []), ...sidecars].flatMap(({ ports = [] }) =>
    ports
      .filter(({ hostPort }) => hostPort !== undefined && hostPort > 0)
      .map(({ hostPort = 0, hostIP, protocol }) => ({
        protocol: protocol ?? 'TCP',
        ip: hostIP ? hostIP : '0.0.0.0',
        port: hostPort,
      })),
  );
}

/** Works out what the scheduler needs of a pod. @throws QuantityError a request cannot be read. */
export function podInfoOf(pod: PodView): PodInfo {
  return {
    pod,
    uid: uidOf(pod),
    priority: priorityOf(pod),
    requests: podRequests(pod),
    nonZero: nonZeroRequests(pod),
    hostPorts: hostPortsOf(pod),
    shape: shapeOf(pod),
    claims: claimNamesOf(pod),
  };
}

/** Names of the claims of a pod's volumes; an ephemeral volume's is `POD-VOLUME`. */
export function claimNamesOf(pod: PodView): string[] {
  return (pod.spec?.volumes ?? []).flatMap((volume) =>
    volume.persistentVolumeClaim
      ? [volume.persistentVolumeClaim.claimName]
      : volume.ephemeral
        ? [`${pod.metadata.name ?? ''}-${volume.name}`]
        : [],
  );
}
