import type { Implementations } from '../language/interpreter.ts';
import { Failure } from '../language/values.ts';
import { compileRegexp, type Regexp, RegexpError } from '../regexp.ts';
import { formatText } from './format-text.ts';

const outOfRange = (index: bigint): Failure => new Failure(`index out of range: ${index}`);

/** Runs with a compiled pattern; a malformed one is a failure with Go's words. */
function withPattern<T>(pattern: string, run: (regexp: Regexp) => T): T | Failure {
  try {
    return run(compileRegexp(pattern));
  } catch (error) {
    if (error instanceof RegexpError) return new Failure(error.message);
    throw error;
  }
}

const matches = (text: string, pattern: string): boolean | Failure =>
  withPattern(pattern, (regexp) => regexp.test(text));

function findAll(text: string, pattern: string, limit: number): string[] | Failure {
  return withPattern(pattern, (regexp) => {
    const chars = [...text];
    const all: string[] = [];
    for (let from = 0; from <= chars.length && all.length < limit;) {
      const found = regexp.find(text, from);
      if (!found) break;
      all.push(chars.slice(found.start, found.end).join(''));
      from = found.end > found.start ? found.end : found.end + 1;
    }
    return all;
  });
}

function indexOf(text: string, part: string, offset: bigint): bigint | Failure {
  if (part === '') return offset;
  if (offset < 0n) return outOfRange(offset);
  const chars = [...text];
  if (offset >= BigInt(chars.length)) return -1n;
  const start = chars.slice(0, Number(offset)).join('').length;
  const at = text.indexOf(part, start);
  return at < 0 ? -1n : BigInt([...text.slice(0, at)].length);
}

function lastIndexOf(text: string, part: string, offset: bigint): bigint | Failure {
  if (part === '') return offset;
  if (offset < 0n) return outOfRange(offset);
  const chars = [...text];
  if (offset >= BigInt(chars.length)) return -1n;
  const start = chars.slice(0, Number(offset)).join('').length;
  const at = text.lastIndexOf(part, start);
  return at < 0 ? -1n : BigInt([...text.slice(0, at)].length);
}

function substring(text: string, start: bigint, end?: bigint): string | Failure {
  const chars = [...text];
  const size = BigInt(chars.length);
  if (end !== undefined && start > end)
    return new Failure(`invalid substring range. start: ${start}, end: ${end}`);
  if (start < 0n || start > size) return outOfRange(start);
  if (end !== undefined && (end < 0n || end > size)) return outOfRange(end);
  return chars.slice(Number(start), end === undefined ? undefined : Number(end)).join('');
}

function replace(text: string, old: string, by: string, limit = -1n): string {
  if (limit < 0n) return text.replaceAll(old, () => by);
  const parts = old === '' ? ['', ...text, ''] : text.split(old);
  // An empty text stands before each character and behind the last.
  if (old === '') {
    const inner = [...text];
    const count = Number(limit);
    const front = inner.map((char, i) => (i < count ? by + char : char)).join('');
    return front + (count > inner.length ? by : '');
  }
  const head = parts.slice(0, Number(limit) + 1);
  return [head.join(by), ...parts.slice(Number(limit) + 1)].join(old);
}

function split(text: string, by: string, limit = -1n): string[] {
  if (limit === 0n) return [];
  const parts = by === '' ? [...text] : text.split(by);
  if (limit < 0n || BigInt(parts.length) <= limit) return parts;
  const count = Number(limit);
  return [...parts.slice(0, count - 1), parts.slice(count - 1).join(by)];
}

const ascii = (change: (char: string) => string) => (text: string) =>
  text.replace(/[A-Za-z]+/g, change);

const quotes: Readonly<Record<string, string>> = {
  '\u0007': '\\a',
  '\b': '\\b',
  '\f': '\\f',
  '\n': '\\n',
  '\r': '\\r',
  '\t': '\\t',
  '\v': '\\v',
  '\\': '\\\\',
  '"': '\\"',
};

/** Texts and regular expressions. @see cel-go/ext/strings.go, k8s.io/apiserver/pkg/cel/library/regex.go */
export const strings: Implementations = {
  contains_string: (text: string, part: string) => text.includes(part),
  starts_with_string: (text: string, part: string) => text.startsWith(part),
  ends_with_string: (text: string, part: string) => text.endsWith(part),
  matches,
  matches_string: matches,
  string_find_string: (text: string, pattern: string) =>
    withPattern(pattern, (regexp) => {
      const found = regexp.find(text);
      return found ? [...text].slice(found.start, found.end).join('') : '';
    }),
  string_find_all_string: (text: string, pattern: string) => findAll(text, pattern, Infinity),
  string_find_all_string_int: (text: string, pattern: string, limit: bigint) =>
    findAll(text, pattern, limit < 0n ? Infinity : Number(limit)),
  string_char_at_int: (text: string, at: bigint) => {
    const chars = [...text];
    return at < 0n || at > BigInt(chars.length) ? outOfRange(at) : (chars[Number(at)] ?? '');
  },
  string_index_of_string: (text: string, part: string) => indexOf(text, part, 0n),
  string_index_of_string_int: indexOf,
  string_last_index_of_string: (text: string, part: string) => {
    const size = BigInt([...text].length);
    if (part === '') return size;
    return text.length < part.length ? -1n : lastIndexOf(text, part, size - 1n);
  },
  string_last_index_of_string_int: lastIndexOf,
  string_substring_int: substring,
  string_substring_int_int: substring,
  string_lower_ascii: ascii((char) => char.toLowerCase()),
  string_upper_ascii: ascii((char) => char.toUpperCase()),
  string_trim: (text: string) => text.trim(),
  string_replace_string_string: replace,
  string_replace_string_string_int: replace,
  string_split_string: split,
  string_split_string_int: split,
  list_join: (list: readonly string[]) => list.join(''),
  list_join_string: (list: readonly string[], by: string) => list.join(by),
  strings_quote: (text: string) =>
    `"${text.replace(/[\u0007\b\f\n\r\t\v\\"]/g, (char) => quotes[char] ?? char)}"`,
  string_format: formatText,
  string_jsonpatch_escapeKey_string: (key: string) =>
    key.replaceAll('~', '~0').replaceAll('/', '~1'),
};
