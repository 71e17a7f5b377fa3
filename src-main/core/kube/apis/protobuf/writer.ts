import { utf8 } from '#core/base';

/**
 * Writes protobuf from the end to the beginning, so that a message's length is known when it is written and nothing
 * is copied twice. Callers therefore write the last field first, and each field's value before its tag.
 */
export class WireWriter {
  #buffer = new Uint8Array(1024);
  #start = this.#buffer.length;

  /** Bytes written so far. */
  get length(): number {
    return this.#buffer.length - this.#start;
  }

  finish(): Uint8Array<ArrayBuffer> {
    return this.#buffer.slice(this.#start);
  }

  tag(number: number, type: number): void {
    this.unsigned(number * 8 + type);
  }

  unsigned(value: number): void {
    let size = 1;
    for (let rest = value; rest >= 128; rest = Math.floor(rest / 128)) size++;
    let at = this.#reserve(size);
    let rest = value;
    for (; rest >= 128; rest = Math.floor(rest / 128)) this.#buffer[at++] = (rest % 128) | 0x80;
    this.#buffer[at] = rest;
  }

  /** A signed integer as int32 and int64 are written. */
  integer(value: number): void {
    if (value >= 0) {
      this.unsigned(value);
      return;
    }
    let rest = BigInt.asUintN(64, BigInt(value));
    const at = this.#reserve(10);
    for (let i = 0; i < 10; i++) {
      this.#buffer[at + i] = Number(rest & 0x7fn) | (i < 9 ? 0x80 : 0);
      rest >>= 7n;
    }
  }

  double(value: number): void {
    const at = this.#reserve(8);
    new DataView(this.#buffer.buffer).setFloat64(at, value, true);
  }

  /** Bytes as they are, without a length. */
  raw(bytes: Uint8Array): void {
    const at = this.#reserve(bytes.length);
    this.#buffer.set(bytes, at);
  }

  bytesField(number: number, bytes: Uint8Array): void {
    this.raw(bytes);
    this.unsigned(bytes.length);
    this.tag(number, 2);
  }

  stringField(number: number, text: string): void {
    this.bytesField(number, utf8(text));
  }

  integerField(number: number, value: number): void {
    this.integer(value);
    this.tag(number, 0);
  }

  #reserve(size: number): number {
    if (this.#start < size) {
      const used = this.length;
      let capacity = this.#buffer.length * 2;
      while (capacity < used + size) capacity *= 2;
      const grown = new Uint8Array(capacity);
      grown.set(this.#buffer.subarray(this.#start), capacity - used);
      this.#buffer = grown;
      this.#start = capacity - used;
    }
    this.#start -= size;
    return this.#start;
  }
}
