import type { DeepReadonly } from '#core/base';
import {
  failure,
  jsonPatch,
  type JsonPatchOperation,
  type KubeObject,
  PatchError,
} from '../../../machinery/index.ts';
import { CelError, celValue, jsonOf, StructValue, typeNameFaults } from '../../cel/index.ts';
import { at, isMap, type JsonMap, mapsOf, textAt } from '../../fields/index.ts';
import type { AdmissionPlugin, AdmissionRequest } from '../../types.ts';
import { forbid } from '../attributes.ts';
import { Rounds } from '../reinvocation.ts';
import { VersionedObject, type VersionedRequest } from '../versioned.ts';
import { isExempt } from '../webhooks/match.ts';
import {
  attempt,
  type Invocation,
  invocationsOf,
  matchConditions,
  type PolicyDeps,
  policyVariables,
  requestVariables,
  type Variables,
} from './invocations.ts';

/** @see k8s.io/apiserver/pkg/admission/plugin/policy/mutating/dispatcher.go */
export function mutatingAdmissionPolicy(deps: PolicyDeps): AdmissionPlugin {
  return {
    name: 'MutatingAdmissionPolicy',
    admit(request) {
      if (isExempt(request)) return;
      const invocations = invocationsOf(deps, 'mutatingadmissionpolicies', request);
      if (invocations.length === 0) return;
      return mutateBy(invocations, request);
    },
  };

  async function mutateBy(
    invocations: readonly Invocation[],
    request: AdmissionRequest,
  ): Promise<void> {
    const rounds = new Rounds('MutatingAdmissionPolicy', request);
    const errors: string[] = [];
    const current = new VersionedObject(request);
    for (const invocation of invocations) {
      const version = await current.as(invocation.resource);
      const shared = requestVariables(deps, version, request);
      run(invocation, shared, current, rounds, errors);
    }
    await current.flush();
    rounds.end();
    const [first] = errors;
    if (first === undefined) return;
    const { status } = forbid(request, '');
    throw failure(403, 'Invalid', first, {
      ...status.details,
      causes: errors.map((message) => ({ message })),
    });
  }
}

function run(
  { policy, binding, params, error }: Invocation,
  shared: Variables,
  current: VersionedObject,
  rounds: Rounds,
  errors: string[],
): void {
  const { request } = current;
  const [name, bound] = [policy.metadata.name ?? '', binding.metadata.name ?? ''];
  const fail = (why: string): void => {
    if (textAt(policy, 'spec', 'failurePolicy') === 'Ignore') return;
    errors.push(`policy '${name}' with binding '${bound}' denied request: ${why}`);
  };
  if (error !== undefined) fail(error);
  for (const param of params) {
    const seen = (): Variables =>
      policyVariables(policy, { ...shared, object: celValue(request.object) }, param);
    const matches = matchConditions(policy, seen());
    if (typeof matches === 'string') fail(matches);
    if (matches !== true) continue;
    const of = param as DeepReadonly<KubeObject> | undefined;
    const key = [name, bound, of?.metadata.namespace ?? '', of?.metadata.name ?? ''].join('/');
    if (!rounds.mayRun(key)) continue;
    let changed = false;
    for (const mutation of mapsOf(at(policy, 'spec', 'mutations'))) {
      // Nothing is left to change of what is being deleted.
      if (!request.object) continue;
      try {
        const next = mutated(mutation, current.seen, request.object, seen());
        if (next && current.replace(next)) changed = true;
      } catch (failed) {
        if (!(failed instanceof CelError) && !(failed instanceof PatchError)) throw failed;
        fail(failed.message);
      }
    }
    rounds.ran(key, changed, textAt(policy, 'spec', 'reinvocationPolicy') === 'IfNeeded');
  }
}

/** @returns the object as the mutation wants it; undefined to leave it. @throws CelError, PatchError */
function mutated(
  mutation: JsonMap,
  version: VersionedRequest,
  object: KubeObject,
  variables: Variables,
): JsonMap | undefined {
  const isPatch = mutation['patchType'] === 'JSONPatch';
  const expression = textAt(mutation[isPatch ? 'jsonPatch' : 'applyConfiguration'], 'expression');
  const result = attempt(expression.trim(), variables);
  if ('error' in result) throw new CelError(result.error);
  return isPatch ? patched(object, result.value) : merged(version, object, result.value);
}

/** @see k8s.io/apiserver/pkg/admission/plugin/policy/mutating/patch/json_patch.go */
function patched(object: KubeObject, value: unknown): JsonMap | undefined {
  const operations = Array.isArray(value) ? (value as unknown[]) : [];
  for (const operation of operations) {
    if (!(operation instanceof StructValue))
      throw new CelError(
        'type mismatch: JSONPatchType.expression should evaluate to array of JSONPatch',
      );
    mustBeTyped(operation.fields.get('value'), 'Object', true);
  }
  try {
    const next = jsonPatch(object, operations.map(jsonOf) as JsonPatchOperation[]);
    return isMap(next) ? next : undefined;
  } catch (error) {
    if (!(error instanceof PatchError)) throw error;
    // A test that fails leaves the object as it is.
    if (error.message.endsWith('test failed')) return undefined;
    throw new CelError(
      `JSON Patch: ${error.message.replace(/^remove operation does not apply: (?=error in)/, '')}`,
    );
  }
}

/** @see k8s.io/apiserver/pkg/admission/plugin/policy/mutating/patch/smd.go */
function merged(
  { request, resource }: VersionedRequest,
  object: KubeObject,
  value: unknown,
): JsonMap | undefined {
  if (!(value instanceof StructValue))
    throw new CelError('unsupported return type from ApplyConfiguration expression');
  mustBeTyped(value, 'Object', false);
  const configuration = jsonOf(value) as Record<string, unknown>;
  const whole = {
    ...(configuration as Pick<KubeObject, 'metadata'>),
    apiVersion: object.apiVersion,
    kind: object.kind,
  };
  return request.versions?.merge(object, whole, resource);
}

/** @param anyRoot whether objects may begin at any type, as values of patches do. */
function mustBeTyped(value: unknown, root: string, anyRoot: boolean): void {
  const start = anyRoot && value instanceof StructValue ? value.typeName : root;
  const faults = typeNameFaults(value, start.split('.'));
  if (faults.length > 0) throw new CelError(`type mismatch: ${faults.join('\n')}`);
}
