import { expect, test } from 'vitest';
import {
  admissionDeclarations,
  CelError,
  type CelType,
  celValue,
  compileCel,
  compileTyped,
  jsonOf,
  typeNameFaults,
} from '../../../../../../src-main/core/kube/apiserver/cel/index.ts';

const declarations = admissionDeclarations({ params: true, authorizer: true, patches: true });
const typeOf = (expression: string, own = declarations): CelType => {
  const result = compileTyped(expression, own);
  if ('issues' in result) throw new Error(result.issues);
  return result.type;
};
const check = (expression: string): string => {
  const result = compileTyped(expression, declarations);
  return 'issues' in result ? `compilation failed: ${result.issues}` : result.type.text;
};

test('composed variables have the types of their expressions', () => {
  const variables = new Map([
    ['odd', typeOf('object.x % 2 == 1')],
    ['names', typeOf("['a']")],
    ['any', typeOf('object.y')],
  ]);
  const own = admissionDeclarations({ params: false, authorizer: true, variables });
  const type = (expression: string): string => typeOf(expression, own).text;
  expect(type('variables.odd')).toBe('bool');
  expect(type('variables.names[0]')).toBe('string');
  expect(type('variables.any')).toBe('dyn');
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
    compileCel(expression, ['object']).evaluate({ object: celValue({ n: 2 }) });
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
