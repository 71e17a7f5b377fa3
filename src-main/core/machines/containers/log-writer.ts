import { type ByteSink, type Clock, concatBytes, utf8 } from '#core/base';
import { FileError, type FileSystem } from '../filesystem/index.ts';

const maxLineBytes = 16 * 1024;
const maxFileBytes = 10 * 1024 * 1024;
const keptFiles = 5;

/**
 * Writes what a container prints to its log file, line by line as CRI wants it: time, stream, `F` for a whole line or
 * `P` for a part of one, text. At 10 MiB the file is put aside as `<name>.<time>` and begun anew.
 */
export class ContainerLog {
  readonly #files: FileSystem;
  readonly #clock: Clock;
  readonly #path: string;
  #stampMs = 0;
  #stampNanos = 0;
  #sizeBytes = 0;

  constructor(files: FileSystem, clock: Clock, path: string) {
    this.#files = files;
    this.#clock = clock;
    this.#path = path;
    files.mkdir(path.replace(/\/[^/]*$/, ''), { recursive: true, mode: 0o755 });
    files.writeFile(path, '', 0o640);
  }

  /** One stream's end; what is left without a newline is written when it ends. */
  stream(name: 'stdout' | 'stderr'): ByteSink {
    let rest: Uint8Array = new Uint8Array(0);
    return {
      write: (bytes) => {
        let pending = rest.length > 0 ? concatBytes([rest, bytes]) : bytes;
        const lines: Uint8Array[] = [];
        for (let end = pending.indexOf(10); end >= 0; end = pending.indexOf(10)) {
          this.#addLine(lines, name, pending.subarray(0, end));
          pending = pending.subarray(end + 1);
        }
        while (pending.length > maxLineBytes) {
          this.#add(lines, name, 'P', pending.subarray(0, maxLineBytes));
          pending = pending.subarray(maxLineBytes);
        }
        rest = pending.slice();
        this.#append(lines);
        return Promise.resolve();
      },
      end: () => {
        if (rest.length === 0) return;
        const lines: Uint8Array[] = [];
        // What ends without a newline stays a part. @see containerd internal/cri/io/logger.go, redirectLogs
        this.#addLine(lines, name, rest, 'P');
        rest = new Uint8Array(0);
        this.#append(lines);
      },
    };
  }

  #addLine(lines: Uint8Array[], name: string, line: Uint8Array, tag: 'F' | 'P' = 'F'): void {
    let left = line;
    while (left.length > maxLineBytes) {
      this.#add(lines, name, 'P', left.subarray(0, maxLineBytes));
      left = left.subarray(maxLineBytes);
    }
    this.#add(lines, name, tag, left);
  }

  #add(lines: Uint8Array[], name: string, tag: 'F' | 'P', text: Uint8Array): void {
    lines.push(utf8(`${this.#stamp()} ${name} ${tag} `), text, newline);
  }

  /** Lines of one millisecond differ in their nanoseconds, so that their order can be told. */
  #stamp(): string {
    const now = Math.floor(this.#clock.now());
    if (now === this.#stampMs) this.#stampNanos += 1;
    else {
      this.#stampMs = now;
      this.#stampNanos = 0;
    }
    const nanos = String(this.#stampNanos).padStart(6, '0');
    return new Date(now).toISOString().replace('Z', `${nanos}Z`);
  }

  #append(lines: readonly Uint8Array[]): void {
    if (lines.length === 0) return;
    const bytes = concatBytes(lines);
    try {
      if (this.#sizeBytes > 0 && this.#sizeBytes + bytes.length > maxFileBytes) this.#rotate();
      this.#files.appendFile(this.#path, bytes);
      this.#sizeBytes += bytes.length;
    } catch (error) {
      // The log directory is gone or the disk full: containerd drops the output, the container goes on.
      if (!(error instanceof FileError)) throw error;
    }
  }

  #rotate(): void {
    const stamp = new Date(this.#clock.now()).toISOString().replace(/[-:T]/g, '').slice(0, 14);
    const aside = `${this.#path}.${stamp.slice(0, 8)}-${stamp.slice(8)}`;
    this.#files.rename(this.#path, aside);
    this.#files.writeFile(this.#path, '', 0o640);
    this.#sizeBytes = 0;
    const directory = this.#path.replace(/\/[^/]*$/, '');
    const prefix = `${this.#path.slice(directory.length + 1)}.`;
    const old = this.#files.readdir(directory).filter((name) => name.startsWith(prefix));
    for (const name of old.slice(0, Math.max(0, old.length - (keptFiles - 1))))
      this.#files.unlink(`${directory}/${name}`);
  }
}

const newline = utf8('\n');
