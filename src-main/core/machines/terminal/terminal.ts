import {
  BytePipe,
  type ByteSink,
  type ByteSource,
  type Disposable,
  Emitter,
  utf8,
} from '#core/base';
import { type EditRequest, markTerminal, type Signal, type Tty } from '../process/index.ts';
import { charWidth } from './width.ts';

export interface TerminalOptions {
  readonly columns: number;
  readonly rows: number;
  /** `pts/0`. */
  readonly name: string;
  /** Sends a signal to a process group. */
  readonly signal: (group: number, signal: Signal) => void;
  readonly edit?: (request: EditRequest) => Promise<void>;
}

/** The reading side of the terminal's programs: lines, and now and then an end of file. */
class TerminalInput implements ByteSource {
  readonly #queue: (Uint8Array | undefined)[] = [];
  #reader: ((bytes: Uint8Array | undefined) => void) | undefined;
  #closed = false;

  read(): Promise<Uint8Array | undefined> {
    if (this.#queue.length > 0) return Promise.resolve(this.#queue.shift());
    if (this.#closed) return Promise.resolve(undefined);
    return new Promise((resolve) => {
      this.#reader = resolve;
    });
  }

  push(bytes: Uint8Array | undefined): void {
    const reader = this.#reader;
    this.#reader = undefined;
    if (reader) reader(bytes);
    else this.#queue.push(bytes);
  }

  flush(): void {
    this.#queue.length = 0;
  }

  close(): void {
    this.#closed = true;
    this.#reader?.(undefined);
    this.#reader = undefined;
  }
}

/**
 * A pseudo-terminal with Linux' line discipline: in canonical mode it echoes and edits a line, and turns Ctrl-C, Ctrl-\
 * and Ctrl-Z into signals for the foreground process group; in raw mode every byte goes through.
 * @see termios(3)
 */
export class Terminal implements Tty {
  readonly name: string;
  columns: number;
  rows: number;
  foregroundGroup?: number;
  readonly edit?: (request: EditRequest) => Promise<void>;
  /** What programs read. */
  readonly source = new TerminalInput();
  /** What programs write to. */
  readonly sink: ByteSink;
  /** What the person sees; ends when the last program lets go of the terminal. */
  readonly output: ByteSink & ByteSource;
  readonly #screen = new BytePipe();
  readonly #signal: TerminalOptions['signal'];
  readonly #resized = new Emitter<void>();
  readonly #decoder = new TextDecoder();
  #raw = false;
  #echo = true;
  #line: string[] = [];
  #literal = false;

  constructor(options: TerminalOptions) {
    this.name = options.name;
    this.columns = options.columns;
    this.rows = options.rows;
    this.#signal = options.signal;
    if (options.edit) this.edit = options.edit;
    this.sink = {
      write: (bytes) => {
        this.#show(bytes);
        return Promise.resolve();
      },
      end: () => this.#screen.end(),
    };
    this.output = Object.assign(
      { read: () => this.#screen.read() },
      { write: (bytes: Uint8Array) => this.sink.write(bytes), end: () => undefined },
    );
    markTerminal(this.source, this);
    markTerminal(this.sink, this);
  }

  get input(): ByteSource {
    return this.source;
  }

  setRaw(raw: boolean): void {
    this.#raw = raw;
    if (raw && this.#line.length > 0) {
      this.source.push(utf8(this.#line.join('')));
      this.#line = [];
    }
  }

  setEcho(echo: boolean): void {
    this.#echo = echo;
  }

  onResize(listener: () => void): Disposable {
    return this.#resized.event(listener);
  }

  resize(columns: number, rows: number): void {
    if (columns === this.columns && rows === this.rows) return;
    this.columns = columns;
    this.rows = rows;
    this.#resized.fire();
    if (this.foregroundGroup !== undefined) this.#signal(this.foregroundGroup, 'SIGWINCH');
  }

  /** The line is cut: readers see the end. */
  hangUp(): void {
    this.source.close();
    this.#screen.end();
  }

  /** Bytes from the keyboard. */
  type(bytes: Uint8Array): void {
    let plain = '';
    for (const char of this.#decoder.decode(bytes, { stream: true })) {
      if (this.#raw) plain += char;
      else this.#key(char === '\r' ? '\n' : char);
    }
    if (plain !== '') this.source.push(utf8(plain));
  }

  #show(bytes: Uint8Array): void {
    const text = this.#raw ? bytes : newlines(bytes);
    void this.#screen.write(text).catch(() => undefined);
  }

  #print(text: string): void {
    void this.#screen.write(utf8(text)).catch(() => undefined);
  }

  #key(char: string): void {
    if (this.#literal) {
      this.#literal = false;
      return this.#insert(char);
    }
    const signal = ({ '\x03': 'SIGINT', '\x1c': 'SIGQUIT', '\x1a': 'SIGTSTP' } as const)[char];
    if (signal) {
      this.#print(caret(char));
      this.#line = [];
      this.source.flush();
      if (this.foregroundGroup !== undefined) this.#signal(this.foregroundGroup, signal);
      return;
    }
    switch (char) {
      case '\n':
        if (this.#echo) this.#print('\r\n');
        this.source.push(utf8(`${this.#line.join('')}\n`));
        this.#line = [];
        return;
      case '\x04':
        this.source.push(this.#line.length > 0 ? utf8(this.#line.join('')) : undefined);
        this.#line = [];
        return;
      case '\x7f':
      case '\b':
        this.#erase(1);
        return;
      case '\x15':
        this.#erase(this.#line.length);
        return;
      case '\x17': {
        const word = /\S*\s*$/.exec(this.#line.join(''))?.[0] ?? '';
        this.#erase([...word].length);
        return;
      }
      case '\x16':
        this.#literal = true;
        return;
      default:
        this.#insert(char);
    }
  }

  #insert(char: string): void {
    this.#line.push(char);
    if (this.#echo) this.#print(caret(char));
  }

  #erase(count: number): void {
    for (let left = count; left > 0 && this.#line.length > 0; left--) {
      const char = this.#line.pop() ?? '';
      const width = char < ' ' ? 2 : charWidth(char);
      if (this.#echo) this.#print('\b \b'.repeat(width));
    }
  }
}

/** Control characters are echoed as `^C`. */
function caret(char: string): string {
  if (char === '\t' || char >= ' ') return char === '\x7f' ? '^?' : char;
  return `^${String.fromCharCode(char.charCodeAt(0) + 64)}`;
}

function newlines(bytes: Uint8Array): Uint8Array {
  const count = bytes.reduce((sum, byte) => sum + (byte === 10 ? 1 : 0), 0);
  if (count === 0) return bytes;
  const result = new Uint8Array(bytes.length + count);
  let at = 0;
  for (const byte of bytes) {
    if (byte === 10) result[at++] = 13;
    result[at++] = byte;
  }
  return result;
}
