import type { FieldError } from '../../apis/index.ts';
import { CelError, compileCel, compileRegexp, RegexpError } from '../cel/index.ts';
import { at, isMap, type JsonMap, mapOf, mapsOf, textOf, textsOf } from '../fields/index.ts';
import { forbiddenField, invalidValue, notSupported, required } from './field-errors.ts';

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
    ...ruleErrors(schema, path),
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

function listErrors(schema: JsonMap, path: string): FieldError[] {
  const listType = textOf(schema['x-kubernetes-list-type']);
  if (listType === '') return [];
  const errors: FieldError[] = [];
  const type = textOf(schema['type']);
  const rule = 'must be array if x-kubernetes-list-type is specified';
  if (type === '') errors.push(required(`${path}.type`, rule));
  else if (type !== 'array') errors.push(invalidValue(`${path}.type`, type, rule));
  if (!['atomic', 'set', 'map'].includes(listType))
    errors.push(notSupported(`${path}.x-kubernetes-list-type`, listType, ['atomic', 'set', 'map']));
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
  keys.forEach((key, index) => {
    if (!isMap(at(items, 'properties', key)))
      errors.push(
        invalidValue(
          `${path}.x-kubernetes-list-map-keys[${index}]`,
          key,
          'entries must all be names of item properties',
        ),
      );
    else if (
      !textsOf(items['required']).includes(key) &&
      at(items, 'properties', key, 'default') === undefined
    )
      errors.push(
        required(
          `${path}.items.properties[${key}].default`,
          `this property is in x-kubernetes-list-map-keys, so it must have a default or be a required property`,
        ),
      );
  });
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

function ruleErrors(schema: JsonMap, path: string): FieldError[] {
  return mapsOf(schema['x-kubernetes-validations']).flatMap((rule, index) => {
    const own = `${path}.x-kubernetes-validations[${index}]`;
    const expression = textOf(rule['rule']).trim();
    if (expression === '') return [required(`${own}.rule`, 'rule is not specified')];
    try {
      compileCel(expression, ['self', 'oldSelf']);
      return [];
    } catch (error) {
      if (!(error instanceof CelError)) throw error;
      return [invalidValue(`${own}.rule`, expression, error.message)];
    }
  });
}
