import { type Clock, sleep } from '#core/base';

/** A token bucket on the cluster's clock: `qps` tokens a second, at most `burst` saved up. */
export class TokenBucket {
  readonly #clock: Clock;
  readonly #qps: number;
  readonly #burst: number;
  #tokens: number;
  #lastMs: number;

  constructor(clock: Clock, qps: number, burst: number) {
    this.#clock = clock;
    this.#qps = qps;
    this.#burst = burst;
    this.#tokens = burst;
    this.#lastMs = clock.now();
  }

  /** Takes a token when there is one. */
  tryTake(): boolean {
    this.#refill();
    if (this.#tokens < 1) return false;
    this.#tokens -= 1;
    return true;
  }

  /** Reserves a token. @returns milliseconds to wait until it may be used. */
  reserve(): number {
    this.#refill();
    this.#tokens -= 1;
    return this.#tokens >= 0 ? 0 : Math.ceil((-this.#tokens / this.#qps) * 1000);
  }

  async wait(): Promise<void> {
    const delayMs = this.reserve();
    if (delayMs > 0) await sleep(this.#clock, delayMs);
  }

  #refill(): void {
    const nowMs = this.#clock.now();
    this.#tokens = Math.min(
      this.#burst,
      this.#tokens + ((nowMs - this.#lastMs) / 1000) * this.#qps,
    );
    this.#lastMs = nowMs;
  }
}
