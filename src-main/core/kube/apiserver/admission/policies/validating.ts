import type { ResourceInfo } from '../../../apis/index.ts';
import { failure, type StatusReason } from '../../../machinery/index.ts';
import { CelError } from '../../cel/index.ts';
import { at, type JsonMap, mapsOf, textAt, textOf, textsOf } from '../../fields/index.ts';
import type { AdmissionPlugin, AdmissionRequest } from '../../types.ts';
import { forbid } from '../attributes.ts';
import { inVersion } from '../versioned.ts';
import { isExempt } from '../webhooks/match.ts';
import {
  attempt,
  evaluate,
  type Invocation,
  invocationsOf,
  matchConditions,
  type PolicyDeps,
  policyVariables,
  requestVariables,
  type Variables,
} from './invocations.ts';

interface Denial {
  readonly message: string;
  readonly reason: string;
}

const codes: Readonly<Record<string, number>> = {
  Forbidden: 403,
  Unauthorized: 401,
  RequestEntityTooLarge: 413,
};

/** @see k8s.io/apiserver/pkg/admission/plugin/policy/validating/dispatcher.go and validator.go */
export function validatingAdmissionPolicy(deps: PolicyDeps): AdmissionPlugin {
  return {
    name: 'ValidatingAdmissionPolicy',
    validate(request) {
      if (isExempt(request)) return;
      const invocations = invocationsOf(deps, 'validatingadmissionpolicies', request);
      if (invocations.length === 0) return;
      return validateBy(invocations, request);
    },
  };

  async function validateBy(
    invocations: readonly Invocation[],
    request: AdmissionRequest,
  ): Promise<void> {
    const denials: Denial[] = [];
    const versions = new Map<ResourceInfo, Variables>();
    for (const invocation of invocations) {
      const { resource } = invocation;
      let shared = versions.get(resource);
      if (!shared) {
        shared = requestVariables(deps, await inVersion(request, resource), request);
        versions.set(resource, shared);
      }
      applyBinding(invocation, shared, request, denials);
    }
    const [first] = denials;
    if (!first) return;
    const { status } = forbid(request, first.message);
    throw failure(codes[first.reason] ?? 422, first.reason as StatusReason, status.message ?? '', {
      ...status.details,
      causes: denials.map(({ message }) => ({ message })),
    });
  }
}

function applyBinding(
  { policy, binding, params, error }: Invocation,
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
  if (error !== undefined && !ignore) denials.push(denial(error, 'Invalid'));
  for (const param of params) {
    const variables = policyVariables(policy, shared, param);
    const { failures, annotations } = evaluatePolicy(policy, variables, ignore);
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

interface Failure {
  readonly message: string;
  readonly reason: string;
  readonly index: number;
}

function evaluatePolicy(
  policy: unknown,
  variables: Variables,
  ignore: boolean,
): { failures: Failure[]; annotations: [string, string][] } {
  const failures: Failure[] = [];
  const annotations: [string, string][] = [];
  const fail = (message: string, reason = 'Invalid', index = 0): void => {
    failures.push({ message, reason, index });
  };
  const matches = matchConditions(policy, variables);
  if (typeof matches === 'string' && !ignore) fail(matches, '');
  if (matches !== true) return { failures, annotations };
  mapsOf(at(policy, 'spec', 'validations')).forEach((validation, index) => {
    const result = attempt(textOf(validation['expression']), variables);
    if ('error' in result) {
      if (!ignore) fail(result.error, 'Invalid', index);
    } else if (result.value !== true)
      fail(failureMessage(validation, variables), textOf(validation['reason']) || 'Invalid', index);
  });
  for (const annotation of mapsOf(at(policy, 'spec', 'auditAnnotations'))) {
    const result = attempt(textOf(annotation['valueExpression']), variables);
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
      const text = evaluate(expression, variables);
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
