import { formatIpv4, parseCidr, parseIpv4 } from '#core/machines';

interface Range {
  readonly first: number;
  readonly last: number;
}

/**
 * Reads `172.30.255.200-172.30.255.250` or `172.30.255.192/26`.
 * @returns undefined if the text is neither.
 */
export function parseAddressRange(text: string): Range | undefined {
  const block = parseCidr(text);
  if (block) return { first: block.base, last: block.base + block.size - 1 };
  const [from = '', to = '', ...rest] = text.split('-').map((part) => part.trim());
  const [first, last] = [parseIpv4(from), parseIpv4(to)];
  if (first === undefined || last === undefined || rest.length > 0 || first > last)
    return undefined;
  return { first, last };
}

/** Addresses that are given to load balancers, the lowest free one first. */
export class AddressPool {
  readonly #ranges: readonly Range[];
  /** Uids of Services by their address. */
  readonly #owners = new Map<string, string>();

  constructor(ranges: readonly Range[]) {
    this.#ranges = ranges;
  }

  addressOf(uid: string): string | undefined {
    for (const [address, owner] of this.#owners) if (owner === uid) return address;
    return undefined;
  }

  /** Notes who has an address from before; it may belong to no range of today's. */
  adopt(uid: string, address: string): void {
    this.#owners.set(address, uid);
  }

  /**
   * The address of a Service: the one it asks for, or has, or the lowest that is free.
   * @throws Error it cannot be had.
   */
  take(uid: string, wanted?: string): string {
    const present = this.addressOf(uid);
    if (present !== undefined && (!wanted || wanted === present)) return present;
    if (!wanted) {
      const free = this.#lowestFree();
      if (free === undefined) throw new Error('no addresses left in the pool');
      this.#owners.set(free, uid);
      return free;
    }
    if (!this.#contains(wanted)) throw new Error(`address "${wanted}" is not in the pool`);
    if (this.#owners.has(wanted)) throw new Error(`address "${wanted}" is in use`);
    this.release(uid);
    this.#owners.set(wanted, uid);
    return wanted;
  }

  release(uid: string): void {
    const address = this.addressOf(uid);
    if (address !== undefined) this.#owners.delete(address);
  }

  #contains(address: string): boolean {
    const value = parseIpv4(address);
    return (
      value !== undefined && this.#ranges.some(({ first, last }) => value >= first && value <= last)
    );
  }

  #lowestFree(): string | undefined {
    for (const { first, last } of this.#ranges)
      for (let value = first; value <= last; value++) {
        const address = formatIpv4(value);
        if (!this.#owners.has(address)) return address;
      }
    return undefined;
  }
}
