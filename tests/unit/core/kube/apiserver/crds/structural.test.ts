import { describe, expect, test } from 'vitest';
import { validateEmbedded } from '../../../../../../src-main/core/kube/apiserver/crds/embedded.ts';
import { compileRuleTree } from '../../../../../../src-main/core/kube/apiserver/crds/rule-programs.ts';
import { validateRules } from '../../../../../../src-main/core/kube/apiserver/crds/rules.ts';
import { validateStructural } from '../../../../../../src-main/core/kube/apiserver/crds/structural.ts';

const string = { type: 'string' };
const told = (errors: readonly { field?: string; message?: string }[]): string[] =>
  errors.map(({ field = '', message = '' }) => `${field}: ${message}`);

describe('schemas that upstream refuses', () => {
  test.each<[object, string[]]>([
    [
      { ...string, default: 3 },
      ['s.default: Invalid value: "integer":  in body must be of type string: "integer"'],
    ],
    [
      { type: 'integer', minimum: 3, default: 1 },
      ['s.default: Invalid value: 1:  in body should be greater than or equal to 3'],
    ],
    [
      { type: 'object', required: ['b'], properties: { b: string }, default: {} },
      ['s.default.b: Required value'],
    ],
    [{ $ref: '#/x' }, ['s.$ref: Forbidden: $ref is not supported']],
    [
      { type: 'object', 'x-kubernetes-map-type': 'loose' },
      [
        's.x-kubernetes-map-type: Unsupported value: "loose": supported values: "atomic", "granular"',
      ],
    ],
    [
      { type: 'object', 'x-kubernetes-preserve-unknown-fields': false },
      ['s.x-kubernetes-preserve-unknown-fields: Invalid value: false: must be true or undefined'],
    ],
    [
      { type: 'object', 'x-kubernetes-embedded-resource': true },
      [
        's.properties: Required value: must not be empty if x-kubernetes-embedded-resource is true without x-kubernetes-preserve-unknown-fields',
      ],
    ],
    [
      { type: 'integer', anyOf: [{ type: 'integer' }] },
      ['s.anyOf[0].type: Forbidden: must be empty to be structural'],
    ],
    [
      { type: 'integer', not: { default: 1 } },
      ['s.not.default: Forbidden: must be undefined to be structural'],
    ],
    [
      { type: 'array', items: { type: 'object' }, 'x-kubernetes-list-type': 'set' },
      [
        's.items.x-kubernetes-map-type: Invalid value: null: must be atomic as item of a list with x-kubernetes-list-type=set',
      ],
    ],
    [
      {
        type: 'array',
        items: { type: 'object', properties: { m: string } },
        'x-kubernetes-list-type': 'map',
        'x-kubernetes-list-map-keys': ['n'],
      },
      [
        's.x-kubernetes-list-map-keys: Invalid value: ["n"]: entries must all be names of item properties',
      ],
    ],
    [{ 'x-kubernetes-int-or-string': true, anyOf: [{ type: 'integer' }, { type: 'string' }] }, []],
  ])('%j', (schema, expected) => {
    expect(told(validateStructural(schema as Record<string, unknown>, 's', 'field'))).toEqual(
      expected,
    );
  });
});

test('embedded objects name what they are', () => {
  const schema = {
    type: 'object',
    properties: { e: { type: 'object', 'x-kubernetes-embedded-resource': true } },
  };
  expect(told(validateEmbedded(schema, { e: {} }))).toEqual([
    'e.apiVersion: Required value',
    'e.kind: Required value',
  ]);
  expect(told(validateEmbedded(schema, { e: { apiVersion: 'a/b/c', kind: 'Pod' } }))).toEqual([
    'e.apiVersion: Invalid value: "a/b/c": unexpected GroupVersion string: a/b/c',
  ]);
});

test('an optional old value is there on create, and empty', () => {
  const schema = {
    ...string,
    'x-kubernetes-validations': [
      {
        rule: '!oldSelf.hasValue() || self == oldSelf.value()',
        optionalOldSelf: true,
        message: 'is fixed',
      },
    ],
  };
  const rules = compileRuleTree(schema, false);
  if (!rules) throw new Error('the schema has rules');
  expect(validateRules(rules, 'x', undefined)).toEqual([]);
  expect(told(validateRules(rules, 'y', 'x'))).toEqual(['<nil>: Invalid value: "y": is fixed']);
});
