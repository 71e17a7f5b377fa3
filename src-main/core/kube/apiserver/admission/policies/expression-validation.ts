import { type DeepReadonly, jsonEqual, quoted } from '#core/base';
import type { FieldError, KindStrategy } from '../../../apis/index.ts';
import type { KubeObject } from '../../../machinery/index.ts';
import { type CelDeclarations, checkCel } from '../../cel/index.ts';
import { at, isMap, mapsOf, textAt, textOf } from '../../fields/index.ts';

const group = 'admissionregistration.k8s.io';
/** Fields of `request`. @see k8s.io/apiserver/pkg/admission/plugin/cel/compile.go, BuildRequestType */
const requestFields = Object.fromEntries(
  [
    ...['kind', 'resource', 'subResource', 'requestKind', 'requestResource', 'requestSubResource'],
    ...['name', 'namespace', 'operation', 'userInfo', 'dryRun', 'options'],
  ].map((field) => [field, 'dyn']),
);

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

interface Scope {
  readonly params: boolean;
  readonly authorizer: boolean;
  /** Types of composed variables; undefined: there are none to name. */
  readonly variables?: Readonly<Record<string, string>>;
}

const declarations = ({ params, authorizer, variables }: Scope): CelDeclarations => ({
  variables: {
    object: 'dyn',
    oldObject: 'dyn',
    request: requestFields,
    namespaceObject: 'dyn',
    ...(params ? { params: 'dyn' } : {}),
    ...(authorizer ? { authorizer: 'authorizer' } : {}),
    ...(variables && Object.keys(variables).length > 0 ? { variables } : {}),
  },
});

/** @param wanted types it may have; none: any. */
function expressionErrors(
  expression: string,
  field: string,
  scope: Scope,
  wanted: readonly string[],
): FieldError[] {
  if (expression.trim() === '') return [];
  const result = checkCel(expression, declarations(scope));
  const problem =
    'problem' in result
      ? result.problem
      : wanted.length === 0 || wanted.includes(result.type)
        ? undefined
        : wanted.length === 1
          ? `must evaluate to ${wanted[0] ?? ''} but got ${result.type}`
          : `must evaluate to one of [${wanted.join(' ')}] but got ${result.type}`;
  return problem === undefined ? [] : [invalid(field, expression, problem)];
}

const invalid = (field: string, value: string, problem: string): FieldError => ({
  reason: 'FieldValueInvalid',
  field,
  message: `Invalid value: ${quoted(value)}: ${problem}`,
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
): { errors: FieldError[]; types: Readonly<Record<string, string>> } {
  const types: Record<string, string> = {};
  const errors: FieldError[] = [];
  for (const [i, variable] of mapsOf(at(spec, 'variables')).entries()) {
    const name = textOf(variable['name']);
    const expression = textOf(variable['expression']);
    const scope = { params, authorizer: true, variables: { ...types } };
    const result =
      expression.trim() === '' ? { fieldType: 'dyn' } : checkCel(expression, declarations(scope));
    if ('problem' in result)
      errors.push(invalid(`spec.variables[${i}].expression`, expression, result.problem));
    types[name] = 'problem' in result ? 'dyn' : result.fieldType;
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
        { params, authorizer: true, variables },
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
