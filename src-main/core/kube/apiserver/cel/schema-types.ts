import { isMap, type JsonMap, listOf, mapOf, numberOf, textOf, textsOf } from '../fields/index.ts';
import type { Declarations, StructDeclaration } from './language/declarations.ts';
import type { SizeEstimator } from './language/estimate.ts';
import {
  boolType,
  bytesType,
  type CelType,
  doubleType,
  durationType,
  dynType,
  intType,
  listType,
  mapType,
  optionalType,
  stringType,
  structType,
  timestampType,
} from './language/types.ts';
import { escapeFieldName } from './escaping.ts';

/** What expressions know of the values of a schema. @see k8s.io/apiserver/pkg/cel/types.go */
export interface SchemaType {
  readonly kind: 'simple' | 'list' | 'map' | 'object';
  readonly type: CelType;
  /** Of objects, by their escaped names. */
  readonly fields?: ReadonlyMap<string, SchemaType>;
  /** Of lists and maps. */
  readonly items?: SchemaType;
  /** Most characters or items. */
  readonly maxElements: number;
  /** Least bytes of its JSON. */
  readonly minSize: number;
}

/** The largest request. */
const maxRequestBytes = 3 * 1024 * 1024;
const maxTextLength = maxRequestBytes - 2;
const longestTime = 32;
const dateSize = 12;
const shortestTime = 21;
const shortestDuration = 3;

const simple = (type: CelType, minSize: number, maxElements = 0): SchemaType => ({
  kind: 'simple',
  type,
  minSize,
  maxElements,
});

const whole = (value: number): number => Math.max(0, Math.trunc(value));

const texts = { type: 'string' };
const objectMeta = { type: 'object', properties: { name: texts, generateName: texts } };

/** A schema with what every object has: its kind and its name. */
export function withObjectMeta(schema: JsonMap): JsonMap {
  const properties = {
    ...mapOf(schema['properties']),
    kind: texts,
    apiVersion: texts,
    metadata: objectMeta,
  };
  return { ...schema, properties };
}

const isEmbedded = (schema: JsonMap): boolean => schema['x-kubernetes-embedded-resource'] === true;

/**
 * The type of a schema's values; undefined: expressions do not see them.
 * @param isRoot the schema is of a whole object, custom or embedded.
 * @see k8s.io/apiserver/pkg/cel/common/schemas.go
 */
export function schemaType(schema: JsonMap, isRoot: boolean): SchemaType | undefined {
  if (schema['x-kubernetes-int-or-string'] === true)
    return simple(dynType, 1, lengthOf(schema) ?? maxTextLength);
  const own = isRoot ? withObjectMeta(schema) : schema;
  switch (textOf(own['type'])) {
    case 'array':
      return listOfSchema(own);
    case 'object':
      return isMap(own['additionalProperties']) ? mapOfSchema(own) : objectOfSchema(own);
    case 'string':
      return textOfSchema(own);
    case 'boolean':
      return simple(boolType, 4);
    case 'number':
      return simple(doubleType, 1);
    case 'integer':
      return simple(intType, 1);
    default:
      return undefined;
  }
}

/** Most bytes of a text whose characters are limited. */
function lengthOf(schema: JsonMap): number | undefined {
  const length = numberOf(schema['maxLength']);
  return length === undefined ? undefined : whole(length) * 4;
}

function listOfSchema(schema: JsonMap): SchemaType | undefined {
  const own = schema['items'];
  const items = isMap(own) ? schemaType(own, isEmbedded(own)) : undefined;
  if (!items) return undefined;
  const max = numberOf(schema['maxItems']);
  const maxElements =
    max === undefined ? Math.trunc((maxRequestBytes - 2) / (items.minSize + 1)) : whole(max);
  return { kind: 'list', type: listType(items.type), items, maxElements, minSize: 2 };
}

