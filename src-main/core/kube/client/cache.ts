import type { DeepReadonly } from '#core/base';
import {
  type LabelSelector,
  matchesSelector,
  objectKey,
  type ObjectKey,
  type ObjectMeta,
} from '../machinery/index.ts';
import type { Lister } from './types.ts';

type Meta = DeepReadonly<ObjectMeta>;

export function metaOf(object: unknown): Meta {
  return (object as { metadata?: Meta }).metadata ?? {};
}

interface Index<T> {
  readonly valuesOf: (object: DeepReadonly<T>) => readonly string[];
  readonly entries: Map<string, Map<ObjectKey, DeepReadonly<T>>>;
}

const namespaceIndex = 'namespace';

/** Objects by key and by index, in the order in which they came. @see k8s.io/client-go/tools/cache, ThreadSafeStore */
export class ObjectCache<T> implements Lister<T> {
  readonly #objects = new Map<ObjectKey, DeepReadonly<T>>();
  readonly #indexes = new Map<string, Index<T>>();

  constructor() {
    this.addIndex(namespaceIndex, (object) => [metaOf(object).namespace ?? '']);
  }

  get size(): number {
    return this.#objects.size;
  }

  keys(): IterableIterator<ObjectKey> {
    return this.#objects.keys();
  }

  addIndex(name: string, valuesOf: (object: DeepReadonly<T>) => readonly string[]): void {
    const present = this.#indexes.get(name);
    if (present?.valuesOf === valuesOf) return;
    // Whoever added it first would read what another put there.
    if (present) throw new Error(`index ${name} is there already`);
    const index: Index<T> = { valuesOf, entries: new Map() };
    this.#indexes.set(name, index);
    for (const [key, object] of this.#objects) insert(index, key, object);
  }

  get(key: ObjectKey): DeepReadonly<T> | undefined {
    return this.#objects.get(key);
  }

  list(namespace?: string, selector?: LabelSelector): readonly DeepReadonly<T>[] {
    const all =
      namespace === undefined
        ? [...this.#objects.values()]
        : this.byIndex(namespaceIndex, namespace);
    return selector
      ? all.filter((object) => matchesSelector(selector, metaOf(object).labels))
      : all;
  }

  byIndex(index: string, value: string): readonly DeepReadonly<T>[] {
    const found = this.#indexes.get(index);
    if (!found) throw new Error(`no index ${index}`);
    return [...(found.entries.get(value)?.values() ?? [])];
  }

  /** @returns what stood there before. */
  set(object: DeepReadonly<T>): DeepReadonly<T> | undefined {
    const key = objectKey(metaOf(object));
    const previous = this.#objects.get(key);
    this.#objects.set(key, object);
    for (const index of this.#indexes.values()) {
      if (previous === undefined) insert(index, key, object);
      else replace(index, key, previous, object);
    }
    return previous;
  }

  delete(key: ObjectKey): DeepReadonly<T> | undefined {
    const previous = this.#objects.get(key);
    if (previous === undefined) return undefined;
    this.#objects.delete(key);
    for (const index of this.#indexes.values()) remove(index, key, previous);
    return previous;
  }
}

/** Most updates leave an object where it stands in an index. */
function replace<T>(
  index: Index<T>,
  key: ObjectKey,
  previous: DeepReadonly<T>,
  object: DeepReadonly<T>,
): void {
  const [before, after] = [index.valuesOf(previous), index.valuesOf(object)];
  if (before.length === after.length && before.every((value, i) => value === after[i])) {
    for (const value of after) index.entries.get(value)?.set(key, object);
    return;
  }
  remove(index, key, previous);
  insert(index, key, object);
}

function insert<T>(index: Index<T>, key: ObjectKey, object: DeepReadonly<T>): void {
  for (const value of index.valuesOf(object)) {
    const entry = index.entries.get(value);
    if (entry) entry.set(key, object);
    else index.entries.set(value, new Map([[key, object]]));
  }
}

function remove<T>(index: Index<T>, key: ObjectKey, object: DeepReadonly<T>): void {
  for (const value of index.valuesOf(object)) {
    const entry = index.entries.get(value);
    entry?.delete(key);
    if (entry?.size === 0) index.entries.delete(value);
  }
}
