import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { ClusterView } from '#contract';
import { findOnPath } from '#node/pty';
import { apiClient, type ApiClient, inParallel } from './api-client.ts';
import { type BenchHost, longestWait, startHost } from './host.ts';
import { type Figure, median, timed } from './measure.ts';

export interface PartContext {
  /** Folder of `package.json`. */
  readonly root: string;
  /** An empty folder of this part's own. */
  readonly dataFolder: string;
}

type Part = (context: PartContext) => Promise<readonly Figure[]>;

const webProgram = (root: string): string => join(root, 'out', 'main', 'web.js');
const rpcWaitLimit = { atMost: 50 };

/** What can be measured, by the name for `--only`. */
export const parts: Readonly<Record<string, Part>> = {
  start: async ({ root, dataFolder }) => {
    const figures: Figure[] = [];
    for (const name of ['start, nothing there yet', 'start, data there']) {
      const ready = await timedStart(root, dataFolder);
      figures.push({ name, value: ready, unit: 'ms' });
    }
    return figures;
  },
  clusters: ({ root, dataFolder }) =>
    withHost(root, dataFolder, async (host) => {
      const idle = host.memory();
      const figures: Figure[] = [{ name: 'memory without clusters', value: idle, unit: 'MiB' }];
      for (const topology of ['base+1cp', 'base+1cp+2w']) {
        const value = await timed(() => up(host, topology));
        figures.push({ name: `cluster ${topology} up`, value: value / 1000, unit: 's' });
        figures.push({ name: `memory after ${topology}`, value: host.memory(), unit: 'MiB' });
      }
      return figures;
    }),
  'deployment-100': ({ root, dataFolder }) =>
    withHost(root, dataFolder, (host) => deployment(host, 'base+1cp+2w', 100)),
  'deployment-1000': ({ root, dataFolder }) =>
    withHost(root, dataFolder, (host) => deployment(host, 'base+1cp+10w', 1000)),
  writes: ({ root, dataFolder }) =>
    withCluster(root, dataFolder, 'base+1cp', async (_host, api) => {
      const count = 2000;
      const figures: Figure[] = [];
      for (const clients of [1, 16]) {
        const ms = await timed(() =>
          inParallel(count / (clients === 1 ? 4 : 1), clients, (index) =>
            api.send('POST', '/api/v1/namespaces/default/configmaps', {
              metadata: { name: `w${clients}-${index}` },
              data: { key: 'value' },
            }),
          ),
        );
        figures.push({
          name: `durable creates, ${clients} client${clients === 1 ? '' : 's'}`,
          value: (count / (clients === 1 ? 4 : 1) / ms) * 1000,
          unit: '/s',
        });
      }
      return figures;
    }),
  'get-10k': ({ root, dataFolder }) =>
    withCluster(root, dataFolder, 'base+1cp', async (host, api, view) => {
      const made = await timed(() => inParallel(10_000, 32, (index) => createPod(api, index)));
      const figures: Figure[] = [{ name: '10,000 pods created', value: made / 1000, unit: 's' }];
      const list = await median(3, () => api.send('GET', '/api/v1/namespaces/default/pods'));
      figures.push({ name: 'JSON list of 10,000 pods', value: list, unit: 'ms' });
      const kubectl = findOnPath('kubectl', process.env);
      if (kubectl !== undefined) {
        const args = ['--kubeconfig', view.kubeconfig, 'get', 'pods'];
        const get = (): Promise<unknown> =>
          promisify(execFile)(kubectl, args, { maxBuffer: 64 * 1024 * 1024 });
        const wait = await longestWait(host.rpc, async () => {
          figures.push({
            name: 'kubectl get 10,000 pods',
            value: await median(3, get),
            unit: 'ms',
          });
        });
        figures.push({
          name: 'longest RPC wait meanwhile',
          value: wait,
          unit: 'ms',
          limit: rpcWaitLimit,
        });
      }
      figures.push({ name: 'memory with 10,000 pods', value: host.memory(), unit: 'MiB' });
      return figures;
    }),
  card: ({ root, dataFolder }) =>
    withHost(root, dataFolder, async ({ rpc }) => {
      const first = await rpc.call('review.get', { language: 'en' });
      let card = first.card;
      if (!card) throw new Error('there is no card to answer');
      const value = await median(5, async () => {
        if (!card) return;
        const { cardId } = card;
        const call = { cardId, grade: 'good', durationMs: 1000, language: 'en' } as const;
        ({ card } = await rpc.call('review.answer', call));
      });
      return [{ name: 'answer a card', value, unit: 'ms' }];
    }),
  task: ({ root, dataFolder }) =>
    withHost(root, dataFolder, async ({ rpc }) => {
      const [task] = await rpc.call('tasks.list', {});
      if (!task) throw new Error('there is no task to check');
      const session: { id: string } = { id: '' };
      const started = await timed(async () => {
        const view = await rpc.call('tasks.start', {
          taskId: task.taskId,
          seed: 'bench',
          language: 'en',
        });
        session.id = view.sessionId;
      });
      const call = { sessionId: session.id, language: 'en' } as const;
      const check = await median(3, () => rpc.call('tasks.check', call));
      const reset = await median(3, () => rpc.call('tasks.reset', call));
      return [
        { name: `start task ${task.taskId}`, value: started / 1000, unit: 's' },
        { name: 'check a task', value: check, unit: 'ms' },
        { name: 'reset a task', value: reset, unit: 'ms' },
      ];
    }),
};

