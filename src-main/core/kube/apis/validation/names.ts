export {
  dns1035LabelErrors as isDns1035Label,
  dns1123LabelErrors as isDns1123Label,
  dns1123SubdomainErrors as isDns1123Subdomain,
  labelValueErrors as isLabelValue,
  pathSegmentErrors as isPathSegment,
  qualifiedNameErrors as isQualifiedName,
} from '../../machinery/index.ts';

/**
 * Checks of names, keys and numbers; each returns the messages of what is wrong, none when all is well.
 * @see k8s.io/apimachinery/pkg/util/validation/validation.go and pkg/api/validate/content
 */
export type Check = (value: string) => string[];

const regexError = (message: string, format: string, ...examples: string[]): string =>
  examples.length === 0
    ? `${message} (regex used for validation is '${format}')`
    : `${message} (e.g. ${examples.map((example) => `'${example}', `).join(' or ')}regex used for validation is '${format}')`;

const maxChars = (length: number): string => `must be no more than ${length} characters`;
const whole = (format: string): RegExp => new RegExp(`^(?:${format})$`);

const label = '[a-z0-9]([-a-z0-9]*[a-z0-9])?';
const subdomain = `${label}(\\.${label})*`;
const underscoreLabel = '_?[a-z0-9]([-_a-z0-9]*[a-z0-9])?';
const underscoreSubdomain = `${underscoreLabel}(\\.${underscoreLabel})*`;
const wildcardSubdomain = `\\*\\.${subdomain}`;
const configKey = '[-._a-zA-Z0-9]+';
const httpHeader = '[-A-Za-z0-9]+';
const percent = '[0-9]+%';

const underscoreSubdomainRe = whole(underscoreSubdomain);
const wildcardRe = whole(wildcardSubdomain);
const configKeyRe = whole(configKey);
const httpHeaderRe = whole(httpHeader);
const percentRe = whole(percent);

export function isDns1123SubdomainWithUnderscore(value: string): string[] {
  const errors: string[] = [];
  if (value.length > 253) errors.push(maxChars(253));
  if (!underscoreSubdomainRe.test(value)) {
    errors.push(
      regexError(
        "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '_', '-' or '.', and must start and end with an alphanumeric character",
        underscoreSubdomain,
        'example.com',
      ),
    );
  }
  return errors;
}

export function isWildcardDns1123Subdomain(value: string): string[] {
  const errors: string[] = [];
  if (value.length > 253) errors.push(maxChars(253));
  if (!wildcardRe.test(value)) {
    errors.push(
      regexError(
        "a wildcard DNS-1123 subdomain must start with '*.', followed by a valid DNS subdomain, which must consist of lower case alphanumeric characters, '-' or '.' and end with an alphanumeric character",
        wildcardSubdomain,
        '*.example.com',
      ),
    );
  }
  return errors;
}

/** `.`, `..` and names starting with `..` would climb out of a mounted directory. */
function chDirPrefix(value: string): string[] {
  if (value === '.') return ["must not be '.'"];
  if (value === '..') return ["must not be '..'"];
  return value.startsWith('..') ? ["must not start with '..'"] : [];
}

export function isConfigMapKey(value: string): string[] {
  const errors: string[] = [];
  if (value.length > 253) errors.push(maxChars(253));
  if (!configKeyRe.test(value)) {
    errors.push(
      regexError(
        "a valid config key must consist of alphanumeric characters, '-', '_' or '.'",
        configKey,
        'key.name',
        'KEY_NAME',
        'key-name',
      ),
    );
  }
  return [...errors, ...chDirPrefix(value)];
}

/** Any printable ASCII but `=`, as relaxed in v1.30. */
export function isEnvVarName(value: string): string[] {
  const errors: string[] = [];
  if (value === '') errors.push('environment variable name must be non-empty');
  if (!/^[\x20-\x3c\x3e-\x7e]*$/.test(value)) {
    errors.push(
      "a valid environment variable name must consist only of printable ASCII characters other than '='",
    );
  }
  return errors;
}

export function isPortName(value: string): string[] {
  const errors: string[] = [];
  if (value.length > 15) errors.push(maxChars(15));
  if (!/^[-a-z0-9]+$/.test(value)) {
    errors.push('must contain only alpha-numeric characters (a-z, 0-9), and hyphens (-)');
  }
  if (!/[a-z]/.test(value)) errors.push('must contain at least one letter (a-z)');
  if (value.includes('--')) errors.push('must not contain consecutive hyphens');
  if (value.startsWith('-') || value.endsWith('-')) {
    errors.push('must not begin or end with a hyphen');
  }
  return errors;
}

