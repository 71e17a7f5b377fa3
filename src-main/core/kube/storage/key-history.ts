import type { KeyValue, Revision } from './types.ts';

interface Version<V> {
  readonly revision: Revision;
  /** Absent: the key was deleted at this revision. */
  readonly kv: KeyValue<V> | undefined;
}

/** What one key was at each revision that is still kept. */
export class KeyHistory<V> {
  readonly key: string;
  /** The newest state; undefined when the key is deleted. */
  current: KeyValue<V> | undefined;
  #versions: Version<V>[] = [];

  constructor(key: string) {
    this.key = key;
  }

  add(revision: Revision, kv: KeyValue<V> | undefined): void {
    this.#versions.push({ revision, kv });
    this.current = kv;
  }

  /** The state as of `revision`. */
  at(revision: Revision): KeyValue<V> | undefined {
    return this.#versions[this.#indexAt(revision)]?.kv;
  }

  /**
   * Forgets what no read at or after `revision` can see.
   * @returns whether nothing is left: the key can be forgotten.
   */
  trim(revision: Revision): boolean {
    let keep = this.#indexAt(revision);
    if (keep >= 0 && !this.#versions[keep]?.kv) keep += 1;
    if (keep > 0) this.#versions = this.#versions.slice(keep);
    return this.#versions.length === 0;
  }

  /** Index of the last version at or before `revision`; -1 for none. */
  #indexAt(revision: Revision): number {
    const versions = this.#versions;
    let low = 0;
    let high = versions.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((versions[middle] as Version<V>).revision <= revision) low = middle + 1;
      else high = middle;
    }
    return low - 1;
  }
}
