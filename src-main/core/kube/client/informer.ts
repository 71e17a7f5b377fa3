import {
  type Clock,
  type DeepReadonly,
  defer,
  type Disposable,
  type Logger,
  type Random,
} from '#core/base';
import {
  ConnectionError,
  isReason,
  isStatusError,
  type LabelSelector,
  objectKey,
  type ObjectKey,
  type WatchEvent,
} from '../machinery/index.ts';
import { metaOf, ObjectCache } from './cache.ts';
import type { Informer, InformerHandler, ResourceClient } from './types.ts';

export interface InformerScope {
  readonly namespace?: string;
  readonly fieldSelector?: string;
  readonly labelSelector?: string;
}

export interface InformerDeps {
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
}

/** Objects handled in one step of a (re-)list. */
const stepSize = 200;
/** Retries after which a server that is away no longer keeps a cluster from being called settled. */
const foregroundRetries = 6;

/**
 * A cache of one resource kept by list and watch: lists, then watches from the list's version, again after
 * the watch ends; lists anew when the version is too old (410) or the server cannot be reached, with a back-off of
 * 0.8 s doubled up to 30 s and jittered.
 *
 * @see k8s.io/client-go/tools/cache/reflector.go
 */
export class SharedInformer<T> implements Informer<T>, Disposable {
  readonly #client: ResourceClient<T>;
  readonly #scope: InformerScope;
  readonly #deps: InformerDeps;
  readonly #cache = new ObjectCache<T>();
  readonly #handlers = new Set<InformerHandler<T>>();
  readonly #waiters: (() => void)[] = [];
  #running: Disposable | undefined;
  #retry: Disposable | undefined;
  #version = '';
  #failures = 0;
  #synced = false;
  #started = false;
  #disposed = false;

  constructor(client: ResourceClient<T>, scope: InformerScope, deps: InformerDeps) {
    this.#client = client;
    this.#scope = scope;
    this.#deps = deps;
  }

  get hasSynced(): boolean {
    return this.#synced;
  }

  get(key: ObjectKey): DeepReadonly<T> | undefined {
    return this.#cache.get(key);
  }

  list(namespace?: string, selector?: LabelSelector): readonly DeepReadonly<T>[] {
    return this.#cache.list(namespace, selector);
  }

  byIndex(index: string, value: string): readonly DeepReadonly<T>[] {
    return this.#cache.byIndex(index, value);
  }

  addIndex(name: string, valuesOf: (object: DeepReadonly<T>) => readonly string[]): void {
    this.#cache.addIndex(name, valuesOf);
  }

