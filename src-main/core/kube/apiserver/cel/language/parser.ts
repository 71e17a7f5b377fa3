import { accumulatorName, type Expr, type Issue, type Literal } from './ast.ts';
import { type Token, tokenize } from './lexer.ts';
import { bindingOf, MacroError, type NodeMaker, presenceOf, targetMacros } from './macros.ts';
import { LiteralError, unescapeBytes, unescapeString } from './unescape.ts';
import { Uint } from './values.ts';

/** An expression as it is written, or what is wrong with it. */
export type Parsed = { readonly expr: Expr } | { readonly issues: readonly Issue[] };

/** Code points an expression may have. */
const maxSize = 100_000;
/** Nodes an expression may have once its macros are expanded. */
const maxNodes = 100_000;
/** How often a rule of the grammar may stand within itself. */
const maxDepth = 250;

const reserved: ReadonlySet<string> = new Set(
  (
    'as break const continue else false for function if import in let loop package namespace ' +
    'null return true var void while'
  ).split(' '),
);

const startsExpression =
  "'true', 'false', 'null', NUM_FLOAT, NUM_INT, NUM_UINT, STRING, BYTES, IDENTIFIER}";
const expecting = {
  expression: `{'[', '{', '(', '.', '-', '!', ${startsExpression}`,
  argument: `{'[', '{', '(', ')', '.', '-', '!', ${startsExpression}`,
  optional: `{'[', '{', '(', '.', '-', '!', '?', ${startsExpression}`,
  item: `{'[', ']', '{', '(', '.', ',', '-', '!', '?', ${startsExpression}`,
  key: `{'[', '{', '}', '(', '.', ',', '-', '!', '?', ${startsExpression}`,
};

const relations = ['<', '<=', '>=', '>', '==', '!=', 'in'];
const sums = ['+', '-'];
const products = ['*', '/', '%'];

/** Nothing can be read any more; what is wrong has been told. */
class Abort extends Error {}

type Rule = 'expr' | 'relation' | 'calc' | 'member';

/**
 * Reads an expression and expands its macros. Faults are worded as ANTLR's parser does; after one that
 * it cannot go on from, no further ones are looked for.
 */
export function parse(expression: string, bindings = false): Parsed {
  const size = [...expression].length;
  if (size > maxSize)
    return {
      issues: [
        {
          message: `expression code point size exceeds limit: size: ${size}, limit ${maxSize}`,
          at: -1,
        },
      ],
    };
  const { tokens, issues } = tokenize(expression);
  const parser = new Parser(tokens, issues, bindings);
  const expr = parser.whole();
  return expr && issues.length === 0 ? { expr } : { issues };
}

const isNamed = (expr: Expr | undefined, name: string): boolean =>
  expr?.kind === 'ident' && expr.name === name;

class Parser {
  readonly #tokens: readonly Token[];
  readonly #issues: Issue[];
  readonly #depth: Record<Rule, number> = { expr: 0, relation: 0, calc: 0, member: 0 };
  readonly #bindings: boolean;
  #next = 0;
  #ids = 0;

  constructor(tokens: readonly Token[], issues: Issue[], bindings: boolean) {
    this.#bindings = bindings;
    this.#tokens = tokens;
    this.#issues = issues;
  }

  whole(): Expr | undefined {
    try {
      const expr = this.#expr();
      const { text } = this.#peek();
      if (this.#peek().kind === 'end') return expr;
      const how = this.#peek(1).kind === 'end' ? 'extraneous' : 'mismatched';
      this.#syntax(`${how} input '${text}' expecting <EOF>`, this.#peek().at);
    } catch (error) {
      if (!(error instanceof Abort)) throw error;
    }
    return undefined;
  }

  #peek(ahead = 0): Token {
    const last = this.#tokens.at(-1) ?? { kind: 'end', text: '<EOF>', at: 0 };
    return this.#tokens[this.#next + ahead] ?? last;
  }

