/** A binary heap whose entries can be taken out by key. */
export class KeyedHeap<T> {
  readonly #items: T[] = [];
  readonly #positions = new Map<string, number>();
  readonly #keyOf: (item: T) => string;
  readonly #before: (a: T, b: T) => boolean;

  constructor(keyOf: (item: T) => string, before: (a: T, b: T) => boolean) {
    this.#keyOf = keyOf;
    this.#before = before;
  }

  get size(): number {
    return this.#items.length;
  }

  get(key: string): T | undefined {
    const at = this.#positions.get(key);
    return at === undefined ? undefined : this.#items[at];
  }

  peek(): T | undefined {
    return this.#items[0];
  }

  push(item: T): void {
    this.delete(this.#keyOf(item));
    this.#items.push(item);
    this.#up(this.#items.length - 1);
  }

  pop(): T | undefined {
    const first = this.#items[0];
    if (first !== undefined) this.delete(this.#keyOf(first));
    return first;
  }

  delete(key: string): T | undefined {
    const at = this.#positions.get(key);
    if (at === undefined) return undefined;
    const item = this.#items[at];
    const last = this.#items.pop();
    this.#positions.delete(key);
    if (last !== undefined && last !== item) {
      this.#items[at] = last;
      this.#positions.set(this.#keyOf(last), at);
      this.#up(at);
      this.#down(this.#positions.get(this.#keyOf(last)) ?? at);
    }
    return item;
  }

  #place(item: T, at: number): void {
    this.#items[at] = item;
    this.#positions.set(this.#keyOf(item), at);
  }

  #up(start: number): void {
    let at = start;
    const item = this.#items[at] as T;
    while (at > 0) {
      const parent = (at - 1) >> 1;
      const above = this.#items[parent] as T;
      if (!this.#before(item, above)) break;
      this.#place(above, at);
      at = parent;
    }
    this.#place(item, at);
  }

  #down(start: number): void {
    let at = start;
    const item = this.#items[at] as T;
    for (;;) {
      let child = 2 * at + 1;
      if (child >= this.#items.length) break;
      const right = this.#items[child + 1];
      if (right !== undefined && this.#before(right, this.#items[child] as T)) child += 1;
      const below = this.#items[child] as T;
      if (!this.#before(below, item)) break;
      this.#place(below, at);
      at = child;
    }
    this.#place(item, at);
  }
}
