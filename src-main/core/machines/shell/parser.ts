import type { ScriptNode, WordNode } from 'just-bash';

type Parse = (source: string) => ScriptNode;

let loaded: Parse | undefined;
let printer: ((script: ScriptNode) => string) | undefined;
let loading: Promise<Parse> | undefined;

/** Loads the grammar once; a machine does so at boot, so that no command waits for it. */
export function loadParser(): Promise<Parse> {
  loading ??= import('just-bash').then((module) => {
    loaded = module.parse;
    printer = module.serialize;
    return module.parse;
  });
  return loading;
}

/** The grammar, which `loadParser` has loaded. */
export function parse(source: string): ScriptNode {
  if (!loaded) throw new Error('the shell grammar is not loaded');
  return loaded(markSelect(source));
}

/** The source text of a syntax tree. */
export function serializeScript(script: ScriptNode): string {
  return printer?.(script) ?? '';
}

/** The source text of one word. */
export function serializeWord(word: WordNode): string {
  return serializeScript({
    type: 'Script',
    statements: [
      {
        type: 'Statement',
        pipelines: [
          {
            type: 'Pipeline',
            negated: false,
            commands: [
              { type: 'SimpleCommand', assignments: [], name: word, args: [], redirections: [] },
            ],
          },
        ],
        operators: [],
        background: false,
      },
    ],
  }).trim();
}

/** The name that stands for `select` in a `for` loop: the grammar knows no `select`. */
export const selectMarker = '__select_';

function markSelect(source: string): string {
  return source.replace(
    /(^|[;\n&|(){}]|\b(?:do|then|else)\b)([ \t]*)select[ \t]+(\w+)/g,
    (_, before: string, space: string, name: string) =>
      `${before}${space}for ${selectMarker}${name}`,
  );
}

export interface SyntaxError {
  /** 1-based line it is reported on. */
  readonly line: number;
  /** As bash says it, without the shell's name and the line. */
  readonly message: string;
  /** The source line is shown after it. */
  readonly showsLine: boolean;
  /** More input would mend it. */
  readonly incomplete: boolean;
}

export type Parsed =
  | { readonly script: ScriptNode; readonly error?: undefined }
  /** What stands before the error runs, as bash reads a script line by line. */
  | { readonly script: ScriptNode | undefined; readonly error: SyntaxError };

/** Parses a script as bash would read it. */
export function parseScript(source: string): Parsed {
  const whole = attempt(source);
  if (!whole.error) return whole;
  const lines = source.split('\n');
  // The longest head of whole lines that can stand alone runs before the error is found.
  for (let count = Math.min(whole.error.line - 1, lines.length - 1); count > 0; count--) {
    const head = attempt(lines.slice(0, count).join('\n'));
    if (!head.error) return { script: head.script, error: whole.error };
  }
  return { script: undefined, error: whole.error };
}

/** What keeps a script from being parsed as a whole. */
export function faultOf(source: string): SyntaxError | undefined {
  return attempt(source).error;
}

function attempt(source: string): Parsed {
  try {
    const script = parse(source);
    if (openHereDoc(source) !== undefined)
      return { script: undefined, error: eof(source.split('\n').length, 'unexpected end of file') };
    const at = script.statements.findIndex((statement) => statement.deferredError);
    const bad = script.statements[at]?.deferredError;
    if (!bad) return { script };
    return {
      script: undefined,
      error: {
        line: lineOf(source, script, at),
        message: bad.message,
        showsLine: true,
        incomplete: false,
      },
    };
  } catch (error) {
    const text = error instanceof Error ? error.message : String(error);
    return { script: undefined, error: translate(text, source) };
  }
}

function lineOf(source: string, script: ScriptNode, at: number): number {
  for (let index = at - 1; index >= 0; index--) {
    const command = script.statements[index]?.pipelines[0]?.commands[0];
    if (command?.line) return command.line;
  }
  return source.trimEnd() === '' ? 1 : 1;
}

/** Turns the grammar's complaint into bash's. */
function translate(text: string, source: string): SyntaxError {
  const [, lineText = '1', rest = text] =
    /^(?:Parse error at )?(?:line )?(\d+)(?::\d+)?: (.*)$/s.exec(text) ?? [];
  const lines = source.replace(/\n$/, '').split('\n').length;
  const quote = /unexpected EOF while looking for matching (?:`|')(.)'/.exec(rest);
  if (quote)
    return {
      line: Number(lineText),
      message: `unexpected EOF while looking for matching \`${quote[1] ?? ''}'`,
      showsLine: false,
      incomplete: true,
    };
  const token = /near unexpected token `(.*)'/.exec(rest)?.[1];
  // An empty body at the end of the input is reported as the word that would have closed it.
  const closing =
    token !== undefined && !new RegExp(`(^|[\\s;])${escape(token)}([\\s;)]|$)`).test(source);
  if (/got EOF|unexpected EOF|unterminated|unexpected end/i.test(rest) || closing || token === '')
    return eof(lines, 'unexpected end of file');
  const written = tokens[token ?? ''] ?? token;
  const got = /got (?:\w+ )?'?([^']*?)'?$/.exec(rest)?.[1];
  return {
    line: Number(lineText),
    message: `syntax error near unexpected token \`${written ?? tokens[got ?? ''] ?? got ?? 'newline'}'`,
    showsLine: true,
    incomplete: false,
  };
}

/** How the grammar's names of tokens are written. */
const tokens: Readonly<Record<string, string>> = {
  LPAREN: '(',
  RPAREN: ')',
  SEMICOLON: ';',
  PIPE: '|',
  AMP: '&',
  AND_AND: '&&',
  OR_OR: '||',
  NEWLINE: 'newline',
};

function eof(lines: number, what: string): SyntaxError {
  return { line: lines + 1, message: `syntax error: ${what}`, showsLine: false, incomplete: true };
}

function escape(text: string): string {
  return text.replace(/[\\^$.*+?()[\]{}|/]/g, '\\$&');
}

/** The delimiter of a here-document whose end has not been typed yet. */
export function openHereDoc(source: string): string | undefined {
  const open = /<<-?\s*(['"\\]?)(\w+)\1/g;
  for (let match = open.exec(source); match; match = open.exec(source)) {
    const rest = source.slice(match.index + match[0].length).split('\n');
    if (source[match.index - 1] === '<' || source[match.index + 2] === '<') continue;
    const strip = match[0].startsWith('<<-');
    const word = match[2] ?? '';
    if (
      rest.length === 1 ||
      !rest.slice(1).some((line) => (strip ? line.replace(/^\t+/, '') : line) === word)
    )
      return /^[^'"]*(\(\(|\$\(\()/.test(source.slice(0, match.index)) ? undefined : word;
  }
  return undefined;
}
