import { SimClock, toBase64, utf8 } from '#core/base';
import { expect, test } from 'vitest';
import { admissionRequest } from '#tests/server-state';
import { createWebhookClient } from '../../../../../../src-main/core/kube/apiserver/outbound/index.ts';
import { admit, configMaps, refusal, registration, state } from '../admission/world.ts';

// What the real API server (v1.36.3) tells a client about answers of a webhook, one row for each answer.
const url = 'https://127.0.0.1:18777/hook';
const calling = (why: string): string =>
  `Internal error occurred: failed calling webhook "h.example.com": ${why}`;
const denied = 'admission webhook "h.example.com" denied the request';
const version = 'admission.k8s.io/v1';

interface Answer {
  readonly status?: number;
  readonly text?: string;
  readonly json?: object;
  /** The response of a review that is in order otherwise. */
  readonly response?: object;
  readonly error?: string;
}

async function told(
  kind: 'validating' | 'mutating',
  { status = 200, text, json, response, error }: Answer,
): Promise<string> {
  state.put(registration, `${kind}webhookconfigurations`, {
    metadata: { name: 'conf' },
    webhooks: [
      {
        name: 'h.example.com',
        clientConfig: { url },
        rules: [
          { apiGroups: [''], apiVersions: ['v1'], operations: ['*'], resources: ['configmaps'] },
        ],
        failurePolicy: 'Fail',
        sideEffects: 'None',
        timeoutSeconds: 2,
        admissionReviewVersions: ['v1'],
      },
    ],
  });
  const callWebhook = createWebhookClient(state, new SimClock(0), (_target, request) => {
    if (error !== undefined) return Promise.reject(new Error(error));
    const { uid } = (
      JSON.parse(new TextDecoder().decode(request.body)) as { request: { uid: string } }
    ).request;
    const review = { kind: 'AdmissionReview', apiVersion: version, response: { uid, ...response } };
    const body = text ?? JSON.stringify(json ?? review);
    return Promise.resolve({
      status,
      headers: { 'content-type': 'application/json' },
      body: { kind: 'bytes', bytes: utf8(body) },
    });
  });
  const request = admissionRequest(configMaps, {
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: { name: 'x' },
  });
  return (await refusal(request, { callWebhook })).replace(/"[0-9a-f-]{36}"/, '"UID"');
}

const unparsable = (type: string): string =>
  calling(
    `failed to call webhook: couldn't get version/kind; json parse error: json: cannot unmarshal ${type} into Go value of type struct { APIVersion string "json:\\"apiVersion,omitempty\\""; Kind string "json:\\"kind,omitempty\\"" }`,
  );

test.each<[string, Answer, string]>([
  ['a message', { response: { allowed: false, status: { message: 'no' } } }, `${denied}: no`],
  [
    'a reason',
    { response: { allowed: false, status: { reason: 'Because' } } },
    `${denied}: Because`,
  ],
  ['no word', { response: { allowed: false } }, `${denied} without explanation`],
  [
    'another uid',
    {
      json: { kind: 'AdmissionReview', apiVersion: version, response: { uid: 'x', allowed: true } },
    },
    calling('received invalid webhook response: expected response.uid="UID", got "x"'),
  ],
  [
    'no response',
    { json: { kind: 'AdmissionReview', apiVersion: version } },
    calling('received invalid webhook response: webhook response was absent'),
  ],
  [
    'another version',
    { json: { kind: 'AdmissionReview', apiVersion: 'admission.k8s.io/v1beta1', response: {} } },
    calling(
      'failed to call webhook: converting (v1beta1.AdmissionReview) to (v1.AdmissionReview): unknown conversion',
    ),
  ],
  [
    'another kind',
    { json: { kind: 'Pod', apiVersion: 'v1' } },
    calling(
      'failed to call webhook: no kind "Pod" is registered for version "v1" in scheme "pkg/runtime/scheme.go:111"',
    ),
  ],
  [
    'nothing',
    { text: '' },
    calling(
      'failed to call webhook: 0-length response with status code: 200 and content type: application/json',
    ),
  ],
  ['text', { text: 'hello' }, unparsable('string')],
  ['a list', { text: '[]' }, unparsable('array')],
  [
    '500',
    { status: 500, text: 'boom' },
    calling(
      'failed to call webhook: an error on the server ("boom") has prevented the request from succeeding',
    ),
  ],
  [
    '500 with a Status',
    { status: 500, json: { kind: 'Status', apiVersion: 'v1', status: 'Failure', message: 'told' } },
    calling('failed to call webhook: told'),
  ],
  [
    '400',
    { status: 400, text: 'bad' },
    calling('failed to call webhook: the server rejected our request for an unknown reason'),
  ],
  ['403', { status: 403, text: 'keep out' }, calling('failed to call webhook: keep out')],
  [
    '404',
    { status: 404, text: 'nothing' },
    calling('failed to call webhook: the server could not find the requested resource'),
  ],
  [
    '429',
    { status: 429, text: 'slow down' },
    calling(
      'failed to call webhook: the server has received too many requests and has asked us to try again later',
    ),
  ],
  [
    '503',
    { status: 503, text: 'busy' },
    calling('failed to call webhook: the server is currently unable to handle the request'),
  ],
  [
    'a connection that ends',
    { error: 'EOF' },
    calling(`failed to call webhook: Post "${url}?timeout=2s": EOF`),
  ],
])('a validating webhook answers with %s', async (_what, answer, expected) => {
  expect(await told('validating', answer)).toBe(expected);
});

