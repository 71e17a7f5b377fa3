import type { FieldError } from '../../apis/index.ts';
import { at, isMap, type JsonMap, mapOf, mapsOf, textOf, textsOf } from '../fields/index.ts';
import { forbiddenField, invalidValue, notSupported, required } from './field-errors.ts';

const types = ['array', 'boolean', 'integer', 'number', 'object', 'string'];
/** Fields of JSON Schema that a definition may not use. */
const refused = [
  'id',
  'additionalItems',
  'patternProperties',
  'definitions',
  'dependencies',
  '$ref',
];

/**
 * What keeps a schema from being one that definitions may have, whether it is structural or not; rules apart.
 * @see apiextensions-apiserver/pkg/apis/apiextensions/validation, ValidateCustomResourceDefinitionOpenAPISchema
 */
export function validateForms(schema: JsonMap, path: string): FieldError[] {
  const errors: FieldError[] = [];
  const type = textOf(schema['type']);
  if (type !== '' && !types.includes(type)) errors.push(notSupported(`${path}.type`, type, types));
  for (const field of refused)
    if (isSet(schema[field]))
      errors.push(forbiddenField(`${path}.${field}`, `${field} is not supported`));
  if (type === 'null')
    errors.push(
      forbiddenField(`${path}.type`, 'type cannot be set to null, use nullable as an alternative'),
    );
  if (Array.isArray(schema['items']))
    errors.push(forbiddenField(`${path}.items`, 'items must be a schema object and not an array'));
  if (schema['uniqueItems'] === true)
    errors.push(
      forbiddenField(
        `${path}.uniqueItems`,
        'uniqueItems cannot be set to true since the runtime complexity becomes quadratic',
      ),
    );
  const properties = mapOf(schema['properties']);
  const additional = schema['additionalProperties'];
  // Fields of any kind beside the named ones are fine: only a schema of theirs makes a map of a struct.
  if (Object.keys(properties).length > 0 && (isMap(additional) || additional === false))
    errors.push(
      forbiddenField(
        `${path}.additionalProperties`,
        'additionalProperties and properties are mutual exclusive',
      ),
    );
  const visit = (part: unknown, name: string): void => {
    if (isMap(part)) errors.push(...validateForms(part, `${path}.${name}`));
  };
  visit(additional, 'additionalProperties');
  for (const name of Object.keys(properties).sort()) visit(properties[name], `properties[${name}]`);
  visit(schema['not'], 'not');
  for (const field of ['allOf', 'oneOf', 'anyOf'])
    mapsOf(schema[field]).forEach((each, index) => visit(each, `${field}[${index}]`));
  visit(schema['items'], 'items');
  if (schema['x-kubernetes-preserve-unknown-fields'] === false)
    errors.push(
      invalidValue(
        `${path}.x-kubernetes-preserve-unknown-fields`,
        false,
        'must be true or undefined',
      ),
    );
  const mapType = schema['x-kubernetes-map-type'];
  if (mapType !== undefined && type !== 'object') {
    const rule = 'must be object if x-kubernetes-map-type is specified';
    errors.push(
      type === '' ? required(`${path}.type`, rule) : invalidValue(`${path}.type`, type, rule),
    );
  }
  if (mapType !== undefined && mapType !== 'atomic' && mapType !== 'granular')
    errors.push(notSupported(`${path}.x-kubernetes-map-type`, mapType, ['atomic', 'granular']));
  errors.push(...listErrors(schema, path), ...keyErrors(schema, path));
  return errors;
}

const isSet = (value: unknown): boolean =>
  value !== undefined &&
  value !== null &&
  value !== '' &&
  !(isMap(value) && Object.keys(value).length === 0);

/** Items that are told apart have what tells them apart. @see validateMapListKeysMapSet */
function keyErrors(schema: JsonMap, path: string): FieldError[] {
  const listType = textOf(schema['x-kubernetes-list-type']);
  const { items } = schema;
  if (!isMap(items) || (listType !== 'set' && listType !== 'map')) return [];
  const errors: FieldError[] = [];
  if (items['nullable'] === true)
    errors.push(
      forbiddenField(
        `${path}.items.nullable`,
        `cannot be nullable when x-kubernetes-list-type is ${listType}`,
      ),
    );
  for (const key of listType === 'map' ? textsOf(schema['x-kubernetes-list-map-keys']) : []) {
    const property = at(items, 'properties', key);
    if (!isMap(property)) continue;
    const own = `${path}.items.properties[${key}]`;
    const isKey = 'this property is in x-kubernetes-list-map-keys, so it';
    if (!textsOf(items['required']).includes(key) && property['default'] === undefined)
      errors.push(
        required(`${own}.default`, `${isKey} must have a default or be a required property`),
      );
    if (property['nullable'] === true)
      errors.push(forbiddenField(`${own}.nullable`, `${isKey} cannot be nullable`));
  }
  return errors;
}

function listErrors(schema: JsonMap, path: string): FieldError[] {
  const own = `${path}.x-kubernetes-list-type`;
  const given = schema['x-kubernetes-list-type'];
  const listType = textOf(given);
  const errors: FieldError[] = [];
  const type = textOf(schema['type']);
  const itemType = textOf(at(schema, 'items', 'type'));
  if (given !== undefined && type !== 'array') {
    const rule = 'must be array if x-kubernetes-list-type is specified';
    errors.push(
      type === '' ? required(`${path}.type`, rule) : invalidValue(`${path}.type`, type, rule),
    );
  } else if (listType === 'set') errors.push(...setErrors(mapOf(schema['items']), itemType, path));
  if (given !== undefined && !['atomic', 'set', 'map'].includes(listType))
    errors.push(notSupported(own, listType, ['atomic', 'set', 'map']));
  const keys = textsOf(schema['x-kubernetes-list-map-keys']);
  if (keys.length > 0 && listType !== 'map') {
    const rule = 'must be map if x-kubernetes-list-map-keys is non-empty';
    errors.push(given === undefined ? required(own, rule) : invalidValue(own, listType, rule));
  }
  if (listType !== 'map') return errors;
  const items = mapOf(schema['items']);
  if (keys.length === 0)
    errors.push(
      required(
        `${path}.x-kubernetes-list-map-keys`,
        'must not be empty if x-kubernetes-list-type is map',
      ),
    );
  if (!isMap(schema['items']))
    errors.push(required(`${path}.items`, 'must have a schema if x-kubernetes-list-type is map'));
  else if (itemType !== 'object')
    errors.push(
      invalidValue(
        `${path}.items.type`,
        itemType,
        "must be object if parent array's x-kubernetes-list-type is map",
      ),
    );
  else
    keys.forEach((key, index) => {
      const property = at(items, 'properties', key);
      const keysPath = `${path}.x-kubernetes-list-map-keys`;
      if (!isMap(property))
        errors.push(invalidValue(keysPath, keys, 'entries must all be names of item properties'));
      else if (['array', 'object'].includes(textOf(property['type'])))
        errors.push(
          invalidValue(
            `${path}.items.properties[${key}].type`,
            itemType,
            "must be a scalar type if parent array's x-kubernetes-list-type is map",
          ),
        );
      if (keys.indexOf(key) < index)
        errors.push(invalidValue(keysPath, keys, 'must not contain duplicate entries'));
    });
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
