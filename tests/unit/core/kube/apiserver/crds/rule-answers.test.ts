import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { ourSide } from '../../../../../conformance/patches/side.ts';
import { ruleSteps } from '../../../../../conformance/rules/steps.ts';
import { type Told, toldOf } from '../../../../../conformance/rules/told.ts';

/** What a kube-apiserver v1.36.3 answered to the steps; `conformance/rules.test.ts` records it. */
const recorded = JSON.parse(
  readFileSync(new URL('../../../../../conformance/rules/answers.json', import.meta.url), 'utf8'),
) as readonly Told[];

/** Several faults come in an order that upstream leaves to chance. */
const inOrder = ({ message = '', ...told }: Told): object => {
  const [, head = '', faults = ''] = /^(.*? is invalid: )\[(.*)\]$/s.exec(message) ?? [];
  if (head === '') return { ...told, message };
  return { ...told, message: [head, ...faults.split(/, (?=[a-z<][\w.[\]<>-]*: )/).sort()] };
};

test('rules are checked, reckoned and run as upstream does', { timeout: 60_000 }, async () => {
  const side = await ourSide();
  const differences: object[] = [];
  for (const [i, step] of ruleSteps.entries()) {
    const real = recorded[i] ?? { status: 0 };
    const ours = toldOf(await side.send(step));
    try {
      expect(inOrder(ours)).toEqual(inOrder(real));
    } catch {
      differences.push({ step: JSON.stringify(step), ours, real });
    }
  }
  await side.close();
  expect(recorded).toHaveLength(ruleSteps.length);
  expect(differences).toEqual([]);
});
