import type { DeepReadonly } from '#core/base';
import type { Node } from '../apis/index.ts';
import {
  formatQuantity,
  matchesRequiredNodeAffinity,
  parseQuantity,
  untoleratedTaint,
} from '../machinery/index.ts';
import { isSidecar, isStaticPod, type PodSpecView, type PodView, specOf } from './pods.ts';

/** Why the node does not take a pod. */
export interface Refusal {
  readonly reason: string;
  /** As in the event; the status says `Pod was rejected: ` before it. */
  readonly message: string;
}

export interface AdmissionInput {
  readonly pod: PodView;
  /** Pods that run here already. */
  readonly others: readonly PodView[];
  readonly node: DeepReadonly<Node> | undefined;
  readonly allocatable: {
    readonly cpuMilli: number;
    readonly memoryBytes: number;
    readonly pods: number;
  };
  readonly allowedUnsafeSysctls: readonly string[];
  /** Conditions of the node that pods have to bear: `MemoryPressure` … */
  readonly pressures: readonly string[];
}

/** From here on pods belong to the cluster itself. */
export const systemCriticalPriority = 2_000_000_000;

interface Requests {
  readonly cpu: bigint;
  readonly memory: bigint;
}

/** By the spec, which the versions of a pod have in common. */
const requestsOf = new WeakMap<PodSpecView, Requests>();

/** CPU in millicores and memory in bytes that a pod asks for. @see pkg/api/v1/resource/helpers.go, PodRequests */
export function podRequests(pod: PodView): Requests {
  const spec = specOf(pod);
  let requests = requestsOf.get(spec);
  // Each new pod of a node is weighed against all that are there.
  if (!requests) requestsOf.set(spec, (requests = sumOfRequests(spec)));
  return requests;
}

function sumOfRequests(spec: PodSpecView): Requests {
  const amount = (list: Readonly<Record<string, string>> | undefined): Requests => ({
    cpu: (parseQuantity(String(list?.['cpu'] ?? '0')).nano + 999_999n) / 1_000_000n,
    memory: parseQuantity(String(list?.['memory'] ?? '0')).nano / 1_000_000_000n,
  });
  const add = (a: Requests, b: Requests): Requests => ({
    cpu: a.cpu + b.cpu,
    memory: a.memory + b.memory,
  });
  const most = (a: Requests, b: Requests): Requests => ({
    cpu: a.cpu > b.cpu ? a.cpu : b.cpu,
    memory: a.memory > b.memory ? a.memory : b.memory,
  });
  const none: Requests = { cpu: 0n, memory: 0n };
  let total = spec.containers.map(({ resources }) => amount(resources?.requests)).reduce(add, none);
  let sidecars = none;
  let init = none;
  for (const container of spec.initContainers ?? []) {
    const own = amount(container.resources?.requests);
    if (isSidecar(container)) {
      sidecars = add(sidecars, own);
      total = add(total, own);
      init = most(init, sidecars);
    } else init = most(init, add(own, sidecars));
  }
  total = most(total, init);
  if (spec.resources?.requests) total = most(amount(spec.resources.requests), none);
  return spec.overhead ? add(total, amount(spec.overhead)) : total;
}

const safeSysctls: ReadonlySet<string> = new Set([
  'kernel.shm_rmid_forced',
  'net.ipv4.ip_local_port_range',
  'net.ipv4.tcp_syncookies',
  'net.ipv4.ping_group_range',
  'net.ipv4.ip_unprivileged_port_start',
  'net.ipv4.ip_local_reserved_ports',
  'net.ipv4.tcp_keepalive_time',
  'net.ipv4.tcp_fin_timeout',
  'net.ipv4.tcp_keepalive_intvl',
  'net.ipv4.tcp_keepalive_probes',
  'net.ipv4.tcp_rmem',
  'net.ipv4.tcp_wmem',
]);

/**
 * Whether the node takes a pod that has come to it.
 * @see pkg/kubelet/lifecycle/predicate.go
 */
