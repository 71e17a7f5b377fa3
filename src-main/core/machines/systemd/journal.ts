import { type ByteSink, type Clock, Emitter } from '#core/base';
import type { JournalLine } from '../machine/types.ts';

const maxLines = 20_000;

/** systemd-journald: what units print and what systemd says of them. Kept in memory, oldest dropped. */
export class Journal {
  readonly #clock: Clock;
  #lines: JournalLine[] = [];
  readonly #added = new Emitter<JournalLine>();
  readonly onLine = this.#added.event;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  add(line: Omit<JournalLine, 'timeMs'>): void {
    const stamped = { ...line, timeMs: this.#clock.now() };
    this.#lines.push(stamped);
    if (this.#lines.length > maxLines * 1.25) this.#lines = this.#lines.slice(-maxLines);
    this.#added.fire(stamped);
  }

  /** Oldest first. */
  lines(unit?: string): readonly JournalLine[] {
    return unit === undefined ? this.#lines : this.#lines.filter((line) => line.unit === unit);
  }

  /** A sink whose lines go to the journal. */
  sink(unit: string, identifier: string, pid: () => number): ByteSink {
    let rest = '';
    const decoder = new TextDecoder();
    return {
      write: (bytes) => {
        const parts = (rest + decoder.decode(bytes, { stream: true })).split('\n');
        rest = parts.pop() ?? '';
        for (const message of parts) this.add({ unit, identifier, pid: pid(), message });
        return Promise.resolve();
      },
      end: () => {
        if (rest !== '') this.add({ unit, identifier, pid: pid(), message: rest });
        rest = '';
      },
    };
  }
}
