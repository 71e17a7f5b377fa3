/** What a webhook does when it is called; both servers call the same. */
export interface Reply {
  readonly status?: number;
  readonly type?: string;
  readonly body: string;
  /** How long it takes. */
  readonly afterMs?: number;
}

interface Review {
  readonly apiVersion: string;
  readonly kind: string;
  readonly request: {
    readonly uid: string;
    readonly desiredAPIVersion?: string;
    readonly objects?: readonly ConvertedObject[];
    readonly object?: unknown;
    readonly name?: string;
  };
}
interface ConvertedObject {
  readonly apiVersion: string;
  readonly metadata: object;
  readonly [field: string]: unknown;
}

const base64 = (value: unknown): string =>
  Buffer.from(typeof value === 'string' ? value : JSON.stringify(value)).toString('base64');

/** A response with the review's own uid and version. */
const response =
  (fields: object): ((review: Review) => unknown) =>
  ({ apiVersion, kind, request: { uid } }) => ({ apiVersion, kind, response: { uid, ...fields } });
const patch = (...operations: readonly object[]): ((review: Review) => unknown) =>
  response({ allowed: true, patchType: 'JSONPatch', patch: base64(operations) });
const denied = (status?: object): ((review: Review) => unknown) =>
  response({ allowed: false, ...(status ? { status } : {}) });
const raw = (body: string, status = 200, type = 'text/plain'): Reply => ({ body, status, type });
const add = (path: string, value: unknown): object => ({ op: 'add', path, value });

/** Version v1 has `host`, v2 has `address`, v3 is as v1. */
function converted(object: ConvertedObject, apiVersion: string): ConvertedObject {
  const { host, address, ...rest } = object;
  const value = host ?? address;
  return {
    ...rest,
    apiVersion,
    ...(value === undefined ? {} : { [apiVersion.endsWith('/v2') ? 'address' : 'host']: value }),
  };
}

