import type { DeepReadonly } from '#core/base';
import type {
  Namespace,
  NetworkPolicy,
  NetworkPolicyPeer,
  NetworkPolicyPort,
  Pod,
} from '../apis/index.ts';
import { matchesSelector } from '../machinery/index.ts';

/** A packet's way as policies judge it: addresses after Service translation. */
export interface TrafficFlow {
  readonly source: string;
  readonly destination: string;
  readonly port: number;
  readonly protocol: 'tcp' | 'udp';
}

export interface PolicyState {
  /** All policies of a namespace. */
  policies(namespace: string): readonly DeepReadonly<NetworkPolicy>[];
  /** The pod that has an address (never a host-network pod); undefined for anything else. */
  podAt(address: string): DeepReadonly<Pod> | undefined;
  namespace(name: string): DeepReadonly<Namespace> | undefined;
  /** Addresses of nodes: traffic between a node and its own pods is always allowed. */
  isNode(address: string): boolean;
}

/**
 * Whether policies let a flow pass: the source's egress and the destination's ingress must both allow it. A
 * pod that no policy selects for a direction is open in it.
 */
export function allowsFlow(flow: TrafficFlow, state: PolicyState): boolean {
  const source = state.podAt(flow.source);
  const destination = state.podAt(flow.destination);
  if (source && destination && source.metadata.uid === destination.metadata.uid) return true;
  // Probes come from the node itself and are not subject to policies.
  if (!source && state.isNode(flow.source)) return true;
  return (
    directionAllows('Egress', source, flow.destination, destination, flow, state) &&
    directionAllows('Ingress', destination, flow.source, source, flow, state)
  );
}

function directionAllows(
  direction: 'Ingress' | 'Egress',
  subject: DeepReadonly<Pod> | undefined,
  peerAddress: string,
  peer: DeepReadonly<Pod> | undefined,
  flow: TrafficFlow,
  state: PolicyState,
): boolean {
  if (!subject) return true;
  const namespace = subject.metadata.namespace ?? '';
  const selecting = state
    .policies(namespace)
    .filter(
      ({ spec }) =>
        typesOf(spec).includes(direction) &&
        matchesSelector(spec?.podSelector ?? {}, subject.metadata.labels ?? {}),
    );
  if (selecting.length === 0) return true;
  const portOwner = direction === 'Ingress' ? subject : peer;
  return selecting.some(({ spec }) => {
    const rules =
      direction === 'Ingress'
        ? (spec?.ingress ?? []).map(({ from, ports }) => ({ peers: from, ports }))
        : (spec?.egress ?? []).map(({ to, ports }) => ({ peers: to, ports }));
    return rules.some(
      ({ peers, ports }) =>
        portsAllow(ports, flow, portOwner) &&
        (!peers?.length ||
          peers.some((rule) => peerMatches(rule, namespace, peerAddress, peer, state))),
    );
  });
}

/** Absent policyTypes: Ingress, and Egress when there are egress rules. */
function typesOf(spec: DeepReadonly<NetworkPolicy>['spec']): readonly string[] {
  if (spec?.policyTypes?.length) return spec.policyTypes;
  return spec?.egress?.length ? ['Ingress', 'Egress'] : ['Ingress'];
}

function peerMatches(
  rule: DeepReadonly<NetworkPolicyPeer>,
  policyNamespace: string,
  address: string,
  peer: DeepReadonly<Pod> | undefined,
  state: PolicyState,
): boolean {
  if (rule.ipBlock) {
    const { cidr, except = [] } = rule.ipBlock;
    return inCidr(address, cidr) && !except.some((range) => inCidr(address, range));
  }
  if (!peer) return false;
  const peerNamespace = peer.metadata.namespace ?? '';
  if (rule.namespaceSelector) {
    const labels = state.namespace(peerNamespace)?.metadata.labels ?? {};
    if (!matchesSelector(rule.namespaceSelector, labels)) return false;
  } else if (peerNamespace !== policyNamespace) return false;
  return !rule.podSelector || matchesSelector(rule.podSelector, peer.metadata.labels ?? {});
}

function portsAllow(
  ports: readonly DeepReadonly<NetworkPolicyPort>[] | undefined,
  flow: TrafficFlow,
  owner: DeepReadonly<Pod> | undefined,
): boolean {
  if (!ports?.length) return true;
  return ports.some(({ port, endPort, protocol }) => {
    if ((protocol ?? 'TCP').toLowerCase() !== flow.protocol) return false;
    if (port === undefined) return true;
    if (typeof port === 'number') return flow.port >= port && flow.port <= (endPort ?? port);
    return (owner?.spec?.containers ?? []).some((container) =>
      (container.ports ?? []).some(
        (named) => named.name === port && named.containerPort === flow.port,
      ),
    );
  });
}

/** IPv4 only: the simulated network has no other. */
function inCidr(address: string, cidr: string): boolean {
  const [base = '', length = '32'] = cidr.split('/');
  const bits = Number(length);
  const mask = bits === 0 ? 0 : (0xffffffff << (32 - bits)) >>> 0;
  const left = toNumber(address);
  const right = toNumber(base);
  return left !== undefined && right !== undefined && (left & mask) >>> 0 === (right & mask) >>> 0;
}

function toNumber(address: string): number | undefined {
  const parts = address.split('.').map(Number);
  if (parts.length !== 4 || parts.some((part) => !(part >= 0 && part <= 255))) return undefined;
  return parts.reduce((sum, part) => sum * 256 + part, 0);
}