export function admit(input: AdmissionInput): Refusal | undefined {
  const { pod, others, node, allocatable } = input;
  const spec = specOf(pod);
  if (!bearsPressure(pod, input.pressures))
    return {
      reason: 'Evicted',
      message: `The node had condition: [${input.pressures.join(' ')}]. `,
    };
  for (const { name } of spec.securityContext?.sysctls ?? []) {
    const allowed =
      safeSysctls.has(name) ||
      input.allowedUnsafeSysctls.some((pattern) =>
        pattern.endsWith('*') ? name.startsWith(pattern.slice(0, -1)) : pattern === name,
      );
    if (!allowed)
      return {
        reason: 'SysctlForbidden',
        message: `forbidden sysctl: ${JSON.stringify(name)} not allowlisted`,
      };
  }
  if (others.length + 1 > allocatable.pods)
    return {
      reason: 'OutOfpods',
      message: `Node didn't have enough resource: pods, requested: 1, used: ${others.length}, capacity: ${allocatable.pods}`,
    };
  const wanted = podRequests(pod);
  const used = { cpu: 0n, memory: 0n };
  for (const other of others) {
    const { cpu, memory } = podRequests(other);
    used.cpu += cpu;
    used.memory += memory;
  }
  const capacity = { cpu: BigInt(allocatable.cpuMilli), memory: BigInt(allocatable.memoryBytes) };
  for (const name of ['cpu', 'memory'] as const)
    if (wanted[name] > 0n && used[name] + wanted[name] > capacity[name])
      return {
        reason: `OutOf${name}`,
        message: `Node didn't have enough resource: ${name}, requested: ${wanted[name]}, used: ${used[name]}, capacity: ${capacity[name]}`,
      };
  if (node && !matchesRequiredNodeAffinity(specOf(pod), node.metadata))
    return {
      reason: 'NodeAffinity',
      message: "Predicate NodeAffinity failed: node(s) didn't match Pod's node affinity/selector",
    };
  const ports = hostPorts(pod);
  if (
    ports.length > 0 &&
    others.flatMap(hostPorts).some((taken) => ports.some((port) => clash(port, taken)))
  )
    return {
      reason: 'NodePorts',
      message:
        "Predicate NodePorts failed: node(s) didn't have free ports for the requested pod ports",
    };
  // Of taints the kubelet minds those alone by which a pod would be sent away again.
  if (!isStaticPod(pod) && untoleratedTaint(node?.spec?.taints, spec.tolerations, ['NoExecute']))
    return {
      reason: 'TaintToleration',
      message: "Predicate TaintToleration failed: node(s) had taints that the pod didn't tolerate",
    };
  return undefined;
}

/** @see pkg/kubelet/eviction/eviction_manager.go, Admit */
function bearsPressure(pod: PodView, pressures: readonly string[]): boolean {
  const { priority = 0, tolerations } = specOf(pod);
  if (pressures.length === 0 || isStaticPod(pod) || priority >= systemCriticalPriority) return true;
  if (pressures.length > 1 || pressures[0] !== 'MemoryPressure') return false;
  if ((pod.status?.qosClass ?? '') !== 'BestEffort') return true;
  const taint = { key: 'node.kubernetes.io/memory-pressure', effect: 'NoSchedule' };
  return untoleratedTaint([taint], tolerations, ['NoSchedule']) === undefined;
}

interface HostPort {
  readonly address: string;
  /** `TCP/8080`. */
  readonly port: string;
}

function hostPorts(pod: PodView): HostPort[] {
  return specOf(pod).containers.flatMap(({ ports = [] }) =>
    ports.flatMap(({ hostPort = 0, hostIP, protocol = 'TCP' }) =>
      hostPort > 0 ? { address: hostIP || anyAddress, port: `${protocol}/${hostPort}` } : [],
    ),
  );
}

const anyAddress = '0.0.0.0';

const clash = (a: HostPort, b: HostPort): boolean =>
  a.port === b.port &&
  (a.address === b.address || a.address === anyAddress || b.address === anyAddress);

/** Bytes as a node's status shows them, in the form in which the API server keeps them: `24581696Ki`. */
export function memoryQuantity(bytes: number): string {
  return formatQuantity({ nano: BigInt(bytes) * 1_000_000_000n, format: 'BinarySI' });
}
