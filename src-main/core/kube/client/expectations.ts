import type { Clock } from '#core/base';

interface Expectation {
  creations: number;
  /** Names or uids of the objects whose end is awaited. */
  readonly deletions: Set<string>;
  readonly sinceMs: number;
}

/** An expectation never seen is given up after this time. */
const expectationTimeoutMs = 5 * 60_000;

/**
 * What a controller has done but its caches do not show yet. Until the watch has shown it, the controller
 * must not count and act again.
 *
 * @see k8s.io/kubernetes/pkg/controller/controller_utils.go, UIDTrackingControllerExpectations
 */
export class Expectations {
  readonly #clock: Clock;
  readonly #byKey = new Map<string, Expectation>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  expectCreations(key: string, count: number): void {
    this.#byKey.set(key, { creations: count, deletions: new Set(), sinceMs: this.#clock.now() });
  }

  /** @param objects what `deletionObserved` will name. */
  expectDeletions(key: string, objects: readonly string[]): void {
    this.#byKey.set(key, {
      creations: 0,
      deletions: new Set(objects),
      sinceMs: this.#clock.now(),
    });
  }

  /** Sets both at once. */
  expect(key: string, creations: number, deletions: readonly string[]): void {
    this.#byKey.set(key, {
      creations,
      deletions: new Set(deletions),
      sinceMs: this.#clock.now(),
    });
  }

  creationObserved(key: string): void {
    const expectation = this.#byKey.get(key);
    if (expectation && expectation.creations > 0) expectation.creations -= 1;
  }

  deletionObserved(key: string, object: string): void {
    this.#byKey.get(key)?.deletions.delete(object);
  }

  /** Whether the caches can be trusted for this key. */
  satisfied(key: string): boolean {
    const expectation = this.#byKey.get(key);
    if (!expectation) return true;
    return (
      (expectation.creations <= 0 && expectation.deletions.size === 0) ||
      this.#clock.now() - expectation.sinceMs > expectationTimeoutMs
    );
  }

  forget(key: string): void {
    this.#byKey.delete(key);
  }
}
