import { describe, expect, test } from 'vitest';
import { strategyFor } from '../../../../../src-main/core/kube/apis/index.ts';
import { testServer } from './server.ts';

const reviews = '/apis/authorization.k8s.io/v1/selfsubjectaccessreviews';
const review = {
  apiVersion: 'authorization.k8s.io/v1',
  kind: 'SelfSubjectAccessReview',
  spec: { resourceAttributes: { verb: 'get', resource: 'pods' } },
};
const accept = (as: string) => ({ accept: `application/json;as=${as};v=v1;g=meta.k8s.io` });

describe('what is answered and never stored', () => {
  test('tells who wrote the question', async () => {
    const { send } = testServer([], { strategyFor });
    const { status, json } = await send('POST', `${reviews}?fieldManager=me`, review);
    expect([status, json.metadata, json.spec]).toEqual([
      201,
      {
        managedFields: [
          {
            manager: 'me',
            operation: 'Update',
            apiVersion: 'authorization.k8s.io/v1',
            time: expect.any(String),
            fieldsType: 'FieldsV1',
            fieldsV1: {
              'f:spec': { 'f:resourceAttributes': { '.': {}, 'f:resource': {}, 'f:verb': {} } },
            },
          },
        ],
      },
      review.spec,
    ]);
  });

  test('comes as metadata, but not as a table', async () => {
    const { send } = testServer([], { strategyFor });
    const partial = await send('POST', reviews, review, accept('PartialObjectMetadata'));
    expect([partial.status, partial.json.kind, partial.json.spec]).toEqual([
      201,
      'PartialObjectMetadata',
      undefined,
    ]);
    const eviction = { apiVersion: 'policy/v1', kind: 'Eviction', metadata: { name: 'none' } };
    for (const [path, body] of [
      [reviews, review],
      ['/api/v1/namespaces/default/pods/none/eviction', eviction],
    ] as const) {
      const { status, json } = await send('POST', path, body, accept('Table'));
      expect([status, json.reason, json.message]).toEqual([
        406,
        'NotAcceptable',
        'only the following media types are accepted: application/json, application/yaml, application/vnd.kubernetes.protobuf',
      ]);
    }
  });
});
