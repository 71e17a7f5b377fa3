import type { DeepReadonly } from '#core/base';
import type { EndpointSlice, Service } from '../apis/index.ts';

/** What a node tells load balancers of a Service whose traffic stays on its node. */
export interface ServiceHealthCheck {
  readonly namespace: string;
  readonly name: string;
  /** `healthCheckNodePort`. */
  readonly port: number;
  /** Ready ones on this node, each address once. */
  readonly localEndpoints: number;
}

/** @see k8s.io/kubernetes/pkg/proxy/endpointschangetracker.go, LocalReadyEndpoints */
export function serviceHealthChecks(
  services: readonly DeepReadonly<Service>[],
  slicesOf: (service: DeepReadonly<Service>) => readonly DeepReadonly<EndpointSlice>[],
  nodeName: string,
): ServiceHealthCheck[] {
  return services.flatMap((service) => {
    const { spec, metadata } = service;
    if (!spec?.healthCheckNodePort) return [];
    const ready = slicesOf(service)
      .filter(({ addressType }) => addressType === 'IPv4')
      .flatMap(({ endpoints }) => endpoints ?? [])
      .filter((each) => each.nodeName === nodeName && each.conditions?.ready !== false);
    return {
      namespace: metadata.namespace ?? '',
      name: metadata.name ?? '',
      port: spec.healthCheckNodePort,
      localEndpoints: new Set(ready.flatMap(({ addresses }) => addresses.slice(0, 1))).size,
    };
  });
}
