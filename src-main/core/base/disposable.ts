/** Something that holds a resource until `dispose` is called. Calling it twice is harmless. */
export interface Disposable {
  dispose(): void;
}

/** Owns several disposables and releases them together, last added first. */
export class DisposableStore implements Disposable {
  #items: Disposable[] = [];
  #disposed = false;

  /** Takes ownership of `item` and returns it; an item added after `dispose` is released at once. */
  add<T extends Disposable>(item: T): T {
    if (this.#disposed) item.dispose();
    else this.#items.push(item);
    return item;
  }

  dispose(): void {
    this.#disposed = true;
    const items = this.#items;
    this.#items = [];
    for (const item of items.reverse()) item.dispose();
  }
}
