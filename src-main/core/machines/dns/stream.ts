import { type ByteSource, concatBytes } from '#core/base';

/** A message as it goes over TCP: after its length in two bytes. @see RFC 1035, section 4.2.2 */
export function framed(message: Uint8Array): Uint8Array {
  return concatBytes([Uint8Array.of(message.length >> 8, message.length & 0xff), message]);
}

/**
 * The next message of a stream.
 * @param before what was read beyond the last one. @returns undefined when the stream ends.
 */
export async function readFrame(
  source: ByteSource,
  before: Uint8Array,
): Promise<{ message: Uint8Array; rest: Uint8Array } | undefined> {
  let bytes = before;
  for (;;) {
    const end = bytes.length < 2 ? Infinity : 2 + (((bytes[0] ?? 0) << 8) | (bytes[1] ?? 0));
    if (bytes.length >= end) return { message: bytes.slice(2, end), rest: bytes.slice(end) };
    const more = await source.read();
    if (!more) return undefined;
    bytes = concatBytes([bytes, more]);
  }
}
