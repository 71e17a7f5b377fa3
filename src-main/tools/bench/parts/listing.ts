import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { findOnPath } from '#node/pty';
import { inParallel } from '../api-client.ts';
import { type Figure, median, quantile, timed, waitsDuring } from '../measure.ts';
import { longestWaitMs, type Part, withCluster } from './context.ts';

/** Ten thousand pods in one list, as JSON and as `kubectl get pods` prints them. */
export const listing: Part = (context) =>
  withCluster(context, 'base+1cp', async (host, api, view) => {
    const made = await timed(() =>
      inParallel(10_000, 32, (index) =>
        // Pods that no scheduler takes: what is measured is the server.
        api.send('POST', '/api/v1/namespaces/default/pods', {
          metadata: { name: `p${index}`, labels: { app: 'bench' } },
          spec: { schedulerName: 'none', containers: [{ name: 'web', image: 'nginx' }] },
        }),
      ),
    );
    const figures: Figure[] = [{ name: '10,000 pods created', value: made / 1000, unit: 's' }];
    const askApi = (): Promise<unknown> => api.sendText('GET', '/readyz');
    let list = 0;
    const listWaits = await waitsDuring(askApi, async () => {
      list = await median(3, () => api.sendText('GET', '/api/v1/namespaces/default/pods'));
    });
    figures.push(
      { name: 'JSON list of 10,000 pods', value: list, unit: 'ms', limit: { atMost: 250 } },
      { name: '  /readyz, longest wait', value: Math.max(...listWaits), ...longestWaitMs },
    );
    const kubectl = findOnPath('kubectl', process.env);
    if (kubectl === undefined) console.error('NOT RUN: kubectl get with 10,000 pods (no kubectl)');
    else {
      const args = ['--kubeconfig', view.kubeconfig, 'get', 'pods'];
      const get = (): Promise<unknown> =>
        promisify(execFile)(kubectl, args, { maxBuffer: 64 * 1024 * 1024 });
      let took = 0;
      let apiWaits: readonly number[] = [];
      const rpcWaits = await waitsDuring(
        () => host.rpc.call('clusters.list', {}),
        async () => {
          apiWaits = await waitsDuring(askApi, async () => {
            took = await median(3, get);
          });
        },
      );
      figures.push(
        { name: 'kubectl get 10,000 pods', value: took, unit: 'ms' },
        { name: '  /readyz, longest wait', value: Math.max(...apiWaits), ...longestWaitMs },
        {
          name: '  RPC p99',
          value: quantile(rpcWaits, 0.99),
          unit: 'ms',
          limit: { atMost: 50 },
        },
      );
    }
    figures.push({
      name: 'memory with 10,000 pods',
      value: host.memory(),
      unit: 'MiB',
      limit: { atMost: 400 },
    });
    return figures;
  });
