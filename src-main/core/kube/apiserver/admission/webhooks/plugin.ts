import { byBytes, fromBase64, fromUtf8, quoted, type Random } from '#core/base';
import {
  badRequest,
  failure,
  internalError,
  jsonPatch,
  type JsonPatchOperation,
  PatchError,
  type StatusError,
  type StatusReason,
} from '../../../machinery/index.ts';
import { CelError, celValue, compileCel } from '../../cel/index.ts';
import {
  aggregate,
  at,
  isMap,
  type JsonMap,
  mapOf,
  mapsOf,
  numberOf,
  textAt,
  textOf,
  textsOf,
} from '../../fields/index.ts';
import type { CallWebhook } from '../../outbound/index.ts';
import type { AdmissionPlugin, AdmissionRequest, ServerState } from '../../types.ts';
import { replaceObject, Rounds } from '../reinvocation.ts';
import { isExempt, matchesRules, matchesSelectors } from './match.ts';
import { reviewRequest } from './review.ts';

interface Hook {
  readonly hook: JsonMap;
  readonly configuration: string;
}

const group = 'admissionregistration.k8s.io';

/** Webhooks of all configurations, these by name, as upstream. */
function hooksOf(state: ServerState, resource: string): Hook[] {
  const configurations = state.list(group, resource);
  if (configurations.length === 0) return [];
  return [...configurations]
    .sort((a, b) => byBytes(a.metadata.name ?? '', b.metadata.name ?? ''))
    .flatMap((configuration) =>
      mapsOf(at(configuration, 'webhooks')).map((hook) => ({
        hook,
        configuration: configuration.metadata.name ?? '',
      })),
    );
}

/** @see k8s.io/apiserver/pkg/admission/plugin/webhook/mutating/dispatcher.go */
export function mutatingAdmissionWebhook(
  state: ServerState,
  random: Random,
  callWebhook: CallWebhook,
): AdmissionPlugin {
  return {
    name: 'MutatingAdmissionWebhook',
    admit(request) {
      if (isExempt(request)) return;
      const hooks = hooksOf(state, 'mutatingwebhookconfigurations');
      if (hooks.length === 0) return;
      return mutateBy(hooks, request);
    },
  };

  async function mutateBy(hooks: readonly Hook[], request: AdmissionRequest): Promise<void> {
    const rounds = new Rounds('MutatingAdmissionWebhook', request);
    for (const { hook, configuration } of hooks) {
      const key = `${configuration}/${textOf(hook['name'])}`;
      if (!matches(state, hook, request, random) || !rounds.mayRun(key)) continue;
      const response = await callHook(hook, request, random, callWebhook);
      const changed = response !== undefined && applyPatch(hook, response, request);
      rounds.ran(key, changed, textOf(hook['reinvocationPolicy']) === 'IfNeeded');
    }
    rounds.end();
  }
}

/** All hooks are asked together; the first refusal in their order counts. @see validating/dispatcher.go */
export function validatingAdmissionWebhook(
  state: ServerState,
  random: Random,
  callWebhook: CallWebhook,
): AdmissionPlugin {
  return {
    name: 'ValidatingAdmissionWebhook',
    validate(request) {
      if (isExempt(request)) return;
      const hooks = hooksOf(state, 'validatingwebhookconfigurations').filter(({ hook }) =>
        matches(state, hook, request, random),
      );
      if (hooks.length === 0) return;
      return validateBy(hooks, request);
    },
  };

  async function validateBy(hooks: readonly Hook[], request: AdmissionRequest): Promise<void> {
    const results = await Promise.allSettled(
      hooks.map(({ hook }) => callHook(hook, request, random, callWebhook)),
    );
    for (const result of results) if (result.status === 'rejected') throw result.reason;
  }
}

function matches(
  state: ServerState,
  hook: JsonMap,
  request: AdmissionRequest,
  random: Random,
): boolean {
  const equivalent = textOf(hook['matchPolicy']) !== 'Exact';
  return (
    matchesRules(mapsOf(hook['rules']), request, equivalent) &&
    matchesSelectors(state, hook, request) &&
    matchesConditions(hook, request, random)
  );
}

/** @see k8s.io/apiserver/pkg/admission/plugin/webhook/matchconditions/matcher.go */
function matchesConditions(hook: JsonMap, request: AdmissionRequest, random: Random): boolean {
  const conditions = mapsOf(hook['matchConditions']);
  if (conditions.length === 0) return true;
  const variables = {
    object: celValue(request.object ?? null),
    oldObject: celValue(request.oldObject ?? null),
    request: celValue(reviewRequest(request, random)),
  };
  const errors: string[] = [];
  for (const condition of conditions) {
    const expression = textOf(condition['expression']).trim();
    try {
      if (compileCel(expression, Object.keys(variables)).evaluate(variables) !== true) return false;
    } catch (error) {
      if (!(error instanceof CelError)) throw error;
      errors.push(`expression '${expression}' resulted in error: ${error.message}`);
    }
  }
  if (errors.length === 0) return true;
  if (textOf(hook['failurePolicy']) === 'Ignore') return false;
  throw internalError(new Error(aggregate(errors)));
}

