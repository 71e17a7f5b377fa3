import type { Implementations } from '../language/interpreter.ts';
import { LibraryValue, Optional } from '../language/values.ts';

class CelFormat extends LibraryValue {
  readonly typeName = 'kubernetes.NamedFormat';
  readonly name: string;
  override readonly patternLength: number;

  constructor(name: string) {
    super();
    this.name = name;
    this.patternLength = formats[name]?.patternLength ?? 0;
  }

  equals(other: LibraryValue): boolean {
    return other instanceof CelFormat && other.name === this.name;
  }
}

const label = '[a-z0-9]([-a-z0-9]*[a-z0-9])?';
const label1035 = '[a-z]([-a-z0-9]*[a-z0-9])?';
const subdomain = `${label}(\\.${label})*`;
const maskTrailingDash = (text: string): string => text.replace(/-$/, 'a');

interface FormatRule {
  readonly pattern: RegExp;
  readonly max?: number;
  readonly what: string;
  readonly prefix?: boolean;
  /** Of upstream's pattern, by which a check costs. */
  readonly patternLength: number;
}

const dns1123Label =
  "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with an alphanumeric character (e.g. 'my-name',  or '123-abc', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?')";
const dns1123Subdomain =
  "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character (e.g. 'example.com', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')";
const dns1035Label =
  "a DNS-1035 label must consist of lower case alphanumeric characters or '-', start with an alphabetic character, and end with an alphanumeric character (e.g. 'my-name',  or 'abc-123', regex used for validation is '[a-z]([-a-z0-9]*[a-z0-9])?')";

/** @see k8s.io/apiserver/pkg/cel/library/format.go */
const formats: Readonly<Record<string, FormatRule>> = {
  dns1123Label: {
    patternLength: 30,
    pattern: new RegExp(`^${label}$`),
    max: 63,
    what: dns1123Label,
  },
  dns1123LabelPrefix: {
    patternLength: 30,
    pattern: new RegExp(`^${label}$`),
    max: 63,
    what: dns1123Label,
    prefix: true,
  },
  dns1123Subdomain: {
    patternLength: 60,
    pattern: new RegExp(`^${subdomain}$`),
    max: 253,
    what: dns1123Subdomain,
  },
  dns1123SubdomainPrefix: {
    patternLength: 60,
    pattern: new RegExp(`^${subdomain}$`),
    max: 253,
    what: dns1123Subdomain,
    prefix: true,
  },
  dns1035Label: {
    patternLength: 30,
    pattern: new RegExp(`^${label1035}$`),
    max: 63,
    what: dns1035Label,
  },
  dns1035LabelPrefix: {
    patternLength: 30,
    pattern: new RegExp(`^${label1035}$`),
    max: 63,
    what: dns1035Label,
    prefix: true,
  },
  qualifiedName: {
    patternLength: 60,
    pattern: new RegExp(`^(?:${subdomain}/)?(?:[A-Za-z0-9][-A-Za-z0-9_.]{0,61})?[A-Za-z0-9]$`),
    what: "name part must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]')",
  },
  labelValue: {
    patternLength: 40,
    pattern: /^(?:(?:[A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?$/,
    max: 63,
    what: "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyValue',  or 'my_value',  or '12345', regex used for validation is '(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?')",
  },
  uri: {
    patternLength: 1101,
    pattern: /^(?:[A-Za-z][A-Za-z0-9+.-]*:|\/)\S*$/,
    what: 'invalid URI',
  },
  uuid: {
    patternLength: 69,
    pattern: /^[0-9a-fA-F]{8}-?(?:[0-9a-fA-F]{4}-?){3}[0-9a-fA-F]{12}$/,
    what: 'does not match the UUID format',
  },
  byte: {
    patternLength: 81,
    pattern: /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/,
    what: 'invalid base64',
  },
  date: {
    patternLength: 69,
    pattern: /^\d{4}-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12]\d|3[01])$/,
    what: 'invalid date',
  },
  datetime: {
    patternLength: 69,
    pattern: /^\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(?:\.\d+)?(?:[Zz]|[+-]\d\d:\d\d)$/,
    what: 'invalid datetime',
  },
};

const labelKey =
  "a valid label key must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]') with an optional DNS subdomain prefix and '/' (e.g. 'example.com/MyName')";

/** @returns what is wrong with a text; none: it is of the format. */
function formatFaults(name: string, text: string): string[] {
  const rule = formats[name];
  if (!rule) return [];
  if (name === 'qualifiedName' && text.split('/').length > 2) return [labelKey];
  if (name === 'uri' && !rule.pattern.test(text))
    return [`parse ${JSON.stringify(text)}: invalid URI for request`];
  const checked = rule.prefix ? maskTrailingDash(text) : text;
  return [
    ...(rule.max !== undefined && text.length > rule.max
      ? [`must be no more than ${rule.max} bytes`]
      : []),
    ...(rule.pattern.test(checked) ? [] : [rule.what]),
  ];
}

/** `format.dns1123Label().validate(text)`. */
export const namedFormats: Implementations = {
  ...Object.fromEntries(
    Object.keys(formats).map((name) => [`format.${name}`, () => new CelFormat(name)]),
  ),
  'format-named': (name: string) =>
    Object.hasOwn(formats, name) ? Optional.of(new CelFormat(name)) : Optional.none,
  'format-validate': ({ name }: CelFormat, text: string) => {
    const faults = formatFaults(name, text);
    return faults.length > 0 ? Optional.of(faults) : Optional.none;
  },
};
