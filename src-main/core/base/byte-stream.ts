import { concatBytes, fromUtf8 } from './bytes.ts';

/** One direction of a pipe: bytes arrive in order until the end. */
export interface ByteSource {
  /** The next bytes; undefined at the end. At most one read may be under way. */
  read(): Promise<Uint8Array | undefined>;
}

export interface ByteSink {
  /** Resolves when the reader has room for more; rejects when the reader is gone (EPIPE). */
  write(bytes: Uint8Array): Promise<void>;
  end(): void;
}

/** The writer wrote to a pipe whose reader went away. */
export class BrokenPipeError extends Error {
  override readonly name = 'BrokenPipeError';
}

const highWaterBytes = 64 * 1024;

/** A pipe within the process: what `write` takes, `read` gives. Writers wait above 64 KiB unread. */
export class BytePipe implements ByteSource, ByteSink {
  #chunks: Uint8Array[] = [];
  #unreadBytes = 0;
  #ended = false;
  #closed = false;
  #reader: ((bytes: Uint8Array | undefined) => void) | undefined;
  readonly #writers: { resolve: () => void; reject: (error: Error) => void }[] = [];

  read(): Promise<Uint8Array | undefined> {
    const chunk = this.#chunks.shift();
    if (chunk) {
      this.#unreadBytes -= chunk.length;
      if (this.#unreadBytes < highWaterBytes)
        for (const writer of this.#writers.splice(0)) writer.resolve();
      return Promise.resolve(chunk);
    }
    if (this.#ended || this.#closed) return Promise.resolve(undefined);
    return new Promise((resolve) => {
      this.#reader = resolve;
    });
  }

  /** Bytes that can be read without waiting; for readers that poll (a terminal, a test). */
  get unreadBytes(): number {
    return this.#unreadBytes;
  }

  write(bytes: Uint8Array): Promise<void> {
    if (this.#closed || this.#ended) return Promise.reject(new BrokenPipeError('broken pipe'));
    if (bytes.length === 0) return Promise.resolve();
    if (this.#reader) {
      const reader = this.#reader;
      this.#reader = undefined;
      reader(bytes);
      return Promise.resolve();
    }
    this.#chunks.push(bytes);
    this.#unreadBytes += bytes.length;
    if (this.#unreadBytes < highWaterBytes) return Promise.resolve();
    return new Promise((resolve, reject) => {
      this.#writers.push({ resolve, reject });
    });
  }

  /** The writer is done; the reader still gets what is left. */
  end(): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#reader?.(undefined);
    this.#reader = undefined;
  }

  /** The reader is gone: what is left is dropped and writers fail. */
  close(): void {
    this.#closed = true;
    this.#chunks = [];
    this.#unreadBytes = 0;
    for (const writer of this.#writers.splice(0)) writer.reject(new BrokenPipeError('broken pipe'));
    this.#reader?.(undefined);
    this.#reader = undefined;
  }
}

/** Everything up to the end, as one array. */
export async function readAll(source: ByteSource): Promise<Uint8Array> {
  const parts: Uint8Array[] = [];
  for (let chunk = await source.read(); chunk; chunk = await source.read()) parts.push(chunk);
  return concatBytes(parts);
}

export async function readText(source: ByteSource): Promise<string> {
  return fromUtf8(await readAll(source));
}
