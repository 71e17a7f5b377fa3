import type { Readable, Writable } from 'node:stream';
import { BrokenPipeError, type ByteSink, type ByteSource } from '#core/base';

/** A stream of this process that is read only when somebody asks: what is not read is left to the next program. */
export function sourceOf(stream: Readable): ByteSource {
  let chunks: AsyncIterator<Buffer | string> | undefined;
  return {
    read: async () => {
      chunks ??= stream[Symbol.asyncIterator]() as AsyncIterator<Buffer | string>;
      const next = await chunks.next();
      return next.done ? undefined : new Uint8Array(Buffer.from(next.value));
    },
  };
}

export function sinkOf(stream: Writable): ByteSink {
  let broken = false;
  stream.on('error', () => (broken = true));
  return {
    write: (bytes) =>
      new Promise((resolve, reject) => {
        if (broken) reject(new BrokenPipeError('broken pipe'));
        else
          stream.write(bytes, (error) => {
            if (error) reject(new BrokenPipeError('broken pipe', { cause: error }));
            else resolve();
          });
      }),
    end: () => undefined,
  };
}
