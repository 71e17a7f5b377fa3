import { type FieldErrors, goJson, Printed } from '../../validation/field.ts';
import { dnsLabel } from '../../validation/meta.ts';
import { isDns1123Subdomain, isLabelValue } from '../../validation/names.ts';

// Rules: pkg/apis/resource/validation/validation.go.

/** A value of one of Go's named string types: printed as JSON. */
export const named = (value: string): Printed => new Printed(goJson(value));

/** @see ValidateCSIDriverName */
export function driverName(errors: FieldErrors, path: string, name = ''): void {
  if (name === '') {
    errors.required(path);
    return;
  }
  if (name.length > 63) errors.tooLong(path, 63);
  errors.invalidEach(path, name, isDns1123Subdomain(name.toLowerCase()));
}

/** Subdomains, joined by slashes. @see validatePoolName */
export function poolName(errors: FieldErrors, path: string, name = ''): void {
  if (name === '') {
    errors.required(path);
    return;
  }
  if (name.length > 253) errors.tooLong(path, 253);
  for (const part of name.split('/')) errors.invalidEach(path, part, isDns1123Subdomain(part));
}

export function labelName(errors: FieldErrors, path: string, name = ''): void {
  dnsLabel(errors, path, name);
}

export function labelValue(errors: FieldErrors, path: string, value = ''): void {
  errors.invalidEach(path, value, isLabelValue(value));
}

export function className(errors: FieldErrors, path: string, name = ''): void {
  if (name === '') errors.required(path);
  else errors.invalidEach(path, name, isDns1123Subdomain(name));
}

export function nodeName(errors: FieldErrors, path: string, name: string): void {
  errors.invalidEach(path, name, isDns1123Subdomain(name));
}

/** @see validateUID and github.com/google/uuid, Validate */
export function shareId(errors: FieldErrors, path: string, uid: string): void {
  const fault = uuidFault(uid);
  if (fault !== undefined) errors.invalid(path, uid, `error validating uid: ${fault}`);
  else if (uid.length !== 36 || uid !== uid.toLowerCase())
    errors.invalid(
      path,
      uid,
      'uid must be in RFC 4122 normalized form, `xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx` with lowercase hexadecimal characters',
    );
}

function uuidFault(text: string): string | undefined {
  let rest = text;
  switch (text.length) {
    case 36:
      break;
    case 45:
      if (text.slice(0, 9).toLowerCase() !== 'urn:uuid:')
        return `invalid urn prefix: ${JSON.stringify(text.slice(0, 9))}`;
      rest = text.slice(9);
      break;
    case 38:
      if (!/^\{.*\}$/.test(text)) return 'invalid bracketed UUID format';
      rest = text.slice(1, -1);
      break;
    case 32:
      return /^[0-9a-fA-F]{32}$/.test(text) ? undefined : 'invalid UUID format';
    default:
      return `invalid UUID length: ${text.length}`;
  }
  return /^[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$/.test(rest)
    ? undefined
    : 'invalid UUID format';
}

const maxIdLength = 32;
const identifier = '[A-Za-z_][A-Za-z0-9_]*';
const identifierFault = `a valid C identifier must start with alphabetic character or '_', followed by a string of alphanumeric characters or '_' (e.g. 'my_name',  or 'MY_NAME',  or 'MyName', regex used for validation is '${identifier}')`;

function cIdentifier(errors: FieldErrors, path: string, id: string): void {
  if (id.length > maxIdLength) errors.tooLong(path, maxIdLength);
  if (!new RegExp(`^${identifier}$`).test(id)) errors.invalid(path, id, identifierFault);
}

/** A name of an attribute or a capacity, with or without a domain; names with two slashes pass upstream too. */
export function qualifiedName(errors: FieldErrors, path: string, name: string): void {
  const [first = '', second, ...more] = name.split('/');
  if (second === undefined) cIdentifier(errors, path, first);
  else if (more.length === 0) {
    if (first === '') errors.invalid(path, '', 'the domain must not be empty');
    else driverName(errors, path, first);
    if (second === '') errors.invalid(path, '', 'the name must not be empty');
    else cIdentifier(errors, path, second);
  }
}

export function fullyQualifiedName(errors: FieldErrors, path: string, name: string): void {
  qualifiedName(errors, path, name);
  if (!name.includes('/'))
    errors.invalid(
      path,
      named(name),
      'a fully qualified name must be a domain and a name separated by a slash',
    );
}
