import { type Clock, quoted } from '#core/base';
import {
  badRequest,
  failure,
  internalError,
  type StatusError,
  type StatusReason,
} from '../../../machinery/index.ts';
import {
  at,
  isMap,
  type JsonMap,
  mapOf,
  numberOf,
  textAt,
  textOf,
  textsOf,
} from '../../fields/index.ts';
import type { CallWebhook } from '../../outbound/index.ts';
import { RequestTimedOut } from '../../request-timeout.ts';
import type { AdmissionRequest } from '../../types.ts';

/** A webhook and the configuration it belongs to. */
export interface Hook {
  readonly hook: JsonMap;
  readonly name: string;
  readonly configuration: string;
}

/** Who calls, and the time. */
export interface Caller {
  readonly clock: Clock;
  readonly callWebhook: CallWebhook;
}

/**
 * Asks a webhook about a request.
 * @param body the review's request.
 * @returns the response; undefined when the hook failed and may be ignored.
 * @throws StatusError
 */
export async function callHook(
  { hook, name }: Hook,
  request: AdmissionRequest,
  body: Readonly<Record<string, unknown>>,
  kind: 'mutating' | 'validating',
  { clock, callWebhook }: Caller,
): Promise<JsonMap | undefined> {
  if (request.dryRun && !['None', 'NoneOnDryRun'].includes(textOf(hook['sideEffects'])))
    throw badRequest(`admission webhook ${quoted(name)} does not support dry run`);
  let response: JsonMap;
  try {
    const ownMs = (numberOf(hook['timeoutSeconds']) ?? 10) * 1000;
    const leftMs = (request.deadlineMs ?? Infinity) - clock.now();
    if (leftMs <= 0) throw new RequestTimedOut();
    response = await reviewed(hook, body, kind, Math.min(ownMs, leftMs), callWebhook);
  } catch (error) {
    // Nobody waits for an answer any more, whatever the hook's failures count for.
    if (request.deadlineMs !== undefined && clock.now() >= request.deadlineMs)
      throw new RequestTimedOut();
    return failedCall({ hook, name }, error instanceof Error ? error.message : String(error));
  }
  for (const warning of textsOf(response['warnings']))
    // A header cannot hold it.
    if (!/\p{Cc}/u.test(warning)) request.warn(warning);
  for (const [key, value] of Object.entries(mapOf(response['auditAnnotations'])))
    request.annotate(`${name}/${key}`, textOf(value));
  if (response['allowed'] !== true) throw denied(name, mapOf(response['status']));
  return response;
}

/** What comes of a webhook that was of no use. @throws StatusError unless its failures are ignored */
export function failedCall({ hook, name }: Pick<Hook, 'hook' | 'name'>, why: string): undefined {
  if (textOf(hook['failurePolicy']) === 'Ignore') return undefined;
  throw internalError(new Error(`failed calling webhook ${quoted(name)}: ${why}`));
}

async function reviewed(
  hook: JsonMap,
  body: Readonly<Record<string, unknown>>,
  kind: 'mutating' | 'validating',
  timeoutMs: number,
  callWebhook: CallWebhook,
): Promise<JsonMap> {
  const version = textsOf(hook['admissionReviewVersions']).find(
    (each) => each === 'v1' || each === 'v1beta1',
  );
  if (version === undefined)
    throw new Error(
      'could not create admission objects: webhook does not accept known AdmissionReview versions (v1, v1beta1)',
    );
  const apiVersion = `admission.k8s.io/${version}`;
  const called = (why: string, cause?: unknown): Error =>
    new Error(`failed to call webhook: ${why}`, { cause });
  let answer: unknown;
  try {
    answer = await callWebhook(
      mapOf(hook['clientConfig']),
      { kind: 'AdmissionReview', apiVersion, request: body },
      timeoutMs,
    );
  } catch (error) {
    throw called(error instanceof Error ? error.message : String(error), error);
  }
  const response = at(answer, 'response');
  const unfit = isMap(response) ? typeFault(response) : undefined;
  if (unfit !== undefined) throw called(unfit);
  const problem = isMap(response)
    ? responseFault(response, answer, textOf(body['uid']), kind, version)
    : 'webhook response was absent';
  if (problem !== undefined) throw new Error(`received invalid webhook response: ${problem}`);
  return response as JsonMap;
}

