import { request } from 'node:https';
import type { ClusterView } from '#contract';
import type { BenchHost } from '../host.ts';
import { type Figure } from '../measure.ts';
import { type Part, withHost } from './context.ts';

/** Clusters of the default topology: until `/readyz` is ok, until all nodes are Ready, and what they weigh. */
export const clusters: Part = (context) =>
  withHost(context, async (host) => {
    const figures: Figure[] = [
      { name: 'memory without clusters', value: host.memory(), unit: 'MiB' },
    ];
    for (const [index, name] of ['first', 'second', 'third'].entries()) {
      const started = performance.now();
      const created = host.rpc.call('clusters.create', { name, topology: 'base+1cp+2w' });
      await answersReady(host, name, created);
      const readyz = performance.now() - started;
      await created;
      const up = performance.now() - started;
      const limit = { atMost: index === 0 ? 1000 : 300 };
      figures.push(
        { name: `${name} cluster, /readyz`, value: readyz, unit: 'ms', limit },
        { name: `${name} cluster, nodes Ready`, value: up, unit: 'ms' },
      );
      if (index > 0) continue;
      await settle();
      const memory = host.memory();
      figures.push({
        name: 'memory idle, one cluster',
        value: memory,
        unit: 'MiB',
        limit: { atMost: 200 },
      });
    }
    figures.push({ name: 'memory with three clusters', value: host.memory(), unit: 'MiB' });
    return figures;
  });

/** What the start left behind is collected when the process has nothing to do. */
const settle = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 10_000));

async function answersReady(
  host: BenchHost,
  name: string,
  created: Promise<ClusterView>,
): Promise<void> {
  let failed = false;
  created.catch(() => (failed = true));
  for (;;) {
    const server = (await host.rpc.call('clusters.list', {})).find(
      (cluster) => cluster.name === name,
    )?.server;
    if (failed || (server && (await readyz(server)))) return;
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

/** Anybody may ask; whose certificate answers does not matter here. */
function readyz(server: string): Promise<boolean> {
  return new Promise((resolve) => {
    const outgoing = request(`${server}/readyz`, { rejectUnauthorized: false }, (incoming) => {
      incoming.resume();
      incoming.once('end', () => resolve(incoming.statusCode === 200));
    });
    outgoing.once('error', () => resolve(false));
    outgoing.end();
  });
}
