import type { Environment } from '@marcbachmann/cel-js';

/** An address as a number of 32 or 128 bits. */
class CelIp {
  readonly family: 4 | 6;
  readonly value: bigint;

  constructor(family: 4 | 6, value: bigint) {
    this.family = family;
    this.value = value;
  }
}

class CelCidr {
  readonly ip: CelIp;
  readonly length: number;

  constructor(ip: CelIp, length: number) {
    this.ip = ip;
    this.length = length;
  }
}

/** What `ip.isCanonical` hangs on. */
class IpNamespace {}

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

/** @throws Error upstream's text */
function mustIp(text: string): CelIp {
  const ip = parseIp(text);
  if (!ip)
    throw new Error(
      `IP Address ${JSON.stringify(text)} parse error during conversion from string: ParseAddr(${JSON.stringify(text)}): unable to parse IP`,
    );
  if (isMapped(ip))
    throw new Error(`IPv4-mapped IPv6 address ${JSON.stringify(text)} is not allowed`);
  return ip;
}

function parseCidrText(text: string): CelCidr | undefined {
  const [, address = '', length = ''] = /^(.*)\/(0|[1-9]\d{0,2})$/.exec(text) ?? [];
  const ip = parseIp(address);
  if (!ip || isMapped(ip) || Number(length) > bitsOf(ip.family)) return undefined;
  return new CelCidr(ip, Number(length));
}

function mustCidr(text: string): CelCidr {
  const cidr = parseCidrText(text);
  if (!cidr)
    throw new Error(
      `network address parse error during conversion from string: network address parse error during conversion from string: netip.ParsePrefix(${JSON.stringify(text)}): no '/'`,
    );
  return cidr;
}

const networkOf = ({ ip, length }: CelCidr): bigint => {
  const shift = BigInt(bitsOf(ip.family) - length);
  return (ip.value >> shift) << shift;
};

const containsIp = (cidr: CelCidr, ip: CelIp): boolean =>
  cidr.ip.family === ip.family && networkOf(cidr) === networkOf(new CelCidr(ip, cidr.length));

/** `ip()` and `cidr()`. @see k8s.io/apiserver/pkg/cel/library/{ip,cidr}.go */
export function registerNetworks(env: Environment): void {
  env.registerType('net.IP', CelIp);
  env.registerType('net.CIDR', CelCidr);
  env.registerFunction('ip(string): net.IP', mustIp);
  env.registerFunction('isIP(string): bool', (text: string) => {
    const ip = parseIp(text);
    return ip !== undefined && !isMapped(ip);
  });
  env.registerType('net.IPNamespace', IpNamespace);
  env.registerConstant('ip', 'net.IPNamespace', new IpNamespace());
  env.registerFunction(
    'net.IPNamespace.isCanonical(string): bool',
    (_: IpNamespace, text: string) => ipText(mustIp(text)) === text,
  );
  env.registerFunction('string(net.IP): string', ipText);
  env.registerFunction('net.IP.family(): int', ({ family }: CelIp) => BigInt(family));
  const within = (name: string, four: string, six: string): void => {
    const [ranges4, ranges6] = [four, six].map((list) => list.split(' ').map(mustCidr));
    env.registerFunction(`net.IP.${name}(): bool`, (ip: CelIp) =>
      ((ip.family === 4 ? ranges4 : ranges6) ?? []).some((range) => containsIp(range, ip)),
    );
  };
  within('isUnspecified', '0.0.0.0/32', '::/128');
  within('isLoopback', '127.0.0.0/8', '::1/128');
  within('isLinkLocalMulticast', '224.0.0.0/24', 'ff02::/16');
  within('isLinkLocalUnicast', '169.254.0.0/16', 'fe80::/10');
  env.registerFunction('net.IP.isGlobalUnicast(): bool', (ip: CelIp) => {
    const not = (
      ip.family === 4
        ? '0.0.0.0/32 255.255.255.255/32 127.0.0.0/8 224.0.0.0/4 169.254.0.0/16'
        : '::/128 ::1/128 ff00::/8 fe80::/10'
    ).split(' ');
    return !not.some((range) => containsIp(mustCidr(range), ip));
  });
  const sameIp = (a: CelIp, b: CelIp): boolean => a.family === b.family && a.value === b.value;
  env.registerOperator('net.IP == net.IP', sameIp);
  env.registerOperator(
    'net.CIDR == net.CIDR',
    (a: CelCidr, b: CelCidr) => a.length === b.length && sameIp(a.ip, b.ip),
  );
  env.registerFunction('cidr(string): net.CIDR', mustCidr);
  env.registerFunction('isCIDR(string): bool', (text: string) => parseCidrText(text) !== undefined);
  env.registerFunction(
    'string(net.CIDR): string',
    ({ ip, length }: CelCidr) => `${ipText(ip)}/${length}`,
  );
  env.registerFunction('net.CIDR.containsIP(string): bool', (cidr: CelCidr, text: string) =>
    containsIp(cidr, mustIp(text)),
  );
  env.registerFunction('net.CIDR.containsIP(net.IP): bool', containsIp);
  const containsCidr = (cidr: CelCidr, other: CelCidr): boolean =>
    other.length >= cidr.length && containsIp(cidr, other.ip);
  env.registerFunction('net.CIDR.containsCIDR(string): bool', (cidr: CelCidr, text: string) =>
    containsCidr(cidr, mustCidr(text)),
  );
  env.registerFunction('net.CIDR.containsCIDR(net.CIDR): bool', containsCidr);
  env.registerFunction('net.CIDR.ip(): net.IP', ({ ip }: CelCidr) => ip);
  env.registerFunction(
    'net.CIDR.masked(): net.CIDR',
    (cidr: CelCidr) => new CelCidr(new CelIp(cidr.ip.family, networkOf(cidr)), cidr.length),
  );
  env.registerFunction('net.CIDR.prefixLength(): int', ({ length }: CelCidr) => BigInt(length));
}
