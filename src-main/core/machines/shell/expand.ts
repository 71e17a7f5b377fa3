import type { WordNode } from 'just-bash';
import { braces } from './braces.ts';
import { type ArithmeticExpression, evaluate, evaluateText } from './arithmetic.ts';
import { ShellError } from './flow.ts';
import { escapePattern, glob, hasGlob, matches, patternSource, removePattern } from './pattern.ts';
import type { Shell, WordExpander } from './types.ts';
import { expandPrompt } from './prompt.ts';
import { parse } from './parser.ts';
import { elements, quoteDouble, quoteWord, scalar } from './variables.ts';

type Part = WordNode['parts'][number];
type Parameter = Extract<Part, { type: 'ParameterExpansion' }>;
type Operation = NonNullable<Parameter['operation']>;

/** A stretch of a word: quoted text is neither split nor a pattern. */
interface Run {
  readonly text: string;
  readonly quoted: boolean;
}
type Field = Run[];

/** Word expansion. @see bash(1) EXPANSION */
export class Expander implements WordExpander {
  readonly #shell: Shell;

  constructor(shell: Shell) {
    this.#shell = shell;
  }

  /** All expansions: zero or more words. */
  async words(words: readonly WordNode[]): Promise<string[]> {
    const result: string[] = [];
    for (const word of words)
      for (const parts of braces(word.parts))
        for (const field of await this.#fields(parts)) result.push(...this.#paths(field));
    return result;
  }

  /** One string: no splitting, no paths (assignments, here-strings, `case`). */
  async text(word: WordNode): Promise<string> {
    return joinRuns(await this.#runs(word.parts, false));
  }

  /** One pattern: what was quoted is escaped. */
  async pattern(word: WordNode): Promise<string> {
    let pattern = '';
    for (const part of word.parts)
      for (const run of await this.#runs([part], false))
        pattern += run.quoted && part.type !== 'Literal' ? escapePattern(run.text) : run.text;
    return pattern;
  }

  /** A regular expression for `=~`: what was quoted is literal. */
  async regex(word: WordNode): Promise<string> {
    let source = '';
    for (const part of word.parts) {
      const text = joinRuns(await this.#runs([part], false));
      const literal =
        part.type === 'SingleQuoted' || part.type === 'DoubleQuoted' || part.type === 'Escaped';
      source += literal ? text.replace(/[\\^$.*+?()[\]{}|]/g, '\\$&') : text;
    }
    return source.replace(/\[:(\w+):\]/g, (_, name: string) =>
      patternSource(`[[:${name}:]]`).slice(1, -1),
    );
  }

  /** Expands a text as if it stood in double quotes: prompts, here-documents read late. */
  async quotedText(text: string): Promise<string> {
    const escaped = text.replace(/"/g, '\\"');
    const command = parse(`: "${escaped}"`).statements[0]?.pipelines[0]?.commands[0];
    const word = command?.type === 'SimpleCommand' ? command.args[0] : undefined;
    return word ? this.text(word) : text;
  }

  async arithmetic(expression: ArithmeticExpression): Promise<bigint> {
    return evaluate(expression, this.#shell.arithmeticScope());
  }

  /** Unlike `((…))`, an expansion that cannot be computed ends what is being run. */
  async #arithmeticText(expression: ArithmeticExpression): Promise<string> {
    try {
      return String(await this.arithmetic(expression));
    } catch (error) {
      if (error instanceof ShellError) throw new ShellError(error.message, { fatal: true });
      throw error;
    }
  }

  async #fields(parts: readonly Part[]): Promise<Field[]> {
    const fields: Field[] = [];
    let current: Field | undefined;
    const push = (run: Run): void => {
      current ??= [];
      current.push(run);
    };
    const flush = (): void => {
      if (current) fields.push(current);
      current = undefined;
    };
    for (const part of parts) {
      const lists = await this.#part(part, true);
      for (const [index, list] of lists.entries()) {
        if (index > 0) flush();
        for (const run of list.runs) {
          if (!list.split || run.quoted) push(run);
          else this.#split(run.text, push, flush);
        }
      }
    }
    flush();
    return fields;
  }

  async #runs(parts: readonly Part[], split: boolean): Promise<Run[]> {
    const runs: Run[] = [];
    for (const part of parts) {
      const lists = await this.#part(part, split);
      for (const [index, list] of lists.entries()) {
        if (index > 0) runs.push({ text: ' ', quoted: true });
        runs.push(...list.runs);
      }
    }
    return runs;
  }

  /** What a part stands for: one or more fields; `split` ones are cut at IFS. */
  async #part(part: Part, fields: boolean): Promise<{ runs: Run[]; split: boolean }[]> {
    const one = (
      text: string,
      quoted: boolean,
      split = false,
    ): { runs: Run[]; split: boolean }[] => [{ runs: [{ text, quoted }], split }];
    switch (part.type) {
      case 'Literal':
        return one(part.value, true);
      case 'SingleQuoted':
      case 'Escaped':
        return one(part.value, true);
      case 'Glob':
        return one(await this.#expandGlobText(part.pattern), false);
      case 'DoubleQuoted':
        return this.#doubleQuoted(part.parts, fields);
      case 'TildeExpansion':
        return one(this.#tilde(part.user), true);
      case 'CommandSubstitution':
        return one(await this.#shell.capture(part.body), false, true);
      case 'ArithmeticExpansion':
        return one(await this.#arithmeticText(part.expression), false, true);
      case 'ProcessSubstitution':
        return one(await this.#shell.processSubstitution(part.body, part.direction), true);
      case 'BraceExpansion':
        return one('', true);
      case 'ParameterExpansion': {
        const value = await this.#parameter(part, false);
        if (value.runs) return [{ runs: value.runs, split: true }];
        if (value.list) {
          if (!fields) return one(value.list.join(value.star ? this.#joiner() : ' '), false);
          return value.list
            .filter((item) => item !== '')
            .map((item) => ({ runs: [{ text: item, quoted: false }], split: true }));
        }
        return one(value.text, false, true);
      }
    }
  }

  async #doubleQuoted(
    parts: readonly Part[],
    fields: boolean,
  ): Promise<{ runs: Run[]; split: boolean }[]> {
    const result: string[] = [''];
    const append = (text: string): void => {
      result.push((result.pop() ?? '') + text);
    };
    let empty = parts.length > 0;
    for (const part of parts) {
      if (part.type === 'ParameterExpansion') {
        const value = await this.#parameter(part, true);
        if (value.list && !value.star && fields) {
          const [first, ...rest] = value.list;
          if (first !== undefined) {
            empty = false;
            append(first);
            result.push(...rest);
          }
          continue;
        }
        empty = false;
        append(
          value.list
            ? value.list.join(value.star ? this.#joiner() : ' ')
            : value.runs
              ? joinRuns(value.runs)
              : value.text,
        );
        continue;
      }
      empty = false;
      append(joinRuns(await this.#runs([part], false)));
    }
    // "$@" with no parameters is no word at all.
    if (empty && fields) return [];
    return result.map((text) => ({ runs: [{ text, quoted: true }], split: false }));
  }

  /** Brackets and extended patterns may hold expansions, which the grammar leaves as text. */
  async #expandGlobText(pattern: string): Promise<string> {
    return /[$`]/.test(pattern) ? this.quotedText(pattern) : pattern;
  }

  #split(text: string, push: (run: Run) => void, flush: () => void): void {
    const ifs = this.#shell.variables.get('IFS') ?? ' \t\n';
    if (ifs === '' || text === '') {
      if (text !== '') push({ text, quoted: false });
      return;
    }
    const white = [...ifs].filter((char) => /\s/.test(char));
    let word = '';
    let started = false;
    for (let i = 0; i < text.length; i++) {
      const char = text[i] as string;
      if (!ifs.includes(char)) {
        word += char;
        started = true;
        continue;
      }
      if (white.includes(char)) {
        if (started) push({ text: word, quoted: false });
        word = '';
        started = false;
        while (white.includes(text[i + 1] ?? '\0')) i++;
        const next = text[i + 1] ?? '';
        if (next !== '' && ifs.includes(next)) continue;
        flush();
        continue;
      }
      push({ text: word, quoted: word === '' });
      flush();
      word = '';
      started = false;
      while (white.includes(text[i + 1] ?? '\0')) i++;
    }
    if (started) push({ text: word, quoted: false });
  }

  #paths(field: Field): string[] {
    const text = joinRuns(field);
    if (this.#shell.options.has('noglob')) return [text];
    if (!field.some((run) => !run.quoted && /[*?[]|[@!+]\(/.test(run.text))) return [text];
    const pattern = field.map((run) => (run.quoted ? escapePattern(run.text) : run.text)).join('');
    if (!hasGlob(pattern)) return [text];
    const found = glob(this.#shell.files, this.#shell.cwd, pattern, {
      dotglob: this.#shell.options.has('dotglob'),
      globstar: this.#shell.options.has('globstar'),
    });
    if (found.length > 0) return found;
    if (this.#shell.options.has('nullglob')) return [];
    if (this.#shell.options.has('failglob')) throw new ShellError(`no match: ${text}`);
    return [text];
  }

  #tilde(user: string | null): string {
    if (user === null || user === '')
      return this.#shell.variables.get('HOME') ?? this.#shell.context.user.home;
    if (user === '+') return this.#shell.cwd;
    if (user === '-') return this.#shell.variables.get('OLDPWD') ?? '~-';
    return this.#shell.homeOf(user) ?? `~${user}`;
  }

  #joiner(): string {
    const ifs = this.#shell.variables.get('IFS');
    return ifs === undefined ? ' ' : ifs.slice(0, 1);
  }

  // Parameters

  /** The values behind `x`, `x[1]`, `x[@]`, `@`, `1` … */
  async #lookup(
    parameter: string,
  ): Promise<{ value?: string; list?: string[]; star?: boolean; keys?: string[] }> {
    const shell = this.#shell;
    if (parameter === '@' || parameter === '*')
      return { list: [...shell.positional], star: parameter === '*' };
    const special = shell.special(parameter);
    if (special !== undefined) return special.value === undefined ? {} : { value: special.value };
    const indexed = /^([A-Za-z_]\w*)\[(.*)\]$/s.exec(parameter);
    if (!indexed) {
      const variable = shell.variables.findDirect(parameter);
      if (variable?.nameref && variable.value?.includes('[')) return this.#lookup(variable.value);
      const value = shell.variables.get(parameter);
      return value === undefined ? {} : { value };
    }
    const [, name = '', index = ''] = indexed;
    const variable = shell.variables.find(name);
    if (index === '@' || index === '*') {
      const all = shell.arrayElements(name, variable);
      return {
        list: all.map(([, value]) => value),
        keys: all.map(([key]) => key),
        star: index === '*',
      };
    }
    const value = await shell.element(name, index);
    return value === undefined ? {} : { value };
  }

  async #parameter(
    part: Parameter,
    quoted: boolean,
  ): Promise<{ text: string; list?: string[]; star?: boolean; runs?: Run[] }> {
    const { parameter, operation } = part;
    if (!operation) {
      const found = await this.#lookup(parameter);
      if (found.list) return { text: '', list: found.list, star: found.star ?? false };
      if (found.value === undefined) this.#unbound(parameter);
      return { text: found.value ?? '' };
    }
    return this.#operation(parameter, operation, quoted);
  }

  #unbound(parameter: string): void {
    if (this.#shell.options.has('nounset'))
      throw new ShellError(`${parameter}: unbound variable`, {
        status: this.#shell.fromString ? 127 : 1,
        fatal: true,
      });
  }

  async #operation(
    parameter: string,
    operation: Operation,
    quoted: boolean,
  ): Promise<{ text: string; list?: string[]; star?: boolean; runs?: Run[] }> {
    switch (operation.type) {
      case 'Indirection': {
        const name = (await this.#lookup(parameter)).value;
        const direct = this.#shell.variables.findDirect(parameter);
        const target = direct?.nameref ? parameter : name;
        if (direct?.nameref && !operation.innerOp) return { text: direct.value ?? '' };
        if (target === undefined || target === '')
          throw new ShellError(`${parameter}: invalid indirect expansion`);
        return this.#parameter(
          { type: 'ParameterExpansion', parameter: target, operation: operation.innerOp ?? null },
          quoted,
        );
      }
      case 'ArrayKeys': {
        const keys = this.#shell
          .arrayElements(operation.array, this.#shell.variables.find(operation.array))
          .map(([key]) => key);
        return { text: '', list: keys, star: operation.star };
      }
      case 'VarNamePrefix': {
        const names = this.#shell.variables
          .all()
          .map(([name]) => name)
          .filter((name) => name.startsWith(operation.prefix));
        return { text: '', list: names, star: operation.star };
      }
      case 'BadSubstitution':
        throw new ShellError(`${operation.text}: bad substitution`, { fatal: true });
      case 'LengthSliceError':
        throw new ShellError(`\${${parameter}}: bad substitution`, { fatal: true });
      default:
        break;
    }
    const found = await this.#lookup(parameter);
    const list = found.list;
    const value = list ? (list.length > 0 ? list.join(' ') : undefined) : found.value;
    const missing = (checkEmpty: boolean): boolean =>
      value === undefined || (checkEmpty && value === '');
    const original = list
      ? { text: '', list, star: found.star ?? false }
      : { text: found.value ?? '' };

    switch (operation.type) {
      case 'DefaultValue':
        return missing(operation.checkEmpty) ? this.#alternative(operation.word, quoted) : original;
      case 'UseAlternative':
        return missing(operation.checkEmpty)
          ? { text: '', ...(list ? { list: [] } : {}) }
          : this.#alternative(operation.word, quoted);
      case 'AssignDefault': {
        if (!missing(operation.checkEmpty)) return original;
        const text = await this.text(operation.word);
        await this.#shell.assignText(parameter, text);
        return { text };
      }
      case 'ErrorIfUnset': {
        if (!missing(operation.checkEmpty)) return original;
        const text = operation.word ? await this.text(operation.word) : '';
        throw new ShellError(
          `${parameter}: ${text || (operation.checkEmpty ? 'parameter null or not set' : 'parameter not set')}`,
          { status: 127, fatal: true },
        );
      }
      case 'Length':
        if (list) return { text: String(list.length) };
        if (value === undefined) this.#unbound(parameter);
        return { text: String([...(value ?? '')].length) };
      default:
        break;
    }
    if (!list && value === undefined) this.#unbound(parameter);
    if (operation.type === 'Substring')
      return this.#substring(parameter, operation, original, found.keys);
    const change = await this.#transformer(parameter, operation);
    if (list) return { text: '', list: list.map(change), star: found.star ?? false };
    return { text: value === undefined ? '' : change(value) };
  }

  /** The word of `:-` and `:+`: its quotes count, and unquoted it is split. */
  async #alternative(
    word: WordNode,
    quoted: boolean,
  ): Promise<{ text: string; list?: string[]; runs?: Run[] }> {
    if (quoted) return { text: joinRuns(await this.#runs(word.parts, false)) };
    const runs: Run[] = [];
    for (const part of word.parts) {
      const literal = part.type === 'Literal';
      for (const list of await this.#part(part, true)) {
        if (
          runs.length > 0 &&
          list !== undefined &&
          part.type === 'DoubleQuoted' &&
          list.runs.length === 0
        )
          continue;
        runs.push(...list.runs.map((run) => (literal ? { ...run, quoted: false } : run)));
      }
    }
    return { text: '', runs };
  }

  async #substring(
    parameter: string,
    operation: Extract<Operation, { type: 'Substring' }>,
    original: { text: string; list?: string[]; star?: boolean },
    keys: readonly string[] | undefined,
  ): Promise<{ text: string; list?: string[]; star?: boolean }> {
    const offset = Number(await this.arithmetic(operation.offset));
    const length = operation.length ? Number(await this.arithmetic(operation.length)) : undefined;
    if (original.list) {
      const positional = parameter === '@' || parameter === '*';
      const items = positional ? [this.#shell.arg0, ...original.list] : original.list;
      let from = offset < 0 ? items.length + offset : offset;
      if (keys && !positional && offset >= 0) {
        from = keys.findIndex((key) => Number(key) >= offset);
        if (from < 0) from = items.length;
      }
      if (length !== undefined && length < 0)
        throw new ShellError(`${length}: substring expression < 0`);
      return {
        ...original,
        list: from < 0 ? [] : items.slice(from, length === undefined ? undefined : from + length),
      };
    }
    const chars = [...original.text];
    const from = offset < 0 ? chars.length + offset : offset;
    if (from < 0 || from > chars.length) return { text: '' };
    const to =
      length === undefined ? chars.length : length < 0 ? chars.length + length : from + length;
    if (to < from) throw new ShellError(`${length ?? 0}: substring expression < 0`);
    return { text: chars.slice(from, to).join('') };
  }

  async #transformer(parameter: string, operation: Operation): Promise<(text: string) => string> {
    switch (operation.type) {
      case 'PatternRemoval': {
        const pattern = await this.pattern(operation.pattern);
        return (text) => removePattern(text, pattern, operation.side, operation.greedy);
      }
      case 'PatternReplacement': {
        const pattern = await this.pattern(operation.pattern);
        const replacement = operation.replacement ? await this.text(operation.replacement) : '';
        if (pattern === '') return (text) => text;
        const source = patternSource(pattern);
        const anchored =
          operation.anchor === 'start'
            ? `^(?:${source})`
            : operation.anchor === 'end'
              ? `(?:${source})$`
              : source;
        const regex = new RegExp(anchored, operation.all ? 'gu' : 'u');
        return (text) =>
          text.replace(regex, (match) => (match === '' && operation.all ? '' : replacement));
      }
      case 'CaseModification': {
        const pattern = operation.pattern ? await this.pattern(operation.pattern) : '?';
        const turn = (char: string): string =>
          !matches(pattern, char)
            ? char
            : operation.direction === 'upper'
              ? char.toUpperCase()
              : char.toLowerCase();
        return (text) => {
          const chars = [...text];
          return operation.all
            ? chars.map(turn).join('')
            : chars.length > 0
              ? turn(chars[0] as string) + chars.slice(1).join('')
              : '';
        };
      }
      case 'Transform':
        return (text) => this.#transform(parameter, operation.operator, text);
      default:
        return (text) => text;
    }
  }

  #transform(parameter: string, operator: string, text: string): string {
    switch (operator) {
      case 'Q':
        return /^[\w@%+=:,./-]+$/.test(text) ? `'${text}'` : quoteWord(text);
      case 'U':
        return text.toUpperCase();
      case 'L':
        return text.toLowerCase();
      case 'u':
        return text.slice(0, 1).toUpperCase() + text.slice(1);
      case 'P':
        return expandPrompt(this.#shell, text);
      case 'E':
        return text.replace(/\\n/g, '\n').replace(/\\t/g, '\t').replace(/\\\\/g, '\\');
      case 'A':
        return `${parameter}=${quoteWord(text)}`;
      case 'a': {
        const variable = this.#shell.variables.find(parameter);
        if (!variable) return '';
        return [
          variable.kind === 'array' ? 'a' : variable.kind === 'map' ? 'A' : '',
          variable.integer ? 'i' : '',
          variable.readonly ? 'r' : '',
          variable.exported ? 'x' : '',
        ].join('');
      }
      default: {
        const variable = this.#shell.variables.find(parameter.replace(/\[.*$/, ''));
        const all = elements(variable);
        return all.map(([key, value]) => `${key} ${quoteDouble(value)}`).join(' ');
      }
    }
  }

  /** The value of an index: a key of a map, or an arithmetic expression. */
  async index(name: string, text: string): Promise<string> {
    const variable = this.#shell.variables.find(name);
    if (variable?.kind === 'map')
      return /[$`"'\\]/.test(text) ? await this.quotedText(text.replace(/["']/g, '')) : text;
    const value = await evaluateText(
      /[$`]/.test(text) ? await this.quotedText(text) : text,
      this.#shell.arithmeticScope(),
    );
    if (value >= 0n) return String(value);
    const keys = elements(variable).map(([key]) => Number(key));
    return String(Number(value) + (keys.length === 0 ? 0 : Math.max(...keys) + 1));
  }

  /** The scalar value of a variable, for callers that need no expansion. */
  valueOf(name: string): string | undefined {
    const variable = this.#shell.variables.find(name);
    return variable && scalar(variable);
  }
}

function joinRuns(runs: readonly Run[]): string {
  return runs.map((run) => run.text).join('');
}
