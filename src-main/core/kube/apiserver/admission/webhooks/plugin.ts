import { byBytes, type Random } from '#core/base';
import { forbidden, internalError } from '../../../machinery/index.ts';
import { CelAuthorizer, CelError, celValue, compileCel } from '../../cel/index.ts';
import { aggregate, at, type JsonMap, mapsOf, textOf } from '../../fields/index.ts';
import type { AdmissionPlugin, AdmissionRequest, Authorizer, ServerState } from '../../types.ts';
import { Rounds } from '../reinvocation.ts';
import { inVersion, VersionedObject, type VersionedRequest } from '../versioned.ts';
import { callHook, type Caller, type Hook } from './hook-call.ts';
import { applyPatch } from './hook-patch.ts';
import { isExempt, matchedResource, matchesSelectors } from './match.ts';
import { reviewRequest } from './review.ts';

/** What webhooks stand on. */
export interface WebhookDeps extends Caller {
  readonly state: ServerState;
  readonly random: Random;
  readonly authorizer: Authorizer;
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
        name: textOf(hook['name']),
        configuration: configuration.metadata.name ?? '',
      })),
    );
}

/** @see k8s.io/apiserver/pkg/admission/plugin/webhook/mutating/dispatcher.go */
export function mutatingAdmissionWebhook(deps: WebhookDeps): AdmissionPlugin {
  return {
    name: 'MutatingAdmissionWebhook',
    admit(request) {
      if (isExempt(request)) return;
      const hooks = hooksOf(deps.state, 'mutatingwebhookconfigurations');
      if (hooks.length === 0) return;
      return mutateBy(hooks, request);
    },
  };

  async function mutateBy(hooks: readonly Hook[], request: AdmissionRequest): Promise<void> {
    const rounds = new Rounds('MutatingAdmissionWebhook', request);
    const current = new VersionedObject(request);
    for (const each of hooks) {
      const { hook, name, configuration } = each;
      const matched = await askedAbout(deps, each, current.request, request, (resource) =>
        current.as(resource).catch((error: unknown) => {
          throw internalError(error);
        }),
      );
      const key = `${configuration}/${name}`;
      if (!matched || !rounds.mayRun(key)) continue;
      const body = reviewRequest(matched, request, deps.random);
      const response = await callHook(each, request, body, 'mutating', deps);
      const changed = response !== undefined && applyPatch(each, response, current);
      rounds.ran(key, changed, textOf(hook['reinvocationPolicy']) === 'IfNeeded');
    }
    await current.flush();
    rounds.end();
  }
}

/** All hooks are asked together; the first refusal in their order counts. @see validating/dispatcher.go */
export function validatingAdmissionWebhook(deps: WebhookDeps): AdmissionPlugin {
  return {
    name: 'ValidatingAdmissionWebhook',
    validate(request) {
      if (isExempt(request)) return;
      const hooks = hooksOf(deps.state, 'validatingwebhookconfigurations');
      if (hooks.length === 0) return;
      return validateBy(hooks, request);
    },
  };

  async function validateBy(hooks: readonly Hook[], request: AdmissionRequest): Promise<void> {
    const versions = new Map<unknown, Promise<VersionedRequest>>();
    const versionOf = (resource: AdmissionRequest['resource']): Promise<VersionedRequest> => {
      let version = versions.get(resource);
      if (!version) versions.set(resource, (version = inVersion(request, resource)));
      return version;
    };
    const asked: { readonly each: Hook; readonly version: VersionedRequest }[] = [];
    for (const each of hooks) {
      const version = await askedAbout(deps, each, request, request, versionOf);
      if (version) asked.push({ each, version });
    }
    const results = await Promise.allSettled(
      asked.map(({ each, version }) => {
        const body = reviewRequest(version, request, deps.random);
        return callHook(each, request, body, 'validating', deps);
      }),
    );
    for (const result of results) if (result.status === 'rejected') throw result.reason;
  }
}

/**
 * The request in the version in which a hook is to be asked about it; undefined when it is not.
 * @param seen the request as steps before have left it.
 * @throws StatusError when that cannot be told.
 */
async function askedAbout(
  deps: WebhookDeps,
  { hook }: Hook,
  seen: AdmissionRequest,
  original: AdmissionRequest,
  versionOf: (resource: AdmissionRequest['resource']) => Promise<VersionedRequest>,
): Promise<VersionedRequest | undefined> {
  if (!matchesSelectors(deps.state, hook, seen)) return undefined;
  const equivalent = textOf(hook['matchPolicy']) !== 'Exact';
  const resource = matchedResource(mapsOf(hook['rules']), original, equivalent);
  if (!resource) return undefined;
  let version: VersionedRequest;
  try {
    version = await versionOf(resource);
  } catch (error) {
    throw internalError(error);
  }
  return matchesConditions(deps, hook, version, original) ? version : undefined;
}

/** @see k8s.io/apiserver/pkg/admission/plugin/webhook/matchconditions/matcher.go */
function matchesConditions(
  deps: WebhookDeps,
  hook: JsonMap,
  version: VersionedRequest,
  original: AdmissionRequest,
): boolean {
  const conditions = mapsOf(hook['matchConditions']);
  if (conditions.length === 0) return true;
  const { object, oldObject, user, subresource, namespace, name } = version.request;
  const authorizer = new CelAuthorizer(deps.authorizer, user, {
    group: original.resource.group,
    resource: original.resource.resource,
    subresource,
    namespace,
    name,
  });
  const variables = {
    object: celValue(object ?? null),
    oldObject: celValue(oldObject ?? null),
    request: celValue(reviewRequest(version, original, deps.random)),
    authorizer,
    'authorizer.requestResource': authorizer.requestResource,
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
  throw forbidden(original.resource, original.name, aggregate(errors));
}
