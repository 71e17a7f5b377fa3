import { BytePipe } from '#core/base';
import type { Connection } from '#core/kube';
import type { ByteChannel } from './byte-channel.ts';
import { HeaderCodec } from './spdy-headers.ts';

const frameTypes = { synStream: 1, synReply: 2, rstStream: 3, ping: 6, headers: 8 } as const;
const flagFin = 1;
/** RST_STREAM's reason of one who no longer wants the stream. */
const cancel = 5;

/**
 * The client's side of SPDY/3.1 as Kubernetes speaks it: it opens streams and carries their bytes. Windows are
 * neither sent nor heeded, as in the only other client there is.
 * @see SPDY Protocol Draft 3.1; github.com/moby/spdystream/connection.go
 */
export class SpdyClient {
  readonly #channel: ByteChannel;
  readonly #codec = new HeaderCodec();
  readonly #streams = new Map<number, BytePipe>();
  #nextStreamId = 1;
  /** Header blocks share one compressor: their frames go out in the order in which they were made. */
  #opening: Promise<unknown> = Promise.resolve();

  constructor(channel: ByteChannel) {
    this.#channel = channel;
    void this.#run();
  }

  /** @param headers names in lower case. */
  open(headers: Readonly<Record<string, string>>): Promise<Connection> {
    const opened = this.#opening.then(async () => {
      const id = this.#nextStreamId;
      this.#nextStreamId += 2;
      const input = new BytePipe();
      this.#streams.set(id, input);
      const block = await this.#codec.encode(headers);
      await this.#control(
        frameTypes.synStream,
        Buffer.concat([numbers(id, 0), Buffer.alloc(2), block]),
      );
      return {
        input,
        output: {
          write: (bytes: Uint8Array) => this.#data(id, 0, bytes),
          end: () => void this.#data(id, flagFin, new Uint8Array()),
        },
        close: () => {
          if (this.#streams.delete(id))
            void this.#control(frameTypes.rstStream, numbers(id, cancel));
          input.end();
        },
      };
    });
    this.#opening = opened.catch(() => undefined);
    return opened;
  }

  close(): void {
    this.#channel.end();
  }

  async #run(): Promise<void> {
    try {
      await this.#readFrames();
    } catch {
      // A server that breaks the protocol is left; its streams end below.
    } finally {
      this.close();
      for (const input of this.#streams.values()) input.end();
      this.#codec.dispose();
    }
  }

  async #readFrames(): Promise<void> {
    let buffer: Buffer = Buffer.alloc(0);
    for (let chunk = await this.#channel.read(); chunk; chunk = await this.#channel.read()) {
      buffer = Buffer.concat([buffer, chunk]);
      while (buffer.length >= 8) {
        const length = buffer.readUIntBE(5, 3);
        if (buffer.length < 8 + length) break;
        await this.#frame(buffer.subarray(0, 8), buffer.subarray(8, 8 + length));
        buffer = buffer.subarray(8 + length);
      }
    }
  }

  async #frame(head: Buffer, payload: Buffer): Promise<void> {
    const ends = (head.readUInt8(4) & flagFin) !== 0;
    if ((head.readUInt8(0) & 0x80) === 0) {
      const id = head.readUInt32BE(0);
      const input = this.#streams.get(id);
      if (payload.length > 0) await input?.write(Buffer.from(payload)).catch(() => undefined);
      if (ends) input?.end();
      return;
    }
    switch (head.readUInt16BE(2)) {
      case frameTypes.synReply:
      case frameTypes.headers:
        // They say nothing that is needed, but the compression of later headers builds on them.
        await this.#codec.decode(payload.subarray(4));
        if (ends) this.#streams.get(payload.readUInt32BE(0))?.end();
        return;
      case frameTypes.rstStream:
        this.#streams.get(payload.readUInt32BE(0) & 0x7fffffff)?.end();
        return;
      case frameTypes.ping:
        await this.#control(frameTypes.ping, payload);
        return;
      default:
      // SETTINGS, GOAWAY and WINDOW_UPDATE ask for nothing.
    }
  }

  #control(type: number, payload: Uint8Array): Promise<void> {
    const head = Buffer.alloc(8);
    head.writeUInt16BE(0x8003, 0);
    head.writeUInt16BE(type, 2);
    head.writeUIntBE(payload.length, 5, 3);
    return this.#channel.write(Buffer.concat([head, payload]));
  }

  #data(id: number, flags: number, bytes: Uint8Array): Promise<void> {
    const head = Buffer.alloc(8);
    head.writeUInt32BE(id, 0);
    head.writeUInt8(flags, 4);
    head.writeUIntBE(bytes.length, 5, 3);
    return this.#channel.write(Buffer.concat([head, bytes]));
  }
}

function numbers(first: number, second: number): Buffer {
  const bytes = Buffer.alloc(8);
  bytes.writeUInt32BE(first, 0);
  bytes.writeUInt32BE(second, 4);
  return bytes;
}
