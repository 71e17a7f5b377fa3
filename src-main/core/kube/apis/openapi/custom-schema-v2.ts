import type { JsonObject, JsonValue } from '#core/base';
import { dialects } from './schema-document.ts';

const keepsUnknown = 'x-kubernetes-preserve-unknown-fields';
const objectMeta = 'io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta';

const isObject = (value: JsonValue | undefined): value is JsonObject =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/**
 * The schema of a custom kind as version 2 publishes it: without what its clients, kubectl's own validation above all,
 * cannot read or would take for a refusal of unknown fields.
 *
 * @see k8s.io/apiextensions-apiserver/pkg/controller/openapi/v2/conversion.go, and builder.go beside it
 */
export function customSchemaV2(schema: JsonObject): JsonObject {
  if (schema[keepsUnknown] === true) return { type: 'object' };
  const converted = convert(schema);
  const { properties } = converted;
  if (!isObject(properties) || !isObject(properties['metadata'])) return converted;
  const { description } = properties['metadata'];
  const metadata = {
    ...(description === undefined ? {} : { description }),
    $ref: `${dialects.v2.prefix}${objectMeta}`,
  };
  return { ...converted, properties: { ...properties, metadata } };
}

function convert(schema: JsonObject): JsonObject {
  const { properties, items, additionalProperties, required, ...rest } = schema;
  const isNullable = rest['nullable'] === true;
  const isLoose = rest[keepsUnknown] === true;
  const out = without(rest, 'allOf', 'anyOf', 'oneOf', 'not', 'nullable');
  const drops = isNullable || isLoose;
  if (!drops && isObject(properties)) out['properties'] = mapValues(properties, convertValue);
  if (!drops && items !== undefined) out['items'] = convertValue(items);
  if (additionalProperties !== undefined)
    out['additionalProperties'] = convertValue(additionalProperties);
  const isBareArray = out['type'] === 'array' && out['items'] === undefined;
  if (isNullable || isBareArray || (isLoose && out['type'] === 'object')) delete out['type'];
  const stillRequired = requiredOf(required, properties, additionalProperties);
  if (stillRequired.length > 0) out['required'] = stillRequired;
  return out;
}

/** What may be null need not be there. */
function requiredOf(
  required: JsonValue | undefined,
  properties: JsonValue | undefined,
  additional: JsonValue | undefined,
): JsonValue[] {
  if (!Array.isArray(required) || isNullableSchema(additional)) return [];
  const fields = isObject(properties) ? properties : {};
  return required.filter((name) => typeof name === 'string' && !isNullableSchema(fields[name]));
}

const isNullableSchema = (schema: JsonValue | undefined): boolean =>
  isObject(schema) && schema['nullable'] === true;

const convertValue = (value: JsonValue): JsonValue => (isObject(value) ? convert(value) : value);

function mapValues(object: JsonObject, change: (value: JsonValue) => JsonValue): JsonObject {
  return Object.fromEntries(Object.entries(object).map(([key, value]) => [key, change(value)]));
}

function without(object: JsonObject, ...names: readonly string[]): JsonObject {
  return Object.fromEntries(Object.entries(object).filter(([key]) => !names.includes(key)));
}
