import type { DeepReadonly } from '#core/base';
import type { Service } from '../../apis/index.ts';
import type { NodeView } from '../shared/nodes.ts';

export type ServiceView = DeepReadonly<Service>;

/** What a cloud offers for Services of type LoadBalancer. What it cannot do it throws, in words for people. */
export interface LoadBalancer {
  /** Whether there is one for this Service. */
  exists(service: ServiceView): boolean;
  /** Makes it or brings it up to date. @returns the addresses that lead to it. */
  ensure(service: ServiceView, nodes: readonly NodeView[]): readonly string[];
  /** Other nodes stand behind it. */
  update(service: ServiceView, nodes: readonly NodeView[]): void;
  /** Takes it away; there may be none. */
  delete(service: ServiceView): void;
}

/** A Service with a class is somebody else's. */
export const wantsLoadBalancer = ({ spec }: ServiceView): boolean =>
  spec?.type === 'LoadBalancer' && spec.loadBalancerClass === undefined;

/** Keeps a Service until its load balancer is gone. */
export const cleanupFinalizer = 'service.kubernetes.io/load-balancer-cleanup';

export const hasCleanupFinalizer = ({ metadata }: ServiceView): boolean =>
  metadata.finalizers?.includes(cleanupFinalizer) ?? false;

/** Whether a load balancer is left that is not wanted any more. */
export const needsCleanup = (service: ServiceView): boolean =>
  hasCleanupFinalizer(service) &&
  (service.metadata.deletionTimestamp !== undefined || service.spec?.type !== 'LoadBalancer');

/** What a load balancer is made from. @see k8s.io/cloud-provider/controllers/service/controller.go, needsUpdate */
function wishesOf({ metadata, spec = {} }: ServiceView): string {
  return JSON.stringify([
    spec.loadBalancerSourceRanges ?? [],
    (spec.ports ?? []).map((port) => [
      port.name,
      port.protocol,
      port.port,
      port.nodePort,
      port.targetPort,
      port.appProtocol,
    ]),
    spec.sessionAffinity,
    spec.sessionAffinityConfig,
    spec.loadBalancerIP,
    spec.externalIPs ?? [],
    Object.entries(metadata.annotations ?? {}).sort(),
    metadata.uid,
    spec.externalTrafficPolicy,
    spec.healthCheckNodePort,
    spec.ipFamilies?.length,
  ]);
}

export function needsUpdate(previous: ServiceView, service: ServiceView): boolean {
  const [wanted, wants] = [wantsLoadBalancer(previous), wantsLoadBalancer(service)];
  if (!wanted && !wants) return false;
  return wanted !== wants || wishesOf(previous) !== wishesOf(service);
}

const excludeLabel = 'node.kubernetes.io/exclude-from-external-load-balancers';
const toBeDeletedTaint = 'ToBeDeletedByClusterAutoscaler';
/** What Go's ParseBool reads as false; of anything else but true it makes an error, which excludes as well. */
const falseTexts = new Set(['0', 'f', 'F', 'false', 'FALSE', 'False']);

/** Whether a node's label lets it take part in load balancers. */
export function isIncluded({ metadata }: NodeView): boolean {
  const excluded = metadata.labels?.[excludeLabel];
  return excluded === undefined || falseTexts.has(excluded);
}

/** Whether a node stands behind load balancers. */
export const takesPart = (node: NodeView): boolean =>
  node.metadata.deletionTimestamp === undefined &&
  isIncluded(node) &&
  !(node.spec?.taints ?? []).some(({ key }) => key === toBeDeletedTaint);

/** Nodes as far as load balancers tell them apart. */
export const sameNodes = (a: readonly NodeView[], b: readonly NodeView[]): boolean => {
  const text = (nodes: readonly NodeView[]): string =>
    JSON.stringify(nodes.map(({ metadata, spec }) => [metadata.name, spec?.providerID]).sort());
  return text(a) === text(b);
};
