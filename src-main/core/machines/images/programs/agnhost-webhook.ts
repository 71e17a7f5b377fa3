import { fromUtf8, sleep, toBase64, utf8 } from '#core/base';
import type { ApiRequest, ApiResponse } from '#core/kube';
import { FileError } from '../../filesystem/types.ts';
import type { ProgramContext } from '../../process/types.ts';
import { print, untilSignal } from '../program-io.ts';
import { flagValue, textAnswer } from './http-service.ts';

type Json = Readonly<Record<string, unknown>>;

const mapOf = (value: unknown): Json =>
  typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Json) : {};
const textOf = (value: unknown): string => (typeof value === 'string' ? value : '');
const mapsOf = (value: unknown): readonly Json[] => (Array.isArray(value) ? value.map(mapOf) : []);

/** What a webhook says to a request; without a verdict it has none. */
type Admit = (request: Json, context: ProgramContext) => Json | Promise<Json>;

const allow: Json = { allowed: true };
const deny = (result: Json): Json => ({ allowed: false, status: { metadata: {}, ...result } });
const patched = (patch: string): Json => ({
  allowed: true,
  patch: toBase64(utf8(patch)),
  patchType: 'JSONPatch',
});
const failed = (message: string): Json => ({ allowed: false, status: { metadata: {}, message } });

const isResource = (request: Json, resource: string): boolean => {
  const asked = mapOf(request['resource']);
  return (
    textOf(asked['group']) === '' && asked['version'] === 'v1' && asked['resource'] === resource
  );
};
const unexpected = (resource: string): Json =>
  failed(`expect resource to be {"" "v1" "${resource}"}`);
const bodyOf = (request: Json): Json =>
  mapOf(request['operation'] === 'DELETE' ? request['oldObject'] : request['object']);

const addLabel: Admit = (request) => {
  const labels = mapOf(mapOf(mapOf(request['object'])['metadata'])['labels']);
  if (Object.keys(labels).length === 0)
    return patched('[{"op":"add","path":"/metadata/labels","value":{"added-label":"yes"}}]');
  if (labels['added-label'] === undefined)
    return patched('[{"op":"add","path":"/metadata/labels/added-label","value":"yes"}]');
  return labels['added-label'] === 'yes'
    ? allow
    : patched('[{"op":"replace","path":"/metadata/labels/added-label","value":"yes"}]');
};

/** Refuses data that the end-to-end tests mark. */
const admitData =
  (disallowed: string, undeletable: string): Admit =>
  (request) => {
    const mark = mapOf(bodyOf(request)['data'])['webhook-e2e-test'];
    const operation = request['operation'];
    if (mark === 'webhook-disallow' && (operation === 'CREATE' || operation === 'UPDATE'))
      return deny({ reason: disallowed });
    return mark === 'webhook-nondeletable' && operation === 'DELETE'
      ? deny({ reason: undeletable })
      : allow;
  };

const mutateData: Admit = (request) => {
  const data = mapOf(mapOf(request['object'])['data']);
  const stage = (number: number): Json =>
    patched(`[{"op":"add","path":"/data/mutation-stage-${number}","value":"yes"}]`);
  if (data['mutation-stage-1'] === 'yes') return stage(2);
  return data['mutation-start'] === 'yes' ? stage(1) : allow;
};

const only =
  (resource: string, admit: Admit): Admit =>
  (request, context) =>
    isResource(request, resource) ? admit(request, context) : unexpected(resource);

const admitPods: Admit = async (request, context) => {
  const pod = mapOf(request['object']);
  const label = mapOf(mapOf(pod['metadata'])['labels'])['webhook-e2e-test'];
  const why: string[] = [];
  if (label === 'webhook-disallow') why.push('the pod contains unwanted label;');
  if (label === 'wait-forever') await untilSignal(context, []);
  for (const { name } of mapsOf(mapOf(pod['spec'])['containers']))
    if (textOf(name).includes('webhook-disallow'))
      why.push('the pod contains unwanted container name;');
  return why.length > 0 ? deny({ message: why.join(' ') }) : allow;
};

