import { writeFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { realSide } from './patches/side.ts';
import { ruleSteps } from './rules/steps.ts';
import { toldOf } from './rules/told.ts';

const real = process.env['REAL_KUBECONFIG_ORACLE'];
const answers = new URL('rules/answers.json', import.meta.url);

// A unit test sends the same to the engine and compares (`unit/core/kube/apiserver/crds/rule-answers.test.ts`).
if (real === undefined) {
  console.warn('NOT RUN: rules are recorded only with REAL_KUBECONFIG_ORACLE, a kubeconfig');
  test('rules are recorded only with a real cluster', () => {
    expect(ruleSteps.length).toBeGreaterThan(300);
  });
} else
  test('what a real server says of rules is recorded', { timeout: 600_000 }, async () => {
    const side = realSide(real);
    const rows: unknown[] = [];
    for (const step of ruleSteps) rows.push(toldOf(await side.send(step)));
    await side.close();
    writeFileSync(answers, `[\n${rows.map((row) => JSON.stringify(row)).join(',\n')}\n]\n`);
  });
