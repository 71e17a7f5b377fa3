import type { Environment } from '@marcbachmann/cel-js';

class CelSemver {
  readonly numbers: readonly [bigint, bigint, bigint];
  readonly pre: readonly string[];

  constructor(numbers: readonly [bigint, bigint, bigint], pre: readonly string[]) {
    this.numbers = numbers;
    this.pre = pre;
  }
}

const semverPattern =
  /^(0|[1-9]\d*)\.(0|[1-9]\d*)\.(0|[1-9]\d*)(?:-([0-9A-Za-z-]+(?:\.[0-9A-Za-z-]+)*))?(?:\+[0-9A-Za-z-]+(?:\.[0-9A-Za-z-]+)*)?$/;

/** Takes `v`, missing numbers and leading zeros away. */
function normalized(text: string): string {
  const [, numbers = '', rest = ''] = /^v?([\d.]*)(.*)$/.exec(text) ?? [];
  const parts = numbers.split('.').map((part) => part.replace(/^0+(?=\d)/, ''));
  while (parts.length < 3) parts.push('0');
  return parts.join('.') + rest;
}

function parseSemver(text: string, normalize = false): CelSemver | undefined {
  const match = semverPattern.exec(normalize ? normalized(text) : text);
  if (!match) return undefined;
  const [, major = '0', minor = '0', patch = '0', pre] = match;
  const parts = pre?.split('.') ?? [];
  if (parts.some((part) => /^0\d+$/.test(part))) return undefined;
  return new CelSemver([BigInt(major), BigInt(minor), BigInt(patch)], parts);
}

const sign = (a: bigint | string, b: bigint | string): bigint => (a < b ? -1n : a > b ? 1n : 0n);

function comparePre(a: readonly string[], b: readonly string[]): bigint {
  if (a.length === 0 || b.length === 0) return BigInt(Math.sign(b.length - a.length));
  for (const [i, own] of a.entries()) {
    const other = b[i];
    if (other === undefined) return 1n;
    const [x, y] = [/^\d+$/.test(own), /^\d+$/.test(other)];
    const order = x && y ? sign(BigInt(own), BigInt(other)) : x ? -1n : y ? 1n : sign(own, other);
    if (order !== 0n) return order;
  }
  return a.length < b.length ? -1n : 0n;
}

function compareSemver(a: CelSemver, b: CelSemver): bigint {
  for (const i of [0, 1, 2] as const) {
    const order = sign(a.numbers[i], b.numbers[i]);
    if (order !== 0n) return order;
  }
  return comparePre(a.pre, b.pre);
}

/** `semver('1.2.3')`. @see k8s.io/apiserver/pkg/cel/library/semverlib.go */
export function registerSemver(env: Environment): void {
  const type = 'kubernetes.Semver';
  env.registerType(type, CelSemver);
  const must = (text: string, normalize = false): CelSemver => {
    const version = parseSemver(text, normalize);
    if (!version) throw new Error('No Major.Minor.Patch elements found');
    return version;
  };
  env.registerFunction(`semver(string): ${type}`, (text: string) => must(text));
  env.registerFunction(`semver(string, bool): ${type}`, must);
  env.registerFunction('isSemver(string): bool', (text: string) => parseSemver(text) !== undefined);
  env.registerFunction(
    'isSemver(string, bool): bool',
    (text: string, normalize: boolean) => parseSemver(text, normalize) !== undefined,
  );
  for (const [i, name] of ['major', 'minor', 'patch'].entries())
    env.registerFunction(
      `${type}.${name}(): int`,
      ({ numbers }: CelSemver) => numbers[i as 0 | 1 | 2],
    );
  env.registerFunction(`${type}.compareTo(${type}): int`, compareSemver);
  env.registerFunction(
    `${type}.isGreaterThan(${type}): bool`,
    (a: CelSemver, b: CelSemver) => compareSemver(a, b) > 0n,
  );
  env.registerFunction(
    `${type}.isLessThan(${type}): bool`,
    (a: CelSemver, b: CelSemver) => compareSemver(a, b) < 0n,
  );
}

class CelFormat {
  readonly name: string;

  constructor(name: string) {
    this.name = name;
  }
}

class Namespace {}

const label = '[a-z0-9]([-a-z0-9]*[a-z0-9])?';
const label1035 = '[a-z]([-a-z0-9]*[a-z0-9])?';
const subdomain = `${label}(\\.${label})*`;
const maskTrailingDash = (text: string): string => text.replace(/-$/, 'a');

interface FormatRule {
  readonly pattern: RegExp;
  readonly max?: number;
  readonly what: string;
  readonly prefix?: boolean;
}

const dns1123Label =
  "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with an alphanumeric character (e.g. 'my-name',  or '123-abc', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?')";
const dns1123Subdomain =
  "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character (e.g. 'example.com', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')";
const dns1035Label =
  "a DNS-1035 label must consist of lower case alphanumeric characters or '-', start with an alphabetic character, and end with an alphanumeric character (e.g. 'my-name',  or 'abc-123', regex used for validation is '[a-z]([-a-z0-9]*[a-z0-9])?')";

