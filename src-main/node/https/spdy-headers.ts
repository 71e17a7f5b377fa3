import zlib from 'node:zlib';
import { headerDictionary } from './spdy-dictionary.ts';
import { numberBytes } from './spdy-frames.ts';

/** Headers of one stream; bigger ones are an attack. */
const inflatedLimit = 256 * 1024;

/**
 * Compresses and expands the headers of one connection. Both directions are one zlib stream over all frames,
 * so that calls must come in the order of the frames.
 */
export class HeaderCodec {
  readonly #inflate = zlib.createInflate({ dictionary: headerDictionary });
  readonly #deflate = zlib.createDeflate({ dictionary: headerDictionary });

  /** @throws Error the block is malformed or too big. */
  async decode(block: Uint8Array): Promise<ReadonlyMap<string, string>> {
    const bytes = await pass(this.#inflate, block);
    let offset = 0;
    const readLength = (): number => {
      offset += 4;
      return bytes.readUInt32BE(offset - 4);
    };
    const readText = (): string => {
      const length = readLength();
      if (offset + length > bytes.length) throw new Error('spdy: header block is cut short');
      offset += length;
      return bytes.toString('latin1', offset - length, offset);
    };
    const headers = new Map<string, string>();
    for (let left = readLength(); left > 0; left--)
      headers.set(readText().toLowerCase(), readText());
    return headers;
  }

  encode(headers: Readonly<Record<string, string>>): Promise<Buffer> {
    const texts = Object.entries(headers).flat();
    const parts = [numberBytes(texts.length / 2)];
    for (const text of texts) parts.push(numberBytes(text.length), Buffer.from(text, 'latin1'));
    return pass(this.#deflate, Buffer.concat(parts));
  }

  dispose(): void {
    this.#inflate.close();
    this.#deflate.close();
  }
}

function pass(codec: zlib.Inflate | zlib.Deflate, input: Uint8Array): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const parts: Buffer[] = [];
    let size = 0;
    const finish = (error?: Error): void => {
      codec.off('data', onData).off('error', finish);
      if (error) reject(error);
      else resolve(Buffer.concat(parts));
    };
    const onData = (part: Buffer): void => {
      parts.push(part);
      size += part.length;
      if (size > inflatedLimit) finish(new Error('spdy: header block is too big'));
    };
    codec.on('data', onData).on('error', finish);
    codec.write(input);
    codec.flush(zlib.constants.Z_SYNC_FLUSH, () => finish());
  });
}
