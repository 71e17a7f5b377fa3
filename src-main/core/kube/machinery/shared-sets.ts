import { type FieldSet, memberNode, type MutableFieldSet } from './fields-v1.ts';

/** Parts kept for sharing; more than a cluster has kinds and writers, and three megabytes at most. */
const mostParts = 8192;

/**
 * Field sets as objects hold them: keys in order, and equal parts one object. The same few sets are written for
 * thousands of objects, and what an object adds of its own is small.
 *
 *     {f:status:{f:phase:{}, f:podIPs:{k:{"ip":"10.0.0.7"}:{}}}}   shares `f:phase` with all, `f:podIPs` with none
 */
class SharedSets {
  /** By the keys and the numbers of what is below them. */
  readonly #parts = new Map<string, FieldSet>();
  readonly #numbers = new Map<FieldSet, number>([[memberNode, 0]]);
  #last = 0;

  /** Whether a set came from here, not too long ago. */
  has(set: object): set is FieldSet {
    return this.#numbers.has(set as FieldSet);
  }

  share(set: FieldSet): FieldSet {
    if (this.has(set)) return set;
    const keys = Object.keys(set);
    if (keys.length === 0) return memberNode;
    const out: MutableFieldSet = {};
    let name = '';
    for (const key of keys.sort()) {
      const below = this.share(set[key]);
      out[key] = below;
      name += `${key.length}:${key}${this.#numbers.get(below)};`;
    }
    const known = this.#parts.get(name);
    if (known) return known;
    if (this.#parts.size === mostParts) this.#clear();
    this.#add(name, out);
    return out;
  }

  #add(name: string, set: FieldSet): void {
    this.#parts.set(name, set);
    this.#numbers.set(set, ++this.#last);
  }

  #clear(): void {
    this.#parts.clear();
    this.#numbers.clear();
    this.#numbers.set(memberNode, 0);
  }
}

const sets = new SharedSets();

/** The same set with its keys in order, as it is written; equal sets are mostly one object. */
export const sharedSet = (set: FieldSet): FieldSet => sets.share(set);

/** Whether this is a set as `sharedSet` gives it; one that is may be taken for another after a while. */
export const isSharedSet = (set: object): set is FieldSet => sets.has(set);
