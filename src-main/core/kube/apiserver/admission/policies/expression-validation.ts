import { type DeepReadonly, jsonEqual, quoted } from '#core/base';
import type { FieldError, KindStrategy } from '../../../apis/index.ts';
import type { KubeObject } from '../../../machinery/index.ts';
import {
  admissionDeclarations,
  type AdmissionScope,
  type CelType,
  compileTyped,
  dynType,
} from '../../cel/index.ts';
import { at, isMap, mapsOf, textAt, textOf } from '../../fields/index.ts';

const group = 'admissionregistration.k8s.io';
/**
 * A strategy that also compiles the expressions of policies and webhooks before they are stored.
 * @see pkg/apis/admissionregistration/validation/validation.go
 */
export function withExpressionChecks(strategy: KindStrategy): KindStrategy {
  const { group: own, kind } = strategy;
  const errorsOf = own === group ? checks[kind] : undefined;
  if (!errorsOf) return strategy;
  const spec = (object: DeepReadonly<KubeObject>): unknown =>
    kind.endsWith('Policy') ? object['spec'] : object['webhooks'];
  return {
    ...strategy,
    validate: (object, context) =>
      inOrder(strategy.validate?.(object, context) ?? [], errorsOf(object)),
    validateUpdate: (object, old, context) =>
      inOrder(
        strategy.validateUpdate?.(object, old, context) ??
          strategy.validate?.(object, context) ??
          [],
        // Expressions that are stored stay valid.
        jsonEqual(spec(object), spec(old)) ? [] : errorsOf(object),
      ),
  };
}

/** Fields in the order in which upstream checks them, on every level; those it does not name come first. */
const fieldOrder = [
  ...['matchConditions', 'variables', 'validations', 'mutations', 'auditAnnotations'],
  ...['admissionReviewVersions', 'reinvocationPolicy'],
  ...['key', 'expression', 'messageExpression', 'valueExpression', 'message', 'reason'],
];

/** A field as numbers that sort as upstream tells it. */
function placeOf(field: string): number[] {
  const parts = field.replace(/^spec\./, '').split(/[.[\]]+/);
  const last = parts[0] === 'variables' ? -1 : fieldOrder.length;
  return parts
    .filter((part) => part !== '')
    .map((part) =>
      /^\d+$/.test(part)
        ? Number(part)
        : part === 'name' && parts.includes('matchConditions')
          ? last
          : fieldOrder.indexOf(part),
    );
}

function isBefore(a: readonly number[], b: readonly number[]): boolean {
  for (let index = 0; index < Math.min(a.length, b.length); index++) {
    const [left, right] = [a[index] as number, b[index] as number];
    if (left !== right) return left < right;
  }
  return false;
}

/** Puts what is wrong with expressions where upstream tells it among the rest, which stays as it is. */
function inOrder(rest: readonly FieldError[], expressions: readonly FieldError[]): FieldError[] {
  const all = [...rest];
  for (const error of expressions) {
    const place = placeOf(error.field ?? '');
    const next = all.findIndex((other) => isBefore(place, placeOf(other.field ?? '')));
    all.splice(next < 0 ? all.length : next, 0, error);
  }
  return all;
}

const checks: Readonly<Record<string, (object: DeepReadonly<KubeObject>) => FieldError[]>> = {
  ValidatingAdmissionPolicy: validatingErrors,
  MutatingAdmissionPolicy: mutatingErrors,
  ValidatingWebhookConfiguration: webhookErrors,
  MutatingWebhookConfiguration: webhookErrors,
};

/** What a type is called in upstream's messages. */
const shownType = ({ text }: CelType): string =>
  text
    .replaceAll(/\bnull\b/g, 'null_type')
    .replaceAll(/\bduration\b/g, 'google.protobuf.Duration')
    .replaceAll(/\btimestamp\b/g, 'google.protobuf.Timestamp');

/** Compiles an expression: its type, or what is wrong with it. */
function checked(
  expression: string,
  scope: AdmissionScope,
): { readonly type: CelType } | { readonly problem: string } {
  const program = compileTyped(expression, admissionDeclarations(scope));
  if (!('issues' in program)) return program;
  const stage = program.stage === 'compilation' ? 'compilation' : 'program instantiation';
  return { problem: `${stage} failed: ${program.issues}` };
}

