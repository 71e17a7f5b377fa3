import { quantile, timed, waitsDuring } from '../measure.ts';
import type { ApiClient } from '../api-client.ts';
import { longestWaitMs, type Part, withCluster } from './context.ts';

const namespace = 'bench';
const path = `/apis/apps/v1/namespaces/${namespace}/deployments`;

export interface DeploymentLimits {
  readonly readyMs: number;
  readonly memoryMiB?: number;
  /** Until the namespace with all its pods is gone again; absent: not measured. */
  readonly removedMs?: number;
}

/**
 * A Deployment until all its pods are Ready, and its namespace until it is gone; meanwhile the page's core and the API
 * server are asked all the time.
 */
export const deployment =
  (replicas: number, topology: string, limits: DeploymentLimits): Part =>
  (context) =>
    withCluster(context, topology, async (host, api) => {
      await api.send('POST', '/api/v1/namespaces', { metadata: { name: namespace } });
      const before = host.cpuMs();
      let ready = 0;
      let rpcWaits: readonly number[] = [];
      const askApi = (): Promise<unknown> => api.sendText('GET', '/readyz');
      const apiWaits = await waitsDuring(askApi, async () => {
        rpcWaits = await waitsDuring(
          () => host.rpc.call('clusters.list', {}),
          async () => {
            ready = await timed(async () => {
              await api.send('POST', path, bench(replicas));
              await allReady(api, replicas);
            });
          },
        );
      });
      const cpu = host.cpuMs() - before;
      const memory = host.memory();
      let removed = 0;
      const removalWaits =
        limits.removedMs === undefined
          ? []
          : await waitsDuring(askApi, async () => {
              removed = await timed(() => remove(api));
            });
      return [
        {
          name: `Deployment of ${replicas} Ready`,
          value: ready,
          unit: 'ms',
          limit: { atMost: limits.readyMs },
        },
        { name: '  processor time of each pod', value: cpu / replicas, unit: 'ms' },
        { name: '  /readyz, longest wait', value: Math.max(...apiWaits), ...longestWaitMs },
        {
          name: '  RPC p99',
          value: quantile(rpcWaits, 0.99),
          unit: 'ms',
          limit: { atMost: 50 },
        },
        { name: '  RPC longest wait', value: Math.max(...rpcWaits), ...longestWaitMs },
        {
          name: `  memory with ${replicas} pods`,
          value: memory,
          unit: 'MiB',
          ...(limits.memoryMiB === undefined ? {} : { limit: { atMost: limits.memoryMiB } }),
        },
        ...(limits.removedMs === undefined
          ? []
          : [
              {
                name: `namespace with ${replicas} pods removed`,
                value: removed,
                unit: 'ms' as const,
                limit: { atMost: limits.removedMs },
              },
              {
                name: '  /readyz, longest wait',
                value: Math.max(...removalWaits),
                ...longestWaitMs,
              },
            ]),
      ];
    });

async function allReady(api: ApiClient, replicas: number): Promise<void> {
  for (;;) {
    const { status } = await api.send<{ status?: { readyReplicas?: number } }>(
      'GET',
      `${path}/bench`,
    );
    if (status?.readyReplicas === replicas) return;
    await new Promise((resolve) => setTimeout(resolve, 25));
  }
}

/** Deletes the namespace and waits until it is gone. */
async function remove(api: ApiClient): Promise<void> {
  const url = `/api/v1/namespaces/${namespace}`;
  await api.send('DELETE', url);
  for (;;) {
    const { items } = await api.send<{ items: readonly unknown[] }>(
      'GET',
      `/api/v1/namespaces?fieldSelector=metadata.name%3D${namespace}`,
    );
    if (items.length === 0) return;
    await new Promise((resolve) => setTimeout(resolve, 25));
  }
}

const bench = (replicas: number): object => ({
  metadata: { name: 'bench' },
  spec: {
    replicas,
    selector: { matchLabels: { app: 'bench' } },
    template: {
      metadata: { labels: { app: 'bench' } },
      spec: {
        containers: [
          {
            name: 'web',
            image: 'nginx',
            resources: { requests: { cpu: '1m', memory: '1Mi' } },
          },
        ],
      },
    },
  },
});
