import type { DeepReadonly } from '#core/base';
import { type Pod, qosClass } from '../../../apis/index.ts';
import { meetsOperator } from '../../../machinery/index.ts';
import {
  at,
  isMap,
  mapsOf,
  parseQuantity,
  podResources,
  type Quantity,
  resourceListOf,
  textAt,
  textOf,
  textsOf,
  wholeQuantity,
} from '../../fields/index.ts';
import type { AdmissionRequest } from '../../types.ts';

/** One requirement on the objects a quota counts. */
export interface Scope {
  readonly name: string;
  readonly operator: string;
  readonly values: readonly string[];
}

/** How one resource is counted. @see k8s.io/apiserver/pkg/quota/v1/interfaces.go */
export interface QuotaEvaluator {
  /** Whether this write can change what is counted. */
  handles(request: AdmissionRequest): boolean;
  /** Which of a quota's names it speaks of. */
  matching(names: readonly string[]): string[];
  matchesScope(scope: Scope, object: unknown): boolean;
  /** What is missing in the object for the quota to be counted: `must specify …`. */
  constraints(required: readonly string[], object: unknown): string | undefined;
  usage(object: unknown, nowMs: number): Record<string, Quantity>;
}

const one = wholeQuantity(1);
const legacyAliases = new Set([
  'configmaps',
  'secrets',
  'replicationcontrollers',
  'resourcequotas',
]);

/** The evaluator of a resource; those without rules of their own are counted as objects. */
export function evaluatorFor(group: string, resource: string): QuotaEvaluator {
  if (group === '' && resource === 'pods') return podEvaluator;
  if (group === '' && resource === 'services') return serviceEvaluator;
  if (group === '' && resource === 'persistentvolumeclaims') return claimEvaluator;
  const name = `count/${group === '' ? resource : `${resource}.${group}`}`;
  const names = group === '' && legacyAliases.has(resource) ? [name, resource] : [name];
  return {
    handles: ({ operation, subresource }) => operation === 'CREATE' && subresource === '',
    matching: (all) => all.filter((each) => names.includes(each)),
    matchesScope: () => false,
    constraints: () => undefined,
    usage: () => Object.fromEntries(names.map((each) => [each, one])),
  };
}

const podNames = new Set([
  'count/pods',
  'cpu',
  'memory',
  'ephemeral-storage',
  'requests.cpu',
  'requests.memory',
  'requests.ephemeral-storage',
  'limits.cpu',
  'limits.memory',
  'limits.ephemeral-storage',
  'pods',
]);
const demanded = [
  'cpu',
  'limits.cpu',
  'limits.memory',
  'memory',
  'requests.cpu',
  'requests.memory',
];

const isNative = (name: string): boolean => !name.includes('/') || name.includes('kubernetes.io/');
const isExtended = (name: string): boolean => !isNative(name) && !name.startsWith('requests.');
const isExtendedForQuota = (name: string): boolean =>
  name.startsWith('requests.') &&
  (!isNative(name) || name.startsWith('requests.deviceclass.resource.kubernetes.io/'));

function computeUsage(
  requests: Readonly<Record<string, Quantity>>,
  limits: Readonly<Record<string, Quantity>>,
): Record<string, Quantity> {
  const usage: Record<string, Quantity> = { pods: one };
  for (const name of ['cpu', 'memory', 'ephemeral-storage']) {
    const request = requests[name];
    if (request) {
      usage[name] = request;
      usage[`requests.${name}`] = request;
    }
    const limit = limits[name];
    if (limit) usage[`limits.${name}`] = limit;
  }
  for (const [name, request] of Object.entries(requests)) {
    if (name.startsWith('hugepages-')) {
      usage[name] = request;
      usage[`requests.${name}`] = request;
    }
    if (isExtended(name)) usage[`requests.${name}`] = request;
  }
  return usage;
}

const isTerminating = (pod: unknown): boolean => {
  const seconds = at(pod, 'spec', 'activeDeadlineSeconds');
  return typeof seconds === 'number' && seconds >= 0;
};

const isBestEffort = (pod: unknown): boolean =>
  qosClass((pod as DeepReadonly<Pod>).spec ?? {}) === 'BestEffort';

