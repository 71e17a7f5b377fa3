import { type ByteSink, type Clock, utf8 } from '#core/base';

export type Severity = 'I' | 'W' | 'E' | 'F';

/** Writes lines as Kubernetes' components do: `I0101 10:00:00.000000       1 server.go:525] "Text" key="value"`. */
export class Klog {
  readonly #sink: ByteSink;
  readonly #clock: Clock;
  readonly #pid: number;

  constructor(sink: ByteSink, clock: Clock, pid: number) {
    this.#sink = sink;
    this.#clock = clock;
    this.#pid = pid;
  }

  /** @param place `file.go:123`. */
  line(severity: Severity, place: string, text: string): void {
    const iso = new Date(this.#clock.now()).toISOString();
    const stamp = `${iso.slice(5, 7)}${iso.slice(8, 10)} ${iso.slice(11, 23)}000`;
    this.#write(`${severity}${stamp} ${String(this.#pid).padStart(7)} ${place}] ${text}\n`);
  }

  /** A structured line: message and pairs, quoted as Go quotes. */
  info(place: string, message: string, pairs: Readonly<Record<string, unknown>> = {}): void {
    this.line('I', place, structured(message, pairs));
  }

  error(place: string, message: string, pairs: Readonly<Record<string, unknown>> = {}): void {
    this.line('E', place, structured(message, pairs));
  }

  /** How every component of Kubernetes ends after an error it cannot live with. */
  commandFailed(message: string): void {
    this.error('run.go:72', 'command failed', { err: message });
  }

  raw(text: string): void {
    this.#write(text);
  }

  #write(text: string): void {
    // A log that nobody reads any more is no reason to stop.
    this.#sink.write(utf8(text)).catch(() => undefined);
  }
}

function structured(message: string, pairs: Readonly<Record<string, unknown>>): string {
  const rest = Object.entries(pairs).map(([key, value]) =>
    typeof value === 'string' ? `${key}=${JSON.stringify(value)}` : `${key}=${String(value)}`,
  );
  return [JSON.stringify(message), ...rest].join(' ');
}
