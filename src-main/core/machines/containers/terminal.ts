import { BytePipe, type ByteSink, concatBytes, Emitter, utf8 } from '#core/base';
import type { Signal, Tty } from '../process/index.ts';

/**
 * A pseudo-terminal in front of a container's process: echoes and edits lines until a program asks for raw bytes, turns
 * Ctrl-C into SIGINT and Ctrl-D at the start of a line into the end of input, and writes CR LF.
 */
export class ContainerTerminal implements Tty {
  columns = 80;
  rows = 24;
  readonly name = 'pts/0';
  foregroundGroup?: number;
  /** What the process reads. */
  readonly input = new BytePipe();
  readonly output: ByteSink;
  readonly #resized = new Emitter<void>();
  readonly #show: (bytes: Uint8Array) => void;
  readonly #signal: (signal: Signal) => void;
  #raw = false;
  #echo = true;
  #line: number[] = [];

  /**
   * @param show takes what the terminal shows.
   * @param signal gets the keyboard's signals, for the foreground group.
   */
  constructor(show: (bytes: Uint8Array) => void, signal: (signal: Signal) => void) {
    this.#show = show;
    this.#signal = signal;
    this.output = {
      write: (bytes) => {
        this.#show(this.#raw ? bytes : withCarriageReturns(bytes));
        return Promise.resolve();
      },
      end: () => undefined,
    };
  }

  setRaw(raw: boolean): void {
    this.#raw = raw;
  }

  setEcho(echo: boolean): void {
    this.#echo = echo;
  }

  onResize(listener: () => void): { dispose(): void } {
    return this.#resized.event(listener);
  }

  resize(columns: number, rows: number): void {
    if (columns <= 0 || rows <= 0) return;
    this.columns = columns;
    this.rows = rows;
    this.#resized.fire();
  }

  /** What the client types. */
  type(bytes: Uint8Array): void {
    if (this.#raw) {
      void this.input.write(bytes).catch(() => undefined);
      return;
    }
    for (const byte of bytes) this.#key(byte);
  }

  #key(byte: number): void {
    switch (byte) {
      case 3:
        this.#echoed('^C\r\n');
        this.#line = [];
        this.#signal('SIGINT');
        return;
      case 4:
        if (this.#line.length > 0) this.#submit();
        else this.input.end();
        return;
      case 8:
      case 127:
        if (this.#line.length === 0) return;
        // One character may be several bytes: continuation bytes go with it.
        while (((this.#line.pop() ?? 0) & 0xc0) === 0x80);
        this.#echoed('\b \b');
        return;
      case 21:
        this.#echoed('\b \b'.repeat(this.#line.length));
        this.#line = [];
        return;
      case 10:
      case 13:
        this.#line.push(10);
        this.#echoed('\r\n');
        this.#submit();
        return;
      case 28:
        this.#signal('SIGQUIT');
        return;
      default:
        this.#line.push(byte);
        if (this.#echo) this.#show(Uint8Array.of(byte));
    }
  }

  #submit(): void {
    const line = Uint8Array.from(this.#line);
    this.#line = [];
    void this.input.write(line).catch(() => undefined);
  }

  #echoed(text: string): void {
    if (this.#echo) this.#show(utf8(text));
  }
}

function withCarriageReturns(bytes: Uint8Array): Uint8Array {
  if (!bytes.includes(10)) return bytes;
  const parts: Uint8Array[] = [];
  let start = 0;
  for (let end = bytes.indexOf(10); end >= 0; end = bytes.indexOf(10, start)) {
    parts.push(bytes.subarray(start, end));
    if (bytes[end - 1] !== 13) parts.push(Uint8Array.of(13));
    parts.push(Uint8Array.of(10));
    start = end + 1;
  }
  parts.push(bytes.subarray(start));
  return concatBytes(parts);
}
