import { addressBits, cidrFamily, ipFamily, withoutLeadingZeros } from './names.ts';

const quote = (text: string): string => JSON.stringify(text);

/**
 * What `Warning:` headers say of an address whose form is not the usual one; nothing of what is no address.
 * @see apimachinery/pkg/util/validation/ip.go, GetWarningsForIP
 */
export function addressWarnings(path: string, value: string): string[] {
  const address = withoutLeadingZeros(value);
  const family = ipFamily(address);
  if (!family) return [];
  const usual = canonicalAddress(addressBits(address));
  if (!ipFamily(value) || (family === 'IPv6' && !usual.includes(':')))
    return [`${path}: non-standard IP address ${quote(value)} is invalid: use ${quote(usual)}`];
  return family === 'IPv6' && usual !== value
    ? [
        `${path}: IPv6 address ${quote(value)} should be in RFC 5952 canonical format (${quote(usual)})`,
      ]
    : [];
}

/** The same for a range. @see GetWarningsForCIDR */
export function cidrWarnings(path: string, value: string): string[] {
  const plain = value.includes('.') ? withoutLeadingZeros(value) : value;
  if (!cidrFamily(plain)) return [];
  const [address = '', length = ''] = plain.split('/');
  const bits = addressBits(address);
  const network = bits.slice(0, Number(length)).padEnd(bits.length, '0');
  const usual = `${canonicalAddress(network)}/${Number(length)}`;
  const warnings: string[] = [];
  if (network !== bits) {
    const single = `${canonicalAddress(bits)}/${bits.length}`;
    warnings.push(
      `${path}: CIDR value ${quote(value)} is ambiguous in this context (should be ${quote(usual)} or ${quote(single)}?)`,
    );
  }
  const isIpv6 = address.includes(':');
  if (plain !== value || (isIpv6 && !usual.includes(':')))
    warnings.push(
      `${path}: non-standard CIDR value ${quote(value)} is invalid: use ${quote(usual)}`,
    );
  else if (warnings.length === 0 && isIpv6 && usual !== value)
    warnings.push(
      `${path}: IPv6 CIDR value ${quote(value)} should be in RFC 5952 canonical format (${quote(usual)})`,
    );
  return warnings;
}

/** What is wrong with an address of an interface, in the form of a range. @see IsValidInterfaceAddress */
export function interfaceAddressFault(value: string): string | undefined {
  const plain = value.includes('.') ? withoutLeadingZeros(value) : value;
  if (!cidrFamily(plain))
    return 'must be a valid address in CIDR form, (e.g. 10.9.8.7/24 or 2001:db8::1/64)';
  const [address = '', length = ''] = plain.split('/');
  const usual = canonicalAddress(addressBits(address));
  const isMapped = address.includes(':') && !usual.includes(':');
  const bits = Number(length) - (isMapped ? 96 : 0);
  return value === `${usual}/${bits}`
    ? undefined
    : `must be in canonical form ("${usual}/${bits}")`;
}

/** 32 or 128 binary digits as RFC 5952 writes them; an IPv4-mapped address as the IPv4 one it holds. */
function canonicalAddress(bits: string): string {
  const numbers = (digits: string, width: number): number[] =>
    Array.from({ length: digits.length / width }, (_, index) =>
      parseInt(digits.slice(index * width, (index + 1) * width), 2),
    );
  if (bits.length === 32) return numbers(bits, 8).join('.');
  if (/^0{80}1{16}/.test(bits)) return numbers(bits.slice(96), 8).join('.');
  const groups = numbers(bits, 16).map((group) => group.toString(16));
  // The longest run of two or more zero groups, the first of equals.
  let [start, length] = [-1, 1];
  groups.forEach((_, from) => {
    let run = 0;
    while (groups[from + run] === '0') run++;
    if (run > length) [start, length] = [from, run];
  });
  return start < 0
    ? groups.join(':')
    : `${groups.slice(0, start).join(':')}::${groups.slice(start + length).join(':')}`;
}
