import { SimClock } from '#core/base';

/** Lets every promise that can settle without a timer settle. */
export function drainMicrotasks(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

/** A clock of a test and the verbs to move it; between two steps all promises settle. */
export class TestTime {
  readonly clock: SimClock;

  constructor(startMs = Date.parse('2026-01-01T10:00:00Z')) {
    this.clock = new SimClock(startMs);
  }

  /** Runs all that is due within the next `deltaMs`, then stands `deltaMs` later. */
  async advance(deltaMs: number): Promise<void> {
    const targetMs = this.clock.now() + deltaMs;
    await drainMicrotasks();
    while (this.clock.step(targetMs)) await drainMicrotasks();
    this.clock.moveTo(targetMs);
  }

  /** Runs until nothing but background work waits. @throws Error after `limitMs` of simulated time. */
  async settle(limitMs = 600_000): Promise<void> {
    const limit = this.clock.now() + limitMs;
    await drainMicrotasks();
    while (this.clock.hasForegroundWork) {
      if (!this.clock.step(limit)) throw new Error(`not settled after ${limitMs} ms`);
      await drainMicrotasks();
    }
  }
}
