import { jsonEqual } from '#core/base';
import type { FieldError } from '../../apis/index.ts';
import { compileRegexp, RegexpError } from '../cel/index.ts';
import { isMap, type JsonMap, mapOf, mapsOf, textOf } from '../fields/index.ts';
import { forbiddenField, invalidValue, required } from './field-errors.ts';
import { compileRuleTree } from './rule-programs.ts';
import { validateRules } from './rules.ts';
import { validateForms } from './schema-forms.ts';
import { validateSchema } from './validation.ts';

type Level = 'root' | 'field' | 'item';

const emptyText: Readonly<Record<Level, string>> = {
  root: 'must not be empty at the root',
  item: 'must not be empty for specified array items',
  field: 'must not be empty for specified object fields',
};

/** Fields over which no structural schema can be made. @see schema/convert.go, validateUnsupportedFields */
const unsupported = [
  ...['id', '$schema', '$ref', 'patternProperties', 'dependencies', 'additionalItems'],
  'definitions',
];

/**
 * What keeps a schema from being structural, its defaults from fitting, or itself from being one of OpenAPI: what is
 * found on one of the three ways is told in upstream's order.
 * @see apiextensions-apiserver/pkg/apis/apiextensions/validation, validateCustomResourceDefinitionValidation
 */
export function validateStructural(
  schema: JsonMap,
  path: string,
  level: Level = 'root',
): FieldError[] {
  const forms = validateForms(schema, path);
  if (hasUnsupported(schema)) return forms;
  const told = ({ field = '', message = '' }: FieldError): string => `${field}: ${message}`;
  const structural = invariants(schema, path, level).sort((a, b) =>
    told(a) < told(b) ? -1 : told(a) > told(b) ? 1 : 0,
  );
  return [...(structural.length > 0 ? structural : defaultsOf(schema, path)), ...forms];
}

function hasUnsupported(schema: JsonMap): boolean {
  return (
    unsupported.some((field) => Object.keys(schema[field] ?? '').length > 0) ||
    parts(schema).some(hasUnsupported)
  );
}

/** Whether a schema or one below it has a default. */
export function hasDefaults(schema: JsonMap): boolean {
  return schema['default'] !== undefined || parts(schema).some(hasDefaults);
}

/** The schemas right below one. */
function parts(schema: JsonMap): JsonMap[] {
  const { items, additionalProperties: additional, not } = schema;
  return [
    ...Object.values(mapOf(schema['properties'])).filter(isMap),
    ...[items, additional, not].filter(isMap),
    ...['allOf', 'anyOf', 'oneOf'].flatMap((field) => mapsOf(schema[field])),
  ];
}

/** @see apiextensions-apiserver/pkg/apiserver/schema/validation.go, validateStructuralInvariants */
function invariants(schema: JsonMap, path: string, level: Level): FieldError[] {
  const errors: FieldError[] = [];
  const type = textOf(schema['type']);
  const intOrString = schema['x-kubernetes-int-or-string'] === true;
  const preserve = schema['x-kubernetes-preserve-unknown-fields'] === true;
  const embedded = schema['x-kubernetes-embedded-resource'] === true;
  const properties = mapOf(schema['properties']);
  const { items, additionalProperties: additional } = schema;
  if (type === 'array' && !isMap(items))
    errors.push(required(`${path}.items`, 'must be specified'));
  if (isMap(items)) errors.push(...invariants(items, `${path}.items`, 'item'));
  for (const [name, property] of Object.entries(properties))
    if (isMap(property))
      errors.push(...invariants(property, `${path}.properties[${name}]`, 'field'));
  const additionalPath = `${path}.additionalProperties`;
  if (additional !== undefined && additional !== null) {
    if (level === 'root')
      errors.push(forbiddenField(additionalPath, 'must not be used at the root'));
    if (isMap(additional)) errors.push(...invariants(additional, additionalPath, 'field'));
    if (embedded)
      errors.push(
        forbiddenField(additionalPath, 'must not be used if x-kubernetes-embedded-resource is set'),
      );
  }
  for (const [field, isSet] of [
    ['preserve-unknown-fields', preserve],
    ['embedded-resource', embedded],
  ] as const)
    if (intOrString && isSet)
      errors.push(
        invalidValue(
          `${path}.x-kubernetes-${field}`,
          true,
          'must be false if x-kubernetes-int-or-string is true',
        ),
      );
  errors.push(...combinationErrors(schema, path), ...patternErrors(schema, path));
  if (embedded && type !== 'object') {
    const rule = 'must be object if x-kubernetes-embedded-resource is true';
    errors.push(
      type === '' ? required(`${path}.type`, rule) : invalidValue(`${path}.type`, type, rule),
    );
  } else if (type === '' && !intOrString && !preserve)
    errors.push(required(`${path}.type`, emptyText[level]));
  if (level === 'root' && type !== '' && type !== 'object')
    errors.push(invalidValue(`${path}.type`, type, 'must be object at the root'));
  errors.push(...metadataErrors(properties, path, level, level === 'root' || embedded));
  if (embedded && !preserve && Object.keys(properties).length === 0)
    errors.push(
      required(
        `${path}.properties`,
        'must not be empty if x-kubernetes-embedded-resource is true without x-kubernetes-preserve-unknown-fields',
      ),
    );
  return errors;
}