/** By path, what each webhook answers. */
const replies: Readonly<Record<string, Reply | ((review: Review) => unknown)>> = {
  '/allow': response({ allowed: true }),
  '/deny': denied({ message: 'not today' }),
  '/deny-first': denied({ message: 'first' }),
  '/deny-second': denied({ message: 'second' }),
  '/deny-silently': denied(),
  '/deny-reason': denied({ reason: 'because' }),
  '/deny-code': denied({ code: 418, message: 'teapot' }),
  '/deny-low-code': denied({ code: 200, status: 'Success', message: 'fine' }),
  '/deny-forbidden': denied({ code: 403, reason: 'Forbidden', message: 'no entry' }),
  '/deny-details': denied({
    code: 422,
    reason: 'Invalid',
    message: 'wrong',
    details: { name: 'x', causes: [{ field: 'data.a', message: 'is wrong', reason: 'R' }] },
  }),
  '/allow-status': response({ allowed: true, status: { code: 500, message: 'ignored' } }),
  '/warn': response({ allowed: true, warnings: ['careful', 'with "quotes"', 'two\nlines'] }),
  '/warn-long': response({ allowed: true, warnings: ['w'.repeat(300), 'v'.repeat(4000), 'last'] }),
  '/warn-deny': response({ allowed: false, warnings: ['told you'], status: { message: 'no' } }),
  '/slow': { body: '', afterMs: 3000 },
  '/slow-once': { body: '', afterMs: 1500 },
  '/text': raw('hello'),
  '/empty': raw(''),
  '/list': raw('[1]'),
  '/not-found': raw('404 page not found', 404),
  '/error': raw('out of order', 500),
  '/error-status': raw(
    JSON.stringify({
      kind: 'Status',
      apiVersion: 'v1',
      status: 'Failure',
      message: 'my own words',
    }),
    500,
    'application/json',
  ),
  '/unavailable': raw('later', 503),
  '/teapot': raw('I am a teapot', 418),
  '/bad-request': raw('bad', 400),
  '/forbidden': raw('keep out', 403),
  '/status': raw(
    JSON.stringify({ kind: 'Status', apiVersion: 'v1', status: 'Failure', message: 'told as 200' }),
    200,
    'application/json',
  ),
  '/no-response': ({ apiVersion, kind }) => ({ apiVersion, kind }),
  '/wrong-uid': ({ apiVersion, kind }) => ({
    apiVersion,
    kind,
    response: { uid: 'x', allowed: true },
  }),
  '/wrong-version': ({ kind, request: { uid } }) => ({
    apiVersion: 'admission.k8s.io/v1beta1',
    kind,
    response: { uid, allowed: true },
  }),
  '/wrong-kind': ({ apiVersion, request: { uid } }) => ({
    apiVersion,
    kind: 'Review',
    response: { uid, allowed: true },
  }),
  '/no-kind': ({ request: { uid } }) => ({ response: { uid, allowed: true } }),
  '/wrong-type': ({ apiVersion, kind, request: { uid } }) => ({
    apiVersion,
    kind,
    response: { uid, allowed: 'yes' },
  }),
  '/patch-a': patch(add('/data', { a: '1' })),
  '/patch-b': patch(add('/data/b', '2')),
  '/patch-label': patch(add('/metadata/labels', { patched: 'yes' })),
  '/patch-same': patch({ op: 'test', path: '/kind', value: 'ConfigMap' }),
  '/patch-none': patch(),
  '/patch-test': patch({ op: 'test', path: '/kind', value: 'Pod' }),
  '/patch-missing': patch({ op: 'remove', path: '/data/none' }),
  '/patch-parent': patch(add('/spec/none/deep', 1)),
  '/patch-type': patch(add('/data', { a: 1 })),
  '/patch-unknown': patch(add('/unknown', 1), add('/data', { known: 'yes' })),
  '/patch-name': patch({ op: 'replace', path: '/metadata/name', value: 'other' }),
  '/patch-kind': patch({ op: 'replace', path: '/kind', value: 'Secret' }),
  '/patch-op': patch({ op: 'paint', path: '/data' }),
  '/patch-object': response({
    allowed: true,
    patchType: 'JSONPatch',
    patch: base64({ op: 'add' }),
  }),
  '/patch-text': response({ allowed: true, patchType: 'JSONPatch', patch: base64('oops') }),
  '/patch-not-base64': response({ allowed: true, patchType: 'JSONPatch', patch: '%%%' }),
  '/patch-no-type': response({ allowed: true, patch: base64([]) }),
  '/patch-other-type': response({
    allowed: true,
    patchType: 'MergePatch',
    patch: base64([add('/data', {})]),
  }),
  '/patch-empty-type': response({ allowed: true, patchType: '', patch: base64([]) }),
  '/patch-only-type': response({ allowed: true, patchType: 'JSONPatch' }),
  '/patch-denied': response({
    allowed: false,
    patchType: 'JSONPatch',
    patch: base64([add('/data', {})]),
  }),
  '/patch-min-v1': patch(add('/spec/minReplicas', 3)),
  '/patch-metric-v2': patch(
    add('/spec/metrics', [
      {
        type: 'Resource',
        resource: { name: 'memory', target: { type: 'Utilization', averageUtilization: 70 } },
      },
    ]),
  ),
  '/patch-note': patch(add('/note', 'told otherwise')),
  '/patch-host': patch(add('/host', 'patched-host')),
  '/patch-address': patch(add('/address', 'patched-address')),
  '/patch-spare': patch(add('/spare', 1), add('/metadata/annotations', { touched: 'yes' })),
  '/patch-count': patch(add('/count', 'many')),
  '/count-label': ({ apiVersion, kind, request: { uid, object } }) => {
    const { metadata } = object as { metadata: { labels?: Record<string, string> } };
    const count = Number(metadata.labels?.['count'] ?? 0) + 1;
    const operations = metadata.labels
      ? [add('/metadata/labels/count', String(count))]
      : [add('/metadata/labels', { count: String(count) })];
    return {
      apiVersion,
      kind,
      response: { uid, allowed: true, patchType: 'JSONPatch', patch: base64(operations) },
    };
  },
  '/convert': ({ apiVersion, kind, request }) => ({
    apiVersion,
    kind,
    response: {
      uid: request.uid,
      result: { status: 'Success' },
      convertedObjects: (request.objects ?? []).map((each) =>
        converted(each, request.desiredAPIVersion ?? ''),
      ),
    },
  }),
  '/convert-fail': ({ apiVersion, kind, request }) => ({
    apiVersion,
    kind,
    response: {
      uid: request.uid,
      result: { status: 'Failure', message: 'cannot convert' },
      convertedObjects: [],
    },
  }),
};

/** What the webhook at a path answers to a review. */
export function replyTo(path: string, body: string): Reply {
  const reply = replies[path] ?? raw('404 page not found\n', 404);
  if (typeof reply === 'function')
    return { type: 'application/json', body: JSON.stringify(reply(JSON.parse(body) as Review)) };
  if (reply.afterMs === undefined) return reply;
  const allowed = response({ allowed: true })(JSON.parse(body) as Review);
  return { ...reply, type: 'application/json', body: JSON.stringify(allowed) };
}
