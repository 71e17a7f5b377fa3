import { SimClock } from '#core/base';

/** How long steps follow each other before sockets are served, ms of wall time. */
const sliceMs = 2;

/**
 * Moves a cluster's clock along with the wall clock. Between any two steps of the engine all promises settle; what is
 * due runs in slices, between which Node's event loop turns and serves sockets.
 */
export class ClockDriver {
  readonly clock: SimClock;
  #speed: number;
  /** Simulated and wall time of the last change of speed. */
  #baseSimMs: number;
  #baseWallMs: number;
  #wakeup: NodeJS.Timeout | undefined;
  #immediate: NodeJS.Immediate | undefined;
  /** A step runs, or follows in this turn of the event loop. */
  #isStepping = false;
  readonly #next = (): void => this.#turn();
  #sliceStartMs = 0;
  #wakeAtSimMs = Infinity;
  #stopped = false;
  #holds = 0;
  #burst: { untilMs: number; foregroundOnly: boolean; done: () => void } | undefined;

  /** @param startMs simulated time at the start, ms since the epoch. */
  constructor(startMs: number, speed = 1) {
    this.clock = new SimClock(startMs, (dueMs) => this.#scheduled(dueMs));
    this.#speed = speed;
    this.#baseSimMs = startMs;
    this.#baseWallMs = performance.now();
  }

  get speed(): number {
    return this.#speed;
  }

  /** 1 is real time, 0 stands still. */
  setSpeed(speed: number): void {
    this.#rebase();
    this.#speed = speed;
    this.#arm();
  }

  /** Runs `deltaMs` of simulated time as fast as the machine allows, then goes on at the set speed. */
  async advance(deltaMs: number): Promise<void> {
    await this.#run(this.clock.now() + deltaMs, false);
  }

  /**
   * Runs until nothing but background work waits, at most `limitMs` of simulated time.
   * @returns whether it settled.
   */
  async settle(limitMs: number): Promise<boolean> {
    await this.#run(this.clock.now() + limitMs, true);
    return !this.clock.hasForegroundWork;
  }

  /**
   * The same service, during whose calls the clock stands: what is worked on outside of simulated time (signatures,
   * certificates) takes none of it, and is done before whatever is due next. So the same input gives the same history.
   */
  hold<T extends object>(service: T): T {
    return new Proxy(service, {
      get: (target, name) => {
        const member: unknown = Reflect.get(target, name);
        if (typeof member !== 'function') return member;
        return (...args: unknown[]) => {
          const result: unknown = Reflect.apply(member, target, args);
          if (!(result instanceof Promise)) return result;
          this.#holds += 1;
          const release = (): void => {
            this.#holds -= 1;
            this.#arm();
          };
          result.then(release, release);
          return result;
        };
      },
    });
  }

  stop(): void {
    this.#stopped = true;
    clearTimeout(this.#wakeup);
    clearImmediate(this.#immediate);
    this.#burst?.done();
  }

  async #run(untilMs: number, foregroundOnly: boolean): Promise<void> {
    while (this.#burst) await new Promise<void>((resolve) => setImmediate(resolve));
    if (this.#stopped) return;
    await new Promise<void>((resolve) => {
      this.#burst = { untilMs, foregroundOnly, done: resolve };
      this.#arm();
    });
  }

  /** Where simulated time should be by the wall clock. */
  #targetMs(): number {
    return this.#baseSimMs + (performance.now() - this.#baseWallMs) * this.#speed;
  }

  #rebase(): void {
    this.#baseSimMs = this.clock.now();
    this.#baseWallMs = performance.now();
  }

  #scheduled(dueMs: number): void {
    if (dueMs < this.#wakeAtSimMs) this.#arm();
  }

  #arm(): void {
    if (this.#stopped || this.#immediate !== undefined || this.#isStepping || this.#holds > 0)
      return;
    clearTimeout(this.#wakeup);
    this.#wakeup = undefined;
    this.#wakeAtSimMs = Infinity;
    const due = this.clock.nextDueMs();
    if (this.#burst || (due !== undefined && due <= this.#targetMs())) {
      this.#immediate = setImmediate(() => this.#slice());
      return;
    }
    if (due === undefined || this.#speed === 0) return;
    this.#wakeAtSimMs = due;
    const waitMs = (due - this.#targetMs()) / this.#speed;
    this.#wakeup = setTimeout(() => this.#slice(), Math.min(Math.ceil(waitMs), 0x7fffffff));
  }

  #slice(): void {
    this.#immediate = undefined;
    this.#sliceStartMs = performance.now();
    this.#turn();
  }

  #turn(): void {
    // Somebody took hold of the clock after this turn was set.
    if (this.#stopped || this.#holds > 0) {
      this.#isStepping = false;
      return;
    }
    this.#isStepping = true;
    let isMore = false;
    try {
      isMore = this.#step() && performance.now() - this.#sliceStartMs < sliceMs;
    } finally {
      this.#isStepping = isMore;
      // The queue of ticks is served when that of promises has run dry.
      if (isMore) queueMicrotask(() => process.nextTick(this.#next));
      else this.#arm();
    }
  }

  /** Runs what is due next, or brings the clock up to date. @returns whether a timer ran. */
  #step(): boolean {
    const burst = this.#burst;
    if (burst) {
      const idle = burst.foregroundOnly && !this.clock.hasForegroundWork;
      if (idle || !this.clock.step(burst.untilMs)) {
        if (!idle && !burst.foregroundOnly) this.clock.moveTo(burst.untilMs);
        this.#burst = undefined;
        this.#rebase();
        burst.done();
        return false;
      }
      return true;
    }
    const target = this.#targetMs();
    if (this.clock.step(target)) return true;
    this.clock.moveTo(target);
    return false;
  }
}
