import { type Clock, type Disposable, DisposableStore, type TimerOptions } from '#core/base';
import { TokenBucket } from './rate-limit.ts';

export interface RateLimiterOptions {
  /** First back-off of an item, ms. */
  readonly baseDelayMs?: number;
  readonly maxDelayMs?: number;
}

/** Timers beyond this do not keep a cluster from being called settled. */
const backgroundAfterMs = 60_000;

/**
 * client-go's queue of work:
 * - fair: items are taken in the order in which they were added;
 * - stingy: an item is never worked on twice at the same time, and added many times before it is taken it is
 *   taken once; added while it is worked on, it is taken once more afterwards;
 * - delaying: an item can be added later, the earliest wish winning;
 * - rate limited: 5 ms, doubled with each failure up to 1000 s, and no more than 10 a second (bursts of 100) over all.
 *
 * @see k8s.io/client-go/util/workqueue
 */
export class WorkQueue<Key extends string = string> implements Disposable {
  readonly #clock: Clock;
  readonly #baseDelayMs: number;
  readonly #maxDelayMs: number;
  readonly #bucket: TokenBucket;
  readonly #waiting = new Set<Key>();
  readonly #processing = new Set<Key>();
  readonly #dirtyAgain = new Set<Key>();
  readonly #failures = new Map<Key, number>();
  readonly #delayed = new Map<Key, { dueMs: number; timer: Disposable }>();
  #onAvailable: () => void = () => undefined;
  #disposed = false;

  constructor(clock: Clock, options: RateLimiterOptions = {}) {
    this.#clock = clock;
    this.#baseDelayMs = options.baseDelayMs ?? 5;
    this.#maxDelayMs = options.maxDelayMs ?? 1_000_000;
    this.#bucket = new TokenBucket(clock, 10, 100);
  }

  /** Items ready to be taken. */
  get length(): number {
    return this.#waiting.size;
  }

  /** Nothing waits, nothing is worked on; delayed items do not count. */
  get isIdle(): boolean {
    return this.#waiting.size === 0 && this.#processing.size === 0;
  }

  /** Called whenever an item becomes ready; there is one listener, the worker. */
  onAvailable(listener: () => void): void {
    this.#onAvailable = listener;
    if (this.#waiting.size > 0) listener();
  }

  add(key: Key): void {
    if (this.#disposed) return;
    if (this.#processing.has(key)) {
      this.#dirtyAgain.add(key);
      return;
    }
    if (this.#waiting.has(key)) return;
    this.#waiting.add(key);
    this.#onAvailable();
  }

  addAfter(key: Key, delayMs: number, options?: TimerOptions): void {
    if (this.#disposed) return;
    if (delayMs <= 0) {
      this.add(key);
      return;
    }
    const dueMs = this.#clock.now() + delayMs;
    const present = this.#delayed.get(key);
    if (present && present.dueMs <= dueMs) return;
    present?.timer.dispose();
    const timer = this.#clock.setTimer(
      delayMs,
      () => {
        this.#delayed.delete(key);
        this.add(key);
      },
      { background: options?.background ?? delayMs > backgroundAfterMs },
    );
    this.#delayed.set(key, { dueMs, timer });
  }

  addRateLimited(key: Key): void {
    const failures = this.#failures.get(key) ?? 0;
    this.#failures.set(key, failures + 1);
    const backoffMs = Math.min(this.#baseDelayMs * 2 ** failures, this.#maxDelayMs);
    this.addAfter(key, Math.max(backoffMs, this.#bucket.reserve()));
  }

  /** The item succeeded or is given up: its next failure is its first. */
  forget(key: Key): void {
    this.#failures.delete(key);
  }

  numRequeues(key: Key): number {
    return this.#failures.get(key) ?? 0;
  }

  /** Takes the oldest item, which must be given back with `done`. */
  take(): Key | undefined {
    for (const key of this.#waiting) {
      this.#waiting.delete(key);
      this.#processing.add(key);
      return key;
    }
    return undefined;
  }

  done(key: Key): void {
    this.#processing.delete(key);
    if (this.#dirtyAgain.delete(key)) this.add(key);
  }

  dispose(): void {
    this.#disposed = true;
    this.#waiting.clear();
    this.#dirtyAgain.clear();
    const timers = new DisposableStore();
    for (const { timer } of this.#delayed.values()) timers.add(timer);
    timers.dispose();
    this.#delayed.clear();
  }
}
