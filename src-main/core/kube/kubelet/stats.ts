import { formatTime } from '../machinery/index.ts';
import type { KubeletContext } from './context.ts';
import { latestOf, type PodCache } from './pod-cache.ts';
import { allContainers, uidOf, type PodView } from './pods.ts';

export interface StatsDeps {
  readonly context: KubeletContext;
  readonly cache: PodCache;
  readonly pods: () => readonly PodView[];
  readonly nodeCpu: NodeCpuTime;
}

/** What a running container uses. */
export interface Usage {
  readonly id: string;
  readonly name: string;
  readonly startedMs: number;
  readonly cpuNanocores: number;
  readonly cpuNanoseconds: number;
  readonly memoryBytes: number;
}

/** The CPU time of a node: it goes on when containers are removed, as a counter must. */
export class NodeCpuTime {
  #nanoseconds = 0;
  readonly #seen = new Map<string, number>();

  /** Counts what each container has used since it was seen last. @returns the total, ns. */
  add(containers: readonly { readonly id: string; readonly cpuNanoseconds: number }[]): number {
    const ids = new Set(containers.map(({ id }) => id));
    for (const id of this.#seen.keys()) if (!ids.has(id)) this.#seen.delete(id);
    for (const { id, cpuNanoseconds } of containers) {
      this.#nanoseconds += Math.max(0, cpuNanoseconds - (this.#seen.get(id) ?? 0));
      this.#seen.set(id, cpuNanoseconds);
    }
    return this.#nanoseconds;
  }
}

interface PodUsage {
  readonly pod: PodView;
  readonly containers: readonly Usage[];
}

/** What the running containers of each pod use. */
export async function usageOf({ context, cache, pods }: StatsDeps): Promise<PodUsage[]> {
  const { runtime } = context.host;
  return Promise.all(
    pods().map(async (pod) => {
      const running = allContainers(pod)
        .map(({ container }) => latestOf(cache.get(uidOf(pod)), container.name))
        .filter((status) => status?.state === 'CONTAINER_RUNNING');
      const containers = await Promise.all(
        running.map(async (status) => ({
          id: status?.id ?? '',
          name: status?.name ?? '',
          startedMs: status?.startedMs ?? 0,
          ...(await runtime.containerStats(status?.id ?? '')),
        })),
      );
      return { pod, containers };
    }),
  );
}

/** What containers use together. */
export const total = (containers: readonly Usage[]): Omit<Usage, 'id' | 'name' | 'startedMs'> => ({
  cpuNanocores: containers.reduce((sum, { cpuNanocores }) => sum + cpuNanocores, 0),
  cpuNanoseconds: containers.reduce((sum, { cpuNanoseconds }) => sum + cpuNanoseconds, 0),
  memoryBytes: containers.reduce((sum, { memoryBytes }) => sum + memoryBytes, 0),
});

/** @see k8s.io/kubelet/pkg/apis/stats/v1alpha1/types.go, Summary */
export async function statsSummary(deps: StatsDeps): Promise<object> {
  const { context } = deps;
  const now = context.clock.now();
  const time = formatTime(now);
  const usage = await usageOf(deps);
  const part = ({
    cpuNanocores,
    cpuNanoseconds,
    memoryBytes,
  }: ReturnType<typeof total>): object => ({
    cpu: {
      time,
      usageNanoCores: cpuNanocores,
      usageCoreNanoSeconds: Math.round(cpuNanoseconds),
    },
    memory: { time, usageBytes: memoryBytes, workingSetBytes: memoryBytes, rssBytes: memoryBytes },
  });
  const everything = usage.flatMap(({ containers }) => containers);
  const all = { ...total(everything), cpuNanoseconds: deps.nodeCpu.add(everything) };
  const { memoryBytes, ephemeralStorageBytes } = context.host.capacity;
  return {
    node: {
      nodeName: context.nodeName,
      startTime: formatTime(context.startedMs),
      ...part(all),
      memory: {
        time,
        availableBytes: memoryBytes - all.memoryBytes,
        usageBytes: all.memoryBytes,
        workingSetBytes: all.memoryBytes,
        rssBytes: all.memoryBytes,
      },
      fs: { time, availableBytes: ephemeralStorageBytes, capacityBytes: ephemeralStorageBytes },
    },
    pods: usage
      .filter(({ containers }) => containers.length > 0)
      .map(({ pod, containers }) => {
        const sum = total(containers);
        const startedMs = Math.min(...containers.map((container) => container.startedMs));
        return {
          podRef: {
            name: pod.metadata.name ?? '',
            namespace: pod.metadata.namespace ?? '',
            uid: uidOf(pod),
          },
          startTime: formatTime(startedMs),
          containers: containers.map((container) => ({
            name: container.name,
            startTime: formatTime(container.startedMs),
            ...part(container),
          })),
          ...part(sum),
        };
      }),
  };
}

/** Prometheus text, as metrics-server reads it. @see pkg/kubelet/metrics/collectors/resource_metrics.go */
export async function resourceMetrics(deps: StatsDeps): Promise<string> {
  const { context } = deps;
  const now = Math.floor(context.clock.now());
  const usage = await usageOf(deps);
  const seconds = ({ cpuNanoseconds }: { readonly cpuNanoseconds: number }): string =>
    (cpuNanoseconds / 1e9).toFixed(9);
  const blocks: string[] = [];
  const block = (name: string, help: string, type: string, lines: readonly string[]): void => {
    if (lines.length > 0)
      blocks.push(
        `# HELP ${name} ${help}\n# TYPE ${name} ${type}\n${lines.map((line) => `${name}${line}\n`).join('')}`,
      );
  };
  const containers = usage.flatMap(({ pod, containers: items }) =>
    items.map((item) => ({
      item,
      labels: `{container="${item.name}",namespace="${pod.metadata.namespace ?? ''}",pod="${pod.metadata.name ?? ''}"}`,
    })),
  );
  const pods = usage
    .filter(({ containers: items }) => items.length > 0)
    .map(({ pod, containers: items }) => ({
      sum: total(items),
      labels: `{namespace="${pod.metadata.namespace ?? ''}",pod="${pod.metadata.name ?? ''}"}`,
    }));
  const everything = containers.map(({ item }) => item);
  const all = { ...total(everything), cpuNanoseconds: deps.nodeCpu.add(everything) };
  block(
    'container_cpu_usage_seconds_total',
    '[STABLE] Cumulative cpu time consumed by the container in core-seconds',
    'counter',
    containers.map(({ item, labels }) => `${labels} ${seconds(item)} ${now}`),
  );
  block(
    'container_memory_working_set_bytes',
    '[STABLE] Current working set of the container in bytes',
    'gauge',
    containers.map(({ item, labels }) => `${labels} ${item.memoryBytes} ${now}`),
  );
  block(
    'container_start_time_seconds',
    '[STABLE] Start time of the container since unix epoch in seconds',
    'gauge',
    containers.map(({ item, labels }) => `${labels} ${item.startedMs / 1000}`),
  );
  block(
    'node_cpu_usage_seconds_total',
    '[STABLE] Cumulative cpu time consumed by the node in core-seconds',
    'counter',
    [` ${seconds(all)} ${now}`],
  );
  block(
    'node_memory_working_set_bytes',
    '[STABLE] Current working set of the node in bytes',
    'gauge',
    [` ${all.memoryBytes} ${now}`],
  );
  block(
    'pod_cpu_usage_seconds_total',
    '[STABLE] Cumulative cpu time consumed by the pod in core-seconds',
    'counter',
    pods.map(({ sum, labels }) => `${labels} ${seconds(sum)} ${now}`),
  );
  block(
    'pod_memory_working_set_bytes',
    '[STABLE] Current working set of the pod in bytes',
    'gauge',
    pods.map(({ sum, labels }) => `${labels} ${sum.memoryBytes} ${now}`),
  );
  block(
    'resource_scrape_error',
    '[STABLE] 1 if there was an error while getting container metrics, 0 otherwise',
    'gauge',
    [' 0'],
  );
  return blocks.join('');
}
