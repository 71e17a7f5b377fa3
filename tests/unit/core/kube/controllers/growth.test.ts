import { expect, test } from 'vitest';
import { drainMicrotasks } from '#tests/sim';
import { startCluster } from './cluster-bench.ts';

const sizes = [10, 100, 1000] as const;

/** What a Deployment of so many replicas costs until it is there, and then is gone again. */
async function costOf(replicas: number) {
  const { client, time, store } = await startCluster();
  const runOut = async (): Promise<number> => {
    let most = 0;
    for (const limit = time.clock.now() + 120_000; ;) {
      const before = store.revision;
      const hasStepped = time.clock.step(limit);
      await drainMicrotasks();
      most = Math.max(most, store.revision - before);
      if (!hasStepped) return most;
    }
  };
  const begun = store.revision;
  await client.resource('deployments.apps').create({
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name: 'web', namespace: 'default' },
    spec: {
      replicas,
      selector: { matchLabels: { app: 'web' } },
      template: {
        metadata: { labels: { app: 'web' } },
        spec: { containers: [{ name: 'c', image: 'i' }] },
      },
    },
  });
  const most = await runOut();
  const made = store.revision - begun;
  await client
    .resource('deployments.apps')
    .delete('default', 'web', { propagationPolicy: 'Background' });
  const mostOfEnd = await runOut();
  const { items } = await client.resource('pods').list({ namespace: 'default' });
  return {
    left: items.length,
    made: made / replicas,
    ended: (store.revision - begun - made) / replicas,
    mostInOneStep: Math.max(most, mostOfEnd),
  };
}

test('a pod of a thousand costs no more writes than one of ten, and no step does many', async () => {
  const table: Awaited<ReturnType<typeof costOf>>[] = [];
  for (const size of sizes) table.push(await costOf(size));
  const [ten] = table;
  for (const row of table) {
    expect(row.left).toBe(0);
    expect(row.made).toBeLessThanOrEqual((ten?.made ?? 0) * 1.1);
    expect(row.ended).toBeLessThanOrEqual((ten?.ended ?? 0) * 1.1);
    expect(row.mostInOneStep).toBeLessThanOrEqual(64);
  }
}, 120_000);
