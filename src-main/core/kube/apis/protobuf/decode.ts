import { defineKey, fromUtf8, type JsonObject, type JsonValue, toBase64 } from '#core/base';
import { unwrap } from './envelope.ts';
import { ProtobufError } from './error.ts';
import { WireReader, wireType } from './reader.ts';
import { jsonSchemaProps, type Nested, specialTypes } from './special-types.ts';
import { messageNamed, messageOfKind, scalar, type WireField, type WireMessage } from './wire.ts';

/** Messages may nest this deep: the deepest real ones are schemas within schemas of CRDs. */
const maxDepth = 300;

/**
 * Reads an object from `application/vnd.kubernetes.protobuf`. The JSON is what Go would print after reading the same
 * bytes: fields without `omitempty` are there with their zero values.
 *
 * @param assumed kind of an envelope that names none, as upstream takes that of the request.
 * @throws ProtobufError not enveloped, an unknown kind, or malformed.
 * @see k8s.io/apimachinery/pkg/runtime/serializer/protobuf
 */
export function decodeProtobuf(
  bytes: Uint8Array,
  assumed?: { readonly apiVersion: string; readonly kind: string },
): JsonObject {
  return decodeEnveloped(bytes, assumed, 0);
}

function decodeEnveloped(
  bytes: Uint8Array,
  assumed: { readonly apiVersion: string; readonly kind: string } | undefined,
  depth: number,
): JsonObject {
  const envelope = unwrap(bytes);
  const apiVersion = envelope.apiVersion || (assumed?.apiVersion ?? '');
  const kind = envelope.kind || (assumed?.kind ?? '');
  const message = messageOfKind(apiVersion, kind);
  if (!message)
    throw new ProtobufError(`no kind "${kind}" is registered for version "${apiVersion}"`);
  const object: JsonObject = { kind, apiVersion };
  decodeInto(object, message, envelope.raw, depth);
  return object;
}

/**
 * Reads one message without an envelope.
 *
 * @param schema its name: `io.k8s.api.core.v1.Pod`.
 * @throws ProtobufError no such message, or malformed.
 */
export function decodeMessage(schema: string, bytes: Uint8Array): JsonValue {
  const message = messageNamed(schema);
  if (!message) throw new ProtobufError(`no message ${schema}`);
  return decodeValue(message, bytes, 0);
}

function decodeValue(message: WireMessage, bytes: Uint8Array, depth: number): JsonValue {
  if (depth > maxDepth) throw new ProtobufError('nested too deeply');
  const special = specialTypes.get(message.name);
  if (special) return special.decode(bytes, nestedAt(depth));
  const object: JsonObject = {};
  decodeInto(object, message, bytes, depth);
  // A named list without elements was written because it is there.
  return message.isNamedList ? (object[''] ?? []) : object;
}

function nestedAt(depth: number): Nested {
  return {
    jsonSchema: {
      decode: (bytes) => {
        const message = messageNamed(jsonSchemaProps);
        return message ? (decodeValue(message, bytes, depth + 1) as JsonObject) : {};
      },
      encode: () => undefined,
    },
    decodeEnvelope: (bytes) => decodeEnveloped(bytes, undefined, depth + 1),
  };
}

type Value = JsonValue | JsonValue[] | Uint8Array | JsonObject;

