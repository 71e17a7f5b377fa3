import { fromBase64, fromUtf8 } from '#core/base';
import { compactJson, quote } from '../go-text.ts';
import { isJson, sortedKeys } from '../json-view.ts';
import { goValue } from './go-value.ts';

/** A template that cannot be read or executed. */
export class TemplateError extends Error {
  override readonly name = 'TemplateError';
}

type Statement =
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'print'; readonly pipe: Pipe }
  | {
      readonly kind: 'if' | 'with';
      readonly pipe: Pipe;
      readonly body: readonly Statement[];
      readonly otherwise: readonly Statement[];
    }
  | {
      readonly kind: 'range';
      readonly pipe: Pipe;
      readonly body: readonly Statement[];
      readonly otherwise: readonly Statement[];
    };

interface Pipe {
  readonly variables: readonly string[];
  readonly commands: readonly (readonly Operand[])[];
}

type Operand =
  | { readonly kind: 'value'; readonly value: unknown }
  | { readonly kind: 'path'; readonly base: string; readonly fields: readonly string[] }
  | { readonly kind: 'call'; readonly name: string }
  | { readonly kind: 'group'; readonly pipe: Pipe; readonly fields: readonly string[] };

/**
 * Go's text/template as far as `-o go-template` needs it: actions, `if`, `range`, `with`, variables, pipelines, trim
 * marks and the built-in functions. Not modelled: nested templates, break and continue, methods.
 *
 * @throws TemplateError
 */
export function parseTemplate(source: string): (data: unknown) => string {
  const tokens = tokenize(source);
  const parser = new TemplateParser(tokens);
  const statements = parser.block([]).statements;
  return (data) => {
    const scope = new Scope(data);
    return run(statements, data, scope);
  };
}

type Token = { readonly kind: 'text' | 'action'; readonly text: string };

function tokenize(source: string): Token[] {
  const tokens: Token[] = [];
  let at = 0;
  let trimNext = false;
  const pushText = (value: string, trimEnd: boolean): void => {
    let shown = trimNext ? value.trimStart() : value;
    if (trimEnd) shown = shown.trimEnd();
    if (shown !== '') tokens.push({ kind: 'text', text: shown });
  };
  for (;;) {
    const open = source.indexOf('{{', at);
    if (open < 0) {
      pushText(source.slice(at), false);
      return tokens;
    }
    const close = source.indexOf('}}', open);
    if (close < 0) throw new TemplateError('template: output:1: unclosed action');
    let inner = source.slice(open + 2, close);
    const trimBefore = /^-\s/.test(inner);
    pushText(source.slice(at, open), trimBefore);
    trimNext = /\s-$/.test(inner);
    inner = inner.replace(/^-\s/, '').replace(/\s-$/, '').trim();
    if (!inner.startsWith('/*')) tokens.push({ kind: 'action', text: inner });
    at = close + 2;
  }
}

class TemplateParser {
  readonly #tokens: readonly Token[];
  #at = 0;

  constructor(tokens: readonly Token[]) {
    this.#tokens = tokens;
  }

  block(until: readonly string[]): { statements: Statement[]; end: string } {
    const statements: Statement[] = [];
    for (;;) {
      const token = this.#tokens[this.#at++];
      if (!token) {
        if (until.length > 0) throw new TemplateError('template: output:1: unexpected EOF');
        return { statements, end: '' };
      }
      if (token.kind === 'text') {
        statements.push({ kind: 'text', text: token.text });
        continue;
      }
      const [word = ''] = token.text.split(/\s/, 1);
      const rest = token.text.slice(word.length).trim();
      if (word === 'end' || word === 'else') {
        if (!until.includes(word))
          throw new TemplateError(`template: output:1: unexpected {{${word}}}`);
        return { statements, end: token.text };
      }
      if (word === 'if' || word === 'with' || word === 'range')
        statements.push(this.#control(word, rest));
      else statements.push({ kind: 'print', pipe: parsePipe(token.text) });
    }
  }

  #control(kind: 'if' | 'with' | 'range', condition: string): Statement {
    const pipe = parsePipe(condition);
    const body = this.block(['end', 'else']);
    if (!body.end.startsWith('else')) return { kind, pipe, body: body.statements, otherwise: [] };
    const chained = /^else\s+(if|with)\s+(.*)$/s.exec(body.end);
    const otherwise = chained
      ? [this.#control(chained[1] as 'if' | 'with', chained[2] ?? '')]
      : this.block(['end']).statements;
    return { kind, pipe, body: body.statements, otherwise };
  }
}

const tokenPattern =
  /"(?:[^"\\]|\\.)*"|`[^`]*`|'(?:[^'\\]|\\.)'|\$?[A-Za-z_]\w*|\$|\.[A-Za-z_]\w*|\.|-?\d+(?:\.\d+)?|:=|[|(),=]|\s+/gy;

