import { expect, test } from 'vitest';
import {
  CelError,
  checkCel,
  compileCel,
  jsonOf,
  typeNameFaults,
} from '../../../../../../src-main/core/kube/apiserver/cel/index.ts';

const variables = { object: 'dyn', request: { name: 'dyn' }, authorizer: 'authorizer' } as const;
const check = (expression: string): string => {
  const result = checkCel(expression, { variables });
  return 'problem' in result ? result.problem : result.type;
};

test('a field may be declared of what an expression makes', () => {
  const made = checkCel('object.x % 2 == 1', { variables });
  expect(made).toEqual({ type: 'bool', fieldType: 'bool' });
  const fields = { odd: 'bool', names: 'list<string>', any: 'dyn' };
  const type = (expression: string) => checkCel(expression, { variables: { variables: fields } });
  expect(type('variables.odd')).toMatchObject({ type: 'bool' });
  expect(type('variables.names[0]')).toMatchObject({ type: 'string' });
  expect(type('variables.any')).toMatchObject({ type: 'dyn' });
});

// As cel-go tells them, by way of a real API server v1.36.3.
test.each<[string, string]>([
  ['object.x == 1', 'bool'],
  ['1 + 1', 'int'],
  ['object.a', 'dyn'],
  ['[{}]', 'list(map(dyn, dyn))'],
  ['[JSONPatch{op: "add", path: "/x"}]', 'list(JSONPatch)'],
  ['Object{spec: Object.spec{replicas: 3}}', 'Object'],
  ['{"a": 1}.all(k, v, v > 0)', 'bool'],
  [
    'foo > bar',
    "compilation failed: ERROR: <input>:1:1: undeclared reference to 'foo' (in container '')\n | foo > bar\n | ^\nERROR: <input>:1:7: undeclared reference to 'bar' (in container '')\n | foo > bar\n | ......^",
  ],
  [
    'Object{spec: foo}',
    "compilation failed: ERROR: <input>:1:14: undeclared reference to 'foo' (in container '')\n | Object{spec: foo}\n | .............^",
  ],
  [
    'request.nope == 1',
    "compilation failed: ERROR: <input>:1:8: undefined field 'nope'\n | request.nope == 1\n | .......^",
  ],
  [
    'authorizer.group("").check("x").allowed()',
    'compilation failed: ERROR: <input>:1:27: found no matching overload for \'check\' applied to \'kubernetes.authorization.GroupCheck.(string)\'\n | authorizer.group("").check("x").allowed()\n | ..........................^',
  ],
  [
    "'a' in 1",
    "compilation failed: ERROR: <input>:1:5: found no matching overload for '@in' applied to '(string, int)'\n | 'a' in 1\n | ....^",
  ],
])('%s', (expression, told) => {
  expect(check(expression)).toBe(told);
});

test('typed objects are made, written as JSON and checked for their place', () => {
  const make = (expression: string): unknown =>
    compileCel(expression, ['object']).evaluate({ object: { n: 2n } });
  expect(
    jsonOf(make('Object{spec: Object.spec{replicas: object.n, text: "{a: Object{}}"}}')),
  ).toEqual({ spec: { replicas: 2, text: '{a: Object{}}' } });
  expect(jsonOf(make("[JSONPatch{op: 'add', path: '/x/' + jsonpatch.escapeKey('a/b~')}]"))).toEqual(
    [{ op: 'add', path: '/x/a~1b~0' }],
  );
  expect(typeNameFaults(make('Object{spec: Object.wrong{a: 1}}'), ['Object'])).toEqual([
    'unexpected type name "Object.wrong", expected "Object.spec", which matches field name path from root Object type',
  ]);
  expect(() => make('Object{spec: }')).toThrow(CelError);
});
