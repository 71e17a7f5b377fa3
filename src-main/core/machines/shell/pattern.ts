import { byBytes } from '#core/base';
import { FileError, type FileSystem, isPresent, joinPath } from '../filesystem/index.ts';

/** Escapes a text so that a pattern matches it literally. */
export function escapePattern(text: string): string {
  return text.replace(/[\\*?[\]()|!@+]/g, '\\$&');
}

/** Whether unquoted `pattern` holds anything special. */
export function hasGlob(pattern: string): boolean {
  return /(^|[^\\])(\\\\)*([*?]|\[)|[@!+]\(/.test(pattern);
}

export function unescapePattern(pattern: string): string {
  return pattern.replace(/\\(.)/gs, '$1');
}

/** The regular expression of a shell pattern. @see fnmatch(3), bash's extglob */
export function patternSource(pattern: string, options: { path?: boolean } = {}): string {
  const any = options.path ? '[^/]' : '[^]';
  let source = '';
  for (let i = 0; i < pattern.length; i++) {
    const char = pattern[i] as string;
    if (char === '\\') {
      source += literal(pattern[++i] ?? '\\');
    } else if (/[?*+@!]/.test(char) && pattern[i + 1] === '(') {
      const end = closing(pattern, i + 1);
      if (end < 0) source += char === '*' ? `${any}*` : char === '?' ? any : literal(char);
      else {
        const body = alternatives(pattern.slice(i + 2, end))
          .map((part) => patternSource(part, options))
          .join('|');
        i = end;
        if (char === '!')
          source += `(?:(?!(?:${body})${end + 1 >= pattern.length ? '$' : ''})${any}*?)`;
        else source += `(?:${body})${char === '@' ? '' : char}`;
      }
    } else if (char === '*') source += `${any}*`;
    else if (char === '?') source += any;
    else if (char === '[') {
      const set = bracket(pattern, i);
      if (set) {
        source += set.source;
        i = set.end;
      } else source += '\\[';
    } else source += literal(char);
  }
  return source;
}

export function matches(pattern: string, text: string, ignoreCase = false): boolean {
  return new RegExp(`^(?:${patternSource(pattern)})$`, ignoreCase ? 'iu' : 'u').test(text);
}

function literal(char: string): string {
  return char.replace(/[\\^$.*+?()[\]{}|/]/g, '\\$&');
}

function closing(pattern: string, open: number): number {
  let depth = 0;
  for (let i = open; i < pattern.length; i++) {
    if (pattern[i] === '\\') i++;
    else if (pattern[i] === '(') depth++;
    else if (pattern[i] === ')' && --depth === 0) return i;
  }
  return -1;
}

function alternatives(body: string): string[] {
  const parts: string[] = [];
  let depth = 0;
  let start = 0;
  for (let i = 0; i < body.length; i++) {
    if (body[i] === '\\') i++;
    else if (body[i] === '(') depth++;
    else if (body[i] === ')') depth--;
    else if (body[i] === '|' && depth === 0) {
      parts.push(body.slice(start, i));
      start = i + 1;
    }
  }
  return [...parts, body.slice(start)];
}

/** What `[:name:]` stands for within the brackets of a regular expression. */
export const characterClasses: Readonly<Record<string, string>> = {
  alpha: 'a-zA-Z',
  digit: '0-9',
  alnum: 'a-zA-Z0-9',
  upper: 'A-Z',
  lower: 'a-z',
  space: '\\s',
  blank: ' \\t',
  punct: '!-\\/:-@\\[-`{-~',
  xdigit: '0-9A-Fa-f',
  word: '\\w',
  print: ' -~',
  graph: '!-~',
  cntrl: '\\x00-\\x1f\\x7f',
};

function bracket(pattern: string, open: number): { source: string; end: number } | undefined {
  let i = open + 1;
  let source = '[';
  if (pattern[i] === '!' || pattern[i] === '^') {
    source += '^';
    i++;
  }
  for (let first = true; i < pattern.length; first = false) {
    const char = pattern[i] as string;
    if (char === ']' && !first) return { source: `${source}]`, end: i };
    const named = char === '[' ? /^\[:(\w+):\]/.exec(pattern.slice(i)) : null;
    if (named) {
      source += characterClasses[named[1] ?? ''] ?? '';
      i += named[0].length;
    } else if (char === '\\') {
      source += (pattern[i + 1] ?? '\\').replace(/[\\\]^[-]/g, '\\$&');
      i += 2;
    } else {
      source += char === '-' ? '-' : char.replace(/[\\\]^[]/g, '\\$&');
      i++;
    }
  }
  return undefined;
}

/**
 * The paths a pattern matches, sorted; empty when none. Hidden names need a literal dot.
 * @param pattern with quoted characters escaped by a backslash.
 */
export function glob(
  files: FileSystem,
  cwd: string,
  pattern: string,
  options: { dotglob?: boolean; globstar?: boolean } = {},
): string[] {
  const rooted = pattern.startsWith('/');
  const parts = pattern
    .split('/')
    .filter((part, index, all) => part !== '' || index === all.length - 1);
  let found: string[] = [rooted ? '/' : ''];
  for (const [index, part] of parts.entries()) {
    const last = index === parts.length - 1;
    if (part === '') {
      found = found.filter((path) => isDirectory(files, at(cwd, path))).map((path) => `${path}/`);
      continue;
    }
    if (options.globstar && part === '**') {
      found = found.flatMap((path) => [...(last ? [] : [path]), ...below(files, cwd, path, last)]);
      continue;
    }
    if (!hasGlob(part)) {
      const name = unescapePattern(part);
      found = found
        .map((path) => join(path, name))
        .filter((path) => isPresent(files, at(cwd, path)));
      continue;
    }
    const regex = new RegExp(`^(?:${patternSource(part, { path: true })})$`, 'u');
    const hidden = options.dotglob || part.startsWith('.') || part.startsWith('\\.');
    found = found.flatMap((path) =>
      list(files, at(cwd, path))
        .filter((name) => (hidden || !name.startsWith('.')) && regex.test(name))
        .map((name) => join(path, name)),
    );
    if (!last) found = found.filter((path) => isDirectory(files, at(cwd, path)));
  }
  return found.filter((path) => path !== '').sort(byBytes);
}

function below(files: FileSystem, cwd: string, path: string, withFiles: boolean): string[] {
  return list(files, at(cwd, path))
    .filter((name) => !name.startsWith('.'))
    .flatMap((name) => {
      const child = join(path, name);
      if (!isDirectory(files, at(cwd, child))) return withFiles ? [child] : [];
      return [child, ...below(files, cwd, child, withFiles)];
    });
}

function join(path: string, name: string): string {
  return path === '' ? name : joinPath(path, name);
}

function at(cwd: string, path: string): string {
  return path.startsWith('/') ? path : path === '' ? cwd : joinPath(cwd, path);
}

function list(files: FileSystem, path: string): readonly string[] {
  try {
    return files.readdir(path);
  } catch (error) {
    if (error instanceof FileError) return [];
    throw error;
  }
}

function isDirectory(files: FileSystem, path: string): boolean {
  try {
    return files.stat(path).kind === 'directory';
  } catch (error) {
    if (error instanceof FileError) return false;
    throw error;
  }
}

/** Takes off what a pattern matches at one side, as `${x#…}` and `${x%…}` do. */
export function removePattern(
  text: string,
  pattern: string,
  side: 'prefix' | 'suffix',
  greedy: boolean,
): string {
  if (!hasGlob(pattern)) {
    const literal = unescapePattern(pattern);
    if (side === 'prefix') return text.startsWith(literal) ? text.slice(literal.length) : text;
    return literal !== '' && text.endsWith(literal) ? text.slice(0, -literal.length) : text;
  }
  const lengths = Array.from({ length: text.length + 1 }, (_, index) => index);
  if (greedy) lengths.reverse();
  const regex = new RegExp(`^(?:${patternSource(pattern)})$`, 'u');
  for (const length of lengths) {
    const part = side === 'prefix' ? text.slice(0, length) : text.slice(text.length - length);
    if (regex.test(part))
      return side === 'prefix' ? text.slice(length) : text.slice(0, text.length - length);
  }
  return text;
}
