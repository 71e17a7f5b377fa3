import { type Place, places } from './places.ts';

/** `#/learn/etcd-backup?block=3` is place `learn`, rest `['etcd-backup']`, query `block=3`. */
export interface Route {
  readonly place: Place;
  /** Decoded parts after the place. */
  readonly rest: readonly string[];
  readonly query: URLSearchParams;
}

/** Reads an address; whatever is not a place of ours leads to Today. */
export function parseHash(hash: string): Route {
  const [path = '', search = ''] = hash.replace(/^#/, '').split('?', 2);
  const [first, ...rest] = path.split('/').filter((part) => part !== '');
  const place = places.find((name) => name === first);
  return {
    place: place ?? 'today',
    rest: place === undefined ? [] : rest.map(decode),
    query: new URLSearchParams(search),
  };
}

function decode(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}

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
