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
