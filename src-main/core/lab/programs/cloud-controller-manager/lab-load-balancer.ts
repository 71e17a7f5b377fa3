import type { LoadBalancer } from '#core/kube';
import type { Network } from '#core/machines';
import type { AddressPool } from './address-pool.ts';

type ServiceView = Parameters<LoadBalancer['ensure']>[0];
type NodeView = Parameters<LoadBalancer['ensure']>[1][number];

/** Where kube-proxy tells whether its node takes traffic of any Service. */
const proxyHealthPort = 10256;

/** Load balancers in a lab's network: an address of the pool, with machines behind it. */
export class LabLoadBalancer implements LoadBalancer {
  readonly #pool: AddressPool;
  readonly #network: Network;

  constructor(pool: AddressPool, network: Network) {
    this.#pool = pool;
    this.#network = network;
  }

  /** Takes over what a former run gave out, and takes away what belongs to no Service any more. */
  adopt(services: readonly ServiceView[]): void {
    const kept = new Set<string>();
    for (const { metadata, spec, status } of services) {
      const ip = status?.loadBalancer?.ingress?.[0]?.ip;
      if (!ip || spec?.loadBalancerClass !== undefined) continue;
      this.#pool.adopt(metadata.uid ?? '', ip);
      kept.add(ip);
    }
    for (const address of this.#network.loadBalancers.keys())
      if (!kept.has(address)) this.#network.loadBalancers.delete(address);
  }

  exists({ metadata }: ServiceView): boolean {
    return this.#pool.addressOf(metadata.uid ?? '') !== undefined;
  }

  ensure(service: ServiceView, nodes: readonly NodeView[]): readonly string[] {
    const uid = service.metadata.uid ?? '';
    const former = this.#pool.addressOf(uid);
    const address = this.#pool.take(uid, service.spec?.loadBalancerIP);
    if (former !== undefined && former !== address) this.#network.loadBalancers.delete(former);
    this.#set(address, service, nodes);
    return [address];
  }

  update(service: ServiceView, nodes: readonly NodeView[]): void {
    const address = this.#pool.addressOf(service.metadata.uid ?? '');
    if (address !== undefined) this.#set(address, service, nodes);
  }

  delete({ metadata }: ServiceView): void {
    const uid = metadata.uid ?? '';
    const address = this.#pool.addressOf(uid);
    if (address === undefined) return;
    this.#pool.release(uid);
    this.#network.loadBalancers.delete(address);
  }

  #set(address: string, { spec = {} }: ServiceView, nodes: readonly NodeView[]): void {
    const port = spec.healthCheckNodePort || proxyHealthPort;
    this.#network.loadBalancers.set(address, {
      ports: (spec.ports ?? []).map(({ port, protocol }) => ({
        port,
        protocol: protocol === 'UDP' ? 'udp' : 'tcp',
      })),
      backends: nodes.map(({ metadata }) => metadata.name ?? ''),
      healthCheck: { port, path: '/healthz' },
    });
  }
}
