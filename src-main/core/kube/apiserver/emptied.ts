import type { KubeObject } from '../machinery/index.ts';

/**
 * A list or map that a body has and that holds nothing. Go's types tell it from one that is not set until the object
 * is encoded, so that rules, generations and messages may, and neither storage nor clients do.
 */
export interface Emptied {
  /** Names of fields, keys of maps and places in lists. */
  readonly path: readonly (string | number)[];
  readonly kind: 'list' | 'map';
}

type Holder = Record<string | number, unknown>;

interface Place {
  readonly holder: Holder;
  readonly key: string | number;
  readonly kind: Emptied['kind'];
  readonly top: string;
  /** What an encoded object has there: nothing, or null. */
  readonly unset: unknown;
}

/** The empty lists and maps of one draft: out while it is prepared, in while rules speak, out when it is kept. */
export class EmptiedFields {
  readonly #places: Place[] = [];
  readonly #draft: KubeObject;

  constructor(draft: KubeObject, emptied: readonly Emptied[] = []) {
    this.#draft = draft;
    for (const { path, kind } of emptied) {
      const key = path.at(-1) ?? '';
      const holder = this.#holderOf(path);
      const unset = holder?.[key];
      if (!holder || (unset !== undefined && unset !== null)) continue;
      this.#places.push({ holder, key, kind, unset, top: String(path[0]) });
    }
  }

  #holderOf(path: Emptied['path']): Holder | undefined {
    let holder: unknown = this.#draft;
    for (const part of path.slice(0, -1)) {
      if (typeof holder !== 'object' || holder === null) return undefined;
      holder = (holder as Holder)[part];
    }
    return typeof holder === 'object' && holder !== null ? (holder as Holder) : undefined;
  }

  /** Whether there is one below a field of the object. */
  has(field: string): boolean {
    return this.#places.some(({ top }) => top === field);
  }

  /** What has been replaced since is not of the draft any more, and may be of an object that must not change. */
  putBack(): void {
    for (const { holder, key, kind, unset } of this.#places)
      if (holder[key] === unset) holder[key] = kind === 'list' ? [] : {};
  }

  takeOut(): void {
    for (const { holder, key, unset } of this.#places) {
      const value = holder[key];
      if (typeof value !== 'object' || value === null || Object.keys(value).length > 0) continue;
      if (unset === null) holder[key] = null;
      else delete holder[key];
    }
  }
}
