import { BytePipe, type ByteSink, type ByteSource } from '#core/base';
import type { Tty } from './types.ts';

const inputs = new WeakMap<ByteSource, SharedInput>();
const holders = new WeakMap<object, number>();
const terminals = new WeakMap<object, Tty>();

/**
 * A source that several processes may read from, one after another: a reader that dies while it waits loses nothing,
 * and what a reader took too much of (`read` stops at a newline) can be put back.
 */
export class SharedInput {
  readonly source: ByteSource;
  #buffer: Uint8Array[] = [];
  #ended = false;
  #reading = false;
  readonly #waiting: ((bytes: Uint8Array | undefined) => void)[] = [];

  constructor(source: ByteSource) {
    this.source = source;
  }

  /** Whether a read would return at once. */
  get ready(): boolean {
    if (this.#buffer.length > 0 || this.#ended) return true;
    return this.source instanceof BytePipe && this.source.unreadBytes > 0;
  }

  /** @param cancel called with a function that gives the read up: the promise then never settles. */
  read(cancel?: (giveUp: () => void) => void): Promise<Uint8Array | undefined> {
    const ready = this.#buffer.shift();
    if (ready) return Promise.resolve(ready);
    if (this.#ended) return Promise.resolve(undefined);
    return new Promise((resolve) => {
      this.#waiting.push(resolve);
      cancel?.(() => {
        const index = this.#waiting.indexOf(resolve);
        if (index >= 0) this.#waiting.splice(index, 1);
      });
      void this.#fill();
    });
  }

  /** Puts bytes back before everything unread. */
  unread(bytes: Uint8Array): void {
    if (bytes.length === 0) return;
    const waiter = this.#waiting.shift();
    if (waiter) waiter(bytes);
    else this.#buffer.unshift(bytes);
  }

  async #fill(): Promise<void> {
    if (this.#reading) return;
    this.#reading = true;
    try {
      while (this.#waiting.length > 0 && !this.#ended) {
        const bytes = await this.source.read();
        if (bytes === undefined) {
          // A terminal's end of file (Ctrl-D) is for one reader only; the next one waits again.
          if (!terminals.has(this.source)) this.#ended = true;
          for (const waiter of this.#waiting.splice(0)) waiter(undefined);
          return;
        }
        const waiter = this.#waiting.shift();
        if (waiter) waiter(bytes);
        else this.#buffer.push(bytes);
      }
    } finally {
      this.#reading = false;
    }
  }
}

/** The one shared reader of a source. */
export function sharedInput(source: ByteSource): SharedInput {
  if (source instanceof ProcessInput) return source.shared;
  let shared = inputs.get(source);
  if (!shared) {
    shared = new SharedInput(source);
    inputs.set(source, shared);
  }
  return shared;
}

/** What keeps a process' streams in step with its life. */
export interface StreamGate {
  /** Resolves when the process may go on: at once unless it is stopped; never once it is dead. */
  pass(): Promise<void>;
  readonly dead: boolean;
  onDeath(callback: () => void): void;
  brokenPipe(): Promise<void>;
}

/** A process' reading end of a source. */
export class ProcessInput implements ByteSource {
  readonly shared: SharedInput;
  readonly #gate: StreamGate;

  constructor(source: ByteSource, gate: StreamGate) {
    this.shared = sharedInput(source);
    this.#gate = gate;
  }

  async read(): Promise<Uint8Array | undefined> {
    await this.#gate.pass();
    const bytes = await this.shared.read((giveUp) => this.#gate.onDeath(giveUp));
    await this.#gate.pass();
    return bytes;
  }

  unread(bytes: Uint8Array): void {
    this.shared.unread(bytes);
  }
}

/** A process' writing end of a sink. Ending it gives up this process' hold only. */
export class ProcessOutput implements ByteSink {
  readonly sink: ByteSink;
  readonly #gate: StreamGate;
  #open = true;

  constructor(sink: ByteSink, gate: StreamGate) {
    this.sink = sink instanceof ProcessOutput ? sink.sink : sink;
    this.#gate = gate;
    holdStream(this.sink);
  }

  async write(bytes: Uint8Array): Promise<void> {
    if (this.#gate.dead) return;
    await this.#gate.pass();
    try {
      await this.sink.write(bytes);
    } catch (error) {
      if (error instanceof Error && error.name === 'BrokenPipeError') await this.#gate.brokenPipe();
      throw error;
    }
  }

  end(): void {
    if (!this.#open) return;
    this.#open = false;
    releaseStream(this.sink);
  }
}

/** The stream without a process' own wrapper. */
export function underlying(stream: ByteSink): ByteSink;
export function underlying(stream: ByteSource): ByteSource;
export function underlying(stream: ByteSink | ByteSource): ByteSink | ByteSource {
  if (stream instanceof ProcessOutput) return stream.sink;
  if (stream instanceof ProcessInput) return stream.shared.source;
  return stream;
}

/** One more holder of a pipe's end, as a file descriptor is. */
export function holdStream(stream: ByteSink | ByteSource): void {
  holders.set(stream, (holders.get(stream) ?? 0) + 1);
}

/** The last release ends a sink, and closes the reading end of a pipe. */
export function releaseStream(stream: ByteSink | ByteSource): void {
  const count = (holders.get(stream) ?? 0) - 1;
  holders.set(stream, count);
  if (count > 0) return;
  if ('end' in stream) stream.end();
}

/** Holders of a pipe's reading end are counted on this object, apart from the writers. */
const readers = new WeakMap<ByteSource, object>();

export function holdReader(source: ByteSource): void {
  const key = readers.get(source) ?? {};
  readers.set(source, key);
  holders.set(key, (holders.get(key) ?? 0) + 1);
}

export function releaseReader(source: ByteSource): void {
  const key = readers.get(source);
  if (!key) return;
  const count = (holders.get(key) ?? 0) - 1;
  holders.set(key, count);
  if (count <= 0 && source instanceof BytePipe) source.close();
}

/** Marks a stream as one end of a terminal, for `test -t` and `ctx.tty`. */
export function markTerminal(stream: ByteSink | ByteSource, tty: Tty): void {
  terminals.set(stream, tty);
}

/** The terminal behind a stream, if it is one. */
export function terminalOf(stream: ByteSink | ByteSource): Tty | undefined {
  return terminals.get('read' in stream ? underlying(stream) : underlying(stream));
}

/** A source that is at its end: `/dev/null`. */
export const nullSource: ByteSource = { read: () => Promise.resolve(undefined) };

/** A sink that forgets: `/dev/null`. */
export const nullSink: ByteSink = { write: () => Promise.resolve(), end: () => undefined };