/** @see pkg/quota/v1/evaluator/core/pods.go */
const podEvaluator: QuotaEvaluator = {
  handles({ operation, subresource, object, oldObject }) {
    if (subresource === 'resize') return operation === 'UPDATE';
    if (subresource !== '') return false;
    return (
      operation === 'CREATE' ||
      (operation === 'UPDATE' && isTerminating(object) !== isTerminating(oldObject))
    );
  },
  matching: (names) =>
    names.filter(
      (name) =>
        podNames.has(name) ||
        name.startsWith('hugepages-') ||
        name.startsWith('requests.hugepages-') ||
        isExtendedForQuota(name),
    ),
  matchesScope({ name, operator, values }, pod) {
    switch (name) {
      case 'Terminating':
        return isTerminating(pod);
      case 'NotTerminating':
        return !isTerminating(pod);
      case 'BestEffort':
        return isBestEffort(pod);
      case 'NotBestEffort':
        return !isBestEffort(pod);
      case 'PriorityClass': {
        const priorityClass = textAt(pod, 'spec', 'priorityClassName');
        return meetsOperator(priorityClass === '' ? undefined : priorityClass, operator, values);
      }
      case 'CrossNamespacePodAffinity':
        return usesCrossNamespaceAffinity(pod);
      default:
        return false;
    }
  },
  constraints(required, pod) {
    if (
      isMap(at(pod, 'spec', 'resources')) &&
      Object.keys(at(pod, 'spec', 'resources') as object).length > 0
    )
      return undefined;
    const missing = new Map<string, Set<string>>();
    for (const list of ['containers', 'initContainers'])
      for (const container of mapsOf(at(pod, 'spec', list))) {
        const usage = computeUsage(
          resourceListOf(at(container, 'resources', 'requests')),
          resourceListOf(at(container, 'resources', 'limits')),
        );
        for (const name of demanded)
          if (required.includes(name) && !usage[name]) {
            const names = missing.get(name) ?? new Set();
            names.add(textOf(container['name']));
            missing.set(name, names);
          }
      }
    if (missing.size === 0) return undefined;
    const parts = [...missing.keys()]
      .sort()
      .map((name) => `${name} for: ${[...(missing.get(name) ?? [])].sort().join(',')}`);
    return `must specify ${parts.join('; ')}`;
  },
  usage(pod, nowMs) {
    const usage: Record<string, Quantity> = { 'count/pods': one };
    const phase = textAt(pod, 'status', 'phase');
    if (phase === 'Failed' || phase === 'Succeeded') return usage;
    const deletion = textAt(pod, 'metadata', 'deletionTimestamp');
    const grace = at(pod, 'metadata', 'deletionGracePeriodSeconds');
    if (deletion !== '' && typeof grace === 'number' && nowMs > Date.parse(deletion) + grace * 1000)
      return usage;
    const requests = podResources(pod, 'requests', { overhead: true });
    const limits = podResources(pod, 'limits', { overhead: true });
    return { ...usage, ...computeUsage(requests, limits) };
  },
};

function usesCrossNamespaceAffinity(pod: unknown): boolean {
  return ['podAffinity', 'podAntiAffinity'].some((kind) => {
    const affinity = at(pod, 'spec', 'affinity', kind);
    const terms = [
      ...mapsOf(at(affinity, 'requiredDuringSchedulingIgnoredDuringExecution')),
      ...mapsOf(at(affinity, 'preferredDuringSchedulingIgnoredDuringExecution')).map(
        (weighted) => weighted['podAffinityTerm'],
      ),
    ];
    return terms.some(
      (term) => textsOf(at(term, 'namespaces')).length > 0 || isMap(at(term, 'namespaceSelector')),
    );
  });
}

/** @see pkg/quota/v1/evaluator/core/services.go */
const serviceEvaluator: QuotaEvaluator = {
  handles: ({ operation, subresource }) =>
    subresource === '' && (operation === 'CREATE' || operation === 'UPDATE'),
  matching: (names) =>
    names.filter((name) =>
      ['count/services', 'services', 'services.nodeports', 'services.loadbalancers'].includes(name),
    ),
  matchesScope: () => false,
  constraints: () => undefined,
  usage(service) {
    const type = textAt(service, 'spec', 'type');
    const ports = mapsOf(at(service, 'spec', 'ports'));
    const explicit =
      type === 'LoadBalancer' && at(service, 'spec', 'allocateLoadBalancerNodePorts') === false;
    const nodePorts = explicit
      ? ports.filter((port) => typeof port['nodePort'] === 'number' && port['nodePort'] !== 0)
          .length
      : type === 'NodePort' || type === 'LoadBalancer'
        ? ports.length
        : 0;
    return {
      'count/services': one,
      services: one,
      'services.loadbalancers': wholeQuantity(type === 'LoadBalancer' ? 1 : 0),
      'services.nodeports': wholeQuantity(nodePorts),
    };
  },
};

const classSuffix = '.storageclass.storage.k8s.io/';

/** @see pkg/quota/v1/evaluator/core/persistent_volume_claims.go */
const claimEvaluator: QuotaEvaluator = {
  handles: ({ operation, subresource }) =>
    subresource === '' && (operation === 'CREATE' || operation === 'UPDATE'),
  matching: (names) =>
    names.filter(
      (name) =>
        ['count/persistentvolumeclaims', 'persistentvolumeclaims', 'requests.storage'].includes(
          name,
        ) ||
        name.endsWith(`${classSuffix}persistentvolumeclaims`) ||
        name.endsWith(`${classSuffix}requests.storage`),
    ),
  matchesScope({ name, operator, values }, claim) {
    if (name !== 'VolumeAttributesClass') return false;
    const own = textAt(claim, 'spec', 'volumeAttributesClassName');
    return meetsOperator(own === '' ? undefined : own, operator, values);
  },
  constraints: () => undefined,
  usage(claim) {
    const storageClass =
      textAt(claim, 'metadata', 'annotations', 'volume.beta.kubernetes.io/storage-class') ||
      textAt(claim, 'spec', 'storageClassName');
    const usage: Record<string, Quantity> = {
      'count/persistentvolumeclaims': one,
      persistentvolumeclaims: one,
    };
    if (storageClass !== '') usage[`${storageClass}${classSuffix}persistentvolumeclaims`] = one;
    const requested = parseQuantity(at(claim, 'spec', 'resources', 'requests', 'storage'));
    const allocated = parseQuantity(at(claim, 'status', 'allocatedResources', 'storage'));
    const storage =
      requested && allocated && allocated.nanos > requested.nanos ? allocated : requested;
    if (storage) {
      usage['requests.storage'] = storage;
      if (storageClass !== '') usage[`${storageClass}${classSuffix}requests.storage`] = storage;
    }
    return usage;
  },
};