/** @see k8s.io/apiserver/pkg/cel/library/format.go */
const formats: Readonly<Record<string, FormatRule>> = {
  dns1123Label: { pattern: new RegExp(`^${label}$`), max: 63, what: dns1123Label },
  dns1123LabelPrefix: {
    pattern: new RegExp(`^${label}$`),
    max: 63,
    what: dns1123Label,
    prefix: true,
  },
  dns1123Subdomain: { pattern: new RegExp(`^${subdomain}$`), max: 253, what: dns1123Subdomain },
  dns1123SubdomainPrefix: {
    pattern: new RegExp(`^${subdomain}$`),
    max: 253,
    what: dns1123Subdomain,
    prefix: true,
  },
  dns1035Label: { pattern: new RegExp(`^${label1035}$`), max: 63, what: dns1035Label },
  dns1035LabelPrefix: {
    pattern: new RegExp(`^${label1035}$`),
    max: 63,
    what: dns1035Label,
    prefix: true,
  },
  qualifiedName: {
    pattern: new RegExp(`^(?:${subdomain}/)?(?:[A-Za-z0-9][-A-Za-z0-9_.]{0,61})?[A-Za-z0-9]$`),
    what: "name part must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]')",
  },
  labelValue: {
    pattern: /^(?:(?:[A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?$/,
    max: 63,
    what: "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyValue',  or 'my_value',  or '12345', regex used for validation is '(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?')",
  },
  uri: { pattern: /^(?:[A-Za-z][A-Za-z0-9+.-]*:|\/)\S*$/, what: 'invalid URI' },
  uuid: {
    pattern: /^[0-9a-fA-F]{8}-?(?:[0-9a-fA-F]{4}-?){3}[0-9a-fA-F]{12}$/,
    what: 'does not match the UUID format',
  },
  byte: {
    pattern: /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/,
    what: 'invalid base64',
  },
  date: { pattern: /^\d{4}-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12]\d|3[01])$/, what: 'invalid date' },
  datetime: {
    pattern: /^\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(?:\.\d+)?(?:[Zz]|[+-]\d\d:\d\d)$/,
    what: 'invalid datetime',
  },
};

/** @returns what is wrong with a text; none: it is of the format. */
function formatFaults(name: string, text: string): string[] {
  const rule = formats[name];
  if (!rule) return [];
  const checked = rule.prefix ? maskTrailingDash(text) : text;
  return [
    ...(rule.max !== undefined && text.length > rule.max
      ? [`must be no more than ${rule.max} bytes`]
      : []),
    ...(rule.pattern.test(checked) ? [] : [rule.what]),
  ];
}

/** `format.dns1123Label().validate(text)`, and `'%d of %s'.format([1, 'x'])`. */
export function registerFormats(env: Environment, optionalOf: (value: unknown) => unknown): void {
  env.registerType('kubernetes.NamedFormat', CelFormat);
  env.registerType('kubernetes.FormatNamespace', Namespace);
  env.registerConstant('format', 'kubernetes.FormatNamespace', new Namespace());
  for (const name of Object.keys(formats))
    env.registerFunction(
      `kubernetes.FormatNamespace.${name}(): kubernetes.NamedFormat`,
      () => new CelFormat(name),
    );
  env.registerFunction(
    'kubernetes.FormatNamespace.named(string): optional<kubernetes.NamedFormat>',
    (_: Namespace, name: string) =>
      optionalOf(Object.hasOwn(formats, name) ? new CelFormat(name) : undefined),
  );
  env.registerFunction(
    'kubernetes.NamedFormat.validate(string): optional<list<string>>',
    ({ name }: CelFormat, text: string) => {
      const faults = formatFaults(name, text);
      return optionalOf(faults.length > 0 ? faults : undefined);
    },
  );
  env.registerFunction('string.format(list<dyn>): string', formatText);
}

/** @see cel-go/ext/strings.go, format */
function formatText(pattern: string, values: readonly unknown[]): string {
  let next = 0;
  const text = pattern.replace(
    /%(?:(%)|(?:\.(\d+))?([a-zA-Z]))/g,
    (_all, percent: string | undefined, precision: string | undefined, verb: string) => {
      if (percent) return '%';
      if (next >= values.length) throw new Error(`index ${next} out of range`);
      return clause(verb, values[next++], precision === undefined ? 6 : Number(precision));
    },
  );
  return text;
}

function clause(verb: string, value: unknown, precision: number): string {
  const number = typeof value === 'bigint' ? value : undefined;
  switch (verb) {
    case 's':
      return plainText(value);
    case 'd':
      if (number !== undefined || typeof value === 'number') return String(value);
      break;
    case 'f':
      if (typeof value === 'number' || number !== undefined)
        return Number(value).toFixed(precision);
      break;
    case 'e':
      if (typeof value === 'number' || number !== undefined)
        return Number(value)
          .toExponential(precision)
          .replace(/e([+-])(\d)$/, 'e$10$2');
      break;
    case 'b':
      if (typeof value === 'boolean') return value ? '1' : '0';
      if (number !== undefined) return number.toString(2);
      break;
    case 'o':
      if (number !== undefined) return number.toString(8);
      break;
    case 'x':
    case 'X': {
      const hex =
        number === undefined
          ? typeof value === 'string'
            ? [...new TextEncoder().encode(value)]
                .map((b) => b.toString(16).padStart(2, '0'))
                .join('')
            : undefined
          : number.toString(16);
      if (hex !== undefined) return verb === 'X' ? hex.toUpperCase() : hex;
      break;
    }
    default:
      throw new Error(
        `could not parse formatting clause: unrecognized formatting clause ${JSON.stringify(verb)}`,
      );
  }
  throw new Error(`error during formatting: %${verb} clause cannot be used with this type`);
}

function plainText(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(plainText).join(', ')}]`;
  if (value instanceof Date) return value.toISOString().replace(/\.000Z$/, 'Z');
  if (value instanceof Map || (typeof value === 'object' && value !== null)) {
    const entries = value instanceof Map ? [...value] : Object.entries(value);
    return `{${entries
      .map(([key, item]) => `${plainText(key)}: ${plainText(item)}`)
      .sort()
      .join(', ')}}`;
  }
  return String(value);
}
