import type { Clock } from '#core/base';

interface Entry {
  delayMs: number;
  lastMs: number;
}

/**
 * Delays that double from one failure to the next, per key; forgotten after twice the longest delay.
 * @see k8s.io/client-go/util/flowcontrol/backoff.go
 */
export class BackOff {
  readonly #clock: Clock;
  readonly #initialMs: number;
  readonly #maxMs: number;
  readonly #entries = new Map<string, Entry>();

  constructor(clock: Clock, initialMs: number, maxMs: number) {
    this.#clock = clock;
    this.#initialMs = initialMs;
    this.#maxMs = maxMs;
  }

  /** Milliseconds. */
  delayOf(key: string): number {
    return this.#entries.get(key)?.delayMs ?? 0;
  }

  /** One more failure at the time given. */
  next(key: string, eventMs: number): void {
    const entry = this.#entries.get(key);
    const delayMs =
      !entry || this.#expired(entry, eventMs)
        ? this.#initialMs
        : Math.min(entry.delayMs * 2, this.#maxMs);
    this.#entries.set(key, { delayMs, lastMs: this.#clock.now() });
    this.#collect();
  }

  /** Whether the delay that began at `eventMs` is still running. */
  isWaitingSince(key: string, eventMs: number): boolean {
    const entry = this.#entries.get(key);
    if (!entry || this.#expired(entry, eventMs)) return false;
    return this.#clock.now() - eventMs < entry.delayMs;
  }

  /** Whether the delay of the last failure is still running. */
  isWaiting(key: string): boolean {
    const entry = this.#entries.get(key);
    return entry !== undefined && this.#clock.now() - entry.lastMs < entry.delayMs;
  }

  /** When the delay of the last failure ends, ms since the epoch. */
  endMs(key: string): number {
    const entry = this.#entries.get(key);
    return entry ? entry.lastMs + entry.delayMs : 0;
  }

  #expired(entry: Entry, eventMs: number): boolean {
    return eventMs - entry.lastMs > this.#maxMs * 2;
  }

  #collect(): void {
    if (this.#entries.size < 512) return;
    const now = this.#clock.now();
    for (const [key, entry] of this.#entries)
      if (this.#expired(entry, now)) this.#entries.delete(key);
  }
}
