import type { Implementations } from '../language/interpreter.ts';
import { Failure, LibraryValue } from '../language/values.ts';

/** An address as a number of 32 or 128 bits. */
class CelIp extends LibraryValue {
  readonly typeName = 'net.IP';
  readonly family: 4 | 6;
  readonly value: bigint;

  constructor(family: 4 | 6, value: bigint) {
    super();
    this.family = family;
    this.value = value;
  }

  equals(other: LibraryValue): boolean {
    return other instanceof CelIp && other.family === this.family && other.value === this.value;
  }

  override size(): number {
    return bitsOf(this.family) / 8;
  }
}

class CelCidr extends LibraryValue {
  readonly typeName = 'net.CIDR';
  readonly ip: CelIp;
  readonly length: number;

  constructor(ip: CelIp, length: number) {
    super();
    this.ip = ip;
    this.length = length;
  }

  equals(other: LibraryValue): boolean {
    return other instanceof CelCidr && other.length === this.length && this.ip.equals(other.ip);
  }

  override size(): number {
    return Math.ceil(this.length / 8);
  }
}

const bitsOf = (family: 4 | 6): number => (family === 4 ? 32 : 128);

function parseIp4(text: string): bigint | undefined {
  const parts = text.split('.');
  if (parts.length !== 4 || parts.some((part) => !/^(?:0|[1-9]\d{0,2})$/.test(part) || +part > 255))
    return undefined;
  return parts.reduce((sum, part) => (sum << 8n) | BigInt(part), 0n);
}

function parseIp6(text: string): bigint | undefined {
  if (!text.includes(':') || text.includes('%')) return undefined;
  const tail = /^(.*:)(\d+\.\d+\.\d+\.\d+)$/.exec(text);
  const own = tail ? parseIp4(tail[2] ?? '') : undefined;
  if (tail && own === undefined) return undefined;
  const hexText =
    tail && own !== undefined
      ? `${tail[1] ?? ''}${(own >> 16n).toString(16)}:${(own & 0xffffn).toString(16)}`
      : text;
  const halves = hexText.split('::');
  if (halves.length > 2) return undefined;
  const groups = (half: string | undefined): string[] => (half ? half.split(':') : []);
  const [front, back] = [groups(halves[0]), groups(halves[1])];
  const missing = 8 - front.length - back.length;
  if (halves.length === 2 ? missing < 1 : missing !== 0) return undefined;
  const all = [...front, ...Array.from({ length: missing }, () => '0'), ...back];
  if (all.some((group) => !/^[0-9a-fA-F]{1,4}$/.test(group))) return undefined;
  return all.reduce((sum, group) => (sum << 16n) | BigInt(`0x${group}`), 0n);
}

function parseIp(text: string): CelIp | undefined {
  const four = parseIp4(text);
  if (four !== undefined) return new CelIp(4, four);
  const six = parseIp6(text);
  return six === undefined ? undefined : new CelIp(6, six);
}

const isMapped = ({ family, value }: CelIp): boolean => family === 6 && value >> 32n === 0xffffn;

function ipText({ family, value }: CelIp): string {
  if (family === 4)
    return [24n, 16n, 8n, 0n].map((shift) => ((value >> shift) & 255n).toString()).join('.');
  const groups = Array.from({ length: 8 }, (_, i) =>
    ((value >> BigInt(112 - 16 * i)) & 0xffffn).toString(16),
  );
  let best = { at: -1, length: 1 };
  for (let at = 0; at < 8; at++) {
    let length = 0;
    while (groups[at + length] === '0') length += 1;
    if (length > best.length) best = { at, length };
  }
  if (best.at < 0) return groups.join(':');
  return `${groups.slice(0, best.at).join(':')}::${groups.slice(best.at + best.length).join(':')}`;
}

/** An address, or upstream's words on why it is none. */
function ipOf(text: string): CelIp | Failure {
  const ip = parseIp(text);
  const shown = JSON.stringify(text);
  if (!ip)
    return new Failure(
      `IP Address ${shown} parse error during conversion from string: ParseAddr(${shown}): unable to parse IP`,
    );
  return isMapped(ip) ? new Failure(`IPv4-mapped IPv6 address ${shown} is not allowed`) : ip;
}

