import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { schedulerBench } from '../bench.ts';
import { configuration, nodes, pods, type ProfileAnswer, services } from './cases.ts';

test('a scheduler of sixteen profiles puts pods where a real one of the same configuration did', async () => {
  const recorded = JSON.parse(
    readFileSync(join(import.meta.dirname, 'answers.json'), 'utf8'),
  ) as ProfileAnswer[];
  const bench = await schedulerBench(configuration);
  await bench.add(...nodes, ...services);
  await bench.settle();
  const answers: ProfileAnswer[] = [];
  for (const each of pods) {
    const { name } = each['metadata'] as { name: string };
    await bench.add(each);
    await bench.settle();
    const { node, message } = await bench.pod(name);
    answers.push({
      pod: name,
      ...(node ? { node } : {}),
      ...(node || !message ? {} : { message }),
    });
    if (!node && message)
      await bench.client.resource('pods').delete('default', name, { gracePeriodSeconds: 0 });
  }
  expect(answers).toEqual(recorded);
});