const hasContainer = (request: Json, list: string, name: string): boolean =>
  mapsOf(mapOf(mapOf(request['object'])['spec'])[list]).some((each) => each['name'] === name);

const mutatePods: Admit = (request) =>
  mapOf(mapOf(request['object'])['metadata'])['name'] === 'webhook-to-be-mutated' &&
  !hasContainer(request, 'initContainers', 'webhook-added-init-container')
    ? patched(
        '[{"op":"add","path":"/spec/initContainers","value":[{"image":"webhook-added-image","name":"webhook-added-init-container","resources":{}}]}]',
      )
    : allow;

const addSidecar: Admit = (request, { argv }) => {
  const image = flagValue(argv, '--sidecar-image') ?? '';
  if (image === '')
    return deny({
      status: 'Failure',
      message: 'No image specified by the sidecar-image parameter',
      code: 500,
    });
  return hasContainer(request, 'containers', 'webhook-added-sidecar')
    ? allow
    : patched(
        `[{"op":"add","path":"/spec/containers/-","value":{"image":${JSON.stringify(image)},"name":"webhook-added-sidecar","resources":{}}}]`,
      );
};

const denyAttaching: Admit = (request) => {
  const { stdin, container } = mapOf(request['object']);
  return request['name'] === 'to-be-attached-pod' && stdin === true && container === 'container1'
    ? deny({ message: "attaching to pod 'to-be-attached-pod' is not allowed" })
    : allow;
};

const admitCrd: Admit = (request) =>
  mapOf(mapOf(mapOf(request['object'])['metadata'])['labels'])['webhook-e2e-test'] ===
  'webhook-disallow'
    ? deny({ message: 'the crd contains unwanted label' })
    : allow;

const paths: Readonly<Record<string, Admit>> = {
  '/always-allow-delay-5s': async (_request, { clock, signal }) => {
    await sleep(clock, 5000, signal);
    return { allowed: true, status: { metadata: {}, message: 'this webhook allows all requests' } };
  },
  '/always-deny': () => deny({ message: 'this webhook denies all requests' }),
  '/add-label': addLabel,
  '/pods': only('pods', admitPods),
  '/pods/attach': denyAttaching,
  '/mutating-pods': only('pods', mutatePods),
  '/mutating-pods-sidecar': only('pods', addSidecar),
  '/configmaps': only(
    'configmaps',
    admitData(
      'the configmap contains unwanted key and value',
      'the configmap cannot be deleted because it contains unwanted key and value',
    ),
  ),
  '/mutating-configmaps': only('configmaps', mutateData),
  '/custom-resource': admitData(
    'the custom resource contains unwanted data',
    'the custom resource cannot be deleted because it contains unwanted key and value',
  ),
  '/mutating-custom-resource': mutateData,
  '/crd': admitCrd,
};

function reviewOf(request: ApiRequest, kind: string): Json | ApiResponse {
  if (request.headers['content-type'] !== 'application/json') return textAnswer(200, '');
  let review: Json;
  try {
    review = mapOf(JSON.parse(fromUtf8(request.body ?? new Uint8Array())));
  } catch (error) {
    const text = error instanceof Error ? error.message : String(error);
    return textAnswer(400, `Request could not be decoded: ${text}\n`);
  }
  if (review['kind'] === kind) return review;
  return textAnswer(
    400,
    `Unsupported group version kind: ${textOf(review['apiVersion'])}, Kind=${textOf(review['kind'])}\n`,
  );
}

const isAnswer = (value: Json | ApiResponse): value is ApiResponse => 'body' in value;

const json = (object: object): ApiResponse => ({
  status: 200,
  headers: { 'content-type': 'application/json' },
  body: { kind: 'bytes', bytes: utf8(JSON.stringify(object)) },
});

