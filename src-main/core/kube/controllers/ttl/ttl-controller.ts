import { type Result, WorkQueue } from '../../client/index.ts';
import { isReason, objectKey, type ObjectKey } from '../../machinery/index.ts';
import type { Controller, ControllerContext } from '../shared/context.ts';
import { queueController } from '../shared/informer-queue.ts';

const annotation = 'node.alpha.kubernetes.io/ttl';

/** Sizes overlap, so that a cluster at a boundary does not go to and fro. */
const steps: readonly {
  readonly least: number;
  readonly most: number;
  readonly seconds: number;
}[] = [
  { least: 0, most: 100, seconds: 0 },
  { least: 90, most: 500, seconds: 15 },
  { least: 450, most: 1000, seconds: 30 },
  { least: 900, most: 2000, seconds: 60 },
  { least: 1800, most: Infinity, seconds: 300 },
];

/**
 * Notes on each node how long its kubelet may keep Secrets and ConfigMaps, by the size of the cluster.
 *
 * @see k8s.io/kubernetes/pkg/controller/ttl
 */
export function createTtlController(context: ControllerContext): Controller {
  const { client, informers, clock } = context;
  const nodes = informers.for('nodes');
  const queue = new WorkQueue<ObjectKey>(clock);
  let count = 0;
  let step = 0;

  async function reconcile(key: ObjectKey): Promise<Result> {
    const wanted = String(steps[step]?.seconds ?? 0);
    const node = nodes.get(key);
    if (!node || node.metadata.annotations?.[annotation] === wanted) return {};
    await client
      .resource('nodes')
      .patch(undefined, key, 'strategic', { metadata: { annotations: { [annotation]: wanted } } })
      .catch((error: unknown) => {
        if (!isReason(error, 'NotFound')) throw error;
      });
    return {};
  }

  return queueController(context, {
    name: 'ttl-controller',
    queue,
    reconcile,
    handlers: (own) =>
      own(
        nodes.addHandler({
          onAdd: ({ metadata }) => {
            count++;
            if (count > (steps[step]?.most ?? Infinity)) step++;
            queue.add(objectKey(metadata));
          },
          onUpdate: (_, { metadata }) => queue.add(objectKey(metadata)),
          onDelete: () => {
            count--;
            if (count < (steps[step]?.least ?? 0)) step--;
          },
        }),
      ),
  });
}