function decodeInto(
  object: JsonObject,
  message: WireMessage,
  bytes: Uint8Array,
  depth: number,
): void {
  if (depth > maxDepth) throw new ProtobufError('nested too deeply');
  const reader = new WireReader(bytes);
  const values: (Value | undefined)[] = new Array<Value | undefined>(message.fields.length);
  while (!reader.done) {
    const { number, type } = reader.tag();
    const position = message.byNumber.get(number);
    const field = position === undefined ? undefined : message.fields[position];
    if (position === undefined || !field) {
      reader.skip(type);
      continue;
    }
    if (field.isMap) {
      const map = (values[position] ??= {}) as JsonObject;
      expectType(type, wireType.bytes, field);
      readEntry(map, field, reader.bytes(), depth);
    } else if (field.isList) {
      ((values[position] ??= []) as JsonValue[]).push(readSingle(field, reader, type, depth));
    } else if (field.isInline) {
      expectType(type, wireType.bytes, field);
      values[position] = reader.bytes();
    } else {
      values[position] = readSingle(field, reader, type, depth);
    }
  }
  for (const [position, field] of message.fields.entries()) {
    const value = values[position];
    if (field.isInline) {
      if (field.scalar === undefined)
        decodeInto(object, field.message(), (value ?? new Uint8Array()) as Uint8Array, depth + 1);
    } else {
      const printed = print(message, field, value as JsonValue | undefined, depth);
      if (printed !== undefined) defineKey(object, field.json, printed);
    }
  }
}

function expectType(type: number, expected: number, field: WireField): void {
  if (type !== expected)
    throw new ProtobufError(`wire type ${type} is wrong for field ${field.number} ${field.json}`);
}

function readSingle(field: WireField, reader: WireReader, type: number, depth: number): JsonValue {
  switch (field.scalar) {
    case undefined:
      expectType(type, wireType.bytes, field);
      return decodeValue(field.message(), reader.bytes(), depth + 1);
    case scalar.string:
      expectType(type, wireType.bytes, field);
      return fromUtf8(reader.bytes());
    case scalar.bytes:
      expectType(type, wireType.bytes, field);
      return toBase64(reader.bytes());
    case scalar.bool:
      expectType(type, wireType.varint, field);
      return reader.integer() !== 0;
    case scalar.double:
      expectType(type, wireType.fixed64, field);
      return reader.double();
    default:
      expectType(type, wireType.varint, field);
      return reader.integer();
  }
}

function readEntry(map: JsonObject, field: WireField, bytes: Uint8Array, depth: number): void {
  const reader = new WireReader(bytes);
  let key = '';
  let value: JsonValue | undefined;
  while (!reader.done) {
    const { number, type } = reader.tag();
    if (number === 1) {
      expectType(type, wireType.bytes, field);
      key = fromUtf8(reader.bytes());
    } else if (number === 2) {
      value = readSingle(field, reader, type, depth);
    } else {
      reader.skip(type);
    }
  }
  defineKey(map, key, value ?? zero(field, depth));
}

function zero(field: WireField, depth: number): JsonValue {
  switch (field.scalar) {
    case undefined:
      return decodeValue(field.message(), new Uint8Array(), depth + 1);
    case scalar.string:
    case scalar.bytes:
      return '';
    case scalar.bool:
      return false;
    default:
      return 0;
  }
}

/** What encoding/json prints for a field, given its Go tags; undefined when it prints nothing. */
function print(
  message: WireMessage,
  field: WireField,
  value: JsonValue | undefined,
  depth: number,
): JsonValue | undefined {
  if (field.isPointer) return value;
  if (field.isList || field.isMap || field.scalar === scalar.bytes) {
    if (value !== undefined) return field.omitEmpty && value === '' ? undefined : value;
    if (field.omitEmpty || field.json === '') return undefined;
    // Lists of objects are never nil on a server: clients print their items without looking.
    return field.json === 'items' && message.name.endsWith('List') ? [] : null;
  }
  if (field.scalar === undefined) {
    const isNamedList = field.message().isNamedList;
    if (value === undefined && isNamedList) return field.omitEmpty ? undefined : null;
    const printed = value ?? zero(field, depth);
    return field.omitZero && isZero(printed) ? undefined : printed;
  }
  const printed = value ?? zero(field, depth);
  const isOmitted =
    (field.omitEmpty || field.omitZero) && (printed === '' || printed === 0 || printed === false);
  return isOmitted ? undefined : printed;
}

function isZero(value: JsonValue): boolean {
  return value === null || (typeof value === 'object' && Object.keys(value).length === 0);
}
