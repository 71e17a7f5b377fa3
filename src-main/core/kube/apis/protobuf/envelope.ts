import { fromUtf8 } from '#core/base';
import { ProtobufError } from './error.ts';
import { WireReader, wireType } from './reader.ts';
import { isEnveloped } from './special-types.ts';
import { WireWriter } from './writer.ts';

/** The media type of enveloped objects. */
export const protobufContentType = 'application/vnd.kubernetes.protobuf';

const magic = new Uint8Array([0x6b, 0x38, 0x73, 0]);

/** runtime.Unknown: a kind and its message. */
interface Envelope {
  readonly apiVersion: string;
  readonly kind: string;
  readonly raw: Uint8Array;
}

/** @throws ProtobufError the magic number is missing, or the envelope is malformed. */
export function unwrap(bytes: Uint8Array): Envelope {
  if (!isEnveloped(bytes))
    throw new ProtobufError(
      'provided data does not appear to be a protobuf message, expected prefix "k8s\\x00"',
    );
  const fields = bytesByNumber(new WireReader(bytes, magic.length));
  const type = bytesByNumber(new WireReader(fields.get(1) ?? new Uint8Array()));
  return {
    apiVersion: fromUtf8(type.get(1) ?? new Uint8Array()),
    kind: fromUtf8(type.get(2) ?? new Uint8Array()),
    raw: fields.get(2) ?? new Uint8Array(),
  };
}

export function wrap(apiVersion: string, kind: string, raw: Uint8Array): Uint8Array<ArrayBuffer> {
  const type = new WireWriter();
  type.stringField(2, kind);
  type.stringField(1, apiVersion);
  const writer = new WireWriter();
  writer.stringField(4, '');
  writer.stringField(3, '');
  writer.bytesField(2, raw);
  writer.bytesField(1, type.finish());
  writer.raw(magic);
  return writer.finish();
}

function bytesByNumber(reader: WireReader): Map<number, Uint8Array> {
  const found = new Map<number, Uint8Array>();
  while (!reader.done) {
    const { number, type } = reader.tag();
    if (type === wireType.bytes) found.set(number, reader.bytes());
    else reader.skip(type);
  }
  return found;
}
