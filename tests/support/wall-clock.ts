import type { Clock } from '#core/base';

/** Real time, for tests against servers that run in it. */
export class WallClock implements Clock {
  now(): number {
    return Date.now();
  }

  setTimer(delayMs: number, callback: () => void): { dispose(): void } {
    const timer = setTimeout(callback, delayMs);
    return { dispose: () => clearTimeout(timer) };
  }
}
