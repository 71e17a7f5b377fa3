/** What JSON.parse does not tell: Go's text for an error, and keys that occur twice in one object. */
export interface JsonScan {
  /** Undefined when the text is JSON. */
  readonly error: string | undefined;
  /** Paths such as `spec.containers[0].image`, each once, in order. */
  readonly duplicates: readonly string[];
}

/** Upstream takes ten times as much; nothing that means anything comes near, and all that reads objects recurs. */
const maxDepth = 1000;
/** @see sigs.k8s.io/json, saveStrictError */
const mostDuplicates = 100;

class ScanError extends Error {}

const literalNames = ['true', 'false', 'null'] as const;

/**
 * Reads `text` as encoding/json does.
 *
 * @param onKey told of each key in order, and whether its object has had it before.
 */
export function scanJson(
  text: string,
  onKey?: (path: string, isDuplicate: boolean) => void,
): JsonScan {
  const duplicates = new Set<string>();
  let at = 0;
  const fail = (context: string): never => {
    if (at >= text.length) throw new ScanError('unexpected end of JSON input');
    const code = text.codePointAt(at) ?? 0;
    const c = String.fromCodePoint(code);
    const shown =
      c === "'"
        ? `'\\''`
        : c === '"'
          ? `'"'`
          : `'${code < 32 ? JSON.stringify(c).slice(1, -1) : c}'`;
    throw new ScanError(`invalid character ${shown} ${context}`);
  };
  const space = (): void => {
    while (at < text.length && ' \t\r\n'.includes(text[at] as string)) at += 1;
  };
  const string = (): string => {
    const start = at;
    at += 1;
    for (;;) {
      const c = text[at];
      if (c === undefined) return fail('');
      if (c === '"') break;
      if (c === '\\') {
        at += 1;
        const escape = text[at];
        if (escape === 'u') {
          for (let digit = 0; digit < 4; digit++) {
            at += 1;
            if (!/[0-9a-fA-F]/.test(text[at] ?? '')) fail('in \\u hexadecimal character escape');
          }
        } else if (!'"\\/bfnrt'.includes(escape ?? ' ')) fail('in string escape code');
      } else if (c < ' ') fail('in string literal');
      at += 1;
    }
    at += 1;
    return JSON.parse(text.slice(start, at)) as string;
  };
  const digits = (context: string): void => {
    if (!/[0-9]/.test(text[at] ?? '')) fail(context);
    while (/[0-9]/.test(text[at] ?? '')) at += 1;
  };
  const value = (path: string, depth: number): void => {
    if (depth > maxDepth) throw new ScanError('exceeded max depth');
    space();
    const c = text[at];
    if (c === '{') {
      at += 1;
      const seen = new Set<string>();
      space();
      if (text[at] === '}') {
        at += 1;
        return;
      }
      for (;;) {
        space();
        if (text[at] !== '"') fail('looking for beginning of object key string');
        const key = string();
        const here = path === '' ? key : `${path}.${key}`;
        if (seen.has(key) && duplicates.size < mostDuplicates) duplicates.add(here);
        onKey?.(here, seen.has(key));
        seen.add(key);
        space();
        if (text[at] !== ':') fail('after object key');
        at += 1;
        value(here, depth + 1);
        space();
        if (text[at] === ',') at += 1;
        else if (text[at] === '}') {
          at += 1;
          return;
        } else fail('after object key:value pair');
      }
    } else if (c === '[') {
      at += 1;
      space();
      if (text[at] === ']') {
        at += 1;
        return;
      }
      for (let index = 0; ; index++) {
        value(`${path}[${index}]`, depth + 1);
        space();
        if (text[at] === ',') at += 1;
        else if (text[at] === ']') {
          at += 1;
          return;
        } else fail('after array element');
      }
    } else if (c === '"') string();
    else if (c !== undefined && (c === '-' || (c >= '0' && c <= '9'))) {
      if (c === '-') at += 1;
      if (text[at] === '0') at += 1;
      else digits('in numeric literal');
      if (text[at] === '.') {
        at += 1;
        digits('after decimal point in numeric literal');
      }
      if (text[at] === 'e' || text[at] === 'E') {
        at += 1;
        if (text[at] === '+' || text[at] === '-') at += 1;
        digits('in exponent of numeric literal');
      }
    } else {
      const literal = literalNames.find((name) => name[0] === c);
      if (!literal) return fail('looking for beginning of value');
      for (const expected of literal) {
        if (text[at] !== expected) fail(`in literal ${literal} (expecting '${expected}')`);
        at += 1;
      }
    }
  };
  try {
    value('', 0);
    space();
    if (at < text.length) fail('after top-level value');
    return { error: undefined, duplicates: [...duplicates] };
  } catch (error) {
    if (error instanceof ScanError) return { error: error.message, duplicates: [] };
    throw error;
  }
}
