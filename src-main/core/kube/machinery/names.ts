// Rules and texts: k8s.io/apimachinery/pkg/util/validation/validation.go.

const dns1123LabelPattern = '[a-z0-9]([-a-z0-9]*[a-z0-9])?';
const dns1123Label = new RegExp(`^${dns1123LabelPattern}$`);
const dns1123SubdomainPattern = `${dns1123LabelPattern}(\\.${dns1123LabelPattern})*`;
const dns1123Subdomain = new RegExp(`^${dns1123SubdomainPattern}$`);
const dns1035LabelPattern = '[a-z]([-a-z0-9]*[a-z0-9])?';
const dns1035Label = new RegExp(`^${dns1035LabelPattern}$`);
const qualifiedNamePattern = '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]';
const qualifiedName = new RegExp(`^${qualifiedNamePattern}$`);
const labelValuePattern = `(${qualifiedNamePattern})?`;
const labelValue = new RegExp(`^${labelValuePattern}$`);

const dns1123SubdomainMessage =
  "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character";
const dns1123LabelMessage =
  "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with an alphanumeric character";
const dns1035LabelMessage =
  "a DNS-1035 label must consist of lower case alphanumeric characters or '-', start with an alphabetic character, and end with an alphanumeric character";
const qualifiedNameMessage =
  "must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character";
const labelValueMessage =
  "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character";

/** `must be no more than N bytes`. */
export function maxLengthMessage(length: number): string {
  return `must be no more than ${length} bytes`;
}

function patternMessage(message: string, pattern: string, ...examples: string[]): string {
  const list = examples.map((example) => `'${example}', `).join(' or ');
  return examples.length === 0
    ? `${message} (regex used for validation is '${pattern}')`
    : `${message} (e.g. ${list}regex used for validation is '${pattern}')`;
}

/** Problems of a DNS-1123 subdomain (most names); empty when it is one. */
export function dns1123SubdomainErrors(value: string): string[] {
  const errors: string[] = [];
  if (value.length > 253) errors.push('must be no more than 253 characters');
  if (!dns1123Subdomain.test(value))
    errors.push(patternMessage(dns1123SubdomainMessage, dns1123SubdomainPattern, 'example.com'));
  return errors;
}

/** Problems of a DNS-1123 label (namespaces, container names). */
export function dns1123LabelErrors(value: string): string[] {
  const errors: string[] = [];
  if (value.length > 63) errors.push('must be no more than 63 characters');
  if (!dns1123Label.test(value))
    errors.push(
      dns1123Subdomain.test(value)
        ? 'must not contain dots'
        : patternMessage(dns1123LabelMessage, dns1123LabelPattern, 'my-name', '123-abc'),
    );
  return errors;
}

/** Problems of a DNS-1035 label (older rule of service names). */
export function dns1035LabelErrors(value: string): string[] {
  const errors: string[] = [];
  if (value.length > 63) errors.push('must be no more than 63 characters');
  if (!dns1035Label.test(value))
    errors.push(patternMessage(dns1035LabelMessage, dns1035LabelPattern, 'my-name', 'abc-123'));
  return errors;
}

/** Problems of a name that only has to be one segment of a URL path (RBAC objects). */
export function pathSegmentErrors(value: string): string[] {
  if (value === '.' || value === '..') return [`may not be '${value}'`];
  return ['/', '%']
    .filter((text) => value.includes(text))
    .map((text) => `may not contain '${text}'`);
}

/** Names that are known to be good: objects carry the same keys over and over. */
const goodNames = new Set<string>();
const mostGoodNames = 5000;

/** Problems of a label key, annotation key or other qualified name: `[prefix/]name`. */
export function qualifiedNameErrors(value: string): string[] {
  if (goodNames.has(value)) return [];
  const errors = problemsOfQualifiedName(value);
  if (errors.length === 0 && goodNames.size < mostGoodNames) goodNames.add(value);
  return errors;
}

function problemsOfQualifiedName(value: string): string[] {
  const errors: string[] = [];
  const parts = value.split('/');
  let name = parts[0] ?? '';
  if (parts.length === 2) {
    const prefix = parts[0] ?? '';
    name = parts[1] ?? '';
    if (prefix === '') errors.push('prefix part must be non-empty');
    else errors.push(...dns1123SubdomainErrors(prefix).map((text) => `prefix part ${text}`));
  } else if (parts.length > 2) {
    return [
      `a valid label key ${patternMessage(qualifiedNameMessage, qualifiedNamePattern, 'MyName', 'my.name', '123-abc')} with an optional DNS subdomain prefix and '/' (e.g. 'example.com/MyName')`,
    ];
  }
  if (name === '') errors.push('name part must be non-empty');
  else if (name.length > 63) errors.push(`name part ${maxLengthMessage(63)}`);
  if (!qualifiedName.test(name))
    errors.push(
      `name part ${patternMessage(qualifiedNameMessage, qualifiedNamePattern, 'MyName', 'my.name', '123-abc')}`,
    );
  return errors;
}

/** Problems of a label's value. */
export function labelValueErrors(value: string): string[] {
  const errors: string[] = [];
  if (value.length > 63) errors.push(maxLengthMessage(63));
  if (!labelValue.test(value))
    errors.push(
      patternMessage(labelValueMessage, labelValuePattern, 'MyValue', 'my_value', '12345'),
    );
  return errors;
}