function parsePipe(source: string): Pipe {
  const words: string[] = [];
  tokenPattern.lastIndex = 0;
  while (tokenPattern.lastIndex < source.length) {
    const from = tokenPattern.lastIndex;
    const match = tokenPattern.exec(source);
    if (!match)
      throw new TemplateError(
        `template: output:1: unexpected ${quote(source[from] ?? '')} in operand`,
      );
    words.push(match[0]);
  }
  const reader = new PipeReader(words);
  return reader.pipe();
}

class PipeReader {
  readonly #words: readonly string[];
  #at = 0;

  constructor(words: readonly string[]) {
    this.#words = words;
  }

  pipe(): Pipe {
    const variables: string[] = [];
    const assign = this.#words.findIndex((word) => word === ':=' || word === '=');
    if (assign >= 0 && this.#at === 0) {
      for (const word of this.#words.slice(0, assign))
        if (word.startsWith('$')) variables.push(word);
      this.#at = assign + 1;
    }
    const commands: Operand[][] = [[]];
    while (this.#at < this.#words.length) {
      const word = this.#words[this.#at] ?? '';
      if (word === ')') break;
      this.#at += 1;
      if (/^\s+$/.test(word)) continue;
      if (word === '|') commands.push([]);
      else commands.at(-1)?.push(this.#operand(word));
    }
    return { variables, commands };
  }

  #operand(word: string): Operand {
    if (word === '(') {
      const pipe = this.pipe();
      this.#at += 1;
      return { kind: 'group', pipe, fields: this.#fields() };
    }
    if (word.startsWith('"')) return { kind: 'value', value: JSON.parse(word) as unknown };
    if (word.startsWith('`')) return { kind: 'value', value: word.slice(1, -1) };
    if (/^-?\d/.test(word)) return { kind: 'value', value: Number(word) };
    if (word === 'true' || word === 'false') return { kind: 'value', value: word === 'true' };
    if (word === 'nil') return { kind: 'value', value: null };
    if (word.startsWith('.'))
      return {
        kind: 'path',
        base: '.',
        fields: [...(word === '.' ? [] : [word.slice(1)]), ...this.#fields()],
      };
    if (word.startsWith('$')) return { kind: 'path', base: word, fields: this.#fields() };
    if (!(word in functions))
      throw new TemplateError(`template: output:1: function "${word}" not defined`);
    return { kind: 'call', name: word };
  }

  #fields(): string[] {
    const fields: string[] = [];
    while (/^\.\w/.test(this.#words[this.#at] ?? '')) {
      fields.push((this.#words[this.#at] ?? '').slice(1));
      this.#at += 1;
    }
    return fields;
  }
}

class Scope {
  readonly #variables = new Map<string, unknown>();

  constructor(root: unknown) {
    this.#variables.set('$', root);
  }

  get(name: string): unknown {
    return this.#variables.get(name);
  }

  set(name: string, value: unknown): void {
    this.#variables.set(name, value);
  }
}

function run(statements: readonly Statement[], dot: unknown, scope: Scope): string {
  let out = '';
  for (const statement of statements) {
    switch (statement.kind) {
      case 'text':
        out += statement.text;
        break;
      case 'print': {
        const value = evaluatePipe(statement.pipe, dot, scope);
        const [variable] = statement.pipe.variables;
        if (variable) scope.set(variable, value);
        else out += printed(value);
        break;
      }
      case 'if':
      case 'with': {
        const value = evaluatePipe(statement.pipe, dot, scope);
        const [variable] = statement.pipe.variables;
        if (variable) scope.set(variable, value);
        if (isTrue(value))
          out += run(statement.body, statement.kind === 'with' ? value : dot, scope);
        else out += run(statement.otherwise, dot, scope);
        break;
      }
      case 'range':
        out += runRange(statement, dot, scope);
    }
  }
  return out;
}

function runRange(statement: Statement & { kind: 'range' }, dot: unknown, scope: Scope): string {
  const value = evaluatePipe(statement.pipe, dot, scope);
  let entries: [unknown, unknown][] = [];
  if (Array.isArray(value)) entries = (value as unknown[]).map((item, index) => [index, item]);
  else if (isJson(value)) entries = sortedKeys(value).map((key) => [key, value[key]]);
  else if (value !== null && value !== undefined)
    throw new TemplateError(`range can't iterate over ${printed(value)}`);
  if (entries.length === 0) return run(statement.otherwise, dot, scope);
  const { variables } = statement.pipe;
  let out = '';
  for (const [key, item] of entries) {
    if (variables.length === 2) scope.set(variables[0] ?? '', key);
    const last = variables.at(-1);
    if (last) scope.set(last, item);
    out += run(statement.body, item, scope);
  }
  return out;
}

function evaluatePipe(pipe: Pipe, dot: unknown, scope: Scope): unknown {
  let value: unknown;
  pipe.commands.forEach((command, index) => {
    const [first, ...rest] = command;
    if (!first) throw new TemplateError('missing value for command');
    const extra = index > 0 ? [value] : [];
    if (first.kind === 'call') {
      const call = functions[first.name];
      value = call?.([...rest.map((operand) => operandValue(operand, dot, scope)), ...extra]);
    } else value = operandValue(first, dot, scope);
  });
  return value;
}

function operandValue(operand: Operand, dot: unknown, scope: Scope): unknown {
  switch (operand.kind) {
    case 'value':
      return operand.value;
    case 'call':
      return functions[operand.name]?.([]);
    case 'group':
      return follow(evaluatePipe(operand.pipe, dot, scope), operand.fields);
    case 'path':
      return follow(operand.base === '.' ? dot : scope.get(operand.base), operand.fields);
  }
}

function follow(value: unknown, fields: readonly string[]): unknown {
  let current = value;
  for (const field of fields) {
    if (current === null || current === undefined) return undefined;
    if (!isJson(current))
      throw new TemplateError(`can't evaluate field ${field} in type interface {}`);
    current = current[field];
  }
  return current;
}

function isTrue(value: unknown): boolean {
  if (Array.isArray(value)) return value.length > 0;
  if (isJson(value)) return Object.keys(value).length > 0;
  return value !== null && value !== undefined && value !== '' && value !== 0 && value !== false;
}

function printed(value: unknown): string {
  return value === undefined || value === null ? '<no value>' : goValue(value);
}

function compare(a: unknown, b: unknown): number {
  if (typeof a !== typeof b) throw new TemplateError('incompatible types for comparison');
  return (a as string) < (b as string) ? -1 : (a as string) > (b as string) ? 1 : 0;
}

/** printf with the verbs templates use. */
function sprintf(format: string, values: readonly unknown[]): string {
  let index = 0;
  return format.replace(
    /%(-?)(0?)(\d*)(?:\.(\d+))?([vsdqtfx%])/g,
    (
      _match,
      left: string,
      zero: string,
      width: string,
      precision: string | undefined,
      verb: string,
    ) => {
      if (verb === '%') return '%';
      const value = values[index++];
      let shown = value === undefined ? `%!${verb}(MISSING)` : goValue(value);
      if (verb === 'q' && typeof value === 'string') shown = quote(value);
      if (verb === 'f' && typeof value === 'number') shown = value.toFixed(Number(precision ?? 6));
      if (verb === 'x' && typeof value === 'number') shown = value.toString(16);
      const size = Number(width || 0);
      return left ? shown.padEnd(size) : shown.padStart(size, zero ? '0' : ' ');
    },
  );
}

const escapes: Readonly<Record<string, string>> = {
  '<': '&lt;',
  '>': '&gt;',
  '&': '&amp;',
  "'": '&#39;',
  '"': '&#34;',
};

const functions: Readonly<Record<string, (values: readonly unknown[]) => unknown>> = {
  and: (values) => values.find((value) => !isTrue(value)) ?? values.at(-1),
  or: (values) => values.find(isTrue) ?? values.at(-1),
  not: ([value]) => !isTrue(value),
  eq: ([first, ...others]) => others.some((other) => first === other),
  ne: ([a, b]) => a !== b,
  lt: ([a, b]) => compare(a, b) < 0,
  le: ([a, b]) => compare(a, b) <= 0,
  gt: ([a, b]) => compare(a, b) > 0,
  ge: ([a, b]) => compare(a, b) >= 0,
  len: ([value]) => {
    if (Array.isArray(value) || typeof value === 'string') return value.length;
    return isJson(value) ? Object.keys(value).length : 0;
  },
  index: ([value, ...keys]) => {
    let current = value;
    for (const key of keys) {
      if (Array.isArray(current)) {
        if (typeof key !== 'number' || key < 0 || key >= current.length)
          throw new TemplateError(`error calling index: reflect: slice index out of range`);
        current = (current as unknown[])[key];
      } else current = isJson(current) ? current[String(key)] : undefined;
    }
    return current;
  },
  print: (values) => values.map(goValue).join(' '),
  println: (values) => `${values.map(goValue).join(' ')}\n`,
  printf: ([format, ...values]) => sprintf(String(format), values),
  html: ([value]) =>
    goValue(value).replace(/[<>&'"]/g, (character) => escapes[character] ?? character),
  js: ([value]) => compactJson(value),
  urlquery: ([value]) => encodeURIComponent(goValue(value)),
  exists: ([value, ...keys]) => {
    let current = value;
    for (const key of keys) {
      const next = Array.isArray(current)
        ? (current as unknown[])[Number(key)]
        : isJson(current)
          ? current[String(key)]
          : undefined;
      if (next === undefined) return false;
      current = next;
    }
    return true;
  },
  base64decode: ([value]) => fromUtf8(fromBase64(String(value))),
};
