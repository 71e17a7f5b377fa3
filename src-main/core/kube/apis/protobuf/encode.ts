import { byBytes, type DeepReadonly, fromBase64, type JsonObject } from '#core/base';
import { wrap } from './envelope.ts';
import { ProtobufError } from './error.ts';
import { jsonSchemaProps, type Nested, specialTypes } from './special-types.ts';
import { messageNamed, messageOfKind, scalar, type WireField, type WireMessage } from './wire.ts';
import { WireWriter } from './writer.ts';

/** An object as it comes from JSON; every kind of the API is one. */
type Encodable = DeepReadonly<{ apiVersion?: unknown; kind?: unknown; [field: string]: unknown }>;

/** Whether objects of a kind have a protobuf form; those of CRDs do not. */
export function hasProtobuf(apiVersion: string, kind: string): boolean {
  return messageOfKind(apiVersion, kind) !== undefined;
}

/**
 * Writes an object as `application/vnd.kubernetes.protobuf`, byte for byte as Go would.
 * Fields that the kind does not have are left out, as Go drops them.
 *
 * @throws ProtobufError no such kind, or a field of the wrong type.
 */
export function encodeProtobuf(object: Encodable): Uint8Array<ArrayBuffer> {
  const { apiVersion, kind } = object;
  if (typeof apiVersion !== 'string' || typeof kind !== 'string')
    throw new ProtobufError('an object without apiVersion and kind has no protobuf form');
  const message = messageOfKind(apiVersion, kind);
  if (!message)
    throw new ProtobufError(`no kind "${kind}" is registered for version "${apiVersion}"`);
  const writer = new WireWriter();
  writeMessage(writer, message, object);
  return wrap(apiVersion, kind, writer.finish());
}

/**
 * Writes one message without an envelope.
 *
 * @param schema its name: `io.k8s.api.core.v1.Pod`.
 * @throws ProtobufError no such message, or a field of the wrong type.
 */
export function encodeMessage(schema: string, value: unknown): Uint8Array<ArrayBuffer> {
  const message = messageNamed(schema);
  if (!message) throw new ProtobufError(`no message ${schema}`);
  const writer = new WireWriter();
  writeMessage(writer, message, value);
  return writer.finish();
}

const nested: Nested = {
  jsonSchema: {
    decode: () => ({}),
    encode: (writer, number, value) => {
      const message = messageNamed(jsonSchemaProps);
      if (message) writeField(writer, number, message, value);
    },
  },
  decodeEnvelope: () => ({}),
};

function writeField(
  writer: WireWriter,
  number: number,
  message: WireMessage,
  value: unknown,
): void {
  const before = writer.length;
  writeMessage(writer, message, value);
  writer.unsigned(writer.length - before);
  writer.tag(number, 2);
}

function writeMessage(writer: WireWriter, message: WireMessage, value: unknown): void {
  const special = specialTypes.get(message.name);
  if (special) {
    special.encode(writer, value ?? undefined, nested);
    return;
  }
  const object = message.isNamedList ? { '': value } : (value ?? {});
  if (typeof object !== 'object' || Array.isArray(object))
    throw new ProtobufError(`${message.name} must be an object`);
  const fields = object as JsonObject;
  for (let i = message.fields.length - 1; i >= 0; i--) {
    const field = message.fields[i];
    if (!field) continue;
    if (field.isInline) {
      if (field.scalar === undefined) writeField(writer, field.number, field.message(), object);
      continue;
    }
    writeValue(writer, field, Object.hasOwn(fields, field.json) ? fields[field.json] : undefined);
  }
}

function writeValue(writer: WireWriter, field: WireField, value: unknown): void {
  const isAbsent = value === undefined || value === null;
  if (field.isMap) {
    if (!isAbsent) writeMap(writer, field, value);
  } else if (field.isList) {
    if (isAbsent) return;
    if (!Array.isArray(value)) throw new ProtobufError(`${field.json} must be an array`);
    for (let i = value.length - 1; i >= 0; i--) writeSingle(writer, field, field.number, value[i]);
  } else if (!isAbsent || !isNilable(field)) {
    writeSingle(writer, field, field.number, value);
  }
}

/** Nil in Go writes nothing; anything else is written even when zero. */
function isNilable(field: WireField): boolean {
  if (field.isPointer || field.scalar === scalar.bytes) return true;
  return field.scalar === undefined && field.message().isNamedList;
}

function writeMap(writer: WireWriter, field: WireField, value: unknown): void {
  if (typeof value !== 'object' || Array.isArray(value))
    throw new ProtobufError(`${field.json} must be an object`);
  const map = value as JsonObject;
  for (const key of Object.keys(map).sort(byBytes).reverse()) {
    const before = writer.length;
    const entry = map[key];
    const isNil = entry === null && (field.scalar === scalar.bytes || isNilable(field));
    if (!isNil) writeSingle(writer, field, 2, entry);
    writer.stringField(1, key);
    writer.unsigned(writer.length - before);
    writer.tag(field.number, 2);
  }
}

function writeSingle(writer: WireWriter, field: WireField, number: number, value: unknown): void {
  switch (field.scalar) {
    case undefined:
      writeField(writer, number, field.message(), value);
      return;
    case scalar.string:
      writer.stringField(number, typed(field, value ?? '', 'string'));
      return;
    case scalar.bytes:
      writer.bytesField(number, base64(field, typed(field, value ?? '', 'string')));
      return;
    case scalar.bool:
      writer.integerField(number, typed(field, value ?? false, 'boolean') ? 1 : 0);
      return;
    case scalar.double:
      writer.double(typed(field, value ?? 0, 'number'));
      writer.tag(number, 1);
      return;
    default: {
      const integer = typed(field, value ?? 0, 'number');
      if (!Number.isInteger(integer))
        throw new ProtobufError(`${field.json} must be an integer, not ${integer}`);
      writer.integerField(number, integer);
    }
  }
}

interface TypeNames {
  string: string;
  number: number;
  boolean: boolean;
}

function typed<Name extends keyof TypeNames>(
  field: WireField,
  value: unknown,
  name: Name,
): TypeNames[Name] {
  if (typeof value !== name) throw new ProtobufError(`${field.json} must be a ${name}`);
  return value as TypeNames[Name];
}

function base64(field: WireField, text: string): Uint8Array {
  try {
    return fromBase64(text);
  } catch (cause) {
    throw new ProtobufError(`${field.json} is not base64`, { cause });
  }
}
