import { type Clock, type Disposable, type Random, sleep } from '#core/base';
import { ConnectionError } from '#core/kube';
import {
  type Cidr,
  cidrContains,
  formatIpv4,
  isLoopback,
  joinHostPort,
  parseCidr,
} from './addresses.ts';
import { Namespace, type Protocol } from './namespace.ts';
import { ServiceRules } from './service-rules.ts';
import type { Dialed, DialOptions, Listener, NetNamespace, Peer } from './types.ts';

/** A packet's two ends as a network policy sees them, after Service translation. */
export interface Flow {
  readonly source: string;
  readonly destination: string;
  readonly port: number;
  readonly protocol: Protocol;
}

/**
 * Checks a TLS server's chain. `node/pki` implements it; without one a certificate holds when the bundle contains it.
 * @returns Go's x509 text, or undefined when the chain holds.
 */
export type TlsVerifier = (
  certificate: string,
  roots: string,
  serverName: string,
  nowMs: number,
) => Promise<string | undefined>;

export interface NetworkDeps {
  readonly clock: Clock;
  readonly random: Random;
  readonly verifyTls?: TlsVerifier;
}

/** What passes traffic for an address of its own on to machines, unchanged. */
export interface NetworkLoadBalancer {
  readonly ports: readonly { readonly port: number; readonly protocol: Protocol }[];
  /** Names of machines. */
  readonly backends: readonly string[];
  /** Where each of them tells by HTTP whether it wants traffic. */
  readonly healthCheck: { readonly port: number; readonly path: string };
}

/** The wires of a lab: machines, the pods on them, and hosts outside. */
export interface Network {
  /** @throws Error the name or the address is taken. */
  addMachine(spec: { name: string; address: string; network?: string }): MachineNetwork;
  /** A host that is no machine of the lab: a mirror, a registry, a client outside. */
  addHost(name: string, address: string): NetNamespace;
  machine(name: string): MachineNetwork | undefined;
  /** Decides each flow to or from a pod; the CNI agent writes it. Absent: all is allowed. */
  policy: ((flow: Flow) => 'allow' | 'drop') | undefined;
  /** By address; they outlive who made them, as a cloud's do. */
  readonly loadBalancers: Map<string, NetworkLoadBalancer>;
  /** The namespace that has this address now. */
  namespaceOf(address: string): NetNamespace | undefined;
}

export interface HostPort {
  readonly protocol: Protocol;
  readonly hostPort: number;
  /** Empty: all of the machine's addresses. */
  readonly hostIp: string;
  readonly containerPort: number;
}

/** One machine's part of the network. */
export interface MachineNetwork {
  readonly name: string;
  /** eth0 and lo. */
  readonly namespace: NetNamespace;
  readonly rules: ServiceRules;
  /** A machine without power answers nothing: who dials it waits until its time-out. */
  powered: boolean;
  /**
   * Attaches a pod sandbox to the machine's bridge: the lowest address never used before in `podCidr` (host-local's
   * order), after the gateway's `.1`. @throws Error the block is full.
   */
  addSandbox(name: string, podCidr: string, hostPorts?: readonly HostPort[]): SandboxNetwork;
  sandboxes(): readonly SandboxNetwork[];
}

export interface SandboxNetwork extends Disposable {
  readonly namespace: NetNamespace;
  readonly hostPorts: readonly HostPort[];
}

/** How long the kernel repeats a SYN (tcp_syn_retries 6) before `connection timed out`. */
const kernelTimeoutMs = 127_000;
/** How long ARP asks for a neighbour before `no route to host`. */
const neighbourTimeoutMs = 3_072;

export function createNetwork(deps: NetworkDeps): Network {
  return new LabNetwork(deps);
}

type Place = {
  readonly namespace: Namespace;
  readonly machine?: LabMachine;
  readonly pod: boolean;
};

class LabNetwork implements Network {
  readonly deps: NetworkDeps;
  policy: ((flow: Flow) => 'allow' | 'drop') | undefined;
  readonly places = new Map<string, Place>();
  readonly loadBalancers = new Map<string, NetworkLoadBalancer>();
  readonly #machines = new Map<string, LabMachine>();

