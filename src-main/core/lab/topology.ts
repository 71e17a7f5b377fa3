import { badRequest } from '#core/kube';
import type { MachineSpec } from '#core/machines';
import { parseAddressRange } from './programs/cloud-controller-manager/index.ts';

export type Role = 'base' | 'control-plane' | 'worker';

export interface TopologyMachine extends MachineSpec {
  readonly role: Role;
  /** Range of its pods; absent for `base`. */
  readonly podCidr?: string;
}

export interface Topology {
  /** As it was asked for: `base+1cp+2w`. */
  readonly text: string;
  readonly machines: readonly TopologyMachine[];
  /** Addresses for Services of type LoadBalancer, as a range or a block; absent: there is nobody who gives them out. */
  readonly loadBalancerPool?: string;
}

const gibibyte = 1024 ** 3;
/** In the network of the machines, where none of them is. */
const defaultPool = '172.30.255.200-172.30.255.250';
const limits = { controlPlanes: 3, workers: 100 };

/**
 * Reads `base+1cp+2w`: a jump host, one control plane, two workers. `base+` may be left out. `+lb` adds load balancers
 * with addresses of their own, `+lb=172.30.255.200-172.30.255.210` says which.
 * @throws StatusError naming the part that is wrong.
 */
export function parseTopology(text: string): Topology {
  let hasBase = false;
  let controlPlanes = 0;
  let workers = 0;
  let loadBalancerPool: string | undefined;
  for (const part of text.split('+')) {
    const match = /^(\d+)(cp|w)$/.exec(part);
    if (part === 'base') hasBase = true;
    else if (part === 'lb') loadBalancerPool = defaultPool;
    else if (part.startsWith('lb=')) {
      loadBalancerPool = part.slice('lb='.length);
      if (!parseAddressRange(loadBalancerPool))
        throw badRequest(
          `topology ${JSON.stringify(text)}: ${JSON.stringify(loadBalancerPool)} is not a range of addresses ("10.9.8.1-10.9.8.20") or a block ("10.9.8.0/28")`,
        );
    } else if (match?.[2] === 'cp') controlPlanes += Number(match[1]);
    else if (match?.[2] === 'w') workers += Number(match[1]);
    else
      throw badRequest(
        `topology ${JSON.stringify(text)}: ${JSON.stringify(part)} is not "base", "<n>cp", "<n>w" or "lb"`,
      );
  }
  if (controlPlanes < 1 || controlPlanes > limits.controlPlanes)
    throw badRequest(
      `topology ${JSON.stringify(text)}: 1 to ${limits.controlPlanes} control planes are possible`,
    );
  if (workers > limits.workers)
    throw badRequest(
      `topology ${JSON.stringify(text)}: at most ${limits.workers} workers are possible`,
    );

  const machines: TopologyMachine[] = [];
  const add = (
    hostname: string,
    role: Role,
    address: string,
    size: { cpus: number; memoryGib: number },
  ): void => {
    // kubeadm's node IPAM gives each node a /24 of 10.244.0.0/16 in the order of registration.
    const index = machines.filter((machine) => machine.role !== 'base').length;
    machines.push({
      hostname,
      role,
      address,
      cpuMilli: size.cpus * 1000,
      memoryBytes: size.memoryGib * gibibyte,
      diskBytes: 100 * gibibyte,
      ...(role === 'base' ? {} : { podCidr: `10.244.${index}.0/24` }),
    });
  };
  if (hasBase) add('base', 'base', '172.30.0.2', { cpus: 2, memoryGib: 2 });
  for (let i = 0; i < controlPlanes; i++)
    add(i === 0 ? 'controlplane' : `controlplane${i + 1}`, 'control-plane', `172.30.1.${i + 2}`, {
      cpus: 4,
      memoryGib: 8,
    });
  for (let i = 0; i < workers; i++)
    add(`node${String(i + 1).padStart(2, '0')}`, 'worker', `172.30.2.${i + 2}`, {
      cpus: 4,
      memoryGib: 8,
    });
  return { text, machines, ...(loadBalancerPool === undefined ? {} : { loadBalancerPool }) };
}
