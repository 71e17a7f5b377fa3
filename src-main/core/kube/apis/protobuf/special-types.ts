import { fromUtf8, type JsonObject, type JsonValue, utf8 } from '#core/base';
import { formatTime } from '../../machinery/index.ts';
import { ProtobufError } from './error.ts';
import { WireReader, wireType } from './reader.ts';
import type { WireWriter } from './writer.ts';

/** Reads and writes of a nested ordinary message, lent to the types that hold one. */
export interface Nested {
  readonly jsonSchema: {
    decode(bytes: Uint8Array): JsonObject;
    encode(writer: WireWriter, number: number, value: unknown): void;
  };
  /** An enveloped object inside a RawExtension. */
  decodeEnvelope(bytes: Uint8Array): JsonObject;
}

/** A type whose JSON is not the object its message would suggest. */
export interface SpecialType {
  decode(bytes: Uint8Array, nested: Nested): JsonValue;
  /** Writes the body; the caller adds length and tag. `undefined` stands for Go's zero value. */
  encode(writer: WireWriter, value: unknown, nested: Nested): void;
}

/** `k8s` and a zero byte begin an enveloped object. */
export function isEnveloped(bytes: Uint8Array): boolean {
  return bytes[0] === 0x6b && bytes[1] === 0x38 && bytes[2] === 0x73 && bytes[3] === 0;
}

interface Parts {
  readonly strings: string[];
  readonly bytes: Uint8Array[];
  integer: number;
}

/** All values of a small message by field number. */
function parts(bytes: Uint8Array): Map<number, Parts> {
  const reader = new WireReader(bytes);
  const found = new Map<number, Parts>();
  while (!reader.done) {
    const { number, type } = reader.tag();
    const part = found.get(number) ?? { strings: [], bytes: [], integer: 0 };
    found.set(number, part);
    if (type === wireType.bytes) part.bytes.push(reader.bytes());
    else if (type === wireType.varint) part.integer = reader.integer();
    else reader.skip(type);
  }
  return found;
}

function parseJson(bytes: Uint8Array): JsonValue {
  try {
    return JSON.parse(fromUtf8(bytes)) as JsonValue;
  } catch (cause) {
    throw new ProtobufError('raw JSON does not parse', { cause });
  }
}

function text(value: unknown, what: string): string {
  if (typeof value !== 'string') throw new ProtobufError(`${what} must be a string`);
  return value;
}

const time: SpecialType = {
  decode(bytes) {
    if (bytes.length === 0) return null;
    return formatTime(instant(parts(bytes)).seconds * 1000);
  },
  encode(writer, value) {
    if (value !== undefined && value !== null) writeInstant(writer, text(value, 'a time'), false);
  },
};

const microTime: SpecialType = {
  decode(bytes) {
    if (bytes.length === 0) return null;
    const { seconds, nanos } = instant(parts(bytes));
    const micros = String(Math.floor(nanos / 1000)).padStart(6, '0');
    return `${formatTime(seconds * 1000).slice(0, -1)}.${micros}Z`;
  },
  encode(writer, value) {
    if (value !== undefined && value !== null) writeInstant(writer, text(value, 'a time'), true);
  },
};

/** Seconds of the year 0001 to the end of 9999, all that RFC 3339 can write. */
const [earliest, latest] = [-62135596800, 253402300799];

function instant(found: Map<number, Parts>): { seconds: number; nanos: number } {
  const seconds = found.get(1)?.integer ?? 0;
  const nanos = found.get(2)?.integer ?? 0;
  if (seconds < earliest || seconds > latest || nanos < 0 || nanos >= 1e9)
    throw new ProtobufError('a time is out of range');
  return { seconds, nanos };
}

function writeInstant(writer: WireWriter, value: string, withFraction: boolean): void {
  const ms = Date.parse(value);
  if (Number.isNaN(ms)) throw new ProtobufError(`${JSON.stringify(value)} is not a time`);
  const fraction = /\.(\d{1,6})/.exec(value)?.[1] ?? '';
  writer.integerField(2, withFraction ? Number(fraction.padEnd(6, '0')) * 1000 : 0);
  writer.integerField(1, Math.floor(ms / 1000));
}