  constructor(deps: NetworkDeps) {
    this.deps = deps;
  }

  addMachine(spec: { name: string; address: string; network?: string }): MachineNetwork {
    if (this.#machines.has(spec.name)) throw new Error(`machine ${spec.name} exists`);
    const machine = new LabMachine(this, spec.name, spec.address, spec.network);
    this.#machines.set(spec.name, machine);
    this.claim(spec.address, { namespace: machine.namespace, machine, pod: false });
    return machine;
  }

  addHost(name: string, address: string): NetNamespace {
    const namespace: Namespace = new Namespace(name, [address], (to, port, protocol, options) =>
      this.dial({ namespace, pod: false }, to, port, protocol, options),
    );
    this.claim(address, { namespace, pod: false });
    return namespace;
  }

  machine(name: string): MachineNetwork | undefined {
    return this.#machines.get(name);
  }

  namespaceOf(address: string): NetNamespace | undefined {
    return this.places.get(address)?.namespace;
  }

  claim(address: string, place: Place): void {
    if (this.places.has(address)) throw new Error(`address ${address} is taken`);
    this.places.set(address, place);
  }

  async dial(
    from: Place,
    address: string,
    port: number,
    protocol: Protocol,
    options: DialOptions,
  ): Promise<Dialed> {
    const wanted = { address: address === 'localhost' ? '127.0.0.1' : address, port };
    const sourcePort = from.namespace.ephemeralPort(protocol);
    const own = isLoopback(wanted.address) || from.namespace.addresses.includes(wanted.address);
    const source = isLoopback(wanted.address) ? '127.0.0.1' : from.namespace.address;
    const attempt: Attempt = { wanted, protocol, options, source, sourcePort };

    const onNode = own && from.machine && !from.pod;
    if (from.machine && (!own || onNode)) {
      const local = onNode === true;
      const turned = from.machine.rules.translate(
        source,
        wanted.address,
        port,
        protocol,
        local || from.machine.namespace.addresses.includes(wanted.address),
        false,
      );
      if (turned.kind === 'reject') throw this.refused(attempt);
      if (turned.kind === 'drop') return this.#timeOut(attempt);
      if (turned.kind === 'endpoint')
        return this.#deliver(from, attempt, turned.endpoint, {
          address:
            turned.masquerade || isLoopback(source) ? from.machine.namespace.address : source,
          port: sourcePort,
        });
      const mapped = local ? from.machine.hostPort(wanted.address, port, protocol) : undefined;
      if (mapped)
        return this.#deliver(from, attempt, mapped, { address: source, port: sourcePort });
    }
    if (own) {
      const listener = from.namespace.find(wanted.address, port, protocol);
      if (!listener) throw this.refused(attempt);
      return this.#dialed(listener, { address: source, port: sourcePort }, wanted);
    }
    return this.#deliver(from, attempt, wanted, { address: source, port: sourcePort });
  }

  async #deliver(
    from: Place,
    attempt: Attempt,
    to: { address: string; port: number },
    peer: Peer,
    arrived = false,
  ): Promise<Dialed> {
    const place = this.places.get(to.address);
    if (!place) {
      const balancer = this.loadBalancers.get(to.address);
      return balancer
        ? this.#balance(from, attempt, balancer, to, peer)
        : this.#unknown(from, attempt, to.address);
    }
    if (place.machine && !place.machine.powered) return this.#timeOut(attempt);
    const flow: Flow = {
      source: peer.address,
      destination: to.address,
      port: to.port,
      protocol: attempt.protocol,
    };
    const guarded = (place.pod || from.pod) && place.namespace !== from.namespace;
    if (guarded && this.policy?.(flow) === 'drop') return this.#timeOut(attempt);

    const machine = place.machine;
    if (machine && !place.pod && !arrived && machine.namespace !== from.namespace) {
      const outside = from.machine !== machine;
      const turned = machine.rules.translate(
        peer.address,
        to.address,
        to.port,
        attempt.protocol,
        true,
        outside,
      );
      if (turned.kind === 'reject') throw this.refused(attempt);
      if (turned.kind === 'drop') return this.#timeOut(attempt);
      const next =
        turned.kind === 'endpoint'
          ? turned.endpoint
          : machine.hostPort(to.address, to.port, attempt.protocol);
      if (next) {
        const address =
          turned.kind === 'endpoint' && turned.masquerade
            ? machine.namespace.address
            : peer.address;
        return this.#deliver(from, attempt, next, { ...peer, address }, true);
      }
    }
    const listener = place.namespace.find(to.address, to.port, attempt.protocol);
    if (!listener) throw this.refused(attempt);
    return this.#dialed(listener, peer, to);
  }

  /** The packet keeps its destination: what becomes of it is up to the rules of the machine it is passed to. */
  async #balance(
    from: Place,
    attempt: Attempt,
    { ports, backends, healthCheck }: NetworkLoadBalancer,
    to: { address: string; port: number },
    peer: Peer,
  ): Promise<Dialed> {
    const { protocol } = attempt;
    if (!ports.some((each) => each.port === to.port && each.protocol === protocol))
      return this.#timeOut(attempt);
    const healthy: LabMachine[] = [];
    for (const name of backends) {
      const machine = this.#machines.get(name);
      if (machine && (await isHealthy(machine, healthCheck))) healthy.push(machine);
    }
    const machine = healthy[this.deps.random.integer(Math.max(1, healthy.length))];
    const turned = machine?.rules.translate(
      peer.address,
      to.address,
      to.port,
      protocol,
      false,
      true,
    );
    if (turned?.kind === 'reject') throw this.refused(attempt);
    if (!machine || turned?.kind !== 'endpoint') return this.#timeOut(attempt);
    const address = turned.masquerade ? machine.namespace.address : peer.address;
    return this.#deliver(from, attempt, turned.endpoint, { ...peer, address }, true);
  }

  #dialed(listener: Listener, peer: Peer, destination: Dialed['destination']): Dialed {
    const tls = listener.kind === 'http' || listener.kind === 'object' ? listener.tls : undefined;
    if (!tls) return { listener, peer, destination };
    const { clock, verifyTls } = this.deps;
    return {
      listener,
      peer,
      destination,
      verifyTls: (roots, serverName) =>
        verifyTls
          ? verifyTls(tls.certificate, roots, serverName, clock.now())
          : Promise.resolve(
              roots.includes(tls.certificate.trim())
                ? undefined
                : 'x509: certificate signed by unknown authority',
            ),
    };
  }

  /** Nobody has the address: a neighbour that does not answer ARP, or a packet lost beyond the gateway. */
  async #unknown(from: Place, attempt: Attempt, address: string): Promise<Dialed> {
    const near = [...this.#machines.values()].some((machine) =>
      machine.blocks.some((block) => cidrContains(block, address)),
    );
    const { timeoutMs, signal } = attempt.options;
    if (!near || (timeoutMs !== undefined && timeoutMs < neighbourTimeoutMs))
      return this.#timeOut(attempt);
    await sleep(this.deps.clock, neighbourTimeoutMs, signal);
    throw new ConnectionError('EHOSTUNREACH', `${dialText(attempt)}: connect: no route to host`);
  }

  async #timeOut(attempt: Attempt): Promise<never> {
    const { timeoutMs, signal } = attempt.options;
    await sleep(this.deps.clock, timeoutMs ?? kernelTimeoutMs, signal);
    throw new ConnectionError(
      'ETIMEDOUT',
      timeoutMs === undefined
        ? `${dialText(attempt)}: connect: connection timed out`
        : `${dialText(attempt)}: i/o timeout`,
    );
  }

  refused(attempt: Attempt): ConnectionError {
    const { wanted, source, sourcePort, protocol } = attempt;
    // UDP knows of it only by the ICMP answer to what it sent.
    const text =
      protocol === 'udp'
        ? `read udp ${joinHostPort(source, sourcePort)}->${joinHostPort(wanted.address, wanted.port)}: read: connection refused`
        : `${dialText(attempt)}: connect: connection refused`;
    return new ConnectionError('ECONNREFUSED', text);
  }
}

