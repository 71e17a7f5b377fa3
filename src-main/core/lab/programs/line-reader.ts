import { type ByteSource, decodeBytes } from '#core/base';

/** Lines of a stream as they come. */
export class LineReader {
  readonly #source: ByteSource;
  #rest = '';
  #hasEnded = false;

  constructor(source: ByteSource) {
    this.#source = source;
  }

  /** @returns undefined at the end. */
  async next(): Promise<string | undefined> {
    while (!this.#rest.includes('\n') && !this.#hasEnded) {
      const bytes = await this.#source.read();
      if (bytes) this.#rest += decodeBytes(bytes);
      else this.#hasEnded = true;
    }
    if (this.#rest === '') return undefined;
    const end = this.#rest.indexOf('\n');
    const line = end < 0 ? this.#rest : this.#rest.slice(0, end);
    this.#rest = end < 0 ? '' : this.#rest.slice(end + 1);
    return line;
  }
}