function mapOfSchema(schema: JsonMap): SchemaType | undefined {
  const own = mapOf(schema['additionalProperties']);
  const items = schemaType(own, isEmbedded(own));
  if (!items) return undefined;
  const max = numberOf(schema['maxProperties']);
  const maxElements =
    max === undefined ? Math.trunc((maxRequestBytes - 2) / (items.minSize + 6)) : whole(max);
  return { kind: 'map', type: mapType(stringType, items.type), items, maxElements, minSize: 2 };
}

function objectOfSchema(schema: JsonMap): SchemaType {
  const fields = new Map<string, SchemaType>();
  const required = new Set(textsOf(schema['required']));
  let minSize = 2;
  for (const [name, property] of Object.entries(mapOf(schema['properties']))) {
    const own = mapOf(property);
    const type = schemaType(own, isEmbedded(own));
    if (!type) continue;
    const escaped = escapeFieldName(name);
    if (escaped !== undefined) fields.set(escaped, type);
    if (required.has(name) && (own['default'] ?? null) === null)
      minSize += new TextEncoder().encode(name).length + type.minSize + 4;
  }
  return { kind: 'object', type: structType('object'), fields, maxElements: 0, minSize };
}

function textOfSchema(schema: JsonMap): SchemaType {
  switch (textOf(schema['format'])) {
    case 'byte': {
      const max = numberOf(schema['maxLength']);
      return simple(bytesType, 2, max === undefined ? maxTextLength : whole(max));
    }
    case 'duration':
      return simple(durationType, shortestDuration, longestTime);
    case 'date':
      return simple(timestampType, dateSize, dateSize);
    case 'date-time':
      return simple(timestampType, shortestTime, longestTime);
    default: {
      const enumerated = listOf(schema['enum']);
      const longest = Math.max(
        0,
        ...enumerated.map((each) =>
          typeof each === 'string' ? new TextEncoder().encode(each).length : 0,
        ),
      );
      return simple(
        stringType,
        2,
        lengthOf(schema) ?? (enumerated.length > 0 ? longest : maxTextLength),
      );
    }
  }
}

/** A type whose objects have names of their own, by which their fields are found. */
export interface NamedType {
  readonly type: CelType;
  readonly structs: (name: string) => StructDeclaration | undefined;
}

/** What rules of a schema may name: `self`, and `oldSelf`, which may be missing if they say so. */
export function ruleDeclarations({ type, structs }: NamedType, isOptional: boolean): Declarations {
  const oldSelf = isOptional ? optionalType(type) : type;
  return {
    variables: new Map([
      ['self', type],
      ['oldSelf', oldSelf],
    ]),
    structs,
  };
}

/** Names the objects within a type after the places they have in it. */
export function nameType(own: SchemaType, name: string): NamedType {
  const structs = new Map<string, StructDeclaration>();
  const named = (type: SchemaType, path: string): CelType => {
    switch (type.kind) {
      case 'list':
        return type.items ? listType(named(type.items, `${path}.@idx`)) : type.type;
      case 'map':
        return type.items ? mapType(stringType, named(type.items, `${path}.@elem`)) : type.type;
      case 'object': {
        const fields = new Map(
          [...(type.fields ?? [])].map(([field, each]) => [field, named(each, `${path}.${field}`)]),
        );
        structs.set(path, { fields });
        return structType(path);
      }
      default:
        return type.type;
    }
  };
  const type = named(own, name);
  return { type, structs: (each) => structs.get(each) };
}

/** Sizes of what lies within a value of the type. */
export const sizesOf =
  (root: SchemaType): SizeEstimator =>
  ([, ...path]) => {
    let type: SchemaType | undefined = root;
    for (const part of path) {
      if (part === '@items' || part === '@values') type = type.items;
      else if (part === '@keys') type = type.kind === 'map' ? keyType : undefined;
      else type = type.fields?.get(part);
      if (!type) return undefined;
    }
    return type.maxElements;
  };

/** Of the keys of maps upstream's estimates know no length. */
const keyType = simple(stringType, 2);

/** How often at most a value so large stands in one request. */
export const maxCardinality = ({ minSize }: SchemaType): number =>
  Math.trunc(maxRequestBytes / (minSize + 1));