const quantity: SpecialType = {
  decode(bytes) {
    const value = parts(bytes).get(1)?.bytes.at(-1);
    return value && value.length > 0 ? fromUtf8(value) : '0';
  },
  encode(writer, value) {
    const plain = typeof value === 'number' ? String(value) : value;
    writer.stringField(1, text(plain ?? '0', 'a quantity'));
  },
};

const intOrString: SpecialType = {
  decode(bytes) {
    const found = parts(bytes);
    if ((found.get(1)?.integer ?? 0) === 0) return found.get(2)?.integer ?? 0;
    return fromUtf8(found.get(3)?.bytes.at(-1) ?? new Uint8Array());
  },
  encode(writer, value) {
    const isText = typeof value === 'string';
    if (!isText && value !== undefined && typeof value !== 'number')
      throw new ProtobufError('an int-or-string is neither');
    writer.stringField(3, isText ? value : '');
    writer.integerField(2, isText ? 0 : (value ?? 0));
    writer.integerField(1, isText ? 1 : 0);
  },
};

/** `{ raw = 1 }` holding JSON. */
const rawJson: SpecialType = {
  decode(bytes, nested) {
    const raw = parts(bytes).get(1)?.bytes.at(-1);
    if (!raw || raw.length === 0) return null;
    return isEnveloped(raw) ? nested.decodeEnvelope(raw) : parseJson(raw);
  },
  encode(writer, value) {
    if (value !== undefined && value !== null) writer.stringField(1, JSON.stringify(value));
  },
};

const schemaOrArray: SpecialType = {
  decode(bytes, { jsonSchema }) {
    const found = parts(bytes);
    const one = found.get(1)?.bytes.at(-1);
    return one
      ? jsonSchema.decode(one)
      : (found.get(2)?.bytes ?? []).map((each) => jsonSchema.decode(each));
  },
  encode(writer, value, { jsonSchema }) {
    if (Array.isArray(value))
      for (const each of value.toReversed()) jsonSchema.encode(writer, 2, each);
    else if (value !== undefined && value !== null) jsonSchema.encode(writer, 1, value);
  },
};

const schemaOrBool: SpecialType = {
  decode(bytes, { jsonSchema }) {
    const found = parts(bytes);
    const schema = found.get(2)?.bytes.at(-1);
    return schema ? jsonSchema.decode(schema) : (found.get(1)?.integer ?? 0) !== 0;
  },
  encode(writer, value, { jsonSchema }) {
    const isSchema = typeof value === 'object' && value !== null;
    if (isSchema) jsonSchema.encode(writer, 2, value);
    writer.integerField(1, isSchema || value === true ? 1 : 0);
  },
};

const schemaOrStringArray: SpecialType = {
  decode(bytes, { jsonSchema }) {
    const found = parts(bytes);
    const schema = found.get(1)?.bytes.at(-1);
    return schema ? jsonSchema.decode(schema) : (found.get(2)?.bytes ?? []).map(fromUtf8);
  },
  encode(writer, value, { jsonSchema }) {
    if (Array.isArray(value)) {
      for (const each of value.toReversed()) writer.bytesField(2, utf8(text(each, 'a property')));
    } else if (value !== undefined && value !== null) {
      jsonSchema.encode(writer, 1, value);
    }
  },
};

const apiextensions = 'io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1';
const meta = 'io.k8s.apimachinery.pkg.apis.meta.v1';

/** Schema of a CRD, which some special types hold. */
export const jsonSchemaProps = `${apiextensions}.JSONSchemaProps`;

/** Special types by schema name. */
export const specialTypes: ReadonlyMap<string, SpecialType> = new Map([
  [`${meta}.Time`, time],
  [`${meta}.MicroTime`, microTime],
  [`${meta}.FieldsV1`, rawJson],
  ['io.k8s.apimachinery.pkg.api.resource.Quantity', quantity],
  ['io.k8s.apimachinery.pkg.util.intstr.IntOrString', intOrString],
  ['io.k8s.apimachinery.pkg.runtime.RawExtension', rawJson],
  [`${apiextensions}.JSON`, rawJson],
  [`${apiextensions}.JSONSchemaPropsOrArray`, schemaOrArray],
  [`${apiextensions}.JSONSchemaPropsOrBool`, schemaOrBool],
  [`${apiextensions}.JSONSchemaPropsOrStringArray`, schemaOrStringArray],
]);
