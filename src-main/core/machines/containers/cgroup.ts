import type { ContainerResources } from '#core/kube';
import { virtualDirectory, virtualFile, type VirtualNode } from '../filesystem/index.ts';
import type { ResourceGroup } from '../process/index.ts';

const controllers = 'cpuset cpu io memory hugetlb pids rdma misc\n';
const periodMicros = 100_000;

/** What a cgroup's files are read from. */
export interface CgroupView {
  readonly group: ResourceGroup;
  readonly resources: () => ContainerResources;
  /** Of its processes, as those who look see them. */
  readonly pids: () => readonly number[];
  readonly now: () => number;
}

type Directory = VirtualNode & { readonly kind: 'directory' };

/** The files of one cgroup (version 2) as a container sees its own at `/sys/fs/cgroup`. */
export function cgroupFiles(view: CgroupView): VirtualNode {
  // Most containers never look.
  let made: Directory | undefined;
  const files = (): Directory => (made ??= filesOf(view) as Directory);
  return virtualDirectory(
    {},
    { list: () => files().list(), lookup: (name) => files().lookup(name) },
  );
}

function filesOf({ group, resources, pids, now }: CgroupView): VirtualNode {
  const fixed = (text: string): VirtualNode => virtualFile(() => text);
  const members = (): number => group.members.size;
  return virtualDirectory({
    'cgroup.controllers': fixed(controllers),
    'cgroup.events': virtualFile(() => `populated ${members() > 0 ? 1 : 0}\nfrozen 0\n`),
    'cgroup.freeze': fixed('0\n'),
    'cgroup.procs': virtualFile(() =>
      pids()
        .map((pid) => `${pid}\n`)
        .join(''),
    ),
    'cgroup.subtree_control': fixed(''),
    'cgroup.type': fixed('domain\n'),
    'cpu.max': virtualFile(() => cpuMax(resources().cpuLimitMilli)),
    'cpu.stat': virtualFile(() => cpuStat(group, now())),
    'cpu.weight': virtualFile(() => `${cpuWeight(resources().cpuShares)}\n`),
    'memory.current': virtualFile(() => `${group.memoryBytes}\n`),
    'memory.events': fixed('low 0\nhigh 0\nmax 0\noom 0\noom_kill 0\noom_group_kill 0\n'),
    'memory.high': fixed('max\n'),
    'memory.low': fixed('0\n'),
    'memory.max': virtualFile(() => `${resources().memoryLimitBytes ?? 'max'}\n`),
    'memory.min': fixed('0\n'),
    'memory.oom.group': fixed('1\n'),
    'memory.stat': virtualFile(
      () => `anon ${group.memoryBytes}\nfile 0\nkernel 0\ninactive_file 0\nactive_file 0\n`,
    ),
    'memory.swap.current': fixed('0\n'),
    // A container with a memory limit gets no swap: the kubelet's default is NoSwap.
    'memory.swap.max': fixed('0\n'),
    'pids.current': virtualFile(() => `${members()}\n`),
    'pids.max': fixed('max\n'),
  });
}

/** `50000 100000`: micro-seconds of each period. The kernel takes no quota below a millisecond. */
function cpuMax(limitMilli: number | undefined): string {
  if (limitMilli === undefined) return `max ${periodMicros}\n`;
  return `${Math.max(1000, (limitMilli * periodMicros) / 1000)} ${periodMicros}\n`;
}

/**
 * Shares of version 1 as a weight of version 2.
 * @see github.com/opencontainers/cgroups utils.go, ConvertCPUSharesToCgroupV2Value
 */
function cpuWeight(shares = 2): number {
  if (shares <= 2) return 1;
  if (shares >= 262_144) return 10_000;
  const log = Math.log2(shares);
  return Math.ceil(10 ** ((log * log + 125 * log) / 612 - 7 / 34));
}

function cpuStat(group: ResourceGroup, nowMs: number): string {
  const usage = Math.floor(group.cpuNanos(nowMs) / 1000);
  return `usage_usec ${usage}\nuser_usec ${usage}\nsystem_usec 0\nnr_periods 0\nnr_throttled 0\nthrottled_usec 0\n`;
}
