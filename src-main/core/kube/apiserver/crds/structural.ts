import type { FieldError } from '../../apis/index.ts';
import { compileRegexp, RegexpError } from '../cel/index.ts';
import { at, isMap, type JsonMap, mapOf, mapsOf, textOf, textsOf } from '../fields/index.ts';
import { forbiddenField, invalidValue, notSupported, required } from './field-errors.ts';
import { compileRuleTree } from './rule-programs.ts';
import { validateRules } from './rules.ts';
import { validateSchema } from './validation.ts';

type Level = 'root' | 'field' | 'item';

const emptyText: Readonly<Record<Level, string>> = {
  root: 'must not be empty at the root',
  item: 'must not be empty for specified array items',
  field: 'must not be empty for specified object fields',
};
const types = ['array', 'boolean', 'integer', 'number', 'object', 'string'];

/**
 * What keeps a schema from being structural, or from being compiled.
 * @see apiextensions-apiserver/pkg/apiserver/schema/validation.go
 */
export function validateStructural(
  schema: JsonMap,
  path: string,
  level: Level = 'root',
): FieldError[] {
  if (textOf(schema['$ref']) !== '')
    return [forbiddenField(`${path}.$ref`, '$ref is not supported')];
  const errors: FieldError[] = [];
  const type = textOf(schema['type']);
  const intOrString = schema['x-kubernetes-int-or-string'] === true;
  const preserve = schema['x-kubernetes-preserve-unknown-fields'] === true;
  const embedded = schema['x-kubernetes-embedded-resource'] === true;
  if (type === '' && !intOrString && !preserve && !(embedded && level !== 'root'))
    errors.push(required(`${path}.type`, emptyText[level]));
  else if (type !== '' && !types.includes(type))
    errors.push(notSupported(`${path}.type`, type, types));
  else if (level === 'root' && type !== 'object')
    errors.push(invalidValue(`${path}.type`, type, 'must be object at the root'));
  if (schema['x-kubernetes-preserve-unknown-fields'] === false)
    errors.push(
      invalidValue(
        `${path}.x-kubernetes-preserve-unknown-fields`,
        false,
        'must be true or undefined',
      ),
    );
  if (embedded && !preserve && Object.keys(mapOf(schema['properties'])).length === 0)
    errors.push(
      required(
        `${path}.properties`,
        'must not be empty if x-kubernetes-embedded-resource is true without x-kubernetes-preserve-unknown-fields',
      ),
    );
  const mapType = schema['x-kubernetes-map-type'];
  if (mapType !== undefined && mapType !== 'atomic' && mapType !== 'granular')
    errors.push(notSupported(`${path}.x-kubernetes-map-type`, mapType, ['atomic', 'granular']));
  if (embedded && type !== 'object')
    errors.push(
      type === ''
        ? required(`${path}.type`, 'must be object if x-kubernetes-embedded-resource is true')
        : invalidValue(
            `${path}.type`,
            type,
            'must be object if x-kubernetes-embedded-resource is true',
          ),
    );
  const properties = mapOf(schema['properties']);
  const additional = schema['additionalProperties'];
  if (level === 'root' && additional !== undefined && additional !== false)
    errors.push(forbiddenField(`${path}.additionalProperties`, 'must not be used at the root'));
  // Fields of any kind beside the named ones are fine: only a schema of theirs makes a map of a struct.
  if (Object.keys(properties).length > 0 && isMap(additional))
    errors.push(
      forbiddenField(
        `${path}.additionalProperties`,
        'additionalProperties and properties are mutual exclusive',
      ),
    );
  if (schema['uniqueItems'] === true)
    errors.push(
      forbiddenField(
        `${path}.uniqueItems`,
        'uniqueItems cannot be set to true since the runtime complexity becomes quadratic',
      ),
    );
  if (type === 'array' && !isMap(schema['items']))
    errors.push(required(`${path}.items`, 'must be specified'));
  errors.push(
    ...listErrors(schema, path),
    ...patternErrors(schema, path),
    ...combinationErrors(schema, path, intOrString),
    ...defaultErrors(schema, path),
  );
  for (const [name, property] of Object.entries(properties).sort(([a], [b]) => (a < b ? -1 : 1)))
    if (isMap(property) && !(level === 'root' && name === 'metadata'))
      errors.push(...validateStructural(property, `${path}.properties[${name}]`, 'field'));
  if (isMap(schema['items']))
    errors.push(...validateStructural(schema['items'], `${path}.items`, 'item'));
  if (isMap(additional))
    errors.push(...validateStructural(additional, `${path}.additionalProperties`, 'field'));
  return errors;
}

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

