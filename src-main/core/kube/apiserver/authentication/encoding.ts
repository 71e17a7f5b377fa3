import { fromBase64, toBase64 } from '#core/base';

/** base64url without padding, as JOSE has it. */
export function toBase64Url(bytes: Uint8Array): string {
  return toBase64(bytes).replaceAll('+', '-').replaceAll('/', '_').replace(/=+$/, '');
}

/** @throws Error the text is not base64url. */
export function fromBase64Url(text: string): Uint8Array<ArrayBuffer> {
  if (!/^[A-Za-z0-9_-]*$/.test(text)) throw new Error('illegal base64 data');
  return fromBase64(text.replaceAll('-', '+').replaceAll('_', '/'));
}

/** The bytes between a PEM's first pair of lines. @throws Error there is none. */
export function derOfPem(pem: string): Uint8Array<ArrayBuffer> {
  const match = /-----BEGIN [^-]+-----([\s\S]*?)-----END [^-]+-----/.exec(pem);
  if (!match) throw new Error('data does not contain any valid PEM block');
  return fromBase64((match[1] ?? '').replace(/\s+/g, ''));
}

interface DerItem {
  readonly tag: number;
  readonly content: Uint8Array;
  readonly end: number;
}

function readDer(bytes: Uint8Array, start: number): DerItem {
  const tag = bytes[start];
  let length = bytes[start + 1];
  if (tag === undefined || length === undefined) throw new Error('truncated DER');
  let at = start + 2;
  if (length & 0x80) {
    const count = length & 0x7f;
    length = 0;
    for (let i = 0; i < count; i++) length = length * 256 + (bytes[at++] ?? 0);
  }
  if (at + length > bytes.length) throw new Error('truncated DER');
  return { tag, content: bytes.subarray(at, at + length), end: at + length };
}

/** The numbers of an RSA, or the point of a P-256 public key, from its SubjectPublicKeyInfo. */
export type PublicKeyNumbers =
  | { readonly kind: 'RSA'; readonly n: Uint8Array; readonly e: Uint8Array }
  | { readonly kind: 'EC'; readonly x: Uint8Array; readonly y: Uint8Array };

/** @throws Error not a public key this understands. */
export function readPublicKey(der: Uint8Array): PublicKeyNumbers {
  const info = readDer(der, 0);
  const algorithm = readDer(info.content, 0);
  const bits = readDer(info.content, algorithm.end).content.subarray(1);
  if (bits[0] === 0x04) {
    const half = (bits.length - 1) / 2;
    return { kind: 'EC', x: bits.subarray(1, 1 + half), y: bits.subarray(1 + half) };
  }
  const key = readDer(bits, 0);
  const n = readDer(key.content, 0);
  const e = readDer(key.content, n.end);
  // DER puts a zero byte before a number whose first bit is set.
  const unsigned = (value: Uint8Array): Uint8Array => (value[0] === 0 ? value.subarray(1) : value);
  return { kind: 'RSA', n: unsigned(n.content), e: unsigned(e.content) };
}
