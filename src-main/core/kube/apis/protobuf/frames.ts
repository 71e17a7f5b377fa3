import { concatBytes, type DeepReadonly, type JsonObject } from '#core/base';
import type { WatchEventType } from '../../machinery/index.ts';
import { decodeProtobuf } from './decode.ts';
import { encodeProtobuf } from './encode.ts';
import { ProtobufError } from './error.ts';
import { WireReader, wireType } from './reader.ts';
import { WireWriter } from './writer.ts';

/** Content type of a watch whose frames are protobuf. */
export const protobufWatchContentType = 'application/vnd.kubernetes.protobuf;stream=watch';

/** Frames longer than this are refused, as client-go refuses them. */
const maxFrameBytes = 16 * 1024 * 1024;

/**
 * One event of a protobuf watch: four bytes of length (big-endian), then a bare WatchEvent message around the
 * enveloped object.
 *
 * @throws ProtobufError the object's kind has no protobuf form.
 */
export function encodeWatchFrame(
  type: WatchEventType,
  object: DeepReadonly<Record<string, unknown>>,
): Uint8Array<ArrayBuffer> {
  const raw = new WireWriter();
  raw.bytesField(1, encodeProtobuf(object));
  const event = new WireWriter();
  event.bytesField(2, raw.finish());
  event.stringField(1, type);
  const body = event.finish();
  const frame = new Uint8Array(4 + body.length);
  new DataView(frame.buffer).setUint32(0, body.length);
  frame.set(body, 4);
  return frame;
}

/** Reads a WatchEvent out of a frame's body. */
export function decodeWatchFrame(body: Uint8Array): { type: string; object: JsonObject } {
  let type = '';
  let object: JsonObject | undefined;
  const reader = new WireReader(body);
  while (!reader.done) {
    const tag = reader.tag();
    if (tag.type !== wireType.bytes) {
      reader.skip(tag.type);
      continue;
    }
    const bytes = reader.bytes();
    if (tag.number === 1) type = new TextDecoder().decode(bytes);
    if (tag.number === 2) object = decodeRaw(bytes);
  }
  if (!object) throw new ProtobufError('a watch event without an object');
  return { type, object };
}

function decodeRaw(bytes: Uint8Array): JsonObject {
  const reader = new WireReader(bytes);
  const { number } = reader.tag();
  if (number !== 1) throw new ProtobufError('a watch event without an object');
  return decodeProtobuf(reader.bytes());
}

/** Cuts a stream of length-delimited frames into their bodies. */
export class FrameSplitter {
  #rest: Uint8Array = new Uint8Array();

  /**
   * @returns bodies complete with this chunk.
   * @throws ProtobufError a frame announces more than 16 MiB.
   */
  push(chunk: Uint8Array): Uint8Array[] {
    const bytes = this.#rest.length === 0 ? chunk : concatBytes([this.#rest, chunk]);
    const bodies: Uint8Array[] = [];
    let at = 0;
    while (bytes.length - at >= 4) {
      const length = new DataView(bytes.buffer, bytes.byteOffset + at, 4).getUint32(0);
      if (length > maxFrameBytes) throw new ProtobufError(`a frame of ${length} bytes is too long`);
      if (bytes.length - at - 4 < length) break;
      bodies.push(bytes.subarray(at + 4, at + 4 + length));
      at += 4 + length;
    }
    this.#rest = bytes.subarray(at);
    return bodies;
  }
}
