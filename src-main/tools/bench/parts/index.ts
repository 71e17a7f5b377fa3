import type { Part } from './context.ts';
import { clusters } from './clusters.ts';
import { deployment } from './deployment.ts';
import { idleNodes, idleTime } from './idle.ts';
import { listing } from './listing.ts';
import { scheduling } from './scheduling.ts';
import { start } from './start.ts';
import { cards, tasks } from './study.ts';
import { window } from './window.ts';
import { writes } from './writes.ts';

/** What can be measured, by the name for `--only`. */
export const parts: Readonly<Record<string, Part>> = {
  start,
  window,
  clusters,
  'deployment-10': deployment(10, 'base+1cp+12w', { readyMs: 500 }),
  'deployment-100': deployment(100, 'base+1cp+12w', { readyMs: 500 }),
  'deployment-1000': deployment(1000, 'base+1cp+12w', {
    readyMs: 5000,
    memoryMiB: 400,
    removedMs: 3000,
  }),
  'deployment-5000': deployment(5000, 'base+1cp+60w', { readyMs: 40_000 }),
  scheduling,
  'idle-nodes': idleNodes,
  'idle-time': idleTime,
  writes,
  'get-10k': listing,
  cards,
  tasks,
};
