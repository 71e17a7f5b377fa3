import { RpcError } from '#contract';

/** The sentence to show for a failure: the Status message where the core gave one. */
export function messageOf(error: unknown): string {
  if (error instanceof RpcError) return error.status.message ?? error.message;
  return error instanceof Error ? error.message : String(error);
}

/**
 * One value that a page asks the core for, and how the asking stands. While it is asked for again the old value
 * stays, so that pages do not flicker; an older answer never replaces a newer one.
 */
export class Loader<T> {
  #value = $state.raw<T | undefined>(undefined);
  #error = $state<string | null>(null);
  #loading = $state(false);
  readonly #ask: () => Promise<T>;
  #round = 0;

  constructor(ask: () => Promise<T>) {
    this.#ask = ask;
  }

  get value(): T | undefined {
    return this.#value;
  }
  /** Message of the last failure; null after a success. */
  get error(): string | null {
    return this.#error;
  }
  get loading(): boolean {
    return this.#loading;
  }

  /** Asks (again). Never rejects: a failure is shown, see `error`. */
  async load(): Promise<void> {
    const round = ++this.#round;
    this.#loading = true;
    try {
      const value = await this.#ask();
      if (round !== this.#round) return;
      this.#value = value;
      this.#error = null;
    } catch (error) {
      if (round !== this.#round) return;
      this.#error = messageOf(error);
    }
    this.#loading = false;
  }

  /** Takes a value that came another way, such as the answer to a change. */
  set(value: T): void {
    this.#round += 1;
    this.#value = value;
    this.#error = null;
    this.#loading = false;
  }
}
