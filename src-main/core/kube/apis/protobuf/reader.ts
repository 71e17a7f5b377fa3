import { ProtobufError } from './error.ts';

/** Wire types of protobuf. */
export const wireType = { varint: 0, fixed64: 1, bytes: 2, fixed32: 5 } as const;

/** Reads protobuf's primitives from a range of bytes; everything it is told to read must lie inside. */
export class WireReader {
  readonly #bytes: Uint8Array;
  #position: number;
  readonly #end: number;

  constructor(bytes: Uint8Array, start = 0, end = bytes.length) {
    this.#bytes = bytes;
    this.#position = start;
    this.#end = end;
  }

  get done(): boolean {
    return this.#position >= this.#end;
  }

  /** A field's number and wire type. */
  tag(): { number: number; type: number } {
    const value = this.unsigned();
    const number = Math.floor(value / 8);
    if (number < 1 || number > 0x1fffffff) throw new ProtobufError(`illegal tag ${number}`);
    return { number, type: value % 8 };
  }

  /** A varint below 2^53: a tag or a length. */
  unsigned(): number {
    let value = 0;
    let factor = 1;
    for (let count = 0; count < 10; count++) {
      const byte = this.#byte();
      value += (byte & 0x7f) * factor;
      if (byte < 0x80) {
        if (value > Number.MAX_SAFE_INTEGER) throw new ProtobufError('integer overflow');
        return value;
      }
      factor *= 128;
    }
    throw new ProtobufError('integer overflow');
  }

  /** A signed 64-bit varint; beyond 2^53 it loses its last digits, as any JSON number here. */
  integer(): number {
    let low = 0;
    let factor = 1;
    for (let count = 0; count < 7; count++) {
      const byte = this.#byte();
      low += (byte & 0x7f) * factor;
      if (byte < 0x80) return low;
      factor *= 128;
    }
    let wide = BigInt(low);
    for (let shift = 49n; shift < 70n; shift += 7n) {
      const byte = this.#byte();
      wide |= BigInt(byte & 0x7f) << shift;
      if (byte < 0x80) return Number(BigInt.asIntN(64, wide));
    }
    throw new ProtobufError('integer overflow');
  }

  double(): number {
    const start = this.#take(8);
    return new DataView(this.#bytes.buffer, this.#bytes.byteOffset + start, 8).getFloat64(0, true);
  }

  /** A length-delimited value, not copied. */
  bytes(): Uint8Array {
    const length = this.unsigned();
    const start = this.#take(length);
    return this.#bytes.subarray(start, start + length);
  }

  skip(type: number): void {
    switch (type) {
      case wireType.varint:
        this.integer();
        break;
      case wireType.fixed64:
        this.#take(8);
        break;
      case wireType.bytes:
        this.bytes();
        break;
      case wireType.fixed32:
        this.#take(4);
        break;
      default:
        throw new ProtobufError(`wire type ${type} is not in use`);
    }
  }

  #byte(): number {
    return this.#bytes[this.#take(1)] ?? 0;
  }

  #take(length: number): number {
    const start = this.#position;
    if (length > this.#end - start) throw new ProtobufError('unexpected end of the message');
    this.#position = start + length;
    return start;
  }
}
