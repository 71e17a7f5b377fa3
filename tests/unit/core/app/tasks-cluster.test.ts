import { expect, test } from 'vitest';
import { createTaskCluster } from '#core/app';
import { clusterState, fakeEngine } from '#tests/engine';

const podOf = (ready: boolean): unknown => ({
  metadata: { name: 'web' },
  spec: { nodeName: 'node01' },
  status: {
    phase: 'Running',
    conditions: [{ type: 'Ready', status: ready ? 'True' : 'False' }],
    containerStatuses: [{ state: { running: {} } }],
  },
});

test.each([
  { name: 'ready at once', readyAfterMs: 0, advancedMs: 0, settled: 1 },
  { name: 'ready by its third probe', readyAfterMs: 30_000, advancedMs: 30_000, settled: 2 },
  { name: 'never ready', readyAfterMs: Infinity, advancedMs: 60_000, settled: 2 },
])('settling with a pod that is $name', async ({ readyAfterMs, advancedMs, settled }) => {
  let nowMs = 0;
  let settles = 0;
  const { engine } = fakeEngine({
    settle: () => {
      settles += 1;
      return Promise.resolve({ settled: true });
    },
    advance: (clusterId, milliseconds) => {
      nowMs += milliseconds;
      return Promise.resolve(clusterState(clusterId));
    },
    request: () =>
      Promise.resolve({
        status: 200,
        headers: {},
        body: JSON.stringify({ items: [podOf(nowMs >= readyAfterMs)] }),
      }),
  });
  await createTaskCluster(engine, 'lab').settle(60_000);
  expect([nowMs, settles]).toEqual([advancedMs, settled]);
});
