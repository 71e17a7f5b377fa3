import { BytePipe, type ByteSource } from '#core/base';
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

/** Reasons of RST_STREAM. */
const protocolError = 1;
const invalidStream = 2;
/** Data frames of ours. */
const dataLimit = 32 * 1024;

/** One stream that the client opened. */
export interface SpdyStream {
  readonly id: number;
  /** Names in lower case. */
  readonly headers: ReadonlyMap<string, string>;
  readonly input: ByteSource;
  /** Resolves when the connection has room for more. */
  write(bytes: Uint8Array): Promise<void>;
  /** No more from this side. */
  end(): void;
  /** Breaks the stream off. */
  reset(): void;
}

/**
 * The server's side of SPDY/3.1 as Kubernetes clients speak it: they open streams, we answer and carry bytes.
 *
 * Windows: the only client there is, Go's spdystream, neither sends nor heeds WINDOW_UPDATE. Ours are sent for
 * the sake of the protocol; what holds either side back is the connection below.
 *
 * @see SPDY Protocol Draft 3.1; github.com/moby/spdystream/connection.go
 */
export class SpdyConnection {
  readonly #channel: ByteChannel;
  readonly #onStream: (stream: SpdyStream) => void;
  readonly #codec = new HeaderCodec();
  readonly #streams = new Map<number, ServerStream>();
  #lastStreamId = 0;
  #ended = false;

  /** @param onStream told of each stream after it was answered. */
  constructor(channel: ByteChannel, onStream: (stream: SpdyStream) => void) {
    this.#channel = channel;
    this.#onStream = onStream;
  }

  /** Serves until the connection ends. */
  async run(): Promise<void> {
    try {
      await readFrames(this.#channel, (frame) => this.#frame(frame));
    } catch {
      // A peer that breaks the protocol is cut off; there is nobody to tell.
    } finally {
      this.close();
      for (const stream of this.#streams.values()) stream.pipe.end();
      this.#codec.dispose();
    }
  }

  /** Says good-bye and ends the connection after what was written. */
  close(): void {
    if (this.#ended) return;
    void this.#sendControl(frameTypes.goAway, numberBytes(this.#lastStreamId, 0));
    this.#ended = true;
    this.#channel.end();
  }

  async #frame(frame: Frame): Promise<void> {
    const { flags, payload } = frame;
    if (frame.kind === 'data') {
      await this.#data(frame.streamId, flags, payload);
      return;
    }
    switch (frame.type) {
      case frameTypes.synStream:
        await this.#opened(streamIdOf(payload), flags, payload.subarray(10));
        return;
      case frameTypes.rstStream: {
        const id = streamIdOf(payload);
        this.#streams.get(id)?.broken();
        this.#streams.delete(id);
        return;
      }
      case frameTypes.ping:
        await this.#sendControl(frameTypes.ping, payload);
        return;
      case frameTypes.headers:
        // Nobody asked for them, but the compression of later headers builds on them.
        await this.#codec.decode(payload.subarray(4));
        return;
      default:
      // SETTINGS, GOAWAY and WINDOW_UPDATE ask for nothing that would change what we do.
    }
  }

  async #opened(id: number, flags: number, block: Buffer): Promise<void> {
    const headers = await this.#codec.decode(block);
    if (id % 2 === 0 || id <= this.#lastStreamId) {
      await this.#reset(id, protocolError);
      return;
    }
    this.#lastStreamId = id;
    const stream = new ServerStream(id, headers, {
      send: (bytes, isLast) => this.#sendData(id, bytes, isLast),
      reset: () => this.#reset(id, protocolError),
      closed: () => this.#streams.delete(id),
    });
    this.#streams.set(id, stream);
    if ((flags & flagFin) !== 0) stream.peerEnded();
    const reply = Buffer.concat([numberBytes(id), await this.#codec.encode({})]);
    void this.#sendControl(frameTypes.synReply, reply);
    this.#onStream(stream);
  }

  async #data(id: number, flags: number, payload: Buffer): Promise<void> {
    const stream = this.#streams.get(id);
    if (!stream) {
      await this.#reset(id, invalidStream);
      return;
    }
    if (payload.length > 0) {
      // A full pipe stops the whole connection, as it does in Go.
      await stream.pipe.write(Buffer.from(payload)).catch(() => undefined);
      void this.#sendControl(frameTypes.windowUpdate, numberBytes(id, payload.length));
      void this.#sendControl(frameTypes.windowUpdate, numberBytes(0, payload.length));
    }
    if ((flags & flagFin) !== 0) stream.peerEnded();
  }

  #reset(id: number, reason: number): Promise<void> {
    return this.#sendControl(frameTypes.rstStream, numberBytes(id, reason));
  }

  async #sendData(id: number, bytes: Uint8Array, isLast: boolean): Promise<void> {
    for (let offset = 0; offset < bytes.length; offset += dataLimit)
      await this.#send(dataFrame(id, 0, bytes.subarray(offset, offset + dataLimit)));
    if (isLast) await this.#send(dataFrame(id, flagFin, new Uint8Array()));
  }

  #sendControl(type: number, payload: Uint8Array): Promise<void> {
    return this.#send(controlFrame(type, payload));
  }

  #send(frame: Buffer): Promise<void> {
    return this.#ended ? Promise.resolve() : this.#channel.write(frame);
  }
}

interface StreamOutput {
  send(bytes: Uint8Array, isLast: boolean): Promise<void>;
  reset(): Promise<void>;
  /** Both sides are done. */
  closed(): void;
}

class ServerStream implements SpdyStream {
  readonly id: number;
  readonly headers: ReadonlyMap<string, string>;
  readonly pipe = new BytePipe();
  readonly input: ByteSource = this.pipe;
  readonly #output: StreamOutput;
  #peerDone = false;
  #ownDone = false;

  constructor(id: number, headers: ReadonlyMap<string, string>, output: StreamOutput) {
    this.id = id;
    this.headers = headers;
    this.#output = output;
  }

  write(bytes: Uint8Array): Promise<void> {
    return this.#ownDone ? Promise.resolve() : this.#output.send(bytes, false);
  }

  end(): void {
    if (this.#ownDone) return;
    this.#ownDone = true;
    void this.#output.send(new Uint8Array(), true);
    this.#closeWhenDone();
  }

  reset(): void {
    this.broken();
    void this.#output.reset();
    this.#output.closed();
  }

  peerEnded(): void {
    this.#peerDone = true;
    this.pipe.end();
    this.#closeWhenDone();
  }

  broken(): void {
    this.#peerDone = true;
    this.#ownDone = true;
    this.pipe.end();
  }

  #closeWhenDone(): void {
    if (this.#peerDone && this.#ownDone) this.#output.closed();
  }
}
