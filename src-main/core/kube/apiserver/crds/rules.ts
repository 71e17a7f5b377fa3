import type { FieldError } from '../../apis/index.ts';
import { CelError, celValue, compileCel } from '../cel/index.ts';
import {
  at,
  isMap,
  type JsonMap,
  listOf,
  mapOf,
  mapsOf,
  textOf,
  textsOf,
} from '../fields/index.ts';
import { invalidField, invalidValue, required, shownPath, wrongType } from './field-errors.ts';

/** Rules of one object that may run before the rest is refused. */
const maxRules = 10_000;

/** Whether a schema holds any `x-kubernetes-validations`. */
export function hasRules(schema: JsonMap): boolean {
  if (mapsOf(schema['x-kubernetes-validations']).length > 0) return true;
  const parts = [
    ...Object.values(mapOf(schema['properties'])),
    schema['items'],
    schema['additionalProperties'],
  ];
  return parts.some((part) => isMap(part) && hasRules(part));
}

/**
 * Runs the `x-kubernetes-validations` of a schema; transition rules when there is an old value to compare with.
 * @see apiextensions-apiserver/pkg/apiserver/schema/cel/validation.go
 */
export function validateRules(schema: JsonMap, value: unknown, old: unknown): FieldError[] {
  const errors: FieldError[] = [];
  walk(schema, value, old, '', errors, { left: maxRules });
  return errors;
}

function walk(
  schema: JsonMap,
  value: unknown,
  old: unknown,
  path: string,
  errors: FieldError[],
  budget: { left: number },
): void {
  if (value === undefined || value === null) return;
  for (const rule of mapsOf(schema['x-kubernetes-validations'])) {
    if (budget.left-- <= 0) return;
    const error = checkRule(rule, schema, value, old, path);
    if (error) errors.push(error);
  }
  if (isMap(value)) {
    const names = Object.keys(value).sort();
    for (const name of names) {
      const property = at(schema, 'properties', name) ?? schema['additionalProperties'];
      const child = path === '' ? name : `${path}.${name}`;
      if (isMap(property)) walk(property, value[name], at(old, name), child, errors, budget);
    }
  } else if (Array.isArray(value) && isMap(schema['items'])) {
    const items = schema['items'];
    (value as readonly unknown[]).forEach((item, index) =>
      walk(items, item, oldItem(schema, old, item), `${path}[${index}]`, errors, budget),
    );
  }
}

/** The old item that is the same one: by the keys of a map list; other lists have no identity. */
function oldItem(schema: JsonMap, old: unknown, item: unknown): unknown {
  if (textOf(schema['x-kubernetes-list-type']) !== 'map') return undefined;
  const keys = textsOf(schema['x-kubernetes-list-map-keys']);
  return listOf(old).find((other) => keys.every((key) => at(other, key) === at(item, key)));
}

function checkRule(
  rule: JsonMap,
  schema: JsonMap,
  value: unknown,
  old: unknown,
  path: string,
): FieldError | undefined {
  const expression = textOf(rule['rule']).trim();
  const transition = /\boldSelf\b/.test(expression);
  const optional = rule['optionalOldSelf'] === true;
  if (transition && old === undefined && !optional) return undefined;
  const message = textOf(rule['message']).trim();
  const variables: Record<string, unknown> = { self: celValue(value, schema) };
  if (transition)
    variables['oldSelf'] = optional
      ? optionalValue(old === undefined ? undefined : celValue(old, schema))
      : celValue(old ?? null, schema);
  let detail: string;
  try {
    if (compileCel(expression, Object.keys(variables)).evaluate(variables) === true)
      return undefined;
    detail = messageOf(rule, variables) || message || `failed rule: ${expression}`;
  } catch (error) {
    if (!(error instanceof CelError)) throw error;
    const what = message === '' ? expression : message;
    return failedEvaluation(path, value, `${error.message} evaluating rule: ${what}`);
  }
  const fieldPath = textOf(rule['fieldPath']);
  const field =
    fieldPath === '' ? path : `${path}${path === '' ? fieldPath.replace(/^\./, '') : fieldPath}`;
  switch (textOf(rule['reason'])) {
    case 'FieldValueForbidden':
      return {
        reason: 'FieldValueForbidden',
        field: shownPath(field),
        message: `Forbidden: ${detail}`,
      };
    case 'FieldValueRequired':
      return required(field, detail);
    case 'FieldValueDuplicate':
      return {
        reason: 'FieldValueDuplicate',
        field: shownPath(field),
        message: `Duplicate value: ${typeof value === 'object' ? detail : `${JSON.stringify(value)}: ${detail}`}`,
      };
    default:
      return typeof value === 'object'
        ? invalidField(field, detail)
        : invalidValue(field, value, detail);
  }
}

/** A value of CEL's optional type; none when it is undefined. */
const optionalValue = (value: unknown): unknown =>
  value === undefined
    ? compileCel('optional.none()', []).evaluate({})
    : compileCel('optional.of(value)', ['value']).evaluate({ value });

/** A failed evaluation names the value by its type alone. */
function failedEvaluation(path: string, value: unknown, detail: string): FieldError {
  const type = Array.isArray(value) ? 'array' : typeof value === 'object' ? 'object' : undefined;
  if (type === undefined) return invalidValue(path, value, detail);
  return { ...wrongType(path, type, detail), reason: 'FieldValueInvalid' };
}

function messageOf(rule: JsonMap, variables: Readonly<Record<string, unknown>>): string {
  const expression = textOf(rule['messageExpression']).trim();
  if (expression === '') return '';
  try {
    const text = compileCel(expression, Object.keys(variables)).evaluate(variables);
    // Several lines, or nothing, are no message.
    return typeof text === 'string' && !text.includes('\n') ? text.trim() : '';
  } catch (error) {
    if (error instanceof CelError) return '';
    throw error;
  }
}
