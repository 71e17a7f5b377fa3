const plain: Readonly<Record<string, number>> = {
  a: 7,
  b: 8,
  f: 12,
  n: 10,
  r: 13,
  t: 9,
  v: 11,
};

/** A literal is written wrongly; the message is cel-go's. */
export class LiteralError extends Error {
  override readonly name = 'LiteralError';
}

/** The text between the quotes of a literal, and whether its backslashes are plain. */
function content(literal: string): { text: string; raw: boolean } {
  const raw = /^[rR]/.test(literal);
  const quoted = raw ? literal.slice(1) : literal;
  const size = /^(?:"""|''')/.test(quoted) && quoted.length >= 6 ? 3 : 1;
  return { text: quoted.slice(size, -size).replaceAll(/\r\n?/g, '\n'), raw };
}

/** The value of a string literal as it is written. @throws LiteralError */
export function unescapeString(literal: string): string {
  const { text, raw } = content(literal);
  if (raw || !text.includes('\\')) return text;
  return text.replace(escapes, (_all, rest: string) => String.fromCodePoint(codeOf(rest)));
}

/** The value of a bytes literal without its `b`. @throws LiteralError */
export function unescapeBytes(literal: string): Uint8Array {
  const { text, raw } = content(literal);
  if (raw || !text.includes('\\')) return new TextEncoder().encode(text);
  const bytes: number[] = [];
  let from = 0;
  const take = (plainText: string): void => {
    bytes.push(...new TextEncoder().encode(plainText));
  };
  for (const match of text.matchAll(escapes)) {
    take(text.slice(from, match.index));
    const rest = match[1] ?? '';
    if (/^[uU]/.test(rest)) throw new LiteralError('unable to unescape string');
    bytes.push(codeOf(rest) & 0xff);
    from = match.index + match[0].length;
  }
  take(text.slice(from));
  return Uint8Array.from(bytes);
}

const escapes = /\\([xX][0-9a-fA-F]{2}|u[0-9a-fA-F]{4}|U[0-9a-fA-F]{8}|[0-3][0-7]{2}|[^])/gu;

function codeOf(rest: string): number {
  const [first = ''] = rest;
  if (rest.length === 1) return plain[first] ?? rest.codePointAt(0) ?? 0;
  const code = /[xXuU]/.test(first) ? parseInt(rest.slice(1), 16) : parseInt(rest, 8);
  if (code > 0x10ffff || (code >= 0xd800 && code <= 0xdfff))
    throw new LiteralError('invalid unicode code point');
  return code;
}
