import { toBase64, utf8 } from '#core/base';
import { describe, expect, test } from 'vitest';
import { admissionRequest, type TestRequest } from '#tests/server-state';
import { admit, answerWith, calls, configMaps, refusal, registration, state } from './world.ts';

describe('webhooks', () => {
  const hook = (kind: 'validating' | 'mutating', more: object = {}): void =>
    void state.put(registration, `${kind}webhookconfigurations`, {
      metadata: { name: 'conf' },
      webhooks: [
        {
          name: 'hook.example.com',
          clientConfig: { url: 'https://hook' },
          rules: [
            {
              apiGroups: [''],
              apiVersions: ['v1'],
              operations: ['CREATE'],
              resources: ['configmaps'],
            },
          ],
          failurePolicy: 'Fail',
          sideEffects: 'None',
          admissionReviewVersions: ['v1'],
          ...more,
        },
      ],
    });
  const review =
    (response: object) =>
    ({ uid }: Record<string, unknown>): unknown => ({
      apiVersion: 'admission.k8s.io/v1',
      kind: 'AdmissionReview',
      response: { uid, ...response },
    });
  const request = (): TestRequest =>
    admissionRequest(configMaps, { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'x' } });

  test.each<[string, object, (request: Record<string, unknown>) => unknown, string]>([
    [
      'refuses with a message',
      {},
      review({ allowed: false, status: { message: 'no' } }),
      'admission webhook "hook.example.com" denied the request: no',
    ],
    [
      'refuses without a word',
      {},
      review({ allowed: false }),
      'admission webhook "hook.example.com" denied the request without explanation',
    ],
    ['answers for another', {}, () => ({ response: { uid: 'x', allowed: true } }), ''],
    [
      'fails and may',
      { failurePolicy: 'Ignore' },
      () => {
        throw new Error('x');
      },
      '',
    ],
    [
      'fails',
      {},
      () => {
        throw new Error('Post "https://hook": dial tcp: connection refused');
      },
      'Internal error occurred: failed calling webhook "hook.example.com": failed to call webhook: Post "https://hook": dial tcp: connection refused',
    ],
    [
      'has no response',
      {},
      () => ({}),
      'Internal error occurred: failed calling webhook "hook.example.com": received invalid webhook response: webhook response was absent',
    ],
    [
      'is not asked by its conditions',
      { matchConditions: [{ name: 'a', expression: "object.metadata.name == 'y'" }] },
      review({ allowed: false }),
      '',
    ],
    [
      'is not asked by its selector',
      { namespaceSelector: { matchLabels: { team: 'a' } } },
      review({ allowed: false }),
      '',
    ],
  ])('%s', async (why, more, respond, message) => {
    hook('validating', more);
    answerWith(respond);
    const text = await refusal(request());
    if (why === 'answers for another')
      expect(text).toMatch(
        /^Internal error occurred: failed calling webhook "hook\.example\.com": received invalid webhook response: expected response\.uid="[0-9a-f-]{36}", got "x"$/,
      );
    else expect(text).toBe(message);
  });

  test('patch objects', async () => {
    hook('mutating');
    const patch = [
      { op: 'add', path: '/data', value: { a: '1' } },
      { op: 'add', path: '/metadata/labels', value: { 'x/y': 'z' } },
      { op: 'replace', path: '/metadata/labels/x~1y', value: 'w' },
    ];
    answerWith(
      review({
        allowed: true,
        patchType: 'JSONPatch',
        patch: toBase64(utf8(JSON.stringify(patch))),
        warnings: ['careful'],
      }),
    );
    const own = request();
    await admit(own);
    expect(own.object).toEqual({
      apiVersion: 'v1',
      kind: 'ConfigMap',
      metadata: { name: 'x', labels: { 'x/y': 'w' } },
      data: { a: '1' },
    });
    expect(own.warnings).toEqual(['careful']);
    expect(calls).toMatchObject([
      {
        kind: 'AdmissionReview',
        request: {
          operation: 'CREATE',
          kind: { group: '', version: 'v1', kind: 'ConfigMap' },
          userInfo: { username: 'jane' },
          namespace: 'ns',
          name: 'x',
          dryRun: false,
        },
      },
    ]);
  });

  test('with side effects do not take dry runs', async () => {
    hook('validating', { sideEffects: 'Some' });
    expect(await refusal({ ...request(), dryRun: true })).toBe(
      'admission webhook "hook.example.com" does not support dry run',
    );
  });
});
