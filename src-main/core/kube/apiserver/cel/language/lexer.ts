import type { Issue } from './ast.ts';

export type TokenKind =
  'identifier' | 'escaped' | 'int' | 'uint' | 'double' | 'string' | 'bytes' | 'punctuation' | 'end';

export interface Token {
  readonly kind: TokenKind;
  readonly text: string;
  /** In code points. */
  readonly at: number;
}

const punctuation = [
  ...['==', '!=', '<=', '>=', '&&', '||'],
  ...['<', '>', '[', ']', '{', '}', '(', ')', '.', ',', '-', '!', '?', ':', '+', '*', '/', '%'],
];
/** Words of the grammar; all other names are identifiers. */
const words: ReadonlySet<string> = new Set(['in', 'true', 'false', 'null']);

const space = /[\t \r\n\f]+|\/\/[^\n]*/uy;
const escape =
  '\\\\(?:[abfnrtv"\'\\\\?`]|[xX][0-9a-fA-F]{2}|u[0-9a-fA-F]{4}|U[0-9a-fA-F]{8}|[0-3][0-7]{2})';
const quoted = [
  `"""(?:${escape}|[^\\\\])*?"""`,
  `'''(?:${escape}|[^\\\\])*?'''`,
  `"(?:${escape}|[^\\\\"\\n\\r])*"`,
  `'(?:${escape}|[^\\\\'\\n\\r])*'`,
  `[rR]"""[\\s\\S]*?"""`,
  `[rR]'''[\\s\\S]*?'''`,
  `[rR]"[^"\\n\\r]*"`,
  `[rR]'[^'\\n\\r]*'`,
].join('|');
const strings = new RegExp(`(?:${quoted})`, 'uy');
const bytes = new RegExp(`[bB](?:${quoted})`, 'uy');
const patterns: readonly (readonly [TokenKind, RegExp])[] = [
  ['double', /(?:\d+\.\d+(?:[eE][+-]?\d+)?|\d+[eE][+-]?\d+|\.\d+(?:[eE][+-]?\d+)?)/uy],
  ['uint', /(?:0x[0-9a-fA-F]+|\d+)[uU]/uy],
  ['int', /0x[0-9a-fA-F]+|\d+/uy],
  ['string', strings],
  ['bytes', bytes],
  ['identifier', /[A-Za-z_][A-Za-z0-9_]*/uy],
  ['escaped', /`[A-Za-z0-9_.\-/ ]+`/uy],
];

/** Splits an expression; what is no token is told and left out, as ANTLR's lexer does. */
export function tokenize(expression: string): { tokens: Token[]; issues: Issue[] } {
  const tokens: Token[] = [];
  const issues: Issue[] = [];
  let index = 0;
  let at = 0;
  const advance = (text: string): void => {
    index += text.length;
    at += [...text].length;
  };
  while (index < expression.length) {
    const blank = matchAt(space, expression, index);
    if (blank !== undefined) {
      advance(blank);
      continue;
    }
    const token = longest(expression, index);
    if (token) {
      tokens.push({ ...token, at });
      advance(token.text);
      continue;
    }
    const text = unrecognized(expression, index);
    issues.push({ message: `Syntax error: token recognition error at: '${text}'`, at });
    advance(text);
  }
  tokens.push({ kind: 'end', text: '<EOF>', at });
  return { tokens, issues };
}

function longest(text: string, index: number): Omit<Token, 'at'> | undefined {
  let best: Omit<Token, 'at'> | undefined;
  for (const [kind, pattern] of patterns) {
    const found = matchAt(pattern, text, index);
    if (found !== undefined && found.length > (best?.text.length ?? 0))
      best = {
        kind: kind === 'identifier' && words.has(found) ? 'punctuation' : kind,
        text: found,
      };
  }
  if (best) return best;
  const sign = punctuation.find((each) => text.startsWith(each, index));
  return sign === undefined ? undefined : { kind: 'punctuation', text: sign };
}

/** The text that a lexer gave up on: up to the character that no token goes on with. */
function unrecognized(text: string, index: number): string {
  const rest = text.slice(index);
  const [first = ''] = rest;
  if ('=&|'.includes(first)) return [...rest].slice(0, 2).join('');
  const open = /^(?:[bB]?[rR]?)("""|'''|"|')/u.exec(rest);
  if (!open) {
    const escaped = /^`[A-Za-z0-9_.\-/ ]*(?:[^]|$)/u.exec(rest);
    return escaped?.[0] ?? [...rest][0] ?? '';
  }
  const quote = open[1] ?? '"';
  const isRaw = /^[bB]?[rR]/.test(rest);
  let end = open[0].length;
  const escapes = new RegExp(escape, 'uy');
  while (end < rest.length) {
    const char = String.fromCodePoint(rest.codePointAt(end) ?? 0);
    if (char === '\\' && !isRaw) {
      const whole = matchAt(escapes, rest, end);
      if (whole === undefined) return rest.slice(0, end) + brokenEscape(rest.slice(end));
      end += whole.length;
      continue;
    }
    end += char.length;
    if (quote.length === 1 && (char === '\n' || char === '\r')) break;
  }
  return rest.slice(0, end);
}

/** A backslash with what follows, up to the character that makes no escape of it. */
function brokenEscape(text: string): string {
  const forms = [/^\\[xX][0-9a-fA-F]{0,1}/u, /^\\u[0-9a-fA-F]{0,3}/u, /^\\U[0-9a-fA-F]{0,7}/u];
  const known = [...forms, /^\\[0-3][0-7]?/u, /^\\/u]
    .map((form) => form.exec(text)?.[0])
    .find((found) => found !== undefined);
  const head = known ?? '';
  return head + ([...text.slice(head.length)][0] ?? '');
}

function matchAt(pattern: RegExp, text: string, at: number): string | undefined {
  pattern.lastIndex = at;
  return pattern.exec(text)?.[0];
}