  addHandler(handler: InformerHandler<T>): Disposable {
    this.#handlers.add(handler);
    if (handler.onAdd) for (const object of this.#cache.list()) handler.onAdd(object);
    return { dispose: () => void this.#handlers.delete(handler) };
  }

  start(): void {
    if (this.#started || this.#disposed) return;
    this.#started = true;
    void this.#listAndWatch();
  }

  /** Resolves when the first list is in the cache and all handlers have seen it. */
  waitForSync(): Promise<void> {
    if (this.#synced) return Promise.resolve();
    return new Promise((resolve) => this.#waiters.push(resolve));
  }

  dispose(): void {
    this.#disposed = true;
    this.#running?.dispose();
    this.#retry?.dispose();
    for (const resolve of this.#waiters.splice(0)) resolve();
  }

  async #listAndWatch(): Promise<void> {
    try {
      const list = await this.#client.list({
        ...this.#scope,
        // The newest the server has at hand is enough: the watch brings the rest.
        resourceVersion: '0',
      });
      if (this.#disposed) return;
      await this.#replace(list.items);
      this.#version = list.resourceVersion;
    } catch (error) {
      this.#again(error, () => void this.#listAndWatch());
      return;
    }
    if (this.#disposed) return;
    if (!this.#synced) {
      this.#synced = true;
      for (const resolve of this.#waiters.splice(0)) resolve();
    }
    await this.#watch();
  }

  async #watch(): Promise<void> {
    if (this.#disposed) return;
    const startedMs = this.#deps.clock.now();
    let events = 0;
    try {
      const running = await this.#client.watch(
        {
          ...this.#scope,
          resourceVersion: this.#version,
          allowBookmarks: true,
          timeoutSeconds: 300 + this.#deps.random.integer(300),
        },
        (event) => {
          events += 1;
          this.#failures = 0;
          this.#apply(event);
        },
        (error) => {
          this.#running = undefined;
          if (this.#disposed) return;
          if (error) this.#again(error, () => void this.#listAndWatch());
          else if (events === 0 && this.#deps.clock.now() - startedMs < 1000)
            this.#again(new Error('very short watch'), () => void this.#watch());
          else defer(this.#deps.clock, () => void this.#watch());
        },
      );
      if (this.#disposed) running.dispose();
      else this.#running = running;
    } catch (error) {
      // The version is still good when nobody answered; anything else asks for a new list.
      const sameVersion = error instanceof ConnectionError || isReason(error, 'TooManyRequests');
      this.#again(error, () => void (sameVersion ? this.#watch() : this.#listAndWatch()));
    }
  }

  #again(error: unknown, action: () => void): void {
    if (this.#disposed) return;
    const gone = isReason(error, 'Expired') || isReason(error, 'Gone');
    const baseMs = Math.min(800 * 2 ** this.#failures, 30_000);
    const delayMs = gone && this.#failures === 0 ? 0 : baseMs * (1 + this.#deps.random.next());
    this.#failures += 1;
    if (!gone)
      this.#deps.logger.log(isStatusError(error) ? 'warn' : 'debug', 'list or watch failed', {
        error: error instanceof Error ? error.message : String(error),
      });
    this.#retry = this.#deps.clock.setTimer(delayMs, action, {
      background: this.#failures > foregroundRetries,
    });
  }

  /** Makes the cache what a list says, a slice at a time. */
  async #replace(items: readonly DeepReadonly<T>[]): Promise<void> {
    const present = new Set<ObjectKey>();
    for (let start = 0; start < items.length; start += stepSize) {
      if (start > 0) await nextStep(this.#deps.clock);
      if (this.#disposed) return;
      for (const object of items.slice(start, start + stepSize)) {
        present.add(objectKey(metaOf(object)));
        this.#store(object);
      }
    }
    for (const key of [...this.#cache.keys()]) if (!present.has(key)) this.#remove(key);
  }

  #apply(event: WatchEvent<DeepReadonly<T>>): void {
    if (this.#disposed) return;
    const meta = metaOf(event.object);
    if (meta.resourceVersion !== undefined) this.#version = meta.resourceVersion;
    if (event.type === 'ADDED' || event.type === 'MODIFIED') this.#store(event.object);
    else if (event.type === 'DELETED') this.#remove(objectKey(meta), event.object);
  }

  #store(object: DeepReadonly<T>): void {
    const previous = this.#cache.set(object);
    if (previous === undefined) {
      for (const handler of [...this.#handlers]) handler.onAdd?.(object);
    } else if (metaOf(previous).uid !== metaOf(object).uid) {
      // Another object of the same name: the end of the first was missed between list and watch.
      for (const handler of [...this.#handlers]) handler.onDelete?.(previous);
      for (const handler of [...this.#handlers]) handler.onAdd?.(object);
    } else if (metaOf(previous).resourceVersion !== metaOf(object).resourceVersion) {
      for (const handler of [...this.#handlers]) handler.onUpdate?.(previous, object);
    }
  }

  #remove(key: ObjectKey, last?: DeepReadonly<T>): void {
    const previous = this.#cache.delete(key);
    const object = last ?? previous;
    if (previous === undefined || object === undefined) return;
    for (const handler of [...this.#handlers]) handler.onDelete?.(object);
  }
}

function nextStep(clock: Clock): Promise<void> {
  return new Promise((resolve) => defer(clock, resolve));
}
