/** An IP network, or a single address as the narrowest of networks. */
export interface IpPrefix {
  /**
   * Whether an address or a network lies within. Of a network's addresses the first, and with IPv4 the last, are never
   * given out and are not within.
   */
  contains(inner: IpPrefix): boolean;
  overlaps(other: IpPrefix): boolean;
  readonly first: bigint;
  readonly last: bigint;
  /** 32 or 128. */
  readonly width: number;
}

/** Reads `10.96.0.0/12`, `10.96.0.1` and their like of IPv6; undefined for anything else. */
export function ipPrefix(text: string): IpPrefix | undefined {
  const [address = '', bits] = text.split('/');
  const width = address.includes(':') ? 128 : 32;
  const value = width === 32 ? ipv4(address) : ipv6(address);
  const length = bits === undefined ? width : Number(bits);
  if (value === undefined || !Number.isInteger(length) || length < 0 || length > width)
    return undefined;
  const size = 1n << BigInt(width - length);
  const first = value - (value % size);
  const last = first + size - 1n;
  const isAddress = (prefix: IpPrefix): boolean => prefix.first === prefix.last;
  return {
    first,
    last,
    width,
    contains: (inner) => {
      if (inner.width !== width || inner.first < first || inner.last > last) return false;
      if (!isAddress(inner) || first === last) return true;
      return inner.first !== first && (width === 128 || inner.first !== last);
    },
    overlaps: (other) => other.width === width && other.first <= last && other.last >= first,
  };
}

function ipv4(text: string): bigint | undefined {
  const parts = text.split('.');
  if (parts.length !== 4 || !parts.every((part) => /^\d{1,3}$/.test(part) && Number(part) < 256))
    return undefined;
  return parts.reduce((sum, part) => sum * 256n + BigInt(part), 0n);
}

function ipv6(text: string): bigint | undefined {
  const [head = '', tail, ...more] = text.split('::');
  if (more.length > 0) return undefined;
  const groups = (part: string): string[] => (part === '' ? [] : part.split(':'));
  const before = groups(head);
  const after = groups(tail ?? '');
  const missing = 8 - before.length - after.length;
  if (tail === undefined ? missing !== 0 : missing < 1) return undefined;
  const all = [...before, ...Array.from({ length: missing }, () => '0'), ...after];
  if (!all.every((group) => /^[0-9a-f]{1,4}$/i.test(group))) return undefined;
  return all.reduce((sum, group) => sum * 65536n + BigInt(`0x${group}`), 0n);
}
