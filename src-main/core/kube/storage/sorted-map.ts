/** Most keys in one chunk; a chunk above it is halved. Small enough that an insert moves little memory. */
const chunkLimit = 512;

interface Chunk<T> {
  readonly keys: string[];
  readonly values: T[];
}

/**
 * A map from keys to values in the order of the keys, for tens of thousands of them: sorted arrays of at most
 * 512 keys in one sorted array. Finding is two binary searches, an insert moves at most one chunk.
 *
 *     chunks: [a b c] [f g] [k m z]     seek('h') = chunk 2, index 0
 *
 * Keys compare by UTF-16 code units, which is byte order for everything below the surrogates.
 */
export class SortedMap<T> {
  #chunks: Chunk<T>[] = [];
  #size = 0;

  get size(): number {
    return this.#size;
  }

  /** Adds a key, or replaces its value. */
  set(key: string, value: T): void {
    const [at, index] = this.#seek(key);
    // A key after the last of all goes to the last chunk, so that ascending inserts fill chunks.
    const chunkIndex = at === this.#chunks.length ? at - 1 : at;
    const chunk = this.#chunks[chunkIndex];
    if (!chunk) {
      this.#chunks.push({ keys: [key], values: [value] });
      this.#size = 1;
      return;
    }
    const position = chunkIndex === at ? index : chunk.keys.length;
    if (chunk.keys[position] === key) {
      chunk.values[position] = value;
      return;
    }
    chunk.keys.splice(position, 0, key);
    chunk.values.splice(position, 0, value);
    this.#size += 1;
    if (chunk.keys.length <= chunkLimit) return;
    const half = chunkLimit / 2;
    this.#chunks.splice(chunkIndex + 1, 0, {
      keys: chunk.keys.splice(half),
      values: chunk.values.splice(half),
    });
  }

  delete(key: string): void {
    const [at, index] = this.#seek(key);
    const chunk = this.#chunks[at];
    if (chunk?.keys[index] !== key) return;
    chunk.keys.splice(index, 1);
    chunk.values.splice(index, 1);
    this.#size -= 1;
    if (chunk.keys.length === 0) this.#chunks.splice(at, 1);
  }

  /** Calls `visit` for the values of [start, end) in order until it returns false. */
  scan(start: string, end: string | undefined, visit: (value: T) => boolean): void {
    let [at, index] = this.#seek(start);
    for (let chunk = this.#chunks[at]; chunk; chunk = this.#chunks[at]) {
      const { keys, values } = chunk;
      for (; index < keys.length; index++) {
        if (end !== undefined && (keys[index] as string) >= end) return;
        if (!visit(values[index] as T)) return;
      }
      at += 1;
      index = 0;
    }
  }

  /** How many keys lie in [start, end). */
  count(start: string, end: string | undefined): number {
    const [fromChunk, fromIndex] = this.#seek(start);
    const [toChunk, toIndex] = end === undefined ? [this.#chunks.length, 0] : this.#seek(end);
    if (toChunk < fromChunk || (toChunk === fromChunk && toIndex <= fromIndex)) return 0;
    if (toChunk === fromChunk) return toIndex - fromIndex;
    let count = toIndex - fromIndex;
    for (let at = fromChunk; at < toChunk; at++) count += this.#chunks[at]?.keys.length ?? 0;
    return count;
  }

  /** Where the first key at or after `key` is: chunk and index within it. */
  #seek(key: string): [chunk: number, index: number] {
    let low = 0;
    let high = this.#chunks.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      const keys = this.#chunks[middle]?.keys ?? [];
      if ((keys[keys.length - 1] as string) < key) low = middle + 1;
      else high = middle;
    }
    const keys = this.#chunks[low]?.keys;
    if (!keys) return [low, 0];
    let from = 0;
    let to = keys.length;
    while (from < to) {
      const middle = (from + to) >> 1;
      if ((keys[middle] as string) < key) from = middle + 1;
      else to = middle;
    }
    return [low, from];
  }
}
