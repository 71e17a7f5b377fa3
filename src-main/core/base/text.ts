/** A surrogate stands for a character above all others of 16 bits. */
const rank = (unit: number): number => (unit >= 0xd800 && unit <= 0xdfff ? unit + 0x10000 : unit);

/** The order of UTF-8 bytes, in which Go sorts strings (JavaScript's own is that of UTF-16 units). */
export function byBytes(a: string, b: string): number {
  const length = Math.min(a.length, b.length);
  for (let at = 0; at < length; at++) {
    const [left, right] = [a.charCodeAt(at), b.charCodeAt(at)];
    if (left !== right) return rank(left) - rank(right);
  }
  return a.length - b.length;
}

const namedControls: Readonly<Record<string, string>> = { '07': '\\a', '0b': '\\v' };

/** A string as Go's `%q` prints it. */
export function quoted(text: string): string {
  const json = JSON.stringify(text);
  if (/^[ -~]*$/.test(json) && !json.includes('\\u')) return json;
  return json
    .replace(/\\(?:u00([01][0-9a-f])|.)/g, (all, hex: string | undefined) =>
      hex === undefined ? all : (namedControls[hex] ?? `\\x${hex}`),
    )
    .replace(/[^\p{L}\p{M}\p{N}\p{P}\p{S} ]/gu, (character) => {
      const code = (character.codePointAt(0) ?? 0).toString(16);
      if (code.length <= 2 && character < '\u0080') return `\\x${code.padStart(2, '0')}`;
      return code.length <= 4 ? `\\u${code.padStart(4, '0')}` : `\\U${code.padStart(8, '0')}`;
    });
}

/** A value as Go's `json.Marshal` writes it. */
export function goJson(value: unknown): string {
  return (JSON.stringify(value) ?? 'null').replace(
    /[<>&\u2028\u2029]/g,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}

/** Strings as Go's `%q` prints a slice: `["a" "b"]`. */
export function quotedList(texts: readonly string[]): string {
  return `[${texts.map(quoted).join(' ')}]`;
}

/** What stands before and after the first `mark`; undefined after it when there is none. */
export function splitOnce(text: string, mark: string): [string, string | undefined] {
  const at = text.indexOf(mark);
  return at < 0 ? [text, undefined] : [text.slice(0, at), text.slice(at + mark.length)];
}
