import { expect, test } from 'vitest';
import { admissionRequest, type TestRequest } from '#tests/server-state';
import { admit, configMaps, refusal, registration, state } from './world.ts';

function policy(name: string, expression: string, spec: object = {}): void {
  const patchType = expression.startsWith('[') ? 'JSONPatch' : 'ApplyConfiguration';
  state
    .put(registration, 'mutatingadmissionpolicies', {
      metadata: { name },
      spec: {
        failurePolicy: 'Fail',
        reinvocationPolicy: 'Never',
        matchConstraints: {
          resourceRules: [
            { apiGroups: [''], apiVersions: ['v1'], operations: ['*'], resources: ['configmaps'] },
          ],
        },
        mutations: [
          {
            patchType,
            [patchType === 'JSONPatch' ? 'jsonPatch' : 'applyConfiguration']: { expression },
          },
        ],
        ...spec,
      },
    })
    .put(registration, 'mutatingadmissionpolicybindings', {
      metadata: { name },
      spec: { policyName: name },
    });
}
const request = (): TestRequest =>
  admissionRequest(configMaps, {
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: { name: 'x' },
    data: { k: 'v' },
  });
const denied = (why: string): string => `policy 'p' with binding 'p' denied request: ${why}`;

test.each<[string, string, object, string]>([
  [
    'a removal of nothing',
    "[JSONPatch{op: 'remove', path: '/data/none'}]",
    {},
    denied(
      "JSON Patch: error in remove for path: '/data/none': Unable to remove nonexistent key: none: missing value",
    ),
  ],
  [
    'an expression that fails',
    "Object{data: {'x': object.data.none}}",
    {},
    denied(
      "expression 'Object{data: {'x': object.data.none}}' resulted in error: no such key: none",
    ),
  ],
  ['one that may fail', "Object{data: {'x': object.data.none}}", { failurePolicy: 'Ignore' }, ''],
  [
    'a type that is another field’s',
    "Object{metadata: Object.wrong{labels: {'a': 'b'}}}",
    {},
    denied(
      'type mismatch: unexpected type name "Object.wrong", expected "Object.metadata", which matches field name path from root Object type',
    ),
  ],
  [
    'a condition that does not hold',
    "Object{data: {'x': object.data.none}}",
    { matchConditions: [{ name: 'a', expression: "object.metadata.name == 'y'" }] },
    '',
  ],
])('a policy with %s', async (_what, expression, spec, told) => {
  policy('p', expression, spec);
  expect(await refusal(request())).toBe(told);
});

test('policies change the object by name, those that ask for it again after a later change', async () => {
  policy(
    'a',
    "[JSONPatch{op: 'add', path: '/data/seen', value: has(object.data.late) ? 'late' : 'early'}]",
    { reinvocationPolicy: 'IfNeeded' },
  );
  policy('b', "[JSONPatch{op: 'add', path: '/data/late', value: 'yes'}]");
  policy(
    'c',
    "[JSONPatch{op: 'test', path: '/metadata/name', value: 'other'}, JSONPatch{op: 'remove', path: '/data'}]",
  );
  const asked = request();
  await admit(asked);
  expect(asked.object).toMatchObject({ data: { k: 'v', seen: 'late', late: 'yes' } });
});
