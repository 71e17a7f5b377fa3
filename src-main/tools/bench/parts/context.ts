import { join } from 'node:path';
import type { ClusterView } from '#contract';
import { apiClient, type ApiClient } from '../api-client.ts';
import { type BenchHost, startHost } from '../host.ts';
import type { Figure } from '../measure.ts';

export interface PartContext {
  /** Folder of `package.json`. */
  readonly root: string;
  /** An empty folder of this part's own. */
  readonly dataFolder: string;
}

/** Nobody waits longer than this for an answer, whatever else is done. */
export const longestWaitMs = { unit: 'ms', limit: { atMost: 50 } } as const;

export type Part = (context: PartContext) => Promise<readonly Figure[]>;

/** The web host as `npm run build` leaves it. */
export const webProgram = (root: string): string => join(root, 'out', 'main', 'web.js');

/** Runs `work` beside a host that is stopped afterwards. */
export async function withHost<T>(
  { root, dataFolder }: PartContext,
  work: (host: BenchHost) => Promise<T>,
): Promise<T> {
  const host = await startHost(webProgram(root), dataFolder);
  try {
    return await work(host);
  } finally {
    await host.stop();
  }
}

/** Runs `work` beside a host with one cluster, which a client speaks to from outside. */
export function withCluster<T>(
  context: PartContext,
  topology: string,
  work: (host: BenchHost, api: ApiClient, view: ClusterView) => Promise<T>,
): Promise<T> {
  return withHost(context, async (host) => {
    const view = await host.rpc.call('clusters.create', { name: 'bench', topology });
    const api = apiClient(view.kubeconfig);
    try {
      return await work(host, api, view);
    } finally {
      api.close();
    }
  });
}
