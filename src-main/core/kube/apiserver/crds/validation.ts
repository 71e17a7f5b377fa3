import { jsonEqual } from '#core/base';
import type { FieldError } from '../../apis/index.ts';
import { compileRegexp, RegexpError } from '../cel/index.ts';
import {
  at,
  isMap,
  type JsonMap,
  listOf,
  mapOf,
  mapsOf,
  numberOf,
  textOf,
  textsOf,
} from '../fields/index.ts';
import {
  duplicate,
  invalidValue,
  notSupported,
  required,
  tooLong,
  tooMany,
  wrongType,
} from './field-errors.ts';
import { hasFormat } from './formats.ts';

/**
 * Checks a value against an OpenAPI schema, in the words of kube-openapi's validator. Properties come in byte
 * order, where upstream's order is random; required ones after them.
 * @see k8s.io/kube-openapi/pkg/validation/validate; apiextensions-apiserver/pkg/apiserver/validation
 */
export function validateSchema(schema: JsonMap, value: unknown, path = ''): FieldError[] {
  if (value === null && schema['nullable'] === true) return [];
  const typeErrors = checkType(schema, value, path);
  const wrongKind = typeErrors.some((error) => error.reason === 'FieldValueTypeInvalid');
  const errors = [...typeErrors, ...checkCombinations(schema, value, path)];
  if (typeof value === 'string') errors.push(...checkString(schema, value, path, wrongKind));
  if (typeof value === 'number') errors.push(...checkNumber(schema, value, path));
  if (Array.isArray(value)) errors.push(...checkList(schema, value as unknown[], path));
  const allowed = listOf(schema['enum']);
  if (allowed.length > 0 && !allowed.some((each) => jsonEqual(each, value)))
    errors.push(notSupported(path, value, allowed));
  if (isMap(value)) errors.push(...checkObject(schema, value, path));
  return errors;
}

const join = (path: string, name: string): string => (path === '' ? name : `${path}.${name}`);

function typeName(value: unknown): string {
  if (value === null) return 'null';
  if (Array.isArray(value)) return 'array';
  if (typeof value === 'number') return Number.isInteger(value) ? 'integer' : 'number';
  return typeof value;
}

function checkType(schema: JsonMap, value: unknown, path: string): FieldError[] {
  const actual = typeName(value);
  const intOrString = schema['x-kubernetes-int-or-string'] === true;
  const expected = intOrString ? 'integer,string' : textOf(schema['type']);
  if (expected === '') return [];
  const fits = expected
    .split(',')
    .some((type) => type === actual || (type === 'number' && actual === 'integer'));
  if (fits) return [];
  const errors = [
    wrongType(
      path,
      actual,
      `${path} in body must be of type ${expected}: ${JSON.stringify(actual)}`,
    ),
  ];
  if (expected === 'integer' && actual === 'number')
    errors.push(
      invalidValue('', '', `Checked value must be of type integer (default format) in ${path}`),
    );
  return errors;
}

function checkString(
  schema: JsonMap,
  value: string,
  path: string,
  wrongKind: boolean,
): FieldError[] {
  if (wrongKind) return [];
  const errors: FieldError[] = [];
  const length = [...value].length;
  const max = numberOf(schema['maxLength']);
  if (max !== undefined && length > max) return [tooLong(path, max)];
  const min = numberOf(schema['minLength']);
  if (min !== undefined && length < min)
    return [invalidValue(path, value, `${path} in body should be at least ${min} chars long`)];
  const pattern = textOf(schema['pattern']);
  if (pattern !== '' && !matches(pattern, value))
    errors.push(invalidValue(path, value, `${path} in body should match '${pattern}'`));
  const format = textOf(schema['format']);
  if (format !== '' && !hasFormat(format, value))
    errors.push(
      wrongType(path, value, `${path} in body must be of type ${format}: ${JSON.stringify(value)}`),
    );
  return errors;
}

function matches(pattern: string, value: string): boolean {
  try {
    return compileRegexp(pattern).test(value);
  } catch (error) {
    // Definitions with such patterns are refused; an old one must not make every write an internal error.
    if (error instanceof RegexpError) return false;
    throw error;
  }
}

function checkNumber(schema: JsonMap, value: number, path: string): FieldError[] {
  const errors: FieldError[] = [];
  const add = (detail: string): void => {
    errors.push(invalidValue(path, value, `${path} in body should be ${detail}`));
  };
  const multiple = numberOf(schema['multipleOf']);
  if (multiple !== undefined && multiple !== 0 && !Number.isInteger(value / multiple))
    add(`a multiple of ${multiple}`);
  const max = numberOf(schema['maximum']);
  if (max !== undefined) {
    if (schema['exclusiveMaximum'] === true) {
      if (value >= max) add(`less than ${max}`);
    } else if (value > max) add(`less than or equal to ${max}`);
  }
  const min = numberOf(schema['minimum']);
  if (min !== undefined) {
    if (schema['exclusiveMinimum'] === true) {
      if (value <= min) add(`greater than ${min}`);
    } else if (value < min) add(`greater than or equal to ${min}`);
  }
  const limits: Readonly<Record<string, number>> = { int32: 2 ** 31 };
  const limit = limits[textOf(schema['format'])];
  if (limit !== undefined && (value >= limit || value < -limit))
    errors.push(
      invalidValue(
        '',
        '',
        `Checked value must be of type integer with format ${textOf(schema['format'])} in ${path}`,
      ),
    );
  return errors;
}

