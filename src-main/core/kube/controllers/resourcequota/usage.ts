import type { DeepReadonly } from '#core/base';
import { qosClass } from '../../apis/index.ts';
import { type KubeObject, meetsOperator, parseQuantity } from '../../machinery/index.ts';
import { isPodTerminal, type PodView } from '../shared/pods.ts';

type View = DeepReadonly<KubeObject>;
/** Amounts in billionths of a unit, by the name a quota's `hard` uses. */
export type Usage = Record<string, bigint>;

const one = 1_000_000_000n;

function add(usage: Usage, name: string, amount: bigint): void {
  usage[name] = (usage[name] ?? 0n) + amount;
}

type Lists = 'requests' | 'limits';

/** The largest of what init containers and containers need, as the scheduler counts it. */
function podAmount(pod: PodView, list: Lists, resource: string): bigint {
  const of = (container: {
    readonly resources?: {
      readonly requests?: Readonly<Record<string, string>>;
      readonly limits?: Readonly<Record<string, string>>;
    };
  }): bigint => {
    const text = container.resources?.[list]?.[resource];
    return text === undefined ? 0n : parseQuantity(text).nano;
  };
  let running = 0n;
  for (const container of pod.spec?.containers ?? []) running += of(container);
  let sidecars = 0n;
  let peak = 0n;
  for (const container of pod.spec?.initContainers ?? []) {
    if (container.restartPolicy === 'Always') sidecars += of(container);
    else if (of(container) + sidecars > peak) peak = of(container) + sidecars;
  }
  running += sidecars;
  const overhead = pod.spec?.overhead?.[resource];
  return (
    (running > peak ? running : peak) + (overhead === undefined ? 0n : parseQuantity(overhead).nano)
  );
}

function podResources(pod: PodView): Set<string> {
  const names = new Set<string>();
  for (const { resources } of [
    ...(pod.spec?.containers ?? []),
    ...(pod.spec?.initContainers ?? []),
  ])
    for (const name of [
      ...Object.keys(resources?.requests ?? {}),
      ...Object.keys(resources?.limits ?? {}),
    ])
      names.add(name);
  return names;
}

/** What a pod takes of a quota; a finished one takes only its place among all pods. */
export function podUsage(pod: PodView): Usage {
  const usage: Usage = { 'count/pods': one };
  if (isPodTerminal(pod)) return usage;
  usage['pods'] = one;
  for (const name of podResources(pod)) {
    const requested = podAmount(pod, 'requests', name);
    const limited = podAmount(pod, 'limits', name);
    add(usage, `requests.${name}`, requested);
    add(usage, `limits.${name}`, limited);
    if (name === 'cpu' || name === 'memory' || name === 'ephemeral-storage')
      add(usage, name, requested);
  }
  return usage;
}

function serviceUsage(service: View): Usage {
  const spec = service['spec'] as
    | DeepReadonly<{
        type?: string;
        ports?: { nodePort?: number }[];
        allocateLoadBalancerNodePorts?: boolean;
      }>
    | undefined;
  const usage: Usage = { services: one };
  const ports = BigInt((spec?.ports ?? []).length) * one;
  if (spec?.type === 'NodePort') usage['services.nodeports'] = ports;
  if (spec?.type === 'LoadBalancer') {
    usage['services.loadbalancers'] = one;
    usage['services.nodeports'] =
      spec.allocateLoadBalancerNodePorts === false
        ? BigInt((spec.ports ?? []).filter(({ nodePort }) => nodePort).length) * one
        : ports;
  }
  return usage;
}

function claimUsage(claim: View): Usage {
  const spec = claim['spec'] as
    | DeepReadonly<{
        storageClassName?: string;
        resources?: { requests?: Record<string, string> };
      }>
    | undefined;
  const storage = spec?.resources?.requests?.['storage'];
  const amount = storage === undefined ? 0n : parseQuantity(storage).nano;
  const usage: Usage = { persistentvolumeclaims: one, 'requests.storage': amount };
  const className =
    claim.metadata.annotations?.['volume.beta.kubernetes.io/storage-class'] ??
    spec?.storageClassName;
  if (className) {
    const suffix = `${className}.storageclass.storage.k8s.io`;
    usage[`${suffix}/persistentvolumeclaims`] = one;
    usage[`${suffix}/requests.storage`] = amount;
  }
  return usage;
}

const counted = ['configmaps', 'secrets', 'replicationcontrollers', 'resourcequotas'];

/** What an object of a resource takes, beside its count. */
export function usageOf(resource: string, group: string, object: View): Usage {
  if (group === '' && resource === 'pods') return podUsage(object);
  const usage: Usage =
    group !== ''
      ? {}
      : resource === 'services'
        ? serviceUsage(object)
        : resource === 'persistentvolumeclaims'
          ? claimUsage(object)
          : counted.includes(resource)
            ? { [resource]: one }
            : {};
  usage[`count/${resource}${group === '' ? '' : `.${group}`}`] = one;
  return usage;
}

/** The resource a name of `hard` is about. */
export function resourceOfName(name: string): { resource: string; group: string } {
  if (name.startsWith('count/')) {
    const full = name.slice('count/'.length);
    const dot = full.indexOf('.');
    return dot < 0
      ? { resource: full, group: '' }
      : { resource: full.slice(0, dot), group: full.slice(dot + 1) };
  }
  if (name === 'services' || name.startsWith('services.'))
    return { resource: 'services', group: '' };
  if (
    name === 'persistentvolumeclaims' ||
    name === 'requests.storage' ||
    name.includes('.storageclass.storage.k8s.io/')
  )
    return { resource: 'persistentvolumeclaims', group: '' };
  if (counted.includes(name)) return { resource: name, group: '' };
  return { resource: 'pods', group: '' };
}

interface ScopeRequirement {
  readonly scopeName: string;
  readonly operator: string;
  readonly values?: readonly string[];
}

/** Whether a quota's scopes take a pod in. @see pkg/quota/v1/evaluator/core/pods.go */
export function inScope(pod: PodView, requirement: ScopeRequirement): boolean {
  const { scopeName, operator, values } = requirement;
  const isTerminating = pod.spec?.activeDeadlineSeconds !== undefined;
  const isBestEffort = qosClass(pod.spec ?? {}) === 'BestEffort';
  switch (scopeName) {
    case 'Terminating':
      return isTerminating;
    case 'NotTerminating':
      return !isTerminating;
    case 'BestEffort':
      return isBestEffort;
    case 'NotBestEffort':
      return !isBestEffort;
    case 'PriorityClass': {
      const name = pod.spec?.priorityClassName ?? '';
      return meetsOperator(name === '' ? undefined : name, operator, values);
    }
    case 'CrossNamespacePodAffinity':
      return [
        ...(pod.spec?.affinity?.podAffinity?.requiredDuringSchedulingIgnoredDuringExecution ?? []),
        ...(pod.spec?.affinity?.podAntiAffinity?.requiredDuringSchedulingIgnoredDuringExecution ??
          []),
      ].some((term) => (term.namespaces ?? []).length > 0 || term.namespaceSelector !== undefined);
    default:
      return false;
  }
}