export function isHttpHeaderName(value: string): string[] {
  return httpHeaderRe.test(value)
    ? []
    : [
        regexError(
          "a valid HTTP header must consist of alphanumeric characters or '-'",
          httpHeader,
          'X-Header-Name',
        ),
      ];
}

export function isPercent(value: string): string[] {
  return percentRe.test(value)
    ? []
    : [
        regexError(
          "a valid percent string must be a numeric string followed by an ending '%'",
          percent,
          '1%',
          '93%',
        ),
      ];
}

export function inRange(value: number, low: number, high: number): string[] {
  return value >= low && value <= high ? [] : [`must be between ${low} and ${high}, inclusive`];
}

export const isPortNumber = (value: number): string[] => inRange(value, 1, 65_535);
/** User and group ids. */
export const isId = (value: number): string[] => inRange(value, 0, 2_147_483_647);

const ipv4 = /^(?:(?:25[0-5]|2[0-4]\d|1\d\d|[1-9]?\d)(?:\.(?!$)|$)){4}$/;

/** The family of an address, `undefined` when it is none. */
export function ipFamily(value: string): 'IPv4' | 'IPv6' | undefined {
  if (ipv4.test(value)) return 'IPv4';
  if (!value.includes(':') || !/^[0-9a-fA-F:.]+$/.test(value)) return undefined;
  const halves = value.split('::');
  if (halves.length > 2) return undefined;
  const groups = halves.flatMap((half) => (half === '' ? [] : half.split(':')));
  const last = groups[groups.length - 1];
  const tail = last !== undefined && ipv4.test(last) ? 2 : 1;
  if (tail === 2) groups.pop();
  if (!groups.every((group) => /^[0-9a-fA-F]{1,4}$/.test(group))) return undefined;
  const count = groups.length + (tail === 2 ? 2 : 0);
  return (halves.length === 2 ? count < 8 : count === 8) ? 'IPv6' : undefined;
}

/** The family of a `address/bits` range, `undefined` when it is none. */
export function cidrFamily(value: string): 'IPv4' | 'IPv6' | undefined {
  const [address = '', bits = '', ...rest] = value.split('/');
  const family = ipFamily(address);
  if (!family || rest.length > 0 || !/^\d{1,3}$/.test(bits)) return undefined;
  return Number(bits) <= (family === 'IPv4' ? 32 : 128) ? family : undefined;
}

/** `010.1.1.1`, which Go's older parsers took. */
export const withoutLeadingZeros = (address: string): string => address.replace(/\b0+(?=\d)/g, '');

/** An address as v1.36 takes it by default. @see apimachinery/pkg/util/validation/ip.go, feature StrictIPCIDRValidation */
export const isIp: Check = (value) => {
  if (ipFamily(value)) return isMapped(value) ? ['must not be an IPv4-mapped IPv6 address'] : [];
  return ipFamily(withoutLeadingZeros(value)) === 'IPv4'
    ? ['must not have leading 0s']
    : ['must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)'];
};

/** A range whose address has nothing beyond its prefix. */
export const isCidr: Check = (value) => {
  const [address = '', bits = ''] = value.split('/');
  const sloppy = value.includes('.') ? withoutLeadingZeros(value) : value;
  if (!cidrFamily(sloppy))
    return ['must be a valid CIDR value, (e.g. 10.9.8.0/24 or 2001:db8::/64)'];
  if (sloppy !== value || /^0\d/.test(bits))
    return ['must not have leading 0s in IP or prefix length'];
  if (isMapped(address)) return ['must not have an IPv4-mapped IPv6 address'];
  const beyond = addressBits(address).slice(Number(bits));
  return beyond.includes('1') ? ['must not have bits set beyond the prefix length'] : [];
};

const isMapped = (address: string): boolean =>
  address.includes(':') && /^0{80}1{16}/.test(addressBits(address));

/** An address as its 32 or 128 binary digits. */
export function addressBits(address: string): string {
  const digits = (value: number, width: number): string => value.toString(2).padStart(width, '0');
  const ofIpv4 = (text: string): string =>
    text
      .split('.')
      .map((part) => digits(Number(part), 8))
      .join('');
  if (!address.includes(':')) return ofIpv4(address);
  const half = (text: string): string =>
    text === ''
      ? ''
      : text
          .split(':')
          .map((group) => (group.includes('.') ? ofIpv4(group) : digits(parseInt(group, 16), 16)))
          .join('');
  const [left = '', right] = address.split('::');
  if (right === undefined) return half(left);
  const [head, tail] = [half(left), half(right)];
  return head + '0'.repeat(128 - head.length - tail.length) + tail;
}
