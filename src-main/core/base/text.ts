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

/** A string as Go's `%q` prints it. */
export function quoted(text: string): string {
  return JSON.stringify(text);
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
