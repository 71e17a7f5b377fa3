import type { Part } from './context.ts';
import { clusters } from './clusters.ts';
import { deployment } from './deployment.ts';
import { listing } from './listing.ts';
import { start } from './start.ts';
import { cards, tasks } from './study.ts';
import { window } from './window.ts';
import { writes } from './writes.ts';

/** What can be measured, by the name for `--only`. */
export const parts: Readonly<Record<string, Part>> = {
  start,
  window,
  clusters,
  'deployment-100': deployment(100, { readyMs: 1300, waitMs: 200 }),
  'deployment-1000': deployment(1000, { readyMs: 20_000, waitMs: 200 }),
  writes,
  'get-10k': listing,
  cards,
  tasks,
};
