import { characterClasses } from '../shell/index.ts';

/** A regular expression of the POSIX kinds as JavaScript's. @throws SyntaxError */
export function grepPattern(
  patterns: readonly string[],
  kind: 'basic' | 'extended' | 'fixed' | 'perl',
  options: { ignoreCase?: boolean; word?: boolean; line?: boolean },
): RegExp {
  const sources = patterns.map((pattern) => {
    switch (kind) {
      case 'fixed':
        return pattern.replace(/[\\^$.*+?()[\]{}|]/g, '\\$&');
      case 'perl':
        return pattern;
      case 'basic':
        return classes(basicToExtended(pattern));
      case 'extended':
        return classes(pattern);
    }
  });
  let source = sources.map((one) => `(?:${one})`).join('|');
  if (options.word) source = `(?<![\\w])(?:${source})(?![\\w])`;
  if (options.line) source = `^(?:${source})$`;
  return new RegExp(source, options.ignoreCase ? 'i' : '');
}

/** In basic expressions `+ ? | ( ) { }` are literal, and special after a backslash. */
function basicToExtended(pattern: string): string {
  let result = '';
  for (let i = 0; i < pattern.length; i++) {
    const char = pattern[i] as string;
    if (char === '[') {
      const end = /^\[\^?\]?(?:\[:\w+:\]|[^\]])*\]/.exec(pattern.slice(i));
      result += end ? end[0] : '\\[';
      if (end) i += end[0].length - 1;
    } else if (char === '\\') {
      const next = pattern[++i] ?? '\\';
      result += '+?|(){}'.includes(next) ? next : `\\${next}`;
    } else if ('+?|(){}'.includes(char)) result += `\\${char}`;
    else if (char === '*' && (result === '' || result.endsWith('(') || result.endsWith('|')))
      result += '\\*';
    else result += char;
  }
  return result;
}

function classes(pattern: string): string {
  return pattern
    .replace(/\[:(\w+):\]/g, (_, name: string) => characterClasses[name] ?? '')
    .replace(/\[(\^?)\]/g, '[$1\\]')
    .replace(/\\</g, '\\b(?=\\w)')
    .replace(/\\>/g, '\\b(?<=\\w)');
}
