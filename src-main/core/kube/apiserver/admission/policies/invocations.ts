import { byBytes, type DeepReadonly, quoted, type Random } from '#core/base';
import type { ResourceInfo } from '../../../apis/index.ts';
import { type KubeObject, notFound } from '../../../machinery/index.ts';
import { CelAuthorizer, CelError, CelMap, celValue, compileCel, Failure } from '../../cel/index.ts';
import { aggregate, at, mapsOf, textAt, textOf } from '../../fields/index.ts';
import type { AdmissionRequest, Authorizer, ServerState } from '../../types.ts';
import type { VersionedRequest } from '../versioned.ts';
import { matchesResources } from '../webhooks/match.ts';
import { reviewRequest } from '../webhooks/review.ts';
import { collectParams, ConfigurationError, type ResourceOfKind } from './params.ts';

export type Variables = Readonly<Record<string, unknown>>;

/** What policies stand on. */
export interface PolicyDeps {
  readonly state: ServerState;
  readonly random: Random;
  readonly authorizer: Authorizer;
  readonly resourceOf: ResourceOfKind;
}

/** A policy that is to be evaluated for a request by a binding; once for each parameter. */
export interface Invocation {
  readonly policy: DeepReadonly<KubeObject>;
  readonly binding: DeepReadonly<KubeObject>;
  /** By which the policy is about the request. */
  readonly resource: ResourceInfo;
  readonly params: readonly unknown[];
  /** The parameters cannot be had. */
  readonly error?: string;
}

const group = 'admissionregistration.k8s.io';
const named = (a: DeepReadonly<KubeObject>, b: DeepReadonly<KubeObject>): number =>
  byBytes(a.metadata.name ?? '', b.metadata.name ?? '');

/**
 * Policies of a kind that match a request, by name, with their bindings.
 * @see k8s.io/apiserver/pkg/admission/plugin/policy/generic/policy_dispatcher.go
 */
export function invocationsOf(
  { state, resourceOf }: PolicyDeps,
  resource: 'validatingadmissionpolicies' | 'mutatingadmissionpolicies',
  request: AdmissionRequest,
): Invocation[] {
  const policies = [...state.list(group, resource)];
  if (policies.length === 0) return [];
  const bindings = [...state.list(group, resource.replace(/ies$/, 'ybindings'))].sort(named);
  return policies.sort(named).flatMap((policy) => {
    const resource = matchesResources(state, at(policy, 'spec', 'matchConstraints'), request);
    if (!resource) return [];
    return bindings
      .filter(
        (binding) =>
          textAt(binding, 'spec', 'policyName') === policy.metadata.name &&
          matchesResources(state, at(binding, 'spec', 'matchResources'), request),
      )
      .map((binding) => {
        try {
          const params = collectParams(state, resourceOf, policy, binding, request);
          return { policy, binding, resource, params };
        } catch (error) {
          if (!(error instanceof ConfigurationError)) throw error;
          return {
            policy,
            binding,
            resource,
            params: [],
            error: `failed to configure binding: ${error.message}`,
          };
        }
      });
  });
}

/** What expressions of policies see of a request. @throws StatusError 404 its namespace is gone */
export function requestVariables(
  deps: PolicyDeps,
  version: VersionedRequest,
  original: AdmissionRequest,
): Variables {
  const { request } = version;
  const { group: own, resource } = request.resource;
  const isNamespace = resource === 'namespaces' && own === '';
  const namespace = isNamespace ? '' : request.namespace;
  const found = namespace === '' ? undefined : deps.state.get('', 'namespaces', '', namespace);
  if (namespace !== '' && !found) throw notFound({ group: '', resource: 'namespaces' }, namespace);
  const authorizer = new CelAuthorizer(deps.authorizer, request.user, {
    group: own,
    resource,
    subresource: request.subresource,
    namespace: request.namespace,
    name: request.name,
  });
  return {
    object: celValue(request.object ?? null),
    oldObject: celValue(request.oldObject ?? null),
    request: celValue(reviewRequest(version, original, deps.random)),
    namespaceObject: celValue(found ?? null),
    authorizer,
    'authorizer.requestResource': authorizer.requestResource,
  };
}

/** Composed variables, each computed when an expression first reads it. */
class ComposedVariables extends CelMap {
  readonly #expressions: ReadonlyMap<string, string>;
  readonly #values = new Map<string, unknown>();
  readonly #variables: () => Variables;

  constructor(expressions: ReadonlyMap<string, string>, variables: () => Variables) {
    super();
    this.#expressions = expressions;
    this.#variables = variables;
  }

  get(key: unknown): unknown {
    const name = String(key);
    const expression = this.#expressions.get(name);
    if (expression === undefined) return undefined;
    if (!this.#values.has(name)) this.#values.set(name, this.#compute(name, expression));
    return this.#values.get(name);
  }

  #compute(name: string, expression: string): unknown {
    const variables = this.#variables();
    const result = compileCel(expression, Object.keys(variables)).run(variables);
    return 'error' in result
      ? new Failure(`composited variable ${quoted(name)} fails to evaluate: ${result.error}`)
      : result.value;
  }

  get size(): number {
    return this.#expressions.size;
  }

  keys(): readonly string[] {
    return [...this.#expressions.keys()];
  }
}

/** Adds the parameter and `variables`. */
export function policyVariables(policy: unknown, base: Variables, param: unknown): Variables {
  const expressions = new Map(
    mapsOf(at(policy, 'spec', 'variables')).map((variable) => [
      textOf(variable['name']),
      textOf(variable['expression']),
    ]),
  );
  const all: Variables = {
    ...base,
    params: celValue(param ?? null),
    variables: new ComposedVariables(expressions, () => all),
  };
  return all;
}

/** @throws CelError */
export const evaluate = (expression: string, variables: Variables): unknown =>
  compileCel(expression, Object.keys(variables)).evaluate(variables);

/** The value of an expression, or upstream's words for its failure. */
export function attempt(
  expression: string,
  variables: Variables,
): { readonly value: unknown } | { readonly error: string } {
  try {
    return { value: evaluate(expression, variables) };
  } catch (error) {
    if (!(error instanceof CelError)) throw error;
    return { error: `expression '${expression.trim()}' resulted in error: ${error.message}` };
  }
}

/** Whether all `matchConditions` hold; the errors of those that cannot be told, if none is false. */
export function matchConditions(policy: unknown, variables: Variables): boolean | string {
  const errors: string[] = [];
  for (const condition of mapsOf(at(policy, 'spec', 'matchConditions'))) {
    const result = attempt(textOf(condition['expression']), variables);
    if ('error' in result) errors.push(result.error);
    else if (result.value !== true) return false;
  }
  return errors.length === 0 ? true : aggregate(errors);
}
