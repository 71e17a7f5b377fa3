import type { DeepReadonly } from '#core/base';
import type { Endpoint, EndpointSlice, Service } from '../apis/index.ts';

/** One address and port that traffic may be sent to. */
export interface Backend {
  readonly address: string;
  readonly port: number;
}

/**
 * What one port of a Service means on one node, which kube-proxy turns into packet rules: the addresses that
 * lead to it and the endpoints behind them.
 *
 * @see k8s.io/kubernetes/pkg/proxy/iptables/proxier.go
 */
export interface ServicePortRule {
  /** `namespace/name:port`, or `namespace/name` for an unnamed port; also the key of session affinity. */
  readonly name: string;
  readonly protocol: 'tcp' | 'udp';
  readonly port: number;
  readonly clusterIps: readonly string[];
  /** Ready ones that the cluster address leads to (local ones under `internalTrafficPolicy: Local`). */
  readonly endpoints: readonly Backend[];
  readonly nodePort?: number;
  readonly externalIps?: readonly string[];
  readonly loadBalancerIps?: readonly string[];
  /** Blocks of clients that the load balancer's addresses serve; absent: all. */
  readonly loadBalancerSources?: readonly string[];
  /** Present under `externalTrafficPolicy: Local`: only these for traffic from outside; without one it is dropped. */
  readonly localEndpoints?: readonly Backend[];
  /** Session affinity ClientIP, in seconds. */
  readonly affinitySeconds?: number;
}

/**
 * The rules of every Service as one node sees them. Headless Services and ExternalName have none.
 *
 * Terminating endpoints that still serve are used only while no endpoint is ready.
 * @see k8s.io/kubernetes/pkg/proxy/topology.go, CategorizeEndpoints
 */
export function serviceRules(
  services: readonly DeepReadonly<Service>[],
  slicesOf: (service: DeepReadonly<Service>) => readonly DeepReadonly<EndpointSlice>[],
  nodeName: string,
): ServicePortRule[] {
  const rules: ServicePortRule[] = [];
  for (const service of services) {
    const { spec } = service;
    if (!spec || spec.type === 'ExternalName' || !spec.clusterIP || spec.clusterIP === 'None')
      continue;
    const slices = slicesOf(service);
    // What a proxy takes in arrives at the node's own address.
    const ingress = (service.status?.loadBalancer?.ingress ?? []).flatMap(({ ip, ipMode }) =>
      ip && ipMode !== 'Proxy' ? ip : [],
    );
    for (const port of spec.ports ?? []) {
      if (port.protocol === 'SCTP') continue;
      const all = backends(slices, port.name ?? '');
      const local = all.filter(({ endpoint }) => endpoint.nodeName === nodeName);
      const chosen = usable(spec.internalTrafficPolicy === 'Local' ? local : all);
      const sources = (spec.loadBalancerSourceRanges ?? []).map((range) => range.trim());
      rules.push({
        name: `${service.metadata.namespace ?? ''}/${service.metadata.name ?? ''}${port.name ? `:${port.name}` : ''}`,
        protocol: port.protocol === 'UDP' ? 'udp' : 'tcp',
        port: port.port,
        clusterIps: spec.clusterIPs ?? [spec.clusterIP],
        endpoints: chosen,
        ...(port.nodePort ? { nodePort: port.nodePort } : {}),
        ...(spec.externalIPs?.length ? { externalIps: spec.externalIPs } : {}),
        ...(ingress.length > 0 ? { loadBalancerIps: ingress } : {}),
        ...(ingress.length > 0 && sources.length > 0 ? { loadBalancerSources: sources } : {}),
        ...(spec.externalTrafficPolicy === 'Local' ? { localEndpoints: usable(local) } : {}),
        ...(spec.sessionAffinity === 'ClientIP'
          ? { affinitySeconds: spec.sessionAffinityConfig?.clientIP?.timeoutSeconds ?? 10_800 }
          : {}),
      });
    }
  }
  return rules;
}

interface Candidate {
  readonly endpoint: DeepReadonly<Endpoint>;
  readonly backend: Backend;
}

function backends(slices: readonly DeepReadonly<EndpointSlice>[], portName: string): Candidate[] {
  return slices
    .filter(({ addressType }) => addressType === 'IPv4')
    .flatMap((slice) => {
      const port = slice.ports?.find(({ name }) => (name ?? '') === portName)?.port;
      if (port === undefined) return [];
      return (slice.endpoints ?? []).flatMap((endpoint) =>
        endpoint.addresses.slice(0, 1).map((address) => ({ endpoint, backend: { address, port } })),
      );
    });
}

function usable(candidates: readonly Candidate[]): Backend[] {
  const ready = candidates.filter(({ endpoint }) => endpoint.conditions?.ready !== false);
  const chosen =
    ready.length > 0
      ? ready
      : candidates.filter(
          ({ endpoint: { conditions } }) =>
            conditions?.serving === true && conditions.terminating === true,
        );
  return chosen.map(({ backend }) => backend);
}