function parseCidrText(text: string): CelCidr | undefined {
  const [, address = '', length = ''] = /^(.*)\/(0|[1-9]\d{0,2})$/.exec(text) ?? [];
  const ip = parseIp(address);
  if (!ip || isMapped(ip) || Number(length) > bitsOf(ip.family)) return undefined;
  return new CelCidr(ip, Number(length));
}

function cidrOf(text: string): CelCidr | Failure {
  const shown = JSON.stringify(text);
  const [, address = ''] = /^(.*)\/\d+$/.exec(text) ?? [];
  const what = parseIp(address) ? 'prefix length out of range' : "no '/'";
  return (
    parseCidrText(text) ??
    new Failure(
      `network address parse error during conversion from string: network address parse error during conversion from string: netip.ParsePrefix(${shown}): ${what}`,
    )
  );
}

const networkOf = ({ ip, length }: CelCidr): bigint => {
  const shift = BigInt(bitsOf(ip.family) - length);
  return (ip.value >> shift) << shift;
};

const containsIp = (cidr: CelCidr, ip: CelIp): boolean =>
  cidr.ip.family === ip.family && networkOf(cidr) === networkOf(new CelCidr(ip, cidr.length));

const containsCidr = (cidr: CelCidr, other: CelCidr): boolean =>
  other.length >= cidr.length && containsIp(cidr, other.ip);

/** Whether an address lies in one of the ranges of its family. */
function within(four: string, six: string): (ip: CelIp) => boolean {
  const [ranges4 = [], ranges6 = []] = [four, six].map((list) =>
    list
      .split(' ')
      .map(parseCidrText)
      .filter((range) => range !== undefined),
  );
  return (ip) => (ip.family === 4 ? ranges4 : ranges6).some((range) => containsIp(range, ip));
}

const isNotUnicast = within(
  '0.0.0.0/32 255.255.255.255/32 127.0.0.0/8 224.0.0.0/4 169.254.0.0/16',
  '::/128 ::1/128 ff00::/8 fe80::/10',
);

/** `ip()` and `cidr()`. @see k8s.io/apiserver/pkg/cel/library/{ip,cidr}.go */
export const networks: Implementations = {
  string_to_ip: ipOf,
  is_ip: (text: string) => !(ipOf(text) instanceof Failure),
  ip_is_canonical: (text: string) => {
    const ip = ipOf(text);
    return ip instanceof Failure ? ip : ipText(ip) === text;
  },
  ip_to_string: ipText,
  ip_family: ({ family }: CelIp) => BigInt(family),
  ip_is_unspecified: within('0.0.0.0/32', '::/128'),
  ip_is_loopback: within('127.0.0.0/8', '::1/128'),
  ip_is_link_local_multicast: within('224.0.0.0/24', 'ff02::/16'),
  ip_is_link_local_unicast: within('169.254.0.0/16', 'fe80::/10'),
  ip_is_global_unicast: (ip: CelIp) => !isNotUnicast(ip),
  string_to_cidr: cidrOf,
  is_cidr: (text: string) => parseCidrText(text) !== undefined,
  cidr_to_string: ({ ip, length }: CelCidr) => `${ipText(ip)}/${length}`,
  cidr_contains_ip_string: (cidr: CelCidr, text: string) => {
    const ip = ipOf(text);
    return ip instanceof Failure ? ip : containsIp(cidr, ip);
  },
  cidr_contains_ip_ip: containsIp,
  cidr_contains_cidr_string: (cidr: CelCidr, text: string) => {
    const other = cidrOf(text);
    return other instanceof Failure ? other : containsCidr(cidr, other);
  },
  cidr_contains_cidr: containsCidr,
  cidr_ip: ({ ip }: CelCidr) => ip,
  cidr_masked: (cidr: CelCidr) =>
    new CelCidr(new CelIp(cidr.ip.family, networkOf(cidr)), cidr.length),
  cidr_prefix_length: ({ length }: CelCidr) => BigInt(length),
};