/** Whether a machine behind a load balancer answers 200 to its health check. */
async function isHealthy(
  machine: LabMachine,
  { port, path }: NetworkLoadBalancer['healthCheck'],
): Promise<boolean> {
  if (!machine.powered) return false;
  const { address } = machine.namespace;
  const listener = machine.namespace.find(address, port, 'tcp');
  if (listener?.kind !== 'http') return false;
  const response = await listener.handle(
    { method: 'GET', url: path, headers: { host: `${address}:${port}` } },
    { address, port },
  );
  return response.status === 200;
}

interface Attempt {
  readonly wanted: { readonly address: string; readonly port: number };
  readonly protocol: Protocol;
  readonly options: DialOptions;
  readonly source: string;
  readonly sourcePort: number;
}

function dialText({ protocol, wanted }: Attempt): string {
  return `dial ${protocol} ${joinHostPort(wanted.address, wanted.port)}`;
}

class LabMachine implements MachineNetwork {
  readonly name: string;
  readonly namespace: Namespace;
  readonly rules: ServiceRules;
  powered = true;
  /** Blocks whose addresses are neighbours of somebody: the machines' network, and the pods' on each bridge. */
  readonly blocks: Cidr[] = [];
  readonly #network: LabNetwork;
  readonly #sandboxes = new Set<SandboxNetwork>();
  readonly #lastIndex = new Map<string, number>();