async function timedStart(root: string, dataFolder: string): Promise<number> {
  const started = performance.now();
  const host = await startHost(webProgram(root), dataFolder);
  const ready = performance.now() - started;
  await host.stop();
  return ready;
}

async function withHost<T>(
  root: string,
  dataFolder: string,
  work: (host: BenchHost) => Promise<T>,
): Promise<T> {
  const host = await startHost(webProgram(root), dataFolder);
  try {
    return await work(host);
  } finally {
    await host.stop();
  }
}

function withCluster<T>(
  root: string,
  dataFolder: string,
  topology: string,
  work: (host: BenchHost, api: ApiClient, view: ClusterView) => Promise<T>,
): Promise<T> {
  return withHost(root, dataFolder, async (host) => {
    const view = await up(host, topology);
    const api = apiClient(view.kubeconfig);
    try {
      return await work(host, api, view);
    } finally {
      api.close();
    }
  });
}

const up = ({ rpc }: BenchHost, topology: string): Promise<ClusterView> =>
  rpc.call('clusters.create', { name: 'bench', topology });

async function deployment(
  host: BenchHost,
  topology: string,
  replicas: number,
): Promise<readonly Figure[]> {
  const view = await up(host, topology);
  const api = apiClient(view.kubeconfig);
  const path = '/apis/apps/v1/namespaces/default/deployments';
  let ready = 0;
  const wait = await longestWait(host.rpc, async () => {
    ready = await timed(async () => {
      await api.send('POST', path, {
        metadata: { name: 'bench' },
        spec: {
          replicas,
          selector: { matchLabels: { app: 'bench' } },
          template: {
            metadata: { labels: { app: 'bench' } },
            spec: { containers: [{ name: 'web', image: 'nginx' }] },
          },
        },
      });
      for (;;) {
        const { status } = await api.send<{ status?: { readyReplicas?: number } }>(
          'GET',
          `${path}/bench`,
        );
        if (status?.readyReplicas === replicas) return;
        await new Promise((resolve) => setTimeout(resolve, 50));
      }
    });
  });
  api.close();
  return [
    { name: `Deployment of ${replicas} Ready`, value: ready / 1000, unit: 's' },
    { name: 'longest RPC wait meanwhile', value: wait, unit: 'ms', limit: rpcWaitLimit },
    { name: `memory with ${replicas} pods`, value: host.memory(), unit: 'MiB' },
  ];
}

/** Pods that no scheduler takes: what is measured is the server. */
function createPod(api: ApiClient, index: number): Promise<unknown> {
  return api.send('POST', '/api/v1/namespaces/default/pods', {
    metadata: { name: `p${index}`, labels: { app: 'bench' } },
    spec: { schedulerName: 'none', containers: [{ name: 'web', image: 'nginx' }] },
  });
}
