import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { type Random, seededRandom } from '#core/base';
import { schedulerBench, type SchedulerBench } from '../bench.ts';
import {
  configuration,
  mostNodes,
  type PlacementAnswer,
  placementCase,
  type RecordedCase,
  startTime,
} from './cases.ts';

// Pods of clusters made by chance, and where a real kube-scheduler of the served version put them (`record.ts`). Upstream
// breaks ties by chance: where several nodes have the highest score, each of them is right.
const recorded = JSON.parse(
  readFileSync(join(import.meta.dirname, 'answers.json'), 'utf8'),
) as RecordedCase[];

type Json = Record<string, unknown>;
interface Named {
  readonly metadata: { readonly name: string; readonly namespace: string };
}

/** Chance that always takes the same of equal nodes, and remembers among how many it chose. */
class Choice implements Random {
  readonly #other = seededRandom('other');
  index = 0;
  most = 1;

  next(): number {
    return this.#other.next();
  }

  integer(bound: number): number {
    if (bound > mostNodes) return this.#other.integer(bound);
    this.most = Math.max(this.most, bound);
    return Math.min(this.index, bound - 1);
  }
}

const podNames = async ({ client }: SchedulerBench): Promise<string[]> =>
  (await client.resource('pods').list()).items.map(({ metadata }) => metadata.name ?? '');

interface PodStatus {
  readonly conditions?: readonly { type: string; status: string; message?: string }[];
}

/** What becomes of one pod with the chance as it is. */
async function answerOf(bench: SchedulerBench, pod: Json): Promise<PlacementAnswer> {
  const { name, namespace } = (pod as unknown as Named).metadata;
  const before = await podNames(bench);
  let message: string | undefined;
  const watch = bench.store.watch('/', '0', {
    onEvents: (events) => {
      for (const { key, kv } of events) {
        if (!key.endsWith(`/pods/${namespace}/${name}`)) continue;
        const { status } = (kv?.value.object ?? {}) as { status?: PodStatus };
        message ??= status?.conditions?.find(
          (c) => c.type === 'PodScheduled' && c.status === 'False',
        )?.message;
      }
    },
  });
  await bench.add(pod);
  await bench.settle();
  watch.dispose();
  const { spec } = await bench.client.resource('pods').get(namespace, name);
  const left = new Set(await podNames(bench));
  const victims = before.filter((other) => !left.has(other)).sort();
  return {
    ...(message === undefined ? {} : { message }),
    ...(victims.length ? { victims } : {}),
    ...(spec?.nodeName ? { node: spec.nodeName } : {}),
  };
}

test.each(recorded)('$seed', async ({ seed, answers }) => {
  const { objects, pods } = placementCase(seed);
  const choice = new Choice();
  const bench = await schedulerBench(configuration, choice);
  await bench.add(...objects);
  await bench.settle();
  const resource = bench.client.resource('pods');
  for (const [index, pod] of pods.entries()) {
    const { name, namespace } = (pod as unknown as Named).metadata;
    const before = (await resource.list()).items;
    const wanted = answers[index];
    const seen: PlacementAnswer[] = [];
    choice.most = 1;
    for (choice.index = 0; choice.index < choice.most; choice.index++) {
      const answer = await answerOf(bench, pod);
      seen.push(answer);
      if (JSON.stringify(answer) === JSON.stringify(wanted)) break;
      // Back to what was, and another choice.
      await resource.delete(namespace, name);
      await bench.settle();
      for (const victim of before)
        if (answer.victims?.includes(victim.metadata.name ?? '')) {
          const { resourceVersion: _, uid: __, ...metadata } = victim.metadata;
          await bench.add({ ...victim, metadata });
        }
      await bench.settle();
    }
    expect(seen, name).toContainEqual(wanted);
    if (wanted?.node)
      await resource.patch(
        namespace,
        name,
        'merge',
        { status: { startTime: startTime(index) } },
        { subresource: 'status' },
      );
    else await resource.delete(namespace, name);
    await bench.settle();
  }
});
