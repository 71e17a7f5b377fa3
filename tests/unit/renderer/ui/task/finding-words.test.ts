import { expect, test } from 'vitest';
import { findingInWords } from '../../../../../src-renderer/ui/task/finding-words.ts';

const words = {
  present: 'is there',
  nothing: 'nothing',
  or: 'or',
  not: 'not ',
  contains: 'contains',
  oneOf: 'one of',
};

test.each([
  ['Job/digest = ∅', 'Job/digest = nothing'],
  ['Pod/web spec.nodeName ≠ ∅', 'Pod/web spec.nodeName is there'],
  ['a = 1 ∨ b ≥ 2', 'a = 1 or b ≥ 2'],
  ['¬(a = 1)', 'not (a = 1)'],
  ['volumeMounts[*].name ∋ logs', 'volumeMounts[*].name contains logs'],
  ['targetPort ∈ {80, http}', 'targetPort one of {80, http}'],
  ['spec.schedule = */10 * * * *', 'spec.schedule = */10 * * * *'],
])('%s reads %s', (finding, text) => {
  expect(findingInWords(finding, words)).toBe(text);
});
