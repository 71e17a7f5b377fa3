import { quantile, timed, waitsDuring } from '../measure.ts';
import { type Part, withCluster } from './context.ts';

const path = '/apis/apps/v1/namespaces/default/deployments';

/**
 * A Deployment on twelve workers until all its pods are Ready; meanwhile the page's core and the API server are
 * asked all the time.
 */
export const deployment =
  (replicas: number, limits: { readonly readyMs: number; readonly waitMs: number }): Part =>
  (context) =>
    withCluster(context, 'base+1cp+12w', async (host, api) => {
      let ready = 0;
      let rpcWaits: readonly number[] = [];
      const apiWaits = await waitsDuring(
        () => api.send('GET', '/version'),
        async () => {
          rpcWaits = await waitsDuring(
            () => host.rpc.call('clusters.list', {}),
            async () => {
              ready = await timed(async () => {
                await api.send('POST', path, bench(replicas));
                while ((await readyReplicas()) !== replicas)
                  await new Promise((resolve) => setTimeout(resolve, 25));
              });
            },
          );
        },
      );
      async function readyReplicas(): Promise<number | undefined> {
        const { status } = await api.send<{ status?: { readyReplicas?: number } }>(
          'GET',
          `${path}/bench`,
        );
        return status?.readyReplicas;
      }
      const longest = { atMost: limits.waitMs };
      return [
        {
          name: `Deployment of ${replicas} Ready`,
          value: ready,
          unit: 'ms',
          limit: { atMost: limits.readyMs },
        },
        {
          name: 'API server, longest wait meanwhile',
          value: Math.max(...apiWaits),
          unit: 'ms',
          limit: longest,
        },
        {
          name: 'RPC p99 meanwhile',
          value: quantile(rpcWaits, 0.99),
          unit: 'ms',
          limit: { atMost: 50 },
        },
        {
          name: 'RPC longest wait meanwhile',
          value: Math.max(...rpcWaits),
          unit: 'ms',
          limit: longest,
        },
        { name: `memory with ${replicas} pods`, value: host.memory(), unit: 'MiB' },
      ];
    });

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
