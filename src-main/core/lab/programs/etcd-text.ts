import { concatBytes, encodeBytes, fromUtf8 } from '#core/base';

/** Eight hexadecimal digits. */
export function toHex32(value: number): string {
  return (value >>> 0).toString(16).padStart(8, '0');
}

/** `%016x` of a 64-bit id. */
export function toHex64(value: bigint): string {
  return value.toString(16).padStart(16, '0');
}

/** JSON as Go's encoding/json writes it: bigints as numbers, `<`, `>` and `&` escaped. */
export function goJson(value: unknown): string {
  const text = JSON.stringify(value, (_key, field: unknown) =>
    typeof field === 'bigint' ? `\u0000${field}\u0000` : field,
  );
  return text
    .replace(/"\\u0000(-?\d+)\\u0000"/g, '$1')
    .replace(/[<>&]/g, (char) => `\\u00${char.charCodeAt(0).toString(16)}`);
}

/** `%q` of bytes: a Go string literal. */
export function goQuote(bytes: Uint8Array): string {
  const named: Readonly<Record<number, string>> = {
    7: '\\a',
    8: '\\b',
    9: '\\t',
    10: '\\n',
    11: '\\v',
    12: '\\f',
    13: '\\r',
    34: '\\"',
    92: '\\\\',
  };
  let text = '';
  const isText = bytes.every((byte) => byte < 0x80);
  for (const char of isText ? bytes : [])
    text +=
      named[char] ??
      (char < 0x20 || char === 0x7f
        ? `\\x${char.toString(16).padStart(2, '0')}`
        : String.fromCharCode(char));
  if (isText) return `"${text}"`;
  return `"${quotedUtf8(bytes, named)}"`;
}

function quotedUtf8(bytes: Uint8Array, named: Readonly<Record<number, string>>): string {
  let text = '';
  for (let at = 0; at < bytes.length;) {
    const first = bytes[at] ?? 0;
    const length = first < 0x80 ? 1 : first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : 2;
    const char = fromUtf8(bytes.subarray(at, at + length));
    if (first < 0x80) {
      text +=
        named[first] ??
        (first < 0x20 || first === 0x7f ? `\\x${first.toString(16).padStart(2, '0')}` : char);
      at += 1;
    } else if (char.includes('\ufffd')) {
      text += `\\x${first.toString(16)}`;
      at += 1;
    } else {
      text += char;
      at += length;
    }
  }
  return text;
}

/** `--hex`: `\x66\x6f\x6f`. */
export function hexEscaped(bytes: Uint8Array): string {
  return [...bytes].map((byte) => `\\x${byte.toString(16).padStart(2, '0')}`).join('');
}

/** Pieces of output, texts and raw bytes, as bytes. */
export function joinOutput(pieces: readonly (string | Uint8Array)[]): Uint8Array {
  return concatBytes(
    pieces.map((piece) => (typeof piece === 'string' ? encodeBytes(piece) : piece)),
  );
}

/** A table as etcdctl draws it: headings centred, cells to the right or the left as their columns ask. */
export function drawTable(
  headings: readonly string[],
  rows: readonly (readonly string[])[],
  rightAligned: readonly number[] = [],
): string {
  const widths = headings.map((heading, i) =>
    Math.max(heading.length, ...rows.map((row) => (row[i] ?? '').length)),
  );
  const rule = `+${widths.map((width) => '-'.repeat(width + 2)).join('+')}+\n`;
  const centre = (text: string, width: number): string => {
    const left = Math.floor((width - text.length) / 2);
    return `${' '.repeat(left)}${text}${' '.repeat(width - text.length - left)}`;
  };
  const line = (cells: readonly string[], place: (text: string, i: number) => string): string =>
    `| ${cells.map(place).join(' | ')} |\n`;
  const body = rows
    .map((row) =>
      line(row, (text, i) =>
        rightAligned.includes(i) ? text.padStart(widths[i] ?? 0) : text.padEnd(widths[i] ?? 0),
      ),
    )
    .join('');
  return `${rule}${line(headings, (text, i) => centre(text, widths[i] ?? 0))}${rule}${body}${rule}`;
}

/** `877 kB`, as humanize prints bytes. */
export function humanBytes(bytes: number): string {
  const units = ['B', 'kB', 'MB', 'GB'];
  let value = bytes;
  let unit = 0;
  while (value >= 1000 && unit < units.length - 1) {
    value /= 1000;
    unit += 1;
  }
  const text =
    value < 10 && unit > 0
      ? (Math.round(value * 10) / 10).toFixed(1)
      : Math.round(value).toString();
  return `${text} ${units[unit] ?? 'B'}`;
}
