/** The last bytes of a stream, at most `capacity`; what is older is forgotten. */
export class OutputRing {
  readonly #capacity: number;
  readonly #chunks: Uint8Array[] = [];
  #length = 0;

  constructor(capacity: number) {
    this.#capacity = capacity;
  }

  push(bytes: Uint8Array): void {
    this.#chunks.push(bytes);
    this.#length += bytes.length;
    while (this.#length > this.#capacity) {
      const [oldest] = this.#chunks as [Uint8Array];
      const surplus = this.#length - this.#capacity;
      if (oldest.length <= surplus) {
        this.#chunks.shift();
        this.#length -= oldest.length;
      } else {
        this.#chunks[0] = oldest.subarray(surplus);
        this.#length -= surplus;
      }
    }
  }

  /** What is remembered, oldest first. */
  chunks(): readonly Uint8Array[] {
    return [...this.#chunks];
  }
}