/** @param wanted types it may have; none: any. */
function expressionErrors(
  expression: string,
  field: string,
  scope: AdmissionScope,
  wanted: readonly string[],
): FieldError[] {
  if (expression.trim() === '') return [];
  const result = checked(expression, scope);
  if ('problem' in result) return [invalidExpression(expression, field, result.problem)];
  const type = shownType(result.type);
  if (wanted.length === 0 || wanted.includes(type)) return [];
  const problem =
    wanted.length === 1
      ? `must evaluate to ${wanted[0] ?? ''} but got ${type}`
      : `must evaluate to one of [${wanted.join(' ')}] but got ${type}`;
  return [invalidExpression(expression, field, problem)];
}

const invalidExpression = (expression: string, field: string, problem: string): FieldError => ({
  reason: 'FieldValueInvalid',
  field,
  message: `Invalid value: ${quoted(expression)}: ${problem}`,
});

function conditionErrors(holder: unknown, path: string, params: boolean): FieldError[] {
  return mapsOf(at(holder, 'matchConditions')).flatMap((condition, i) =>
    expressionErrors(
      textOf(condition['expression']).trim(),
      `${path}matchConditions[${i}].expression`,
      { params, authorizer: true },
      ['bool'],
    ),
  );
}

/** Checks `variables` in their order: each may name those before it, and has the type of its expression. */
function variableErrors(
  spec: unknown,
  params: boolean,
): { errors: FieldError[]; types: ReadonlyMap<string, CelType> } {
  const types = new Map<string, CelType>();
  const errors: FieldError[] = [];
  for (const [i, variable] of mapsOf(at(spec, 'variables')).entries()) {
    const expression = textOf(variable['expression']);
    let type = dynType;
    if (expression.trim() !== '') {
      const result = checked(expression, { params, authorizer: true, variables: new Map(types) });
      if ('problem' in result)
        errors.push(
          invalidExpression(expression, `spec.variables[${i}].expression`, result.problem),
        );
      else ({ type } = result);
    }
    types.set(textOf(variable['name']), type);
  }
  return { errors, types };
}

function validatingErrors(policy: DeepReadonly<KubeObject>): FieldError[] {
  const spec = policy['spec'];
  const params = isMap(at(spec, 'paramKind'));
  const { errors, types: variables } = variableErrors(spec, params);
  const all = { params, authorizer: true, variables };
  return [
    ...conditionErrors(spec, 'spec.', params),
    ...errors,
    ...mapsOf(at(spec, 'validations')).flatMap((validation, i) => [
      ...expressionErrors(
        textOf(validation['expression']),
        `spec.validations[${i}].expression`,
        all,
        ['bool'],
      ),
      ...expressionErrors(
        textOf(validation['messageExpression']),
        `spec.validations[${i}].messageExpression`,
        { ...all, authorizer: false },
        ['string'],
      ),
    ]),
    ...mapsOf(at(spec, 'auditAnnotations')).flatMap((annotation, i) =>
      expressionErrors(
        textOf(annotation['valueExpression']),
        `spec.auditAnnotations[${i}].valueExpression`,
        all,
        ['string', 'null_type'],
      ),
    ),
  ];
}

function mutatingErrors(policy: DeepReadonly<KubeObject>): FieldError[] {
  const spec = policy['spec'];
  const params = isMap(at(spec, 'paramKind'));
  const { errors, types: variables } = variableErrors(spec, params);
  return [
    ...conditionErrors(spec, 'spec.', params),
    ...errors,
    ...mapsOf(at(spec, 'mutations')).flatMap((mutation, i) => {
      const isPatch = mutation['patchType'] === 'JSONPatch';
      const field = isPatch ? 'jsonPatch' : 'applyConfiguration';
      return expressionErrors(
        textAt(mutation, field, 'expression').trim(),
        `spec.mutations[${i}].${field}.expression`,
        { params, authorizer: true, variables, patches: true },
        [isPatch ? 'list(JSONPatch)' : 'Object'],
      );
    }),
  ];
}

function webhookErrors(configuration: DeepReadonly<KubeObject>): FieldError[] {
  return mapsOf(configuration['webhooks']).flatMap((webhook, i) =>
    conditionErrors(webhook, `webhooks[${i}].`, false),
  );
}
