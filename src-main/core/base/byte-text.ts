import { concatBytes, utf8 } from './bytes.ts';

const strict = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
/** Bytes 0x80–0xff that are no UTF-8 stand in a text as lone surrogates U+DC80–U+DCFF. */
const escapeBase = 0xdc00;
const escaped = /[\udc80-\udcff]+/gu;

/** A byte as a character of a byte text. */
export function byteCharacter(byte: number): string {
  return String.fromCharCode(byte < 0x80 ? byte : escapeBase + (byte & 0xff));
}

/**
 * Bytes as text from which `encodeBytes` makes the same bytes again, valid UTF-8 or not: how tools that read
 * text let pass what is none. (Python calls it `surrogateescape`.)
 */
export function decodeBytes(bytes: Uint8Array): string {
  try {
    return strict.decode(bytes);
  } catch {
    let text = '';
    let from = 0;
    for (let at = 0; at < bytes.length;) {
      const length = sequenceLength(bytes, at);
      if (length > 0) {
        at += length;
        continue;
      }
      text += strict.decode(bytes.subarray(from, at)) + byteCharacter(bytes[at] ?? 0);
      from = ++at;
    }
    return text + strict.decode(bytes.subarray(from));
  }
}

/** The bytes of a text of `decodeBytes`; of any other text its UTF-8. */
export function encodeBytes(text: string): Uint8Array<ArrayBuffer> {
  const parts: Uint8Array[] = [];
  let from = 0;
  for (const match of text.matchAll(escaped)) {
    parts.push(utf8(text.slice(from, match.index)));
    parts.push(Uint8Array.from(match[0], (char) => char.charCodeAt(0) - escapeBase));
    from = match.index + match[0].length;
  }
  return parts.length === 0 ? utf8(text) : concatBytes([...parts, utf8(text.slice(from))]);
}

/** The length of the UTF-8 sequence at an index; 0 when there is no valid one. @see RFC 3629, section 4 */
function sequenceLength(bytes: Uint8Array, at: number): number {
  const first = bytes[at] ?? 0;
  if (first < 0x80) return 1;
  const length = first < 0xc2 ? 0 : first < 0xe0 ? 2 : first < 0xf0 ? 3 : first < 0xf5 ? 4 : 0;
  if (at + length > bytes.length) return 0;
  for (let next = 1; next < length; next++) {
    const byte = bytes[at + next] ?? 0;
    if (byte < 0x80 || byte > 0xbf) return 0;
  }
  const second = bytes[at + 1] ?? 0;
  const overlong = (first === 0xe0 && second < 0xa0) || (first === 0xf0 && second < 0x90);
  const beyond = (first === 0xed && second > 0x9f) || (first === 0xf4 && second > 0x8f);
  return overlong || beyond ? 0 : length;
}
