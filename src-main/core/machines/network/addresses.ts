const [dot, zero, nine] = ['.', '0', '9'].map((text) => text.charCodeAt(0)) as [
  number,
  number,
  number,
];

/** An IPv4 address as a number; undefined when the text is none. */
export function parseIpv4(text: string): number | undefined {
  let [value, octet, digits, dots] = [0, 0, 0, 0];
  for (let index = 0; index < text.length; index++) {
    const code = text.charCodeAt(index);
    if (code === dot && digits > 0) {
      value = value * 256 + octet;
      octet = 0;
      digits = 0;
      dots += 1;
      // No octet begins with a zero but zero itself.
    } else if (code >= zero && code <= nine && (digits === 0 || octet > 0)) {
      octet = octet * 10 + code - zero;
      digits += 1;
      if (octet > 255) return undefined;
    } else return undefined;
  }
  return dots === 3 && digits > 0 ? value * 256 + octet : undefined;
}

export function formatIpv4(value: number): string {
  return [24, 16, 8, 0].map((shift) => Math.floor(value / 2 ** shift) % 256).join('.');
}

/** Whether the text is an IPv4 address or looks like an IPv6 one. */
export function isAddress(text: string): boolean {
  return parseIpv4(text) !== undefined || (text.includes(':') && /^[0-9a-fA-F:.]+$/.test(text));
}

export function isLoopback(address: string): boolean {
  return address === '::1' || (address.startsWith('127.') && parseIpv4(address) !== undefined);
}

/** A block of addresses: `10.244.1.0/24`. */
export interface Cidr {
  /** First address of the block. */
  readonly base: number;
  readonly size: number;
  readonly prefix: number;
}

/** @returns undefined when the text is no IPv4 block. */
export function parseCidr(text: string): Cidr | undefined {
  const [address = '', length = '', ...rest] = text.split('/');
  const value = parseIpv4(address);
  if (value === undefined || rest.length > 0 || !/^\d{1,2}$/.test(length)) return undefined;
  const prefix = Number(length);
  if (prefix > 32) return undefined;
  const size = 2 ** (32 - prefix);
  return { base: Math.floor(value / size) * size, size, prefix };
}

export function cidrContains(cidr: Cidr, address: string): boolean {
  const value = parseIpv4(address);
  return value !== undefined && value >= cidr.base && value < cidr.base + cidr.size;
}

/** `10.0.0.1:80`, `[::1]:80`. */
export function joinHostPort(host: string, port: number): string {
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;
}
