import { qosClass } from '../apis/index.ts';
import { runtimeResources } from './container-config.ts';
import { latestOf } from './pod-cache.ts';
import { allContainers, specOf, uidOf, type PodView } from './pods.ts';
import { type StatsDeps, total, type Usage, usageOf } from './stats.ts';

interface Row {
  readonly labels: string;
  readonly usage: Pick<Usage, 'cpuNanoseconds' | 'memoryBytes'>;
  readonly startedMs: number;
  /** Of containers alone: what their cgroup says. */
  readonly limits?: ReturnType<typeof runtimeResources>;
}

/**
 * Prometheus text of `/metrics/cadvisor`: the node, its pods and their containers by their cgroups, as far as their use
 * is modelled; network, disks and the kernel's own counters are left out.
 * @see github.com/google/cadvisor metrics/prometheus.go
 */
export async function cadvisorMetrics(deps: StatsDeps): Promise<string> {
  const { context, cache } = deps;
  const now = Math.floor(context.clock.now());
  const rows: Row[] = [];
  const everything: Usage[] = [];
  for (const { pod, containers } of await usageOf(deps)) {
    if (containers.length === 0) continue;
    everything.push(...containers);
    const { name = '', namespace = '' } = pod.metadata;
    const slice = sliceOf(pod);
    const labels = (container: string, id: string, image: string, of: string): string =>
      `container="${container}",id="${id}",image="${image}",name="${of}",namespace="${namespace}",pod="${name}"`;
    const startedMs = Math.min(...containers.map((each) => each.startedMs));
    rows.push({ labels: labels('', slice, '', ''), usage: total(containers), startedMs });
    for (const { container } of allContainers(pod)) {
      const usage = containers.find((each) => each.name === container.name);
      if (!usage) continue;
      const image = latestOf(cache.get(uidOf(pod)), container.name)?.image ?? '';
      rows.push({
        labels: labels(
          container.name,
          `${slice}/cri-containerd-${usage.id}.scope`,
          image,
          usage.id,
        ),
        usage,
        startedMs: usage.startedMs,
        limits: runtimeResources(container),
      });
    }
  }
  const node = { ...total(everything), cpuNanoseconds: deps.nodeCpu.add(everything) };
  rows.unshift({
    labels: 'container="",id="/",image="",name="",namespace="",pod=""',
    usage: node,
    startedMs: context.startedMs,
  });
  const { cpuMilli, memoryBytes } = context.host.capacity;
  const limited = rows.filter(({ limits }) => limits !== undefined);
  const memory = ({ usage }: Row): number => usage.memoryBytes;
  return [
    family(
      'container_cpu_usage_seconds_total',
      'Cumulative cpu time consumed in seconds.',
      'counter',
      [
        ...rows.map(
          ({ labels, usage }) =>
            `{${labels.replace(',id=', ',cpu="total",id=')}} ${(usage.cpuNanoseconds / 1e9).toFixed(9)} ${now}`,
        ),
      ],
    ),
    ...(
      [
        ['container_memory_rss', 'Size of RSS in bytes.'],
        [
          'container_memory_usage_bytes',
          'Current memory usage in bytes, including all memory regardless of when it was accessed',
        ],
        ['container_memory_working_set_bytes', 'Current working set in bytes.'],
      ] as const
    ).map(([name, help]) =>
      family(
        name,
        help,
        'gauge',
        rows.map((row) => `{${row.labels}} ${memory(row)} ${now}`),
      ),
    ),
    family(
      'container_spec_cpu_period',
      'CPU period of the container.',
      'gauge',
      limited.map(({ labels }) => `{${labels}} 100000 ${now}`),
    ),
    family(
      'container_spec_cpu_quota',
      'CPU quota of the container.',
      'gauge',
      limited.flatMap(({ labels, limits }) =>
        limits?.cpuLimitMilli === undefined
          ? []
          : `{${labels}} ${limits.cpuLimitMilli * 100} ${now}`,
      ),
    ),
    family(
      'container_spec_cpu_shares',
      'CPU share of the container.',
      'gauge',
      limited.map(({ labels, limits }) => `{${labels}} ${limits?.cpuShares ?? 2} ${now}`),
    ),
    family(
      'container_spec_memory_limit_bytes',
      'Memory limit for the container.',
      'gauge',
      limited.map(({ labels, limits }) => `{${labels}} ${limits?.memoryLimitBytes ?? 0} ${now}`),
    ),
    family(
      'container_start_time_seconds',
      'Start time of the container since unix epoch in seconds.',
      'gauge',
      rows.map(({ labels, startedMs }) => `{${labels}} ${startedMs / 1000} ${now}`),
    ),
    family('machine_cpu_cores', 'Number of logical CPU cores.', 'gauge', [` ${cpuMilli / 1000}`]),
    family('machine_memory_bytes', 'Amount of memory installed on the machine.', 'gauge', [
      ` ${memoryBytes}`,
    ]),
  ].join('');
}

const family = (name: string, help: string, type: string, rows: readonly string[]): string =>
  rows.length === 0
    ? ''
    : `# HELP ${name} ${help}\n# TYPE ${name} ${type}\n${rows.map((row) => `${name}${row}\n`).join('')}`;

/** The pod's cgroup as the systemd driver names it. @see pkg/kubelet/cm/cgroup_manager_linux.go */
function sliceOf(pod: PodView): string {
  const qos = (pod.status?.qosClass ?? qosClass(specOf(pod))).toLowerCase();
  const uid = uidOf(pod).replaceAll('-', '_');
  return qos === 'guaranteed'
    ? `/kubepods.slice/kubepods-pod${uid}.slice`
    : `/kubepods.slice/kubepods-${qos}.slice/kubepods-${qos}-pod${uid}.slice`;
}