const patch = (text: string): object => ({
  response: { allowed: true, patchType: 'JSONPatch', patch: toBase64(utf8(text)) },
});

test.each<[string, object, string]>([
  [
    'a path that is not there',
    patch('[{"op":"replace","path":"/data/none/x","value":1}]'),
    'Internal error occurred: replace operation does not apply: doc is missing path: /data/none/x: missing value',
  ],
  [
    'a parent that is not there',
    patch('[{"op":"remove","path":"/metadata/annotations/none"}]'),
    'Internal error occurred: remove operation does not apply: doc is missing path: "/metadata/annotations/none": missing value',
  ],
  [
    'a test that fails',
    patch('[{"op":"test","path":"/metadata/name","value":"other"}]'),
    'Internal error occurred: testing value /metadata/name failed: test failed',
  ],
  [
    'an operation nobody knows',
    patch('[{"op":"frob","path":"/data","value":{}}]'),
    'Internal error occurred: Unexpected kind: frob',
  ],
  [
    'text',
    patch('hello'),
    calling(
      "received undecodable patch in webhook response: invalid character 'h' looking for beginning of value",
    ),
  ],
  [
    'an object',
    patch('{"a":1}'),
    calling(
      'received undecodable patch in webhook response: json: cannot unmarshal object into Go value of type jsonpatch.Patch',
    ),
  ],
  [
    'no type',
    { response: { allowed: true, patch: toBase64(utf8('[]')) } },
    calling(
      'received invalid webhook response: webhook returned response.patch but not response.patchType',
    ),
  ],
  [
    'a type alone',
    { response: { allowed: true, patchType: 'JSONPatch' } },
    calling(
      'received invalid webhook response: webhook returned response.patchType but not response.patch',
    ),
  ],
  [
    'another type and nothing to do',
    { response: { allowed: true, patchType: 'Merge', patch: toBase64(utf8('[]')) } },
    '',
  ],
])('a mutating webhook patches with %s', async (_what, answer, expected) => {
  expect(await told('mutating', answer)).toBe(expected);
});

test('steps before a change see the object again when they ask for it', async () => {
  const hook = (name: string, reinvocationPolicy: string): object => ({
    name,
    clientConfig: { url: `https://127.0.0.1/${name}` },
    rules: [{ apiGroups: [''], apiVersions: ['v1'], operations: ['*'], resources: ['configmaps'] }],
    failurePolicy: 'Fail',
    sideEffects: 'None',
    reinvocationPolicy,
    admissionReviewVersions: ['v1'],
  });
  state.put(registration, 'mutatingwebhookconfigurations', {
    metadata: { name: 'conf' },
    webhooks: [hook('again', 'IfNeeded'), hook('never', 'Never'), hook('last', 'IfNeeded')],
  });
  const called: string[] = [];
  const request = admissionRequest(configMaps, {
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: { name: 'x' },
  });
  await admit(request, {
    callWebhook: (clientConfig, review) => {
      const name = (clientConfig['url'] as string).split('/').at(-1) ?? '';
      called.push(name);
      const { uid } = (review as { request: { uid: string } }).request;
      const change = `[{"op":"add","path":"/data","value":{"by":"${name}"}}]`;
      return Promise.resolve({
        kind: 'AdmissionReview',
        apiVersion: version,
        response: {
          uid,
          allowed: true,
          ...(name === 'never' ? { patchType: 'JSONPatch', patch: toBase64(utf8(change)) } : {}),
        },
      });
    },
  });
  expect(called).toEqual(['again', 'never', 'last', 'again']);
});
