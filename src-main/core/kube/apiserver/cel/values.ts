import { fromBase64, toBase64 } from '#core/base';
import { isMap, type JsonMap, mapOf, textOf, textsOf } from '../fields/index.ts';
import { escapeFieldName } from './escaping.ts';
import { durationNanos, durationText, timestampNanos, timestampText } from './functions/times.ts';
import {
  CelMap,
  Duration,
  Failure,
  LiteralMap,
  markList,
  Optional,
  StructValue,
  Timestamp,
  Uint,
} from './language/values.ts';
import { CelError } from './cel-error.ts';
import { withObjectMeta } from './schema-types.ts';

/**
 * A JSON value as an expression sees it. Without a schema whole numbers are ints; with one, times, durations and
 * bytes are read by their format, and fields by their escaped names.
 */
export function celValue(value: unknown, schema?: JsonMap): unknown {
  return schema ? typedValue(value, schema) : untypedValue(value);
}

function untypedValue(value: unknown): unknown {
  if (typeof value === 'number') return Number.isInteger(value) ? BigInt(value) : value;
  if (Array.isArray(value)) return value.map(untypedValue);
  if (!isMap(value)) return value;
  return new JsonValue(value);
}

/** An object without a schema; its values are read when they are asked for. */
class JsonValue extends CelMap {
  readonly #object: JsonMap;

  constructor(object: JsonMap) {
    super();
    this.#object = object;
  }

