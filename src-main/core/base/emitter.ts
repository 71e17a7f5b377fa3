import type { Disposable } from './disposable.ts';

/** Subscribes `listener` to every later event; disposing the result ends the subscription. */
export type Event<T> = (listener: (event: T) => void) => Disposable;

/** The sending side of an `Event`. Listeners are called synchronously, in order of subscription. */
export class Emitter<T> {
  readonly #listeners = new Set<(event: T) => void>();

  readonly event: Event<T> = (listener) => {
    // A wrapper, so that one function subscribed twice is two subscriptions.
    const own = (event: T): void => listener(event);
    this.#listeners.add(own);
    return { dispose: () => void this.#listeners.delete(own) };
  };

  get listenerCount(): number {
    return this.#listeners.size;
  }

  fire(event: T): void {
    for (const listener of [...this.#listeners]) listener(event);
  }
}
