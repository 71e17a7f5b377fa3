import { definitionsUrl } from '../patches/definition.ts';
import type { Step } from '../patches/side.ts';
import type { Fields } from '../patches/subjects.ts';
import { absent, type Experiment, experiments } from './experiments.ts';
import { ratchetSteps } from './ratcheting.ts';
import { refusals } from './refusals.ts';
import { definition, group, object, ruled, withSpec } from './schemas.ts';

const labUrl = `/apis/${group}/v1/labs`;
const lab = (spec: unknown, more: Fields = {}): object => ({
  apiVersion: `${group}/v1`,
  kind: 'Lab',
  metadata: { name: 'x', ...more },
  spec,
});

/** Each value is made, and written over each one that was taken before it. */
function stepsOf([name, , ...values]: Experiment): Step[] {
  const steps: Step[] = [];
  const spec = (value: unknown): Fields => (value === absent ? {} : { [name]: value });
  const url = `${labUrl}/${name.toLowerCase()}`;
  const own = { name: name.toLowerCase() };
  for (const value of values)
    steps.push({ method: 'POST', url: `${labUrl}?dryRun=All`, body: lab(spec(value), own) });
  steps.push({ method: 'POST', url: labUrl, body: lab(spec(values[0]), own) });
  for (const value of values)
    steps.push({
      method: 'PATCH',
      url,
      type: 'application/json-patch+json',
      body: [{ op: 'replace', path: '/spec', value: spec(value) }],
    });
  steps.push({ method: 'DELETE', url });
  return steps;
}

const experiment = definition(
  'labs',
  ruled(withSpec(object(Object.fromEntries(experiments.map(([name, schema]) => [name, schema])))), {
    rule: "self.metadata.name != 'forbidden'",
    message: 'has a bad name',
  }),
);

/** Definitions, which only two of are stored, and the objects of those. */
export const ruleSteps: readonly Step[] = [
  ...refusals,
  { method: 'POST', url: definitionsUrl, body: experiment },
  { method: 'GET', url: labUrl, until: 'List"' },
  { method: 'POST', url: `${labUrl}?dryRun=All`, body: lab({}, { name: 'forbidden' }) },
  ...experiments.flatMap(stepsOf),
  { method: 'DELETE', url: `${definitionsUrl}/labs.${group}` },
  ...ratchetSteps,
];
