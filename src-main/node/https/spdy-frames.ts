import type { ByteChannel } from './byte-channel.ts';

/** The control frames Kubernetes uses. */
export const frameTypes = {
  synStream: 1,
  synReply: 2,
  rstStream: 3,
  ping: 6,
  goAway: 7,
  headers: 8,
  windowUpdate: 9,
} as const;
/** The sender ends the stream with this frame. */
export const flagFin = 1;
/** Longer frames are no peer's. */
const frameLimit = 4 * 1024 * 1024;

/** A control frame, or data of one stream. */
export type Frame = { readonly flags: number; readonly payload: Buffer } & (
  | { readonly kind: 'control'; readonly type: number }
  | { readonly kind: 'data'; readonly streamId: number }
);

/**
 * Hands over the frames of a connection one at a time, until it ends.
 * @throws Error a frame is too long; whatever `take` throws. @see SPDY Protocol Draft 3.1, section 2.2
 */
export async function readFrames(
  channel: ByteChannel,
  take: (frame: Frame) => Promise<void>,
): Promise<void> {
  let buffer: Buffer = Buffer.alloc(0);
  for (let chunk = await channel.read(); chunk; chunk = await channel.read()) {
    buffer = buffer.length === 0 ? Buffer.from(chunk) : Buffer.concat([buffer, chunk]);
    while (buffer.length >= 8) {
      const length = buffer.readUIntBE(5, 3);
      if (length > frameLimit) throw new Error(`spdy: frame of ${length} bytes`);
      if (buffer.length < 8 + length) break;
      await take(frameOf(buffer.subarray(0, 8), buffer.subarray(8, 8 + length)));
      buffer = buffer.subarray(8 + length);
    }
  }
}

function frameOf(head: Buffer, payload: Buffer): Frame {
  const flags = head.readUInt8(4);
  return (head.readUInt8(0) & 0x80) === 0
    ? { kind: 'data', streamId: head.readUInt32BE(0), flags, payload }
    : { kind: 'control', type: head.readUInt16BE(2), flags, payload };
}

export function controlFrame(type: number, payload: Uint8Array): Buffer {
  const first = Buffer.alloc(4);
  first.writeUInt16BE(0x8003, 0);
  first.writeUInt16BE(type, 2);
  return frameBytes(first, 0, payload);
}

export function dataFrame(streamId: number, flags: number, bytes: Uint8Array): Buffer {
  return frameBytes(numberBytes(streamId), flags, bytes);
}

function frameBytes(first: Buffer, flags: number, payload: Uint8Array): Buffer {
  const rest = numberBytes(payload.length);
  rest.writeUInt8(flags, 0);
  return Buffer.concat([first, rest, payload]);
}

/** Numbers of 32 bits, as payloads carry them. */
export function numberBytes(...values: readonly number[]): Buffer {
  const bytes = Buffer.alloc(4 * values.length);
  for (const [index, value] of values.entries()) bytes.writeUInt32BE(value, 4 * index);
  return bytes;
}

/** The stream that a control frame's payload names first. */
export function streamIdOf(payload: Buffer): number {
  return payload.readUInt32BE(0) & 0x7fffffff;
}