/** What an object's own type and metadata may be. */
function metadataErrors(
  properties: JsonMap,
  path: string,
  level: Level,
  isObject: boolean,
): FieldError[] {
  const errors: FieldError[] = [];
  for (const name of isObject ? ['kind', 'apiVersion'] : []) {
    const property = properties[name];
    if (isMap(property) && textOf(property['type']) !== 'string')
      errors.push(
        invalidValue(
          `${path}.properties[${name}].type`,
          textOf(property['type']),
          'must be string',
        ),
      );
  }
  const { metadata } = properties;
  if (!isMap(metadata)) return errors;
  const own = `${path}.properties[metadata]`;
  if (isObject && textOf(metadata['type']) !== 'object')
    errors.push(invalidValue(`${own}.type`, textOf(metadata['type']), 'must be object'));
  const names = Object.keys(mapOf(metadata['properties']));
  const isPlain =
    names.every((name) => name === 'name' || name === 'generateName') &&
    Object.keys(metadata).every((key) => ['type', 'default', 'properties'].includes(key));
  if (level === 'root' && !isPlain)
    errors.push(
      forbiddenField(
        own,
        'must not specify anything other than name and generateName, but metadata is implicitly specified',
      ),
    );
  return errors;
}

/** The defaults of a structural schema. @see schema/defaulting/validation.go */
function defaultsOf(schema: JsonMap, path: string): FieldError[] {
  const errors = defaultErrors(schema, path);
  const { items } = schema;
  if (isMap(items)) errors.push(...defaultsOf(items, `${path}.items`));
  for (const [name, property] of Object.entries(mapOf(schema['properties'])).sort(byName))
    if (isMap(property)) errors.push(...defaultsOf(property, `${path}.properties[${name}]`));
  return errors;
}

const byName = ([a]: [string, unknown], [b]: [string, unknown]): number => (a < b ? -1 : 1);

/** What a default has to fit is what the property has to. */
function defaultErrors(schema: JsonMap, path: string): FieldError[] {
  const value = schema['default'];
  if (value === undefined) return [];
  const own = `${path}.default`;
  const errors = validateSchema(schema, value).map((error) => ({
    ...error,
    field: error.field && error.field !== '<nil>' ? `${own}.${error.field}` : own,
  }));
  const rules = errors.length === 0 ? compileRuleTree(schema, false) : undefined;
  if (!rules) return errors;
  // A default may come to a new object, and to one that had it before.
  const asOld = validateRules(rules, value, value, undefined, own, false);
  return asOld.length > 0 ? asOld : validateRules(rules, value, undefined, undefined, own);
}

/** What must not stand below the combinations, where only values are restricted, and how that is told. */
const outsideOnly: readonly (readonly [field: string, state: string])[] = [
  ['type', 'empty'],
  ['additionalProperties', 'undefined'],
  ['default', 'undefined'],
  ['title', 'empty'],
  ['description', 'empty'],
  ['nullable', 'false'],
  ['x-kubernetes-preserve-unknown-fields', 'false'],
  ['x-kubernetes-embedded-resource', 'false'],
  ['x-kubernetes-int-or-string', 'false'],
  ['x-kubernetes-list-map-keys', 'empty'],
  ['x-kubernetes-list-type', 'undefined'],
  ['x-kubernetes-map-type', 'undefined'],
  ['x-kubernetes-validations', 'empty'],
];

const integerOrString = [{ type: 'integer' }, { type: 'string' }];

function combinationErrors(schema: JsonMap, path: string): FieldError[] {
  const isPattern = (list: unknown): boolean => jsonEqual(list, integerOrString);
  const errors: FieldError[] = [];
  for (const field of ['anyOf', 'allOf', 'oneOf']) {
    if (field === 'anyOf' && isPattern(schema[field])) continue;
    mapsOf(schema[field]).forEach((each, index) => {
      const own = `${path}.${field}[${index}]`;
      const { anyOf, ...rest } = each;
      const isFirst = field === 'allOf' && index === 0 && isPattern(anyOf);
      errors.push(...nestedErrors(isFirst ? rest : each, own));
    });
  }
  const { not } = schema;
  if (isMap(not)) errors.push(...nestedErrors(not, `${path}.not`));
  return errors;
}

function nestedErrors(schema: JsonMap, path: string): FieldError[] {
  const errors = [...combinationErrors(schema, path), ...patternErrors(schema, path)];
  const { items } = schema;
  if (isMap(items)) errors.push(...nestedErrors(items, `${path}.items`));
  const properties = mapOf(schema['properties']);
  for (const [name, property] of Object.entries(properties))
    if (isMap(property)) errors.push(...nestedErrors(property, `${path}.properties[${name}]`));
  for (const [field, state] of outsideOnly) {
    const value = schema[field];
    if (value === undefined || value === null || value === false || value === '') continue;
    errors.push(forbiddenField(`${path}.${field}`, `must be ${state} to be structural`));
  }
  if ('metadata' in properties)
    errors.push(
      forbiddenField(`${path}.properties[metadata]`, 'must not be specified in a nested context'),
    );
  return errors;
}

function patternErrors(schema: JsonMap, path: string): FieldError[] {
  const pattern = textOf(schema['pattern']);
  if (pattern === '') return [];
  try {
    compileRegexp(pattern);
    return [];
  } catch (error) {
    if (!(error instanceof RegexpError)) throw error;
    return [
      invalidValue(
        `${path}.pattern`,
        pattern,
        `must be a valid regular expression, but isn't: ${error.message}`,
      ),
    ];
  }
}