function checkList(schema: JsonMap, list: readonly unknown[], path: string): FieldError[] {
  const errors: FieldError[] = [];
  const items = schema['items'];
  if (isMap(items))
    list.forEach((item, index) => errors.push(...validateSchema(items, item, `${path}[${index}]`)));
  const min = numberOf(schema['minItems']);
  if (min !== undefined && list.length < min)
    errors.push(
      invalidValue(path, list.length, `${path} in body should have at least ${min} items`),
    );
  const max = numberOf(schema['maxItems']);
  if (max !== undefined && list.length > max) errors.push(tooMany(path, list.length, max));
  if (schema['uniqueItems'] === true && firstDuplicate(list) !== undefined)
    errors.push(duplicate(path, null));
  return errors;
}

function firstDuplicate(list: readonly unknown[]): number | undefined {
  const index = list.findIndex((item, i) =>
    list.slice(0, i).some((other) => jsonEqual(item, other)),
  );
  return index < 0 ? undefined : index;
}

function checkObject(schema: JsonMap, object: JsonMap, path: string): FieldError[] {
  const errors: FieldError[] = [];
  const count = Object.keys(object).length;
  const min = numberOf(schema['minProperties']);
  if (min !== undefined && count < min)
    errors.push(
      invalidValue(path, count, `${path} in body should have at least ${min} properties`),
    );
  const max = numberOf(schema['maxProperties']);
  if (max !== undefined && count > max) errors.push(tooMany(path, count, max));
  const properties = mapOf(schema['properties']);
  const additional = schema['additionalProperties'];
  for (const name of Object.keys(object).sort()) {
    const property = properties[name];
    const own = isMap(property) ? property : isMap(additional) ? additional : undefined;
    if (own) errors.push(...validateSchema(own, object[name], join(path, name)));
  }
  for (const name of textsOf(schema['required']))
    if (object[name] === undefined) errors.push(required(join(path, name)));
  return errors;
}

/** anyOf, oneOf, allOf and not, with the errors of the nearest alternative. */
function checkCombinations(schema: JsonMap, value: unknown, path: string): FieldError[] {
  const errors: FieldError[] = [];
  const shownPath = JSON.stringify(path);
  const add = (detail: string): void => {
    errors.push(invalidValue('', '', `${shownPath} must ${detail}`));
  };
  const results = (field: string): FieldError[][] =>
    mapsOf(schema[field]).map((option) => validateSchema(option, value, path));
  const nearest = (all: readonly FieldError[][]): FieldError[] =>
    all.reduce((best, each) => (each.length < best.length ? each : best), all[0] ?? []);
  const any = results('anyOf');
  if (any.length > 0 && any.every((each) => each.length > 0)) {
    add('validate at least one schema (anyOf)');
    errors.push(...nearest(any));
  }
  const one = results('oneOf');
  const valid = one.filter((each) => each.length === 0).length;
  if (one.length > 0 && valid !== 1) {
    add(
      valid === 0
        ? 'validate one and only one schema (oneOf). Found none valid'
        : `validate one and only one schema (oneOf). Found ${valid} valid alternatives`,
    );
    if (valid === 0) errors.push(...nearest(one));
  }
  const all = results('allOf');
  const good = all.filter((each) => each.length === 0).length;
  if (all.length > 0 && good !== all.length) {
    errors.push(...all.flat());
    add(`validate all the schemas (allOf)${good === 0 ? '. None validated' : ''}`);
  }
  const not = schema['not'];
  if (isMap(not) && validateSchema(not, value, path).length === 0)
    add('not validate the schema (not)');
  return errors;
}

/** Lists that are sets or maps hold each item once. @see pkg/apiserver/schema/listtype */
export function validateListTypes(schema: JsonMap, value: unknown, path = ''): FieldError[] {
  const errors: FieldError[] = [];
  if (Array.isArray(value)) {
    const list = value as readonly unknown[];
    const type = textOf(schema['x-kubernetes-list-type']);
    const keys = textsOf(schema['x-kubernetes-list-map-keys']);
    const items = mapOf(schema['items']);
    const identity = (item: unknown): unknown =>
      type === 'map'
        ? Object.fromEntries(
            keys
              .map(
                (key) => [key, at(item, key) ?? at(items, 'properties', key, 'default')] as const,
              )
              .filter(([, each]) => each !== undefined),
          )
        : item;
    if (type === 'set' || type === 'map') {
      const seen = new Set<string>();
      list.forEach((item, index) => {
        const key = JSON.stringify(identity(item));
        if (seen.has(key)) errors.push(duplicate(`${path}[${index}]`, identity(item)));
        seen.add(key);
      });
    }
    list.forEach((item, index) =>
      errors.push(...validateListTypes(items, item, `${path}[${index}]`)),
    );
  } else if (isMap(value)) {
    for (const name of Object.keys(value).sort()) {
      const property = at(schema, 'properties', name) ?? schema['additionalProperties'];
      if (isMap(property))
        errors.push(...validateListTypes(property, value[name], join(path, name)));
    }
  }
  return errors;
}
