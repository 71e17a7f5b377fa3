import { fromBase64, fromUtf8 } from '#core/base';
import { CommandError } from '../errors.ts';

/** What a description shows of a PKCS #10 request. */
export interface RequestedSubject {
  readonly commonName: string;
  readonly serialNumber: string;
  /** By the titles that descriptions give them, in their order. */
  readonly names: readonly (readonly [title: string, values: readonly string[]])[];
  readonly alternatives: readonly (readonly [title: string, values: readonly string[]])[];
}

interface Node {
  readonly tag: number;
  readonly bytes: Uint8Array;
}

const malformed = (): CommandError =>
  new CommandError('Error parsing CSR: asn1: syntax error: data truncated');

/** The values of a DER sequence. */
function children(bytes: Uint8Array): Node[] {
  const out: Node[] = [];
  let offset = 0;
  while (offset < bytes.length) {
    const tag = bytes[offset] ?? 0;
    let length = bytes[offset + 1] ?? 0;
    offset += 2;
    if (length > 0x80) {
      const digits = length - 0x80;
      length = 0;
      for (let i = 0; i < digits; i++) length = length * 256 + (bytes[offset + i] ?? 0);
      offset += digits;
    }
    if (offset + length > bytes.length) throw malformed();
    out.push({ tag, bytes: bytes.subarray(offset, offset + length) });
    offset += length;
  }
  return out;
}

function identifier(bytes: Uint8Array): string {
  const [first = 0, ...rest] = bytes;
  const parts = [Math.floor(first / 40), first % 40];
  let value = 0;
  for (const byte of rest) {
    value = value * 128 + (byte & 0x7f);
    if (byte < 0x80) {
      parts.push(value);
      value = 0;
    }
  }
  return parts.join('.');
}

const subjectTitles = [
  ['2.5.4.10', 'Organization'],
  ['2.5.4.11', 'Organizational Unit'],
  ['2.5.4.6', 'Country'],
  ['2.5.4.7', 'Locality'],
  ['2.5.4.8', 'Province'],
  ['2.5.4.9', 'StreetAddress'],
  ['2.5.4.17', 'PostalCode'],
] as const;

/** @param request as `spec.request` holds it: PEM in base64. @throws CommandError it cannot be read. */
export function readCertificateRequest(request: string): RequestedSubject {
  const pem = fromUtf8(fromBase64(request));
  const body = /-----BEGIN CERTIFICATE REQUEST-----([^-]+)-----END/.exec(pem)?.[1];
  if (body === undefined)
    throw new CommandError('Error parsing CSR: PEM block type must be CERTIFICATE REQUEST');
  const [outer] = children(fromBase64(body.replace(/\s/g, '')));
  const [info] = children(outer?.bytes ?? new Uint8Array());
  const [, subject, , attributes] = children(info?.bytes ?? new Uint8Array());
  if (!subject) throw malformed();
  const values = new Map<string, string[]>();
  for (const set of children(subject.bytes))
    for (const pair of children(set.bytes)) {
      const [type, value] = children(pair.bytes);
      if (!type || !value) continue;
      const key = identifier(type.bytes);
      values.set(key, [...(values.get(key) ?? []), fromUtf8(value.bytes)]);
    }
  return {
    commonName: values.get('2.5.4.3')?.at(-1) ?? '',
    serialNumber: values.get('2.5.4.5')?.at(-1) ?? '',
    names: subjectTitles.map(([key, title]) => [title, values.get(key) ?? []]),
    alternatives: alternativesOf(attributes),
  };
}

const extensionRequest = '1.2.840.113549.1.9.14';
const subjectAlternativeName = '2.5.29.17';

function alternativesOf(attributes: Node | undefined): (readonly [string, readonly string[]])[] {
  const names: Node[] = [];
  for (const attribute of attributes ? children(attributes.bytes) : []) {
    const [type, set] = children(attribute.bytes);
    if (!type || !set || identifier(type.bytes) !== extensionRequest) continue;
    for (const extension of children(set.bytes).flatMap(({ bytes }) => children(bytes))) {
      const parts = children(extension.bytes);
      const value = parts.at(-1);
      if (!parts[0] || !value || identifier(parts[0].bytes) !== subjectAlternativeName) continue;
      names.push(...children(value.bytes).flatMap(({ bytes }) => children(bytes)));
    }
  }
  const of = (tag: number, show: (bytes: Uint8Array) => string): string[] =>
    names.filter((name) => name.tag === tag).map(({ bytes }) => show(bytes));
  return [
    ['DNS Names', of(0x82, fromUtf8)],
    ['Email Addresses', of(0x81, fromUtf8)],
    ['URIs', of(0x86, fromUtf8)],
    ['IP Addresses', of(0x87, addressText)],
  ];
}

function addressText(bytes: Uint8Array): string {
  if (bytes.length === 4) return bytes.join('.');
  const groups: string[] = [];
  for (let i = 0; i < bytes.length; i += 2)
    groups.push((((bytes[i] ?? 0) << 8) | (bytes[i + 1] ?? 0)).toString(16));
  const zeros = [...groups.join(':').matchAll(/(?:^|:)0(?::0)+(?=:|$)/g)]
    .map(([run]) => run)
    .sort((a, b) => b.length - a.length)[0];
  return zeros === undefined
    ? groups.join(':')
    : groups
        .join(':')
        .replace(zeros, ':')
        .replace(/^:(?!:)/, '::')
        .replace(/([^:]):$/, '$1::');
}