const undefinedInside = ['description', 'title', 'default', 'nullable', 'additionalProperties'];

/** Below the combinations stands only what restricts values. */
function combinationErrors(schema: JsonMap, path: string, intOrString: boolean): FieldError[] {
  const lists = ['allOf', 'anyOf', 'oneOf'].flatMap((field) =>
    mapsOf(schema[field]).map((each, index) => [each, `${path}.${field}[${index}]`] as const),
  );
  const not = schema['not'];
  return [...lists, ...(isMap(not) ? [[not, `${path}.not`] as const] : [])].flatMap(
    ([each, own]) => [
      ...(textOf(each['type']) !== '' && !(intOrString && Object.keys(each).length === 1)
        ? [forbiddenField(`${own}.type`, 'must be empty to be structural')]
        : []),
      ...undefinedInside
        .filter((field) => each[field] !== undefined)
        .map((field) => forbiddenField(`${own}.${field}`, 'must be undefined to be structural')),
    ],
  );
}

function listErrors(schema: JsonMap, path: string): FieldError[] {
  const listType = textOf(schema['x-kubernetes-list-type']);
  const errors: FieldError[] = [];
  const given = schema['x-kubernetes-list-map-keys'];
  if (textsOf(given).length > 0 && listType !== 'map') {
    const rule = 'must be map if x-kubernetes-list-map-keys is non-empty';
    errors.push(
      listType === ''
        ? required(`${path}.x-kubernetes-list-type`, rule)
        : invalidValue(`${path}.x-kubernetes-list-type`, listType, rule),
    );
  }
  if (listType === '') return errors;
  const type = textOf(schema['type']);
  const rule = 'must be array if x-kubernetes-list-type is specified';
  if (type === '') errors.push(required(`${path}.type`, rule));
  else if (type !== 'array') errors.push(invalidValue(`${path}.type`, type, rule));
  if (!['atomic', 'set', 'map'].includes(listType))
    errors.push(notSupported(`${path}.x-kubernetes-list-type`, listType, ['atomic', 'set', 'map']));
  const itemType = textOf(at(schema, 'items', 'type'));
  if (listType === 'set') errors.push(...setErrors(mapOf(schema['items']), itemType, path));
  if (listType !== 'map') return errors;
  const keys = textsOf(schema['x-kubernetes-list-map-keys']);
  const items = mapOf(schema['items']);
  if (keys.length === 0)
    errors.push(
      required(
        `${path}.x-kubernetes-list-map-keys`,
        'must not be empty if x-kubernetes-list-type is map',
      ),
    );
  if (isMap(schema['items']) && itemType !== 'object')
    errors.push(
      invalidValue(
        `${path}.items.type`,
        itemType,
        "must be object if parent array's x-kubernetes-list-type is map",
      ),
    );
  if (keys.some((key) => !isMap(at(items, 'properties', key))))
    errors.push(
      invalidValue(
        `${path}.x-kubernetes-list-map-keys`,
        keys,
        'entries must all be names of item properties',
      ),
    );
  if (new Set(keys).size < keys.length)
    errors.push(
      invalidValue(
        `${path}.x-kubernetes-list-map-keys`,
        keys,
        'must not contain duplicate entries',
      ),
    );
  for (const key of keys)
    if (
      isMap(at(items, 'properties', key)) &&
      !textsOf(items['required']).includes(key) &&
      at(items, 'properties', key, 'default') === undefined
    )
      errors.push(
        required(
          `${path}.items.properties[${key}].default`,
          `this property is in x-kubernetes-list-map-keys, so it must have a default or be a required property`,
        ),
      );
  return errors;
}

/** Items of a set are compared as a whole. */
function setErrors(items: JsonMap, type: string, path: string): FieldError[] {
  const field =
    type === 'object'
      ? 'x-kubernetes-map-type'
      : type === 'array'
        ? 'x-kubernetes-list-type'
        : undefined;
  if (field === undefined || items[field] === 'atomic') return [];
  return [
    invalidValue(
      `${path}.items.${field}`,
      items[field] ?? null,
      'must be atomic as item of a list with x-kubernetes-list-type=set',
    ),
  ];
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
