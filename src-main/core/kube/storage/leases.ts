import type { Clock, Disposable } from '#core/base';
import type { LeaseState } from './types.ts';

interface Lease {
  readonly id: number;
  readonly ttlSeconds: number;
  expiresMs: number;
  timer: Disposable;
  readonly keys: Set<string>;
}

/**
 * Leases and the keys they hold. Expiry is background work of the clock: nobody waits for it.
 *
 * @see go.etcd.io/etcd/server/v3/lease/lessor.go
 */
export class Leases {
  readonly #clock: Clock;
  readonly #onExpired: (id: number) => void;
  readonly #leases = new Map<number, Lease>();
  #lastId = 0;

  /** @param onExpired must end in `remove` or `postpone`, or the lease stays without a timer. */
  constructor(clock: Clock, onExpired: (id: number) => void) {
    this.#clock = clock;
    this.#onExpired = onExpired;
  }

  has(id: number): boolean {
    return this.#leases.has(id);
  }

  /** @throws Error the id is taken or not a positive integer. */
  grant(ttlSeconds: number, id = this.#lastId + 1): number {
    if (!Number.isSafeInteger(id) || id <= 0) throw new Error(`invalid lease id ${id}`);
    if (this.#leases.has(id)) throw new Error('etcdserver: lease already exists');
    this.#lastId = Math.max(this.#lastId, id);
    const expiresMs = this.#clock.now() + ttlSeconds * 1000;
    this.#leases.set(id, {
      id,
      ttlSeconds,
      expiresMs,
      timer: this.#arm(id, ttlSeconds * 1000),
      keys: new Set(),
    });
    return id;
  }

  keepAlive(id: number): boolean {
    const lease = this.#leases.get(id);
    if (!lease) return false;
    // The timer stays where it is and looks again when it fires.
    lease.expiresMs = this.#clock.now() + lease.ttlSeconds * 1000;
    return true;
  }

  /** Looks at a lease that has run out again after `delayMs`. */
  postpone(id: number, delayMs: number): void {
    const lease = this.#leases.get(id);
    if (lease) lease.timer = this.#arm(id, delayMs);
  }

  /** Forgets the lease; its keys are the caller's to delete. */
  remove(id: number): void {
    this.#leases.get(id)?.timer.dispose();
    this.#leases.delete(id);
  }

  /** The keys the lease holds, sorted. */
  keysOf(id: number): readonly string[] {
    return [...(this.#leases.get(id)?.keys ?? [])].sort();
  }

  attach(key: string, id: number): void {
    this.#leases.get(id)?.keys.add(key);
  }

  detach(key: string, id: number): void {
    this.#leases.get(id)?.keys.delete(key);
  }

  list(): readonly LeaseState[] {
    return [...this.#leases.values()]
      .sort((a, b) => a.id - b.id)
      .map(({ id, ttlSeconds, expiresMs }) => ({
        id,
        ttlSeconds,
        expiresMs,
        keys: this.keysOf(id),
      }));
  }

  #arm(id: number, delayMs: number): Disposable {
    return this.#clock.setTimer(delayMs, () => this.#fired(id), { background: true });
  }

  #fired(id: number): void {
    const lease = this.#leases.get(id);
    if (!lease) return;
    const leftMs = lease.expiresMs - this.#clock.now();
    if (leftMs > 0) lease.timer = this.#arm(id, leftMs);
    else this.#onExpired(id);
  }
}
