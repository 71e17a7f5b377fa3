import type { Place } from './places.ts';
import { parseHash, type Route } from './route.ts';

/** The part of `window` that the router needs. */
export interface AddressBar {
  readonly location: { hash: string };
  addEventListener(type: 'hashchange', listener: () => void): void;
  removeEventListener(type: 'hashchange', listener: () => void): void;
}

/** Where the person is, as the address bar says. */
export class Router {
  #route = $state.raw<Route>(parseHash(''));
  readonly #bar: AddressBar;
  readonly #read: () => void;

  constructor(bar: AddressBar) {
    this.#bar = bar;
    this.#read = () => (this.#route = parseHash(bar.location.hash));
    this.#read();
    bar.addEventListener('hashchange', this.#read);
  }

  get route(): Route {
    return this.#route;
  }

  /** The address of a place, for links. */
  href(place: Place, ...rest: readonly string[]): string {
    return `#/${[place, ...rest.map(encodeURIComponent)].join('/')}`;
  }

  go(place: Place, ...rest: readonly string[]): void {
    this.#bar.location.hash = this.href(place, ...rest);
  }

  dispose(): void {
    this.#bar.removeEventListener('hashchange', this.#read);
  }
}
