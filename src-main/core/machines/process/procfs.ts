import { concatBytes, utf8 } from '#core/base';
import {
  virtualDirectory,
  virtualFile,
  type VirtualNode,
  virtualTree,
} from '../filesystem/index.ts';
import type { Process } from './process.ts';
import type { ProcessTable } from './process-table.ts';

/** What `/proc` tells beyond processes. */
export interface ProcInfo {
  readonly hostname: () => string;
  readonly kernelVersion: string;
  readonly cpuCount: number;
  readonly memoryBytes: number;
  readonly bootId: string;
  /** When the machine was started, ms since the epoch. */
  readonly bootedMs: () => number;
  readonly now: () => number;
  /** The lines of /proc/mounts. */
  readonly mounts: () => string;
  /** Of all processes of the machine; by default the sum over `table`. */
  readonly usedMemoryBytes?: () => number;
  readonly usedCpuMilli?: () => number;
  /** The cgroup that is `/` to those who look: a container's own. */
  readonly cgroupRoot?: string;
  /** Further files below /proc, by path (`sys/net/ipv4/ip_forward`). */
  readonly more?: () => Readonly<Record<string, VirtualNode>>;
}

const kib = (bytes: number): string => String(Math.round(bytes / 1024)).padStart(8);

/** The tree to mount on `/proc`. */
export function procFiles(table: ProcessTable, info: ProcInfo): VirtualNode {
  const usedMemory =
    info.usedMemoryBytes ??
    ((): number => table.processes().reduce((sum, process) => sum + process.memoryBytes, 0));
  const usedCpu =
    info.usedCpuMilli ??
    ((): number => table.processes().reduce((sum, process) => sum + process.cpuMilli, 0));
  const load = (): string => (usedCpu() / 1000).toFixed(2);
  const makeFixed = (): VirtualNode =>
    virtualTree({
      uptime: virtualFile(() => {
        const up = (info.now() - info.bootedMs()) / 1000;
        return `${up.toFixed(2)} ${(up * info.cpuCount * 0.9).toFixed(2)}\n`;
      }),
      loadavg: virtualFile(
        () => `${load()} ${load()} ${load()} 1/${table.processes().length} ${lastPid(table)}\n`,
      ),
      meminfo: virtualFile(() => meminfo(info.memoryBytes, usedMemory())),
      cpuinfo: virtualFile(() =>
        Array.from(
          { length: info.cpuCount },
          (_, cpu) =>
            `processor\t: ${cpu}\nvendor_id\t: GenuineIntel\nmodel name\t: Intel(R) Xeon(R) Processor\ncpu MHz\t\t: 2400.000\n\n`,
        ).join(''),
      ),
      version: virtualFile(
        () =>
          `Linux version ${info.kernelVersion} (buildd@lcy02-amd64-116) (x86_64-linux-gnu-gcc-13) #1 SMP PREEMPT_DYNAMIC\n`,
      ),
      mounts: virtualFile(info.mounts),
      filesystems: virtualFile(
        () => 'nodev\tproc\nnodev\tsysfs\nnodev\ttmpfs\nnodev\toverlay\n\text4\n',
      ),
      swaps: virtualFile(() => 'Filename\t\t\t\tType\t\tSize\t\tUsed\t\tPriority\n'),
      cmdline: virtualFile(() => 'BOOT_IMAGE=/boot/vmlinuz root=/dev/sda1 ro quiet\n'),
      'sys/kernel/hostname': virtualFile(() => `${info.hostname()}\n`),
      'sys/kernel/ostype': virtualFile(() => 'Linux\n'),
      'sys/kernel/osrelease': virtualFile(() => `${info.kernelVersion}\n`),
      'sys/kernel/random/boot_id': virtualFile(() => `${info.bootId}\n`),
      ...info.more?.(),
    });
  // Most containers never look.
  let made: VirtualNode | undefined;
  const fixed = (): VirtualNode & { readonly kind: 'directory' } => {
    made ??= makeFixed();
    return made as VirtualNode & { readonly kind: 'directory' };
  };
  return virtualDirectory(
    {},
    {
      *list() {
        for (const process of table.processes()) yield String(process.pidIn(table));
        yield* fixed().list();
      },
      lookup: (name) => {
        const process = /^\d+$/.test(name) ? table.get(Number(name)) : undefined;
        if (process) return processFiles(table, process, info.cgroupRoot);
        return fixed().lookup(name);
      },
    },
  );
}

function lastPid(table: ProcessTable): number {
  return table.processes().at(-1)?.pidIn(table) ?? 0;
}

/** The figures `free` and `top` read. A fifth of what is not used counts as cache. */
function meminfo(total: number, used: number): string {
  const cache = Math.max(0, Math.round((total - used) * 0.2));
  const free = Math.max(0, total - used - cache);
  const rows: [string, number][] = [
    ['MemTotal', total],
    ['MemFree', free],
    ['MemAvailable', free + Math.round(cache * 0.9)],
    ['Buffers', Math.round(cache * 0.1)],
    ['Cached', Math.round(cache * 0.9)],
    ['SwapTotal', 0],
    ['SwapFree', 0],
    ['Shmem', 0],
    ['SReclaimable', 0],
  ];
  return rows.map(([name, bytes]) => `${`${name}:`.padEnd(16)}${kib(bytes)} kB\n`).join('');
}

function processFiles(table: ProcessTable, process: Process, cgroupRoot?: string): VirtualNode {
  const info = process.info(table);
  const name = (info.argv[0] ?? '').replace(/^.*\//, '').slice(0, 15);
  const states = { R: 'R (running)', S: 'S (sleeping)', T: 'T (stopped)' };
  return virtualDirectory({
    cmdline: virtualFile(() => concatBytes(info.argv.map((arg) => utf8(`${arg}\0`)))),
    comm: virtualFile(() => `${name}\n`),
    environ: {
      kind: 'file',
      mode: 0o400,
      read: () =>
        Object.entries(process.env)
          .map(([key, value]) => `${key}=${value}\0`)
          .join(''),
    },
    status: virtualFile(() =>
      [
        `Name:\t${name}`,
        `State:\t${states[info.state ?? 'S']}`,
        `Tgid:\t${info.pid}`,
        `Pid:\t${info.pid}`,
        `PPid:\t${info.parentPid}`,
        `Uid:\t${Array(4).fill(process.user.uid).join('\t')}`,
        `Gid:\t${Array(4).fill(process.user.gid).join('\t')}`,
        `VmRSS:\t${kib(info.memoryBytes)} kB`,
        'Threads:\t1',
        `NoNewPrivs:\t${process.system.noNewPrivileges ? 1 : 0}`,
        '',
      ].join('\n'),
    ),
    cgroup: virtualFile(() => `0::${info.cgroup === cgroupRoot ? '/' : (info.cgroup ?? '/')}\n`),
    oom_score_adj: virtualFile(() => '0\n'),
    cwd: { kind: 'symlink', target: () => process.cwd },
    root: { kind: 'symlink', target: () => '/' },
  });
}
