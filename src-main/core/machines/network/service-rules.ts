import type { Clock, Random } from '#core/base';
import type { Backend, ServicePortRule } from '#core/kube';
import { type Cidr, cidrContains, parseCidr } from './addresses.ts';

export type Translation =
  /** No rule is about this destination. */
  | { readonly kind: 'none' }
  | { readonly kind: 'endpoint'; readonly endpoint: Backend; readonly masquerade: boolean }
  | { readonly kind: 'reject' }
  | { readonly kind: 'drop' };

interface Entry {
  readonly rule: ServicePortRule;
  readonly external: boolean;
  /** Clients that may use it; absent: all. */
  readonly sources?: readonly Cidr[];
}

/** One machine's table of Service translations. A machine whose kube-proxy never ran has an empty one. */
export class ServiceRules {
  #rules: readonly ServicePortRule[] = [];
  readonly #byAddress = new Map<string, Entry>();
  readonly #byNodePort = new Map<string, ServicePortRule>();
  readonly #affinity = new Map<string, { endpoint: Backend; untilMs: number }>();
  readonly #clock: Clock;
  readonly #random: Random;

  constructor(clock: Clock, random: Random) {
    this.#clock = clock;
    this.#random = random;
  }

  /** All rules at once, as iptables-restore does; the last of several for one address wins. */
  replace(rules: readonly ServicePortRule[]): void {
    this.#rules = rules;
    this.#byAddress.clear();
    this.#byNodePort.clear();
    for (const rule of rules) {
      const key = (address: string): string => `${address}:${rule.port}/${rule.protocol}`;
      const sources = rule.loadBalancerSources?.flatMap((block) => parseCidr(block) ?? []);
      for (const address of rule.loadBalancerIps ?? [])
        this.#byAddress.set(key(address), {
          rule,
          external: true,
          ...(sources ? { sources } : {}),
        });
      for (const address of rule.externalIps ?? [])
        this.#byAddress.set(key(address), { rule, external: true });
      for (const address of rule.clusterIps)
        this.#byAddress.set(key(address), { rule, external: false });
      if (rule.nodePort) this.#byNodePort.set(`${rule.nodePort}/${rule.protocol}`, rule);
    }
  }

  list(): readonly ServicePortRule[] {
    return this.#rules;
  }

  /**
   * @param local whether `address` is one of the machine's own, so that node ports count.
   * @param fromOutside whether the connection came in from another machine, so that `externalTrafficPolicy` counts.
   */
  translate(
    source: string,
    address: string,
    port: number,
    protocol: 'tcp' | 'udp',
    local: boolean,
    fromOutside: boolean,
  ): Translation {
    const hit = this.#byAddress.get(`${address}:${port}/${protocol}`);
    if (hit?.sources && !hit.sources.some((block) => cidrContains(block, source)))
      return { kind: 'drop' };
    if (hit) return this.#choose(hit.rule, source, hit.external && fromOutside, hit.external);
    const rule = local ? this.#byNodePort.get(`${port}/${protocol}`) : undefined;
    return rule ? this.#choose(rule, source, fromOutside, true) : { kind: 'none' };
  }

  #choose(
    rule: ServicePortRule,
    source: string,
    onlyLocal: boolean,
    external: boolean,
  ): Translation {
    const local = onlyLocal ? rule.localEndpoints : undefined;
    const candidates = local ?? rule.endpoints;
    if (candidates.length === 0)
      return { kind: local && rule.endpoints.length > 0 ? 'drop' : 'reject' };
    const masquerade = external && !local;
    const kept = rule.affinitySeconds ? this.#kept(rule, source, candidates) : undefined;
    const endpoint = kept ?? candidates[this.#random.integer(candidates.length)];
    if (!endpoint) return { kind: 'reject' };
    if (rule.affinitySeconds)
      this.#affinity.set(`${rule.name}|${source}`, {
        endpoint,
        untilMs: this.#clock.now() + rule.affinitySeconds * 1000,
      });
    return { kind: 'endpoint', endpoint, masquerade };
  }

  #kept(
    rule: ServicePortRule,
    source: string,
    candidates: readonly Backend[],
  ): Backend | undefined {
    const entry = this.#affinity.get(`${rule.name}|${source}`);
    if (!entry || entry.untilMs < this.#clock.now()) return undefined;
    return candidates.find(
      ({ address, port }) => address === entry.endpoint.address && port === entry.endpoint.port,
    );
  }
}
