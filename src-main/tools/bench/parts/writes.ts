import { inParallel } from '../api-client.ts';
import { type Figure, timed } from '../measure.ts';
import { type Part, withCluster } from './context.ts';

/** Creates that are on the disk before they are answered. */
export const writes: Part = (context) =>
  withCluster(context, 'base+1cp', async (_host, api) => {
    const figures: Figure[] = [];
    for (const { clients, count, limit } of [
      { clients: 1, count: 500, limit: undefined },
      { clients: 16, count: 4000, limit: { atLeast: 1000 } },
    ]) {
      const ms = await timed(() =>
        inParallel(count, clients, (index) =>
          api.send('POST', '/api/v1/namespaces/default/configmaps', {
            metadata: { name: `w${clients}-${index}` },
            data: { text: 'x'.repeat(200) },
          }),
        ),
      );
      figures.push({
        name: `durable creates, ${clients} client${clients === 1 ? '' : 's'}`,
        value: (count / ms) * 1000,
        unit: '/s',
        ...(limit ? { limit } : {}),
      });
    }
    return figures;
  });