  #is(text: string, ahead = 0): boolean {
    const token = this.#peek(ahead);
    return token.kind === 'punctuation' && token.text === text;
  }

  #take(): Token {
    const token = this.#peek();
    if (token.kind !== 'end') this.#next++;
    return token;
  }

  #accept(text: string): Token | undefined {
    return this.#is(text) ? this.#take() : undefined;
  }

  #syntax(message: string, at: number): void {
    this.#issues.push({ message: `Syntax error: ${message}`, at });
  }

  #fail(message: string, at: number): never {
    this.#syntax(message, at);
    throw new Abort();
  }

  /** Macros copy what they are called on, so that a chain of them doubles with each. */
  #newId(): number {
    if (this.#ids >= maxNodes) {
      this.#issues.push({ message: `expression expands to more than ${maxNodes} nodes`, at: -1 });
      throw new Abort();
    }
    return this.#ids++;
  }

  /** A fault that the reading goes on from. */
  #fault(message: string, at: number): Expr {
    this.#issues.push({ message, at });
    return this.#literal(null, at);
  }

  /** A sign that has to stand here; a superfluous token before it is left out, a missing one thought there. */
  #expect(text: string, canFollow: () => boolean): Token {
    const token = this.#accept(text);
    if (token) return token;
    const found = this.#peek();
    if (this.#is(text, 1)) {
      this.#syntax(`extraneous input '${found.text}' expecting '${text}'`, found.at);
      this.#take();
      return this.#take();
    }
    if (canFollow()) {
      this.#syntax(`missing '${text}' at '${found.text}'`, found.at);
      return { kind: 'punctuation', text, at: found.at };
    }
    return this.#fail(`mismatched input '${found.text}' expecting '${text}'`, found.at);
  }

  #within<T>(rule: Rule, levels: number, read: () => T): T {
    this.#depth[rule] += levels;
    if (this.#depth[rule] > maxDepth) {
      this.#issues.push({ message: `expression recursion limit exceeded: ${maxDepth}`, at: -1 });
      throw new Abort();
    }
    const value = read();
    this.#depth[rule] -= levels;
    return value;
  }

  #startsExpression(ahead = 0): boolean {
    const { kind, text } = this.#peek(ahead);
    if (kind === 'end' || kind === 'escaped') return false;
    return (
      kind !== 'punctuation' ||
      ['[', '{', '(', '.', '-', '!', 'true', 'false', 'null'].includes(text)
    );
  }

  #expr(wanted = expecting.expression): Expr {
    return this.#within('expr', 1, () => {
      const condition = this.#logical('||', wanted);
      const question = this.#accept('?');
      if (!question) return condition;
      const yes = this.#logical('||');
      this.#expect(':', () => this.#startsExpression());
      const no = this.#expr();
      return this.#call('_?_:_', [condition, yes, no], question.at);
    });
  }

  /** Chains of `||` and `&&` become balanced trees. */
  #logical(operator: '||' | '&&', wanted = expecting.expression): Expr {
    const read = (first: string): Expr =>
      operator === '||' ? this.#logical('&&', first) : this.#relation(first);
    const terms = [read(wanted)];
    const places: number[] = [];
    for (let token = this.#accept(operator); token; token = this.#accept(operator)) {
      places.push(token.at);
      terms.push(read(expecting.expression));
    }
    const name = `_${operator}_`;
    const balanced = (low: number, high: number): Expr => {
      const middle = Math.trunc((low + high + 1) / 2);
      const left = middle === low ? terms[middle] : balanced(low, middle - 1);
      const right = middle === high ? terms[middle + 1] : balanced(middle + 1, high);
      const args = [left, right].filter((each) => each !== undefined);
      return this.#call(name, args, places[middle] ?? 0);
    };
    return terms.length === 1 ? (terms[0] as Expr) : balanced(0, places.length - 1);
  }

  #chain(
    rule: Rule,
    operators: readonly string[],
    read: (wanted: string) => Expr,
    wanted: string,
  ): Expr {
    let left = read(wanted);
    for (let length = 1; ; length++) {
      const token = this.#peek();
      if (token.kind !== 'punctuation' || !operators.includes(token.text)) return left;
      this.#take();
      const right = this.#within(rule, length, () => read(expecting.expression));
      const name = token.text === 'in' ? '@in' : `_${token.text}_`;
      left = this.#call(name, [left, right], token.at);
    }
  }

  #relation(wanted: string): Expr {
    return this.#chain('relation', relations, (first) => this.#sum(first), wanted);
  }

  #sum(wanted: string): Expr {
    return this.#chain('calc', sums, (first) => this.#product(first), wanted);
  }

  #product(wanted: string): Expr {
    return this.#chain('calc', products, (first) => this.#unary(first), wanted);
  }

  #unary(wanted: string): Expr {
    const isNegative =
      this.#is('-') && (this.#peek(1).kind === 'int' || this.#peek(1).kind === 'double');
    const operator = this.#is('!') ? '!' : this.#is('-') && !isNegative ? '-' : undefined;
    if (operator === undefined) return this.#member(wanted);
    const { at } = this.#peek();
    let count = 0;
    while (this.#accept(operator)) count++;
    const operand = this.#member(expecting.expression);
    return count % 2 === 0 ? operand : this.#call(`${operator}_`, [operand], at);
  }

  #member(wanted: string): Expr {
    let expr = this.#primary(wanted);
    for (let length = 1; ; length++) {
      const open = this.#accept('[');
      const dot = open ? undefined : this.#accept('.');
      if (!open && !dot) return expr;
      const operand = expr;
      expr = this.#within('member', length, () =>
        open ? this.#index(operand, open) : this.#select(operand, dot?.at ?? 0),
      );
    }
  }

  #index(operand: Expr, open: Token): Expr {
    const optional = this.#accept('?');
    const index = this.#expr(optional ? expecting.expression : expecting.optional);
    this.#expect(']', () => !this.#startsExpression());
    return this.#call(optional ? '_[?_]' : '_[_]', [operand, index], open.at);
  }

  #select(operand: Expr, dot: number): Expr {
    const optional = this.#accept('?');
    const token = this.#peek();
    const [first = ''] = token.text;
    if (token.kind !== 'identifier' && token.kind !== 'escaped') {
      if (['true', 'false', 'null'].includes(token.text) && token.kind === 'punctuation')
        return this.#fail(`mismatched input '${token.text}' expecting IDENTIFIER`, token.at);
      const shown = token.kind === 'end' ? '.' : `.${token.text}`;
      return this.#fail(
        optional
          ? `mismatched input '${token.text}' expecting {IDENTIFIER, ESC_IDENTIFIER}`
          : `no viable alternative at input '${shown}'`,
        token.at,
      );
    }
    this.#take();
    if (first === '`') return this.#fault("unsupported syntax: '`'", token.at);
    if (optional) return this.#call('_?._', [operand, this.#literal(token.text, token.at)], dot);
    const open = this.#accept('(');
    if (!open)
      return {
        kind: 'select',
        id: this.#newId(),
        at: dot,
        operand,
        field: token.text,
        testOnly: false,
      };
    const args = this.#arguments();
    return this.#expanded(token.text, operand, args, open.at);
  }

  /** The arguments behind an open parenthesis, and the closing one. */
  #arguments(): Expr[] {
    if (this.#accept(')')) return [];
    const args = [this.#expr(expecting.argument)];
    while (this.#accept(',')) args.push(this.#expr());
    this.#expect(')', () => !this.#startsExpression());
    return args;
  }

  #primary(wanted: string): Expr {
    const token = this.#peek();
    if (!this.#startsExpression()) {
      const how = this.#startsExpression(1) || token.kind === 'end' ? 'extraneous' : 'mismatched';
      // A second operand that ends too early is told of by the operators before it.
      if (token.kind === 'end' || how === 'mismatched') {
        const afterSign = ['!', '-'].includes(this.#tokens[this.#next - 1]?.text ?? '');
        const shown =
          token.kind === 'end' && afterSign && this.#isSign() ? 'extraneous' : 'mismatched';
        return this.#fail(`${shown} input '${token.text}' expecting ${wanted}`, token.at);
      }
      this.#syntax(`extraneous input '${token.text}' expecting ${wanted}`, token.at);
      this.#take();
      return this.#primary(expecting.expression);
    }
    switch (token.kind) {
      case 'punctuation':
        return this.#punctuated(token);
      case 'identifier':
        return this.#named('');
      default:
        return this.#constant(token);
    }
  }

  /** Whether the token before stands for a sign, not for a difference. */
  #isSign(): boolean {
    const before = this.#tokens[this.#next - 2];
    return (
      before === undefined ||
      (before.kind === 'punctuation' &&
        ![')', ']', '}', 'true', 'false', 'null'].includes(before.text))
    );
  }

  #punctuated(token: Token): Expr {
    switch (token.text) {
      case '(': {
        this.#take();
        const expr = this.#expr();
        this.#expect(')', () => !this.#startsExpression());
        return expr;
      }
      case '[':
        return this.#listLiteral();
      case '{':
        return this.#mapLiteral();
      case '.': {
        this.#take();
        if (this.#peek().kind === 'identifier') return this.#named('.');
        const found = this.#peek();
        return this.#fail(
          `no viable alternative at input '.${found.kind === 'end' ? '' : found.text}'`,
          found.at,
        );
      }
      case '-': {
        this.#take();
        return this.#number(this.#take(), '-', token.at);
      }
      default:
        this.#take();
        return this.#literal(token.text === 'null' ? null : token.text === 'true', token.at);
    }
  }

  #constant(token: Token): Expr {
    this.#take();
    try {
      if (token.kind === 'string') return this.#literal(unescapeString(token.text), token.at);
      if (token.kind === 'bytes')
        return this.#literal(unescapeBytes(token.text.slice(1)), token.at);
    } catch (error) {
      if (!(error instanceof LiteralError)) throw error;
      return this.#fault(error.message, token.at);
    }
    return this.#number(token, '', token.at);
  }

  #number({ kind, text }: Token, sign: string, at: number): Expr {
    if (kind === 'double') {
      const value = Number(sign + text);
      return Number.isFinite(value)
        ? this.#literal(value, at)
        : this.#fault('invalid double literal', at);
    }
    if (kind === 'uint') {
      const value = BigInt(text.slice(0, -1));
      return value < 1n << 64n
        ? this.#literal(new Uint(value), at)
        : this.#fault('invalid uint literal', at);
    }
    const value = sign === '-' ? -BigInt(text) : BigInt(text);
    return BigInt.asIntN(64, value) === value
      ? this.#literal(value, at)
      : this.#fault('invalid int literal', at);
  }

  /** A name: a variable, a call, or the type of a struct. */
  #named(dot: string): Expr {
    const token = this.#take();
    const struct = this.#structName(token.text);
    if (struct !== undefined) return this.#structLiteral(dot + struct);
    if (reserved.has(token.text)) {
      if (this.#accept('(')) this.#arguments();
      return this.#fault(`reserved identifier: ${token.text}`, token.at);
    }
    const open = this.#accept('(');
    if (!open) return this.#ident(dot + token.text, token.at);
    return this.#expanded(dot + token.text, undefined, this.#arguments(), open.at);
  }

  /** `a.b` in `a.b{`, whose tokens are taken; undefined: what follows is something else. */
  #structName(first: string): string | undefined {
    let ahead = 0;
    let name = first;
    while (this.#is('.', ahead) && this.#peek(ahead + 1).kind === 'identifier') {
      name += `.${this.#peek(ahead + 1).text}`;
      ahead += 2;
    }
    if (!this.#is('{', ahead)) return undefined;
    this.#next += ahead;
    return name;
  }

  #structLiteral(typeName: string): Expr {
    const open = this.#take();
    const fields: { name: string; value: Expr; optional: boolean; at: number }[] = [];
    while (!this.#is('}')) {
      const optional = this.#accept('?') !== undefined;
      const token = this.#peek();
      if (token.kind !== 'identifier')
        return this.#fail(
          `mismatched input '${token.text}' expecting {'}', ',', '?', IDENTIFIER, ESC_IDENTIFIER}`,
          token.at,
        );
      this.#take();
      const colon = this.#expect(':', () => this.#startsExpression());
      fields.push({ name: token.text, value: this.#expr(), optional, at: colon.at });
      if (!this.#accept(',')) break;
    }
    this.#close('}');
    return { kind: 'struct', id: this.#newId(), at: open.at, typeName, fields };
  }

  #listLiteral(): Expr {
    const open = this.#take();
    const items: { value: Expr; optional: boolean }[] = [];
    while (!this.#is(']')) {
      if (items.length === 0 && this.#accept(',')) break;
      const optional = this.#accept('?') !== undefined;
      const wanted = items.length === 0 && !optional ? expecting.item : expecting.expression;
      items.push({ value: this.#expr(wanted), optional });
      if (!this.#accept(',')) break;
      if (this.#ends(']')) return { kind: 'list', id: this.#newId(), at: open.at, items };
    }
    this.#close(']');
    return { kind: 'list', id: this.#newId(), at: open.at, items };
  }

  #mapLiteral(): Expr {
    const open = this.#take();
    const entries: { key: Expr; value: Expr; optional: boolean }[] = [];
    while (!this.#is('}')) {
      if (entries.length === 0 && this.#accept(',')) break;
      const optional = this.#accept('?') !== undefined;
      const wanted = entries.length === 0 && !optional ? expecting.key : expecting.expression;
      const key = this.#expr(wanted);
      this.#expect(':', () => this.#startsExpression());
      entries.push({ key, value: this.#expr(), optional });
      if (!this.#accept(',')) break;
      if (this.#ends('}')) return { kind: 'map', id: this.#newId(), at: open.at, entries };
    }
    this.#close('}');
    return { kind: 'map', id: this.#newId(), at: open.at, entries };
  }

  /** Whether a comma was the last of a literal, whose closing sign is then taken. */
  #ends(sign: string): boolean {
    if (this.#startsExpression() || this.#is('?')) return false;
    this.#expect(sign, () => !this.#is(','));
    return true;
  }

  #close(sign: string): void {
    if (this.#accept(sign)) return;
    const { text, at } = this.#peek();
    const how = this.#is(sign, 1) ? 'extraneous' : 'mismatched';
    this.#fail(`${how} input '${text}' expecting {'${sign}', ','}`, at);
  }

  #literal(value: Literal, at: number): Expr {
    return { kind: 'literal', id: this.#newId(), at, value };
  }

  #ident(name: string, at: number): Expr {
    return { kind: 'ident', id: this.#newId(), at, name };
  }

  #call(name: string, args: readonly Expr[], at: number, target?: Expr): Expr {
    return { kind: 'call', id: this.#newId(), at, name, args, ...(target ? { target } : {}) };
  }

  /** A call, or what the macro of its name makes of it. */
  #expanded(name: string, target: Expr | undefined, args: readonly Expr[], at: number): Expr {
    const [first, ...rest] = args;
    try {
      if (first && this.#bindings && name === 'bind' && isNamed(target, 'cel') && args.length === 3)
        return bindingOf(this.#maker(at), args);
      if (first && target) {
        const expand = Object.hasOwn(targetMacros, `${name}:${args.length}`)
          ? targetMacros[`${name}:${args.length}`]
          : undefined;
        if (expand) return expand(this.#maker(at), target, [first, ...rest]);
      } else if (first && name === 'has' && args.length === 1)
        return presenceOf(this.#maker(at), first);
    } catch (error) {
      if (!(error instanceof MacroError)) throw error;
      return this.#fault(error.message, error.at);
    }
    return this.#call(name, args, at, target);
  }

  #maker(at: number): NodeMaker {
    const copy = (expr: Expr): Expr => {
      const own = Object.fromEntries(
        Object.entries(expr).map(([key, value]) => [key, copyPart(value)]),
      );
      return { ...own, id: this.#newId() } as unknown as Expr;
    };
    const copyPart = (value: unknown): unknown => {
      if (Array.isArray(value)) return value.map(copyPart);
      if (typeof value !== 'object' || value === null) return value;
      if ('kind' in value && 'id' in value) return copy(value as Expr);
      return 'value' in value && ('optional' in value || 'key' in value)
        ? Object.fromEntries(Object.entries(value).map(([key, part]) => [key, copyPart(part)]))
        : value;
    };
    return {
      literal: (value) => this.#literal(value, at),
      ident: (name) => this.#ident(name, at),
      list: (...items) => ({
        kind: 'list',
        id: this.#newId(),
        at,
        items: items.map((value) => ({ value, optional: false })),
      }),
      map: () => ({ kind: 'map', id: this.#newId(), at, entries: [] }),
      call: (name, ...args) => this.#call(name, args, at),
      memberCall: (name, target, ...args) => this.#call(name, args, at, target),
      presence: (operand, field) => ({
        kind: 'select',
        id: this.#newId(),
        at,
        operand,
        field,
        testOnly: true,
      }),
      fold: ({ accumulator = accumulatorName, ...parts }) => ({
        kind: 'comprehension',
        id: this.#newId(),
        at,
        accumulator,
        ...parts,
      }),
      copy,
    };
  }
}