/** @returns the response; undefined when the hook failed and may be ignored. @throws StatusError */
async function callHook(
  hook: JsonMap,
  request: AdmissionRequest,
  random: Random,
  callWebhook: CallWebhook,
): Promise<JsonMap | undefined> {
  const name = textOf(hook['name']);
  if (request.dryRun && !['None', 'NoneOnDryRun'].includes(textOf(hook['sideEffects'])))
    throw badRequest(`admission webhook ${quoted(name)} does not support dry run`);
  let response: JsonMap;
  try {
    response = await reviewed(hook, request, random, callWebhook);
  } catch (error) {
    if (textOf(hook['failurePolicy']) === 'Ignore') return undefined;
    const text = error instanceof Error ? error.message : String(error);
    throw internalError(new Error(`failed calling webhook ${quoted(name)}: ${text}`));
  }
  for (const warning of textsOf(response['warnings'])) request.warn(warning);
  for (const [key, value] of Object.entries(mapOf(response['auditAnnotations'])))
    request.annotate(`${name}/${key}`, textOf(value));
  if (response['allowed'] !== true) throw denied(name, mapOf(response['status']));
  return response;
}

async function reviewed(
  hook: JsonMap,
  request: AdmissionRequest,
  random: Random,
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
  const body = reviewRequest(request, random);
  const timeoutMs = (numberOf(hook['timeoutSeconds']) ?? 10) * 1000;
  let answer: unknown;
  try {
    answer = await callWebhook(
      mapOf(hook['clientConfig']),
      { kind: 'AdmissionReview', apiVersion, request: body },
      timeoutMs,
    );
  } catch (error) {
    throw new Error(
      `failed to call webhook: ${error instanceof Error ? error.message : String(error)}`,
      { cause: error },
    );
  }
  const problem = (text: string): Error => new Error(`received invalid webhook response: ${text}`);
  const response = at(answer, 'response');
  if (!isMap(response)) throw problem('webhook response was absent');
  if (version === 'v1') {
    if (response['uid'] !== body['uid'])
      throw problem(
        `expected response.uid=${quoted(textOf(body['uid']))}, got ${quoted(textOf(response['uid']))}`,
      );
    if (textAt(answer, 'apiVersion') !== apiVersion || textAt(answer, 'kind') !== 'AdmissionReview')
      throw problem(
        `expected webhook response of admission.k8s.io/v1, Kind=AdmissionReview, got ${textAt(answer, 'apiVersion')}, Kind=${textAt(answer, 'kind')}`,
      );
    const hasPatch = textOf(response['patch']) !== '';
    const type = textOf(response['patchType']);
    if (hasPatch && type === '')
      throw problem('webhook returned response.patch but not response.patchType');
    if (!hasPatch && type !== '')
      throw problem('webhook returned response.patchType but not response.patch');
  }
  return response;
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

/** Applies the patch of a response to the request's object, in place. @returns whether it changed. */
function applyPatch(hook: JsonMap, response: JsonMap, request: AdmissionRequest): boolean {
  const patch = textOf(response['patch']);
  const name = quoted(textOf(hook['name']));
  const { object } = request;
  if (patch === '') return false;
  const failing = (why: string): false => {
    if (textOf(hook['failurePolicy']) === 'Ignore') return false;
    throw internalError(new Error(`failed calling webhook ${name}: ${why}`));
  };
  let operations: unknown;
  try {
    operations = JSON.parse(fromUtf8(fromBase64(patch)));
  } catch {
    const first = fromUtf8(fromBase64(patch)).trim()[0] ?? '';
    return failing(
      `received undecodable patch in webhook response: invalid character '${first}' looking for beginning of value`,
    );
  }
  if (!Array.isArray(operations))
    return failing(
      'received undecodable patch in webhook response: json: cannot unmarshal object into Go value of type jsonpatch.Patch',
    );
  if (operations.length === 0) return false;
  const type = textOf(response['patchType']);
  if (type !== '' && type !== 'JSONPatch') return failing(`unsupported patch type ${quoted(type)}`);
  if (!object)
    throw internalError(
      new Error(
        `admission webhook ${name} attempted to modify the object, which is not supported for this operation`,
      ),
    );
  let patched: unknown;
  try {
    patched = jsonPatch(object, operations as readonly JsonPatchOperation[]);
  } catch (error) {
    if (!(error instanceof PatchError)) throw error;
    throw internalError(new Error(error.message));
  }
  return isMap(patched) && replaceObject(request, object, patched);
}
