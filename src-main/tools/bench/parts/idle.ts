import { timed } from '../measure.ts';
import { type Part, withCluster, withHost } from './context.ts';

const restMs = 15_000;
const watchedMs = 20_000;

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

/** What a hundred nodes cost on which nothing happens: leases, statuses, relists. */
export const idleNodes: Part = (context) =>
  withCluster(context, 'base+1cp+100w', async (host) => {
    await pause(restMs);
    const before = host.cpuMs();
    const elapsed = await timed(() => pause(watchedMs));
    return [
      {
        name: '100 idle nodes, share of one core',
        value: ((host.cpuMs() - before) / elapsed) * 100,
        unit: '%',
        limit: { atMost: 5 },
      },
      { name: 'memory with 100 nodes', value: host.memory(), unit: 'MiB' },
    ];
  });

/** Time travel: ten minutes of three nodes on which nothing happens; and `kijabi clock settle` afterwards. */
export const idleTime: Part = (context) =>
  withHost(context, async (host) => {
    const view = await host.rpc.call('clusters.create', {
      name: 'bench',
      topology: 'base+1cp+2w',
    });
    await pause(restMs);
    const taken = await timed(() =>
      host.rpc.call('clusters.advance', { clusterId: view.clusterId, milliseconds: 600_000 }),
    );
    const settled = await timed(() =>
      host.rpc.call('clusters.settle', { clusterId: view.clusterId }),
    );
    return [
      {
        name: 'ten idle minutes of three nodes',
        value: taken,
        unit: 'ms',
        limit: { atMost: 100 },
      },
      { name: '  a cluster at rest is found settled', value: settled, unit: 'ms' },
    ];
  });