/** Serves over TLS with the certificate of the flags, until it is told to end. */
async function serveTls(
  context: ProgramContext,
  handle: (request: ApiRequest, path: string) => Promise<ApiResponse>,
): Promise<number> {
  const { argv, files, net, stderr } = context;
  const read = (flag: string): string => files.readText(flagValue(argv, flag) ?? '');
  let certificate: string;
  try {
    certificate = read('--tls-cert-file');
    read('--tls-private-key-file');
  } catch (error) {
    if (!(error instanceof FileError)) throw error;
    const path = flagValue(argv, '--tls-cert-file') ?? '';
    await print(
      stderr,
      `F0101 00:00:00.000000       1 config.go:34] open ${path}: no such file or directory\n`,
    );
    return 255;
  }
  net.listen(Number(flagValue(argv, '--port') ?? 443), {
    kind: 'http',
    tls: { certificate },
    handle: (request) => {
      const path = request.url.split('?')[0] ?? '';
      if (path === '/readyz') return Promise.resolve(textAnswer(200, 'ok'));
      return handle(request, path);
    },
  });
  await untilSignal(context, ['SIGTERM', 'SIGINT']);
  // Go's runtime ends with 2 when nobody handles the signal.
  return 2;
}

/** `agnhost webhook`: admission webhooks by path. @see test/images/agnhost/webhook */
export const webhook = (context: ProgramContext): Promise<number> =>
  serveTls(context, async (request, path) => {
    const admit = Object.hasOwn(paths, path) ? paths[path] : undefined;
    if (!admit) return textAnswer(404, '404 page not found\n');
    const review = reviewOf(request, 'AdmissionReview');
    if (isAnswer(review)) return review;
    const asked = mapOf(review['request']);
    const response = await admit(asked, context);
    return json({
      kind: 'AdmissionReview',
      apiVersion: review['apiVersion'],
      response: { uid: asked['uid'], ...response },
    });
  });

/** `agnhost crd-conversion-webhook`: between v1 and v2 of stable.example.com. @see test/images/agnhost/crd-conversion-webhook */
export const conversionWebhook = (context: ProgramContext): Promise<number> =>
  serveTls(context, (request, path) => {
    if (path !== '/crdconvert') return Promise.resolve(textAnswer(404, '404 page not found\n'));
    const review = reviewOf(request, 'ConversionReview');
    if (isAnswer(review)) return Promise.resolve(review);
    const asked = mapOf(review['request']);
    return Promise.resolve(
      json({
        kind: 'ConversionReview',
        apiVersion: review['apiVersion'],
        request: { uid: '', desiredAPIVersion: '', objects: null },
        response: { uid: asked['uid'], ...converted(asked) },
      }),
    );
  });

function converted(request: Json): Json {
  const wanted = textOf(request['desiredAPIVersion']);
  const objects: Json[] = [];
  for (const object of mapsOf(request['objects'])) {
    const result = convert(object, wanted);
    if (typeof result === 'string')
      return {
        convertedObjects: null,
        result: { metadata: {}, status: 'Failure', message: result },
      };
    objects.push({ ...result, apiVersion: wanted });
  }
  return { convertedObjects: objects, result: { metadata: {}, status: 'Success' } };
}

/** @returns the object in the other version, or why it cannot be. */
function convert(object: Json, wanted: string): Json | string {
  const from = textOf(object['apiVersion']);
  const [v1, v2] = ['stable.example.com/v1', 'stable.example.com/v2'];
  if (from === wanted)
    return `conversion from a version to itself should not call the webhook: ${wanted}`;
  if (from !== v1 && from !== v2) return `unexpected conversion version "${from}"`;
  if (wanted !== v1 && wanted !== v2) return `unexpected conversion version "${wanted}"`;
  const { hostPort, host, port, ...rest } = object;
  if (from === v1) {
    if (hostPort === undefined) return object;
    const parts = textOf(hostPort).split(':');
    return parts.length === 2
      ? { ...rest, host: parts[0], port: parts[1] }
      : `invalid hostPort value \`${textOf(hostPort)}\``;
  }
  return host === undefined && port === undefined
    ? object
    : { ...rest, hostPort: `${textOf(host)}:${textOf(port)}` };
}
