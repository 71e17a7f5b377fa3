import { byBytes, type Random } from '#core/base';
import { failure, notFound, type StatusReason } from '../../../machinery/index.ts';
import { CelError, celValue, compileCel } from '../../cel/index.ts';
import {
  aggregate,
  at,
  type JsonMap,
  mapsOf,
  textAt,
  textOf,
  textsOf,
} from '../../fields/index.ts';
import type { AdmissionPlugin, AdmissionRequest, ServerState } from '../../types.ts';
import { forbid } from '../attributes.ts';
import { isExempt, matchesResources } from '../webhooks/match.ts';
import { reviewRequest } from '../webhooks/review.ts';
import { collectParams, ConfigurationError, type ResourceOfKind } from './params.ts';

interface Denial {
  readonly message: string;
  readonly reason: string;
}

const group = 'admissionregistration.k8s.io';
const codes: Readonly<Record<string, number>> = {
  Forbidden: 403,
  Unauthorized: 401,
  RequestEntityTooLarge: 413,
};

/** @see k8s.io/apiserver/pkg/admission/plugin/policy/validating/dispatcher.go and validator.go */
export function validatingAdmissionPolicy(
  state: ServerState,
  random: Random,
  resourceOf: ResourceOfKind,
): AdmissionPlugin {
  return {
    name: 'ValidatingAdmissionPolicy',
    validate(request) {
      if (isExempt(request)) return;
      const policies = [...state.list(group, 'validatingadmissionpolicies')].sort((a, b) =>
        byBytes(a.metadata.name ?? '', b.metadata.name ?? ''),
      );
      if (policies.length === 0) return;
      const bindings = [...state.list(group, 'validatingadmissionpolicybindings')].sort((a, b) =>
        byBytes(a.metadata.name ?? '', b.metadata.name ?? ''),
      );
      const denials: Denial[] = [];
      let shared: Variables | undefined;
      for (const policy of policies) {
        if (!matchesResources(state, at(policy, 'spec', 'matchConstraints'), request)) continue;
        const name = policy.metadata.name ?? '';
        for (const binding of bindings) {
          if (textAt(binding, 'spec', 'policyName') !== name) continue;
          if (!matchesResources(state, at(binding, 'spec', 'matchResources'), request)) continue;
          shared ??= variablesOf(state, random, request);
          applyBinding(state, resourceOf, policy, binding, shared, request, denials);
        }
      }
      const [first] = denials;
      if (!first) return;
      const { status } = forbid(request, first.message);
      throw failure(
        codes[first.reason] ?? 422,
        first.reason as StatusReason,
        status.message ?? '',
        {
          ...status.details,
          causes: [{ message: first.message }],
        },
      );
    },
  };
}

type Variables = Readonly<Record<string, unknown>>;

function variablesOf(state: ServerState, random: Random, request: AdmissionRequest): Variables {
  const isNamespace = request.resource.resource === 'namespaces' && request.resource.group === '';
  const namespace = isNamespace ? '' : request.namespace;
  const found = namespace === '' ? undefined : state.get('', 'namespaces', '', namespace);
  if (namespace !== '' && !found) throw notFound({ group: '', resource: 'namespaces' }, namespace);
  return {
    object: celValue(request.object),
    oldObject: celValue(request.oldObject),
    request: celValue(reviewRequest(request, random)),
    namespaceObject: celValue(found ?? null),
  };
}