  get(key: unknown): unknown {
    if (typeof key !== 'string' || !Object.hasOwn(this.#object, key)) return undefined;
    return untypedValue(this.#object[key]);
  }

  get size(): number {
    return Object.keys(this.#object).length;
  }

  keys(): readonly string[] {
    return Object.keys(this.#object);
  }
}

/** An object or a map with a schema. */
class SchemaValue extends CelMap {
  readonly #object: JsonMap;
  /** Schemas of its fields by their escaped names; undefined: the values of a map have one schema. */
  readonly #fields: ReadonlyMap<string, readonly [name: string, schema: JsonMap]> | undefined;
  readonly #values: JsonMap | undefined;

  constructor(object: JsonMap, schema: JsonMap) {
    super();
    this.#object = object;
    const isEmbedded = schema['x-kubernetes-embedded-resource'] === true;
    const properties = (isEmbedded ? withObjectMeta(schema) : schema)['properties'];
    const values = schema['additionalProperties'];
    if (isMap(properties)) this.#fields = fieldsOf(properties);
    else if (isMap(values)) this.#values = values;
    else this.#fields = new Map();
  }

  get(key: unknown): unknown {
    if (typeof key !== 'string') return undefined;
    const own = this.#fields?.get(key) ?? this.#fields?.get(`__${key}__`);
    const [name, schema] = own ?? [key, this.#values];
    if (!schema || !Object.hasOwn(this.#object, name)) return undefined;
    const value = this.#object[name];
    // A field that is null is one that is not there.
    return value === undefined || (value === null && this.#fields)
      ? undefined
      : typedValue(value, schema);
  }

  get size(): number {
    return Object.keys(this.#object).length;
  }

  keys(): readonly string[] {
    if (!this.#fields) return Object.keys(this.#object);
    return [...this.#fields]
      .filter(([, [name]]) => Object.hasOwn(this.#object, name))
      .map(([escaped]) => escaped);
  }
}

const knownFields = new WeakMap<
  JsonMap,
  ReadonlyMap<string, readonly [name: string, schema: JsonMap]>
>();

function fieldsOf(
  properties: JsonMap,
): ReadonlyMap<string, readonly [name: string, schema: JsonMap]> {
  const known = knownFields.get(properties);
  if (known) return known;
  const fields = new Map(
    Object.entries(properties).map(([name, schema]) => [
      escapeFieldName(name) ?? name,
      [name, mapOf(schema)] as const,
    ]),
  );
  knownFields.set(properties, fields);
  return fields;
}

const invalid = (expected: string, value: unknown): Failure =>
  new Failure(`invalid data, expected ${expected}, got ${goType(value)}`);

function goType(value: unknown): string {
  if (typeof value === 'string') return 'string';
  if (typeof value === 'boolean') return 'bool';
  if (typeof value === 'number') return Number.isInteger(value) ? 'int64' : 'float64';
  return Array.isArray(value) ? '[]interface {}' : 'map[string]interface {}';
}

function typedValue(value: unknown, schema: JsonMap): unknown {
  if (value === null || value === undefined)
    return schema['nullable'] === true
      ? null
      : new Failure('invalid data, got null for schema with nullable=false');
  if (schema['x-kubernetes-int-or-string'] === true) {
    if (typeof value === 'string') return value;
    return typeof value === 'number' && Number.isInteger(value)
      ? BigInt(value)
      : new Failure('invalid data, expected XIntOrString value to be either a string or integer');
  }
  switch (textOf(schema['type'])) {
    case 'object':
      return isMap(value)
        ? new SchemaValue(value, schema)
        : new Failure('invalid data, expected a map for the provided schema with type=object');
    case 'array':
      return typedList(value, schema);
    case 'string':
      return typeof value === 'string' ? formattedText(value, schema) : invalid('string', value);
    case 'number':
      return typeof value === 'number' ? value : invalid('float', value);
    case 'integer':
      return typeof value === 'number' && Number.isInteger(value)
        ? BigInt(value)
        : invalid('int', value);
    case 'boolean':
      return typeof value === 'boolean' ? value : invalid('bool', value);
    default:
      return untypedValue(value);
  }
}

function typedList(value: unknown, schema: JsonMap): unknown {
  if (!Array.isArray(value))
    return new Failure('invalid data, expected an array for the provided schema with type=array');
  const items = mapOf(schema['items']);
  const list = value.map((item) => typedValue(item, items));
  switch (textOf(schema['x-kubernetes-list-type'])) {
    case 'set':
      return markList(list, {});
    case 'map':
      return markList(list, {
        keys: textsOf(schema['x-kubernetes-list-map-keys']).map(
          (key) => escapeFieldName(key) ?? key,
        ),
      });
    default:
      return list;
  }
}

const day = 86_400_000_000_000n;
const durationUnits: Readonly<Record<string, bigint>> = {
  d: day,
  w: 7n * day,
};

function formattedText(text: string, schema: JsonMap): unknown {
  switch (textOf(schema['format'])) {
    case 'date': {
      const nanos = timestampNanos(`${text}T00:00:00Z`);
      return nanos === undefined
        ? new Failure(`Invalid date formatted string ${text}`)
        : new Timestamp(nanos);
    }
    case 'date-time': {
      const nanos = timestampNanos(text);
      return nanos === undefined
        ? new Failure(`Invalid date-time formatted string ${text}`)
        : new Timestamp(nanos);
    }
    case 'duration': {
      const [, count = '', unit = ''] = /^(\d+)\s*([dw])$/.exec(text) ?? [];
      const size = durationUnits[unit];
      const nanos = size === undefined ? durationNanos(text) : BigInt(count) * size;
      return nanos === undefined
        ? new Failure(`Invalid duration ${text}: unable to parse ${text} as duration`)
        : new Duration(nanos);
    }
    case 'byte':
      return base64Bytes(text);
    default:
      return text;
  }
}

function base64Bytes(text: string): Uint8Array | Failure {
  try {
    return fromBase64(text);
  } catch {
    return new Failure(`Invalid byte formatted string ${text}`);
  }
}

/** A value of the optional type; none when it is undefined. */
export const optionalCelValue = (value: unknown): unknown =>
  value === undefined ? Optional.none : Optional.of(value);

/** What an expression made, as JSON. @throws CelError what JSON cannot hold */
export function jsonOf(value: unknown): unknown {
  if (typeof value === 'bigint') return Number(value);
  if (value instanceof Uint) return Number(value.value);
  if (value instanceof CelMap)
    return Object.fromEntries(value.entries().map(([key, item]) => [keyName(key), jsonOf(item)]));
  if (value instanceof StructValue)
    return Object.fromEntries([...value.fields].map(([name, item]) => [name, jsonOf(item)]));
  if (Array.isArray(value)) return value.map(jsonOf);
  if (value instanceof Timestamp) return timestampText(value);
  if (value instanceof Duration) return durationText(value);
  if (value instanceof Uint8Array) return toBase64(value);
  if (value instanceof Optional && value.hasValue) return jsonOf(value.value);
  if (typeof value === 'object' && value !== null) throw new CelError('unsupported value');
  return value;
}

const keyName = (key: unknown): string => String(key instanceof Uint ? key.value : key);

/**
 * Types of objects must be those of the fields they stand in.
 * @returns upstream's words for those that are not.
 * @see k8s.io/apiserver/pkg/cel/mutation/dynamic/objects.go
 */
export function typeNameFaults(value: unknown, path: readonly string[]): string[] {
  if (value instanceof StructValue) {
    const expected = path.join('.');
    const own =
      value.typeName === expected
        ? []
        : [
            `unexpected type name "${value.typeName}", expected "${expected}", which matches field name path from root Object type`,
          ];
    return [
      ...own,
      ...[...value.fields].flatMap(([name, item]) => typeNameFaults(item, [...path, name])),
    ];
  }
  if (Array.isArray(value)) return value.flatMap((item) => typeNameFaults(item, path));
  if (value instanceof LiteralMap)
    return value.entries().flatMap(([, item]) => typeNameFaults(item, path));
  return [];
}
