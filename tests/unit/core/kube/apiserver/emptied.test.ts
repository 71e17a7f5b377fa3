import { expect, test } from 'vitest';
import { strategyFor } from '../../../../../src-main/core/kube/apis/index.ts';
import { type Answer, type TestServer, testServer } from './server.ts';

// Answers of a kube-apiserver v1.36.3.

const pods = '/api/v1/namespaces/default/pods';
const policies = '/apis/networking.k8s.io/v1/namespaces/default/networkpolicies';
const ranges = '/apis/networking.k8s.io/v1/servicecidrs';
const hooks = '/apis/admissionregistration.k8s.io/v1/validatingwebhookconfigurations';

const merge = ({ send }: TestServer, url: string, body: unknown): Promise<Answer> =>
  send('PATCH', url, JSON.stringify(body), { 'content-type': 'application/merge-patch+json' });

test('a refusal shows an empty list or map as it was sent, one that is not set as null', async () => {
  const server = testServer([], { strategyFor });
  await server.send('POST', ranges, { metadata: { name: 'r' }, spec: { cidrs: ['10.1.0.0/24'] } });
  const messages = await Promise.all(
    [{ cidrs: [] }, { cidrs: null }].map(async (spec) => {
      const { json } = await merge(server, `${ranges}/r`, { spec });
      return json.message as string;
    }),
  );
  expect(messages).toEqual([
    'ServiceCIDR.networking.k8s.io "r" is invalid: spec.cidrs: Invalid value: []: field is immutable',
    'ServiceCIDR.networking.k8s.io "r" is invalid: spec.cidrs: Invalid value: null: field is immutable',
  ]);
});

test('what a refused update of a pod changed shows them as well', async () => {
  const server = testServer([], { strategyFor });
  await server.send('POST', pods, {
    metadata: { name: 'p' },
    spec: { containers: [{ name: 'a', image: 'x' }] },
  });
  const { json } = await merge(server, `${pods}/p`, {
    spec: { nodeSelector: {}, ephemeralContainers: [], hostname: 'h' },
  });
  expect(json.message).toMatch(
    /\n- "EphemeralContainers": null,\n\+ "EphemeralContainers": \[\],\n/,
  );
  expect(json.message).toMatch(/\n- "NodeSelector": null,\n\+ "NodeSelector": \{\},\n/);
});

test.each([
  ['a network policy', policies, { spec: { podSelector: {} } }, { spec: { ingress: [] } }, 2],
  ['its selector alone', policies, { spec: { podSelector: {} } }, { spec: { podSelector: {} } }, 1],
  [
    'webhooks',
    hooks,
    {
      webhooks: [
        {
          name: 'a.example.com',
          clientConfig: { url: 'https://example.com' },
          sideEffects: 'None',
          admissionReviewVersions: ['v1'],
        },
      ],
    },
    {
      webhooks: [
        {
          name: 'a.example.com',
          clientConfig: { url: 'https://example.com' },
          sideEffects: 'None',
          admissionReviewVersions: ['v1'],
          matchConditions: [],
        },
      ],
    },
    2,
  ],
  [
    'a pod, whose generation goes by what it means',
    pods,
    { spec: { containers: [{ name: 'a', image: 'x' }] } },
    { spec: { nodeSelector: {}, hostAliases: [] } },
    1,
  ],
])('an empty list is a new generation or not: %s', async (_, url, made, change, generation) => {
  const server = testServer([], { strategyFor });
  await server.send('POST', url, { metadata: { name: 'x' }, ...made });
  const { json } = await merge(server, `${url}/x`, change);
  expect(json.metadata.generation).toBe(generation);
});

test('neither clients nor storage get an empty list that Go leaves out', async () => {
  const server = testServer([], { strategyFor });
  const { json } = await server.send('POST', policies, {
    metadata: { name: 'x' },
    spec: { podSelector: { matchLabels: {} }, ingress: [], egress: [{ to: [] }] },
  });
  expect(json.spec).toEqual({ podSelector: {}, egress: [{}], policyTypes: ['Ingress', 'Egress'] });
  expect((await server.send('GET', `${policies}/x`)).json.spec).toEqual(json.spec);
});