function applyBinding(
  state: ServerState,
  resourceOf: ResourceOfKind,
  policy: unknown,
  binding: unknown,
  shared: Variables,
  request: AdmissionRequest,
  denials: Denial[],
): void {
  const policyName = textAt(policy, 'metadata', 'name');
  const bindingName = textAt(binding, 'metadata', 'name');
  const ignore = textAt(policy, 'spec', 'failurePolicy') === 'Ignore';
  const actions = textsOf(at(binding, 'spec', 'validationActions'));
  const denial = (message: string, reason: string): Denial => ({
    message: `ValidatingAdmissionPolicy '${policyName}' with binding '${bindingName}' denied request: ${message}`,
    reason,
  });
  let params: readonly unknown[];
  try {
    params = collectParams(state, resourceOf, policy, binding, request);
  } catch (error) {
    if (!(error instanceof ConfigurationError)) throw error;
    if (!ignore) denials.push(denial(`failed to configure binding: ${error.message}`, 'Invalid'));
    return;
  }
  for (const param of params) {
    const variables = withPolicyVariables(policy, { ...shared, params: celValue(param ?? null) });
    const { failures, annotations } = evaluate(policy, variables, ignore);
    failures.forEach(({ message, reason, index }) => {
      if (actions.includes('Deny')) denials.push(denial(message, reason));
      if (actions.includes('Audit'))
        request.annotate(
          'validation.policy.admission.k8s.io/validation_failure',
          JSON.stringify([
            {
              message,
              policy: policyName,
              binding: bindingName,
              expressionIndex: index,
              validationActions: actions,
            },
          ]),
        );
      if (actions.includes('Warn'))
        request.warn(
          `Validation failed for ValidatingAdmissionPolicy '${policyName}' with binding '${bindingName}': ${message}`,
        );
    });
    for (const [key, value] of annotations) request.annotate(`${policyName}/${key}`, value);
  }
}

/** Adds `variables`, each computed when an expression first reads it. */
function withPolicyVariables(policy: unknown, base: Variables): Variables {
  const variables: Record<string, unknown> = {};
  const all = { ...base, variables };
  for (const variable of mapsOf(at(policy, 'spec', 'variables'))) {
    const expression = textOf(variable['expression']);
    let known: { readonly value: unknown } | undefined;
    Object.defineProperty(variables, textOf(variable['name']), {
      enumerable: true,
      get: () => (known ??= { value: run(expression, all) }).value,
    });
  }
  return all;
}

const run = (expression: string, variables: Variables): unknown =>
  compileCel(expression, Object.keys(variables)).evaluate(variables);

interface Failure {
  readonly message: string;
  readonly reason: string;
  readonly index: number;
}

function evaluate(
  policy: unknown,
  variables: Variables,
  ignore: boolean,
): { failures: Failure[]; annotations: [string, string][] } {
  const failures: Failure[] = [];
  const annotations: [string, string][] = [];
  const fail = (message: string, reason = 'Invalid', index = 0): void => {
    failures.push({ message, reason, index });
  };
  const attempt = (expression: string): { value: unknown } | { error: string } => {
    try {
      return { value: run(expression, variables) };
    } catch (error) {
      if (!(error instanceof CelError)) throw error;
      return { error: `expression '${expression.trim()}' resulted in error: ${error.message}` };
    }
  };
  const conditionErrors: string[] = [];
  for (const condition of mapsOf(at(policy, 'spec', 'matchConditions'))) {
    const result = attempt(textOf(condition['expression']));
    if ('error' in result) conditionErrors.push(result.error);
    else if (result.value !== true) return { failures, annotations };
  }
  if (conditionErrors.length > 0) {
    if (!ignore) fail(aggregate(conditionErrors), '');
    return { failures, annotations };
  }
  mapsOf(at(policy, 'spec', 'validations')).forEach((validation, index) => {
    const result = attempt(textOf(validation['expression']));
    if ('error' in result) {
      if (!ignore) fail(result.error, 'Invalid', index);
    } else if (result.value !== true)
      fail(failureMessage(validation, variables), textOf(validation['reason']) || 'Invalid', index);
  });
  for (const annotation of mapsOf(at(policy, 'spec', 'auditAnnotations'))) {
    const result = attempt(textOf(annotation['valueExpression']));
    if ('error' in result) {
      if (!ignore) fail(result.error);
    } else if (typeof result.value === 'string' && result.value.trim() !== '')
      annotations.push([textOf(annotation['key']), result.value.trim()]);
  }
  return { failures, annotations };
}

function failureMessage(validation: JsonMap, variables: Variables): string {
  const expression = textOf(validation['messageExpression']);
  if (expression !== '') {
    try {
      const text = run(expression, variables);
      if (typeof text === 'string' && text.trim() !== '' && !text.trim().includes('\n'))
        return text.trim();
    } catch (error) {
      // A message that cannot be computed falls back to the fixed one.
      if (!(error instanceof CelError)) throw error;
    }
  }
  const message = textOf(validation['message']).trim();
  return message === '' ? `failed expression: ${textOf(validation['expression']).trim()}` : message;
}
