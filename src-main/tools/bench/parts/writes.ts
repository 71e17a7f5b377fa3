import { type ApiClient, inParallel } from '../api-client.ts';
import { type Figure, quantile, timed, waitsDuring } from '../measure.ts';
import { longestWaitMs, type Part, withCluster } from './context.ts';

const path = '/api/v1/namespaces/default/configmaps';
const watchedWrites = 300;

const configMap = (name: string): object => ({
  metadata: { name },
  data: { text: 'x'.repeat(200) },
});

/** Creates that are on the disk before they are answered, and how soon a watch tells of them. */
export const writes: Part = (context) =>
  withCluster(context, 'base+1cp', async (_host, api) => {
    const figures: Figure[] = [];
    const waits = await waitsDuring(
      () => api.sendText('GET', '/readyz'),
      async () => {
        figures.push(...(await creates(api, 1, 500)));
        figures.push(...(await creates(api, 16, 4000)));
      },
    );
    figures.push({ name: '  /readyz, longest wait', value: Math.max(...waits), ...longestWaitMs });
    const lags = await watchLags(api);
    return [
      ...figures,
      {
        name: 'write to watch event, p50',
        value: quantile(lags, 0.5),
        unit: 'ms',
        limit: { atMost: 2 },
      },
      { name: 'write to watch event, p99', value: quantile(lags, 0.99), unit: 'ms' },
    ];
  });

async function creates(api: ApiClient, clients: number, count: number): Promise<Figure[]> {
  const taken: number[] = [];
  const ms = await timed(() =>
    inParallel(count, clients, async (index) => {
      taken.push(await timed(() => api.send('POST', path, configMap(`w${clients}-${index}`))));
    }),
  );
  const who = `${clients} client${clients === 1 ? '' : 's'}`;
  const many = clients > 1;
  return [
    {
      name: `durable creates, ${who}`,
      value: (count / ms) * 1000,
      unit: '/s',
      ...(many ? { limit: { atLeast: 2000 } } : {}),
    },
    {
      name: `durable creates, ${who}, p99`,
      value: quantile(taken, 0.99),
      unit: 'ms',
      ...(many ? { limit: { atMost: 50 } } : {}),
    },
  ];
}

/** From the moment a create is sent until a watch tells of it, ms. */
async function watchLags(api: ApiClient): Promise<readonly number[]> {
  const sent = new Map<string, number>();
  const lags: number[] = [];
  const watch = api.watch(`${path}?watch=1`, ({ object: { metadata } }) => {
    const sentMs = sent.get(metadata?.name ?? '');
    if (sentMs !== undefined) lags.push(performance.now() - sentMs);
  });
  for (let index = 0; index < watchedWrites; index++) {
    const name = `watched-${index}`;
    sent.set(name, performance.now());
    await api.send('POST', path, configMap(name));
  }
  while (lags.length < watchedWrites) await new Promise((resolve) => setTimeout(resolve, 5));
  watch.dispose();
  return lags;
}