  constructor(network: LabNetwork, name: string, address: string, subnet = `${address}/24`) {
    this.#network = network;
    this.name = name;
    this.rules = new ServiceRules(network.deps.clock, network.deps.random);
    this.namespace = new Namespace(name, [address], (to, port, protocol, options) =>
      network.dial(
        { namespace: this.namespace, machine: this, pod: false },
        to,
        port,
        protocol,
        options,
      ),
    );
    this.#addBlock(subnet);
  }

  addSandbox(name: string, podCidr: string, hostPorts: readonly HostPort[] = []): SandboxNetwork {
    const address = this.#allocate(podCidr);
    const namespace: Namespace = new Namespace(name, [address], (to, port, protocol, options) =>
      this.#network.dial(place, to, port, protocol, options),
    );
    const place: Place = { namespace, machine: this, pod: true };
    this.#network.claim(address, place);
    const sandbox: SandboxNetwork = {
      namespace,
      hostPorts,
      dispose: () => {
        if (!this.#sandboxes.delete(sandbox)) return;
        namespace.close();
        this.#network.places.delete(address);
      },
    };
    this.#sandboxes.add(sandbox);
    return sandbox;
  }

  sandboxes(): readonly SandboxNetwork[] {
    return [...this.#sandboxes];
  }

  hostPort(
    address: string,
    port: number,
    protocol: Protocol,
  ): { address: string; port: number } | undefined {
    for (const { namespace, hostPorts } of this.#sandboxes)
      for (const mapping of hostPorts)
        if (
          mapping.hostPort === port &&
          mapping.protocol === protocol &&
          (mapping.hostIp === '' || mapping.hostIp === '0.0.0.0' || mapping.hostIp === address)
        )
          return { address: namespace.address, port: mapping.containerPort };
    return undefined;
  }

  /** Round robin over the block, as host-local does: an address is not used again at once. */
  #allocate(podCidr: string): string {
    const block = parseCidr(podCidr);
    if (!block) throw new Error(`invalid CIDR address: ${podCidr}`);
    this.#addBlock(podCidr);
    const usable = block.size - 3;
    const last = this.#lastIndex.get(podCidr) ?? -1;
    for (let step = 1; step <= usable; step++) {
      const index = (last + step) % usable;
      const address = formatIpv4(block.base + 2 + index);
      if (this.#network.places.has(address)) continue;
      this.#lastIndex.set(podCidr, index);
      return address;
    }
    throw new Error(
      `failed to allocate for range 0: no IP addresses available in range set: ${formatIpv4(block.base + 1)}-${formatIpv4(block.base + block.size - 2)}`,
    );
  }

  #addBlock(text: string): void {
    const block = parseCidr(text);
    if (block && !this.blocks.some(({ base, size }) => base === block.base && size === block.size))
      this.blocks.push(block);
  }
}
