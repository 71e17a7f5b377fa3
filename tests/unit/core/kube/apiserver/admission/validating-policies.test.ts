import { describe, expect, test } from 'vitest';
import { admissionRequest, type TestRequest } from '#tests/server-state';
import { admit, deployments, refusal, registration, state } from './world.ts';

describe('validating policies', () => {
  const policy = (spec: object): void => {
    state
      .put(registration, 'validatingadmissionpolicies', {
        metadata: { name: 'vap' },
        spec: {
          failurePolicy: 'Fail',
          matchConstraints: {
            resourceRules: [
              {
                apiGroups: ['apps'],
                apiVersions: ['v1'],
                operations: ['CREATE'],
                resources: ['deployments'],
              },
            ],
          },
          ...spec,
        },
      })
      .put(registration, 'validatingadmissionpolicybindings', {
        metadata: { name: 'vapb' },
        spec: { policyName: 'vap', validationActions: ['Deny'] },
      });
  };
  const deployment = (replicas: number): TestRequest =>
    admissionRequest(deployments, {
      apiVersion: 'apps/v1',
      kind: 'Deployment',
      metadata: { name: 'dd', labels: {} },
      spec: { replicas },
    });
  const denied = (why: string): string =>
    `deployments.apps "dd" is forbidden: ValidatingAdmissionPolicy 'vap' with binding 'vapb' denied request: ${why}`;

  test.each<[string, object, string]>([
    [
      'message',
      { validations: [{ expression: 'object.spec.replicas <= 2', message: 'too many' }] },
      denied('too many'),
    ],
    [
      'no message',
      { validations: [{ expression: 'object.spec.replicas <= 2' }] },
      denied('failed expression: object.spec.replicas <= 2'),
    ],
    [
      'message expression',
      {
        validations: [
          {
            expression: 'object.spec.replicas <= 2',
            messageExpression: "'at most 2, not ' + string(object.spec.replicas)",
          },
        ],
      },
      denied('at most 2, not 3'),
    ],
    [
      'failing expression',
      { validations: [{ expression: "object.metadata.labels.foo == 'x'" }] },
      denied("expression 'object.metadata.labels.foo == 'x'' resulted in error: no such key: foo"),
    ],
    [
      'failing expression, ignored',
      {
        failurePolicy: 'Ignore',
        validations: [{ expression: "object.metadata.labels.foo == 'x'" }],
      },
      '',
    ],
    [
      'variables',
      {
        variables: [{ name: 'max', expression: '1 + 1' }],
        validations: [{ expression: 'object.spec.replicas <= variables.max', message: 'no' }],
      },
      denied('no'),
    ],
    [
      'variables of variables',
      {
        variables: [
          { name: 'replicas', expression: 'object.spec.replicas' },
          { name: 'even', expression: 'variables.replicas % 2 == 0' },
        ],
        validations: [{ expression: 'variables.even', message: 'odd' }],
      },
      denied('odd'),
    ],
    [
      'conditions that do not hold',
      {
        matchConditions: [{ name: 'n', expression: "request.userInfo.username == 'bob'" }],
        validations: [{ expression: 'false' }],
      },
      '',
    ],
    ['a good object', { validations: [{ expression: 'object.spec.replicas <= 5' }] }, ''],
  ])('%s', async (_why, spec, message) => {
    policy(spec);
    expect(await refusal(deployment(3))).toBe(message);
  });

  test('read parameters', async () => {
    policy({
      paramKind: { apiVersion: 'v1', kind: 'ConfigMap' },
      validations: [
        { expression: 'object.spec.replicas <= int(params.data.max)', message: 'over the limit' },
      ],
    });
    state.put(registration, 'validatingadmissionpolicybindings', {
      metadata: { name: 'vapb' },
      spec: {
        policyName: 'vap',
        validationActions: ['Deny'],
        paramRef: { name: 'limit', namespace: 'ns', parameterNotFoundAction: 'Deny' },
      },
    });
    expect(await refusal(deployment(3))).toBe(
      denied(
        'failed to configure binding: no params found for policy binding with `Deny` parameterNotFoundAction',
      ),
    );
    state.put('', 'configmaps', {
      metadata: { name: 'limit', namespace: 'ns' },
      data: { max: '2' },
    });
    expect(await refusal(deployment(3))).toBe(denied('over the limit'));
    expect(await refusal(deployment(2))).toBe('');
  });

  test('may warn alone', async () => {
    policy({ validations: [{ expression: 'false', message: 'no' }] });
    state.put(registration, 'validatingadmissionpolicybindings', {
      metadata: { name: 'vapb' },
      spec: { policyName: 'vap', validationActions: ['Warn'] },
    });
    const request = deployment(1);
    await admit(request);
    expect(request.warnings).toEqual([
      "Validation failed for ValidatingAdmissionPolicy 'vap' with binding 'vapb': no",
    ]);
  });
});
