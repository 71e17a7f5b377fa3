import { BytePipe, Turns } from '#core/base';
import type { Connection } from '#core/kube';
import type { ByteChannel } from './byte-channel.ts';
import {
  controlFrame,
  dataFrame,
  flagFin,
  type Frame,
  frameTypes,
  numberBytes,
  readFrames,
  streamIdOf,
} from './spdy-frames.ts';
import { HeaderCodec } from './spdy-headers.ts';

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
  readonly #opening = new Turns();

  constructor(channel: ByteChannel) {
    this.#channel = channel;
    void this.#run();
  }

  /** @param headers names in lower case. */
  open(headers: Readonly<Record<string, string>>): Promise<Connection> {
    return this.#opening.take(async () => {
      const id = this.#nextStreamId;
      this.#nextStreamId += 2;
      const input = new BytePipe();
      this.#streams.set(id, input);
      const block = await this.#codec.encode(headers);
      await this.#control(
        frameTypes.synStream,
        Buffer.concat([numberBytes(id, 0), Buffer.alloc(2), block]),
      );
      return {
        input,
        output: {
          write: (bytes: Uint8Array) => this.#data(id, 0, bytes),
          end: () => void this.#data(id, flagFin, new Uint8Array()),
        },
        close: () => {
          if (this.#streams.delete(id))
            void this.#control(frameTypes.rstStream, numberBytes(id, cancel));
          input.end();
        },
      };
    });
  }

  close(): void {
    this.#channel.end();
  }

  async #run(): Promise<void> {
    try {
      await readFrames(this.#channel, (frame) => this.#frame(frame));
    } catch {
      // A server that breaks the protocol is left; its streams end below.
    } finally {
      this.close();
      for (const input of this.#streams.values()) input.end();
      this.#codec.dispose();
    }
  }

  async #frame(frame: Frame): Promise<void> {
    const { payload } = frame;
    const ends = (frame.flags & flagFin) !== 0;
    if (frame.kind === 'data') {
      const input = this.#streams.get(frame.streamId);
      if (payload.length > 0) await input?.write(Buffer.from(payload)).catch(() => undefined);
      if (ends) input?.end();
      return;
    }
    switch (frame.type) {
      case frameTypes.synReply:
      case frameTypes.headers:
        // They say nothing that is needed, but the compression of later headers builds on them.
        await this.#codec.decode(payload.subarray(4));
        if (ends) this.#streams.get(streamIdOf(payload))?.end();
        return;
      case frameTypes.rstStream:
        this.#streams.get(streamIdOf(payload))?.end();
        return;
      case frameTypes.ping:
        await this.#control(frameTypes.ping, payload);
        return;
      default:
      // SETTINGS, GOAWAY and WINDOW_UPDATE ask for nothing.
    }
  }

  #control(type: number, payload: Uint8Array): Promise<void> {
    return this.#channel.write(controlFrame(type, payload));
  }

  #data(id: number, flags: number, bytes: Uint8Array): Promise<void> {
    return this.#channel.write(dataFrame(id, flags, bytes));
  }
}
