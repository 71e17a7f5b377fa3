import { expect, test } from 'vitest';
import { readDescriptions } from '../../../../src-main/tools/generate/descriptions.ts';

const texts = readDescriptions();

test.each([
  {
    schema: 'io.k8s.api.apps.v1.DeploymentSpec',
    field: 'paused',
    text: 'Indicates that the deployment is paused.',
    why: 'a field',
  },
  {
    schema: 'io.k8s.api.core.v1.Container',
    field: '',
    text: 'A single application container that you want to run within a pod.',
    why: 'a type',
  },
  {
    schema: 'io.k8s.api.core.v1.Pod',
    field: 'kind',
    text: /^Kind is a string value/,
    why: 'every kind has it',
  },
  {
    schema: 'io.k8s.api.admissionregistration.v1.RuleWithOperations',
    field: 'resources',
    text: /'\*\/scale' means all scale subresources/,
    why: 'what a comment must escape',
  },
  { schema: 'io.k8s.api.core.v1.EndpointAddress', field: '', text: /v1\.33\+\.$/, why: 'no tags' },
])('$schema $field: $why', ({ schema, field, text }) => {
  expect(texts[schema]?.[field]).toMatch(text);
});
