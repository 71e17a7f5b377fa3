/** What JSON.parse does not tell: Go's text for an error, and keys that occur twice in one object. */
export interface JsonScan {
  /** Undefined when the text is JSON. */
  readonly error: string | undefined;
  /** Paths such as `spec.containers[0].image`, each once, in order. */
  readonly duplicates: readonly string[];
  /** How many lists and maps stand within each other at most. */
  readonly depth: number;
}

/** Lists and maps within each other. @see sigs.k8s.io/json, maxNestingDepth */
const maxDepth = 10_000;
/** @see sigs.k8s.io/json, saveStrictError */
const mostDuplicates = 100;

class ScanError extends Error {}

/** What is kept may nest so deep: all that reads objects recurs. Fields that nobody knows may nest deeper. */
export const maxKeptDepth = 1000;

/** Whether a value nests deeper than an object may that is kept. */
export function isTooDeep(root: unknown): boolean {
  let level: unknown[] = [root];
  for (let depth = 0; level.length > 0; depth++) {
    if (depth > maxKeptDepth) return true;
    level = level.flatMap((value): unknown[] =>
      typeof value === 'object' && value !== null ? Object.values(value) : [],
    );
  }
  return false;
}

interface Container {
  readonly path: string;
  /** The keys so far; of a list undefined. */
  readonly seen: Set<string> | undefined;
  index: number;
}

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
  let depth = 0;
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
  const number = (c: string): void => {
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
  };
  const literal = (c: string | undefined): void => {
    const name = literalNames.find((each) => each[0] === c);
    if (!name) return fail('looking for beginning of value');
    for (const expected of name) {
      if (text[at] !== expected) fail(`in literal ${name} (expecting '${expected}')`);
      at += 1;
    }
  };
  /** Lists and maps that are not closed yet: a stack of its own, for texts may nest deeper than calls do. */
  const open: Container[] = [];
  const enter = (path: string, seen: Set<string> | undefined): boolean => {
    if (open.length >= maxDepth) fail('exceeded max depth');
    at += 1;
    space();
    if (text[at] === (seen ? '}' : ']')) {
      at += 1;
      return false;
    }
    open.push({ path, seen, index: -1 });
    depth = Math.max(depth, open.length);
    return true;
  };
  /** Reads up to the value of the next item. @returns its path */
  const nextItem = (container: Container): string => {
    const { path, seen } = container;
    container.index += 1;
    if (!seen) return `${path}[${container.index}]`;
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
    return here;
  };
  /** Reads what follows a value. @returns whether another item does */
  const goesOn = ({ seen }: Container): boolean => {
    space();
    if (text[at] === ',') {
      at += 1;
      return true;
    }
    if (text[at] !== (seen ? '}' : ']'))
      fail(seen ? 'after object key:value pair' : 'after array element');
    at += 1;
    return false;
  };
  /** Reads a value that is no list or map, or the beginning of one. @returns whether it is one with items */
  const begin = (path: string): boolean => {
    space();
    const c = text[at];
    if (c === '{') return enter(path, new Set());
    if (c === '[') return enter(path, undefined);
    if (c === '"') string();
    else if (c !== undefined && (c === '-' || (c >= '0' && c <= '9'))) number(c);
    else literal(c);
    return false;
  };
  const value = (): void => {
    let isOpen = begin('');
    for (let container = open.at(-1); container; container = open.at(-1)) {
      // A container that was just opened has an item; another only if a comma says so.
      if (!isOpen && !goesOn(container)) {
        open.pop();
        continue;
      }
      isOpen = begin(nextItem(container));
    }
  };
  try {
    value();
    space();
    if (at < text.length) fail('after top-level value');
    return { error: undefined, duplicates: [...duplicates], depth };
  } catch (error) {
    if (error instanceof ScanError) return { error: error.message, duplicates: [], depth };
    throw error;
  }
}
