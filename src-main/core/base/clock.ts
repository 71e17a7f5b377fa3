import type { Disposable } from './disposable.ts';

export interface TimerOptions {
  /**
   * True for work that repeats for ever (lease renewal, probes, resyncs): `settle` does not wait for it.
   * A back-off or a grace period is not background work.
   */
  readonly background?: boolean;
}

/** The only source of time in the core. */
export interface Clock {
  /** Milliseconds since the Unix epoch. */
  now(): number;
  /**
   * Calls `callback` once, `delayMs` milliseconds from now; disposing the result cancels it.
   * Callbacks never run inside `setTimer` itself, and in order of due time, then of creation.
   */
  setTimer(delayMs: number, callback: () => void, options?: TimerOptions): Disposable;
}

/** Runs `callback` as a step of its own, after everything already due: how long work yields. */
export function defer(clock: Clock, callback: () => void): Disposable {
  return clock.setTimer(0, callback);
}

/** Resolves `delayMs` later; rejects with the signal's reason when aborted first. */
export function sleep(
  clock: Clock,
  delayMs: number,
  signal?: AbortSignal,
  options?: TimerOptions,
): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal?.aborted) {
      reject(abortReason(signal));
      return;
    }
    const onAbort = (): void => {
      timer.dispose();
      reject(abortReason(signal));
    };
    const timer = clock.setTimer(
      delayMs,
      () => {
        signal?.removeEventListener('abort', onAbort);
        resolve();
      },
      options,
    );
    signal?.addEventListener('abort', onAbort, { once: true });
  });
}

function abortReason(signal: AbortSignal | undefined): Error {
  return signal?.reason instanceof Error ? signal.reason : new Error('aborted');
}

interface Timer {
  readonly dueMs: number;
  readonly sequence: number;
  readonly background: boolean;
  readonly callback: () => void;
  cancelled: boolean;
}

/**
 * A clock that stands still until its owner moves it. Every callback is one step; between two steps the
 * owner lets the microtask queue run dry, so one history follows from one order of steps.
 *
 * Timers live in a binary heap ordered by due time, then by creation.
 */
export class SimClock implements Clock {
  #nowMs: number;
  #sequence = 0;
  #foreground = 0;
  readonly #heap: Timer[] = [];
  readonly #onScheduled: (dueMs: number) => void;

  /** @param onScheduled told of each new timer, so that a driver asleep until a later one can wake. */
  constructor(startMs: number, onScheduled: (dueMs: number) => void = () => undefined) {
    this.#nowMs = Math.floor(startMs);
    this.#onScheduled = onScheduled;
  }

  now(): number {
    return this.#nowMs;
  }

  setTimer(delayMs: number, callback: () => void, options?: TimerOptions): Disposable {
    const timer: Timer = {
      // Whole milliseconds, whatever jitter asked for: times are printed, compared and turned into names.
      dueMs: this.#nowMs + Math.max(0, Math.round(delayMs)),
      sequence: this.#sequence++,
      background: options?.background ?? false,
      callback,
      cancelled: false,
    };
    if (!timer.background) this.#foreground += 1;
    this.#push(timer);
    this.#onScheduled(timer.dueMs);
    return {
      dispose: () => {
        if (timer.cancelled) return;
        timer.cancelled = true;
        if (!timer.background) this.#foreground -= 1;
      },
    };
  }

  /** When the next timer is due, ms since the epoch; undefined when none waits. */
  nextDueMs(): number | undefined {
    this.#dropCancelled();
    return this.#heap[0]?.dueMs;
  }

  /** Whether anything but background work waits. */
  get hasForegroundWork(): boolean {
    return this.#foreground > 0;
  }

  /** Runs the next timer due at or before `limitMs`, moving time to it. False when there is none. */
  step(limitMs: number): boolean {
    this.#dropCancelled();
    const timer = this.#heap[0];
    if (!timer || timer.dueMs > limitMs) return false;
    this.#pop();
    timer.cancelled = true;
    if (!timer.background) this.#foreground -= 1;
    if (timer.dueMs > this.#nowMs) this.#nowMs = timer.dueMs;
    timer.callback();
    return true;
  }

  /** Moves time to `targetMs` when no timer is due before it; earlier times are ignored. */
  moveTo(targetMs: number): void {
    const next = this.nextDueMs();
    const allowed = Math.floor(next === undefined ? targetMs : Math.min(targetMs, next));
    if (allowed > this.#nowMs) this.#nowMs = allowed;
  }

  #dropCancelled(): void {
    while (this.#heap[0]?.cancelled) this.#pop();
  }

  #push(timer: Timer): void {
    const heap = this.#heap;
    let index = heap.push(timer) - 1;
    while (index > 0) {
      const parent = (index - 1) >> 1;
      if (!before(timer, heap[parent] as Timer)) break;
      heap[index] = heap[parent] as Timer;
      index = parent;
    }
    heap[index] = timer;
  }

  #pop(): void {
    const heap = this.#heap;
    const last = heap.pop();
    if (!last || heap.length === 0) return;
    let index = 0;
    for (;;) {
      let child = 2 * index + 1;
      if (child >= heap.length) break;
      if (child + 1 < heap.length && before(heap[child + 1] as Timer, heap[child] as Timer))
        child += 1;
      if (!before(heap[child] as Timer, last)) break;
      heap[index] = heap[child] as Timer;
      index = child;
    }
    heap[index] = last;
  }
}

function before(a: Timer, b: Timer): boolean {
  return a.dueMs < b.dueMs || (a.dueMs === b.dueMs && a.sequence < b.sequence);
}