const fieldTypes: Readonly<Record<string, readonly [js: string, go: string]>> = {
  uid: ['string', 'types.UID'],
  allowed: ['boolean', 'bool'],
  patchType: ['string', 'v1.PatchType'],
  warnings: ['array', '[]string'],
  auditAnnotations: ['object', 'map[string]string'],
  status: ['object', 'v1.Status'],
};

/** What keeps a response from being read into its Go type. */
function typeFault(response: JsonMap): string | undefined {
  const patch = response['patch'];
  if (typeof patch === 'string') {
    const at = base64Fault(patch);
    if (at !== undefined) return `illegal base64 data at input byte ${at}`;
  }
  for (const [field, [wanted, goType]] of Object.entries(fieldTypes)) {
    const value = response[field];
    if (value === undefined || value === null) continue;
    const found = Array.isArray(value) ? 'array' : typeof value;
    if (found !== wanted)
      return `json: cannot unmarshal ${found === 'boolean' ? 'bool' : found} into Go struct field AdmissionResponse.response.${field} of type ${goType}`;
  }
  return undefined;
}

/** Where a text stops being base64. */
function base64Fault(text: string): number | undefined {
  const plain = text.replace(/[\r\n]/g, '');
  const { 0: good = '' } = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?/.exec(
    plain,
  ) as RegExpExecArray;
  if (good.length === plain.length) return undefined;
  const bad = /[^A-Za-z0-9+/]/.exec(plain.slice(good.length));
  return bad ? good.length + bad.index : plain.length;
}

/** @see k8s.io/apiserver/pkg/admission/plugin/webhook/request/admissionreview.go, VerifyAdmissionResponse */
function responseFault(
  response: JsonMap,
  answer: unknown,
  uid: string,
  kind: 'mutating' | 'validating',
  version: string,
): string | undefined {
  // The first version of the review was not checked for what it is.
  if (version !== 'v1') return undefined;
  if (textOf(response['uid']) !== uid)
    return `expected response.uid=${quoted(uid)}, got ${quoted(textOf(response['uid']))}`;
  const told = `${textAt(answer, 'apiVersion') || '/'}, Kind=${textAt(answer, 'kind')}`;
  const wanted = 'admission.k8s.io/v1, Kind=AdmissionReview';
  if (told !== wanted) return `expected webhook response of ${wanted}, got ${told}`;
  const hasPatch = textOf(response['patch']) !== '';
  const type = response['patchType'] ?? undefined;
  if (kind === 'validating') {
    if (hasPatch) return 'validating webhook may not return response.patch';
    return type === undefined ? undefined : 'validating webhook may not return response.patchType';
  }
  if (hasPatch && type === undefined)
    return 'webhook returned response.patch but not response.patchType';
  if (!hasPatch && type !== undefined)
    return 'webhook returned response.patchType but not response.patch';
  return type === '' ? 'webhook returned invalid response.patchType of ""' : undefined;
}

/** @see k8s.io/apiserver/pkg/admission/plugin/webhook/errors/statuserror.go */
function denied(name: string, status: JsonMap): StatusError {
  const by = `admission webhook ${quoted(name)} denied the request`;
  const why = textOf(status['message']) || textOf(status['reason']);
  const code = numberOf(status['code']) ?? 0;
  const details = status['details'];
  return failure(
    code < 400 ? 400 : code,
    textOf(status['reason']) as StatusReason,
    why === '' ? `${by} without explanation` : `${by}: ${why}`,
    isMap(details) ? details : undefined,
  );
}
