import type { ScriptNode } from 'just-bash';
import { ShellError } from './flow.ts';
import { parse } from './parser.ts';

type Command = ScriptNode['statements'][number]['pipelines'][number]['commands'][number];
type Expression = Extract<Command, { type: 'ArithmeticCommand' }>['expression'];
type Node = Expression['expression'];
export type { Expression as ArithmeticExpression };

/** What an arithmetic expression reads and writes. */
export interface ArithmeticScope {
  /** The text of a variable or array element; undefined when unset. */
  get(name: string, key?: string): string | undefined;
  set(name: string, key: string | undefined, value: string): void;
  isMap(name: string): boolean;
  special(name: string): string;
  expand(text: string): Promise<string>;
}

const int = (value: bigint): bigint => BigInt.asIntN(64, value);

/** Evaluates as bash does, in 64 bits. @throws ShellError. */
export async function evaluate(expression: Expression, scope: ArithmeticScope): Promise<bigint> {
  const text = expression.originalText;
  // Expansions come before the arithmetic's own grammar: `$x` may hold an operator.
  if (text !== undefined && /[$`"']/.test(text))
    return evaluateText((await scope.expand(text)).replace(/["']/g, ''), scope);
  return new Evaluator(scope, text ?? '').value(expression.expression);
}

/** @throws ShellError the text is no expression. */
export async function evaluateText(
  text: string,
  scope: ArithmeticScope,
  depth = 0,
): Promise<bigint> {
  const trimmed = text.trim();
  if (trimmed === '') return 0n;
  if (/^-?\d+$/.test(trimmed) && !/^-?0\d/.test(trimmed)) return int(BigInt(trimmed));
  if (depth > 64) throw new ShellError(`${trimmed}: expression recursion level exceeded`);
  let command: Command | undefined;
  try {
    command = parse(`((${trimmed}\n))`).statements[0]?.pipelines[0]?.commands[0];
  } catch {
    command = undefined;
  }
  if (command?.type !== 'ArithmeticCommand')
    throw new ShellError(
      `${trimmed}: syntax error: operand expected (error token is "${trimmed}")`,
    );
  return new Evaluator(scope, trimmed, depth).value(command.expression.expression);
}

class Evaluator {
  readonly #scope: ArithmeticScope;
  readonly #text: string;
  readonly #depth: number;

  constructor(scope: ArithmeticScope, text: string, depth = 0) {
    this.#scope = scope;
    this.#text = text.trim();
    this.#depth = depth;
  }

  async value(node: Node): Promise<bigint> {
    switch (node.type) {
      case 'ArithNumber':
        return Number.isNaN(node.value)
          ? this.#fail('value too great for base')
          : int(BigInt(node.value));
      case 'ArithVariable':
        return this.#number(this.#scope.get(node.name));
      case 'ArithSpecialVar':
        return this.#number(this.#scope.special(node.name));
      case 'ArithArrayElement':
        return this.#number(
          this.#scope.get(node.array, await this.#key(node.array, node.index, node.stringKey)),
        );
      case 'ArithGroup':
      case 'ArithNested':
        return this.value(node.expression);
      case 'ArithUnary':
        return this.#unary(node);
      case 'ArithBinary':
        return this.#binary(node);
      case 'ArithTernary':
        return (await this.value(node.condition)) !== 0n
          ? this.value(node.consequent)
          : this.value(node.alternate);
      case 'ArithAssignment': {
        const key =
          node.subscript || node.stringKey !== undefined
            ? await this.#key(node.variable, node.subscript, node.stringKey)
            : undefined;
        const right = await this.value(node.value);
        const value =
          node.operator === '='
            ? right
            : this.#apply(
                node.operator.slice(0, -1),
                await this.#number(this.#scope.get(node.variable, key)),
                right,
              );
        this.#scope.set(node.variable, key, String(value));
        return value;
      }
      case 'ArithSingleQuote':
        return BigInt(node.value);
      case 'ArithSyntaxError':
        throw new ShellError(
          node.message.includes('(error token')
            ? node.message
            : `${this.#text}: ${node.message} (error token is "${node.errorToken}")`,
        );
      default: {
        const text = await this.#scope.expand(this.#text);
        if (text === this.#text) return this.#fail('syntax error: operand expected');
        return evaluateText(text, this.#scope, this.#depth + 1);
      }
    }
  }

  async #key(
    name: string,
    index: Node | undefined,
    stringKey: string | undefined,
  ): Promise<string> {
    if (stringKey !== undefined) return this.#scope.expand(stringKey);
    if (!index) return '0';
    if (this.#scope.isMap(name) && index.type === 'ArithVariable') return index.name;
    return String(await this.value(index));
  }

  async #number(text: string | undefined): Promise<bigint> {
    if (text === undefined || text === '') return 0n;
    if (/^\s*-?[1-9]\d*\s*$|^\s*0\s*$/.test(text)) return int(BigInt(text.trim()));
    return evaluateText(text, this.#scope, this.#depth + 1);
  }

  async #unary(node: Extract<Node, { type: 'ArithUnary' }>): Promise<bigint> {
    const { operator, operand } = node;
    if (operator === '++' || operator === '--') {
      if (operand.type !== 'ArithVariable' && operand.type !== 'ArithArrayElement')
        return this.#fail('syntax error: operand expected');
      const name = operand.type === 'ArithVariable' ? operand.name : operand.array;
      const key =
        operand.type === 'ArithVariable'
          ? undefined
          : await this.#key(name, operand.index, operand.stringKey);
      const before = await this.#number(this.#scope.get(name, key));
      const after = int(before + (operator === '++' ? 1n : -1n));
      this.#scope.set(name, key, String(after));
      return node.prefix ? after : before;
    }
    const value = await this.value(operand);
    switch (operator) {
      case '-':
        return int(-value);
      case '!':
        return value === 0n ? 1n : 0n;
      case '~':
        return int(~value);
      case '+':
        return value;
    }
  }

  async #binary(node: Extract<Node, { type: 'ArithBinary' }>): Promise<bigint> {
    const left = await this.value(node.left);
    if (node.operator === '&&')
      return left !== 0n && (await this.value(node.right)) !== 0n ? 1n : 0n;
    if (node.operator === '||')
      return left !== 0n || (await this.value(node.right)) !== 0n ? 1n : 0n;
    return this.#apply(node.operator, left, await this.value(node.right));
  }

  #apply(operator: string, a: bigint, b: bigint): bigint {
    const truth = (value: boolean): bigint => (value ? 1n : 0n);
    switch (operator) {
      case '+':
        return int(a + b);
      case '-':
        return int(a - b);
      case '*':
        return int(a * b);
      case '/':
      case '%':
        if (b === 0n) return this.#fail('division by 0', this.#text.replace(/^.*[/%]\s*/s, ''));
        return int(operator === '/' ? a / b : a % b);
      case '**':
        if (b < 0n) return this.#fail('exponent less than 0');
        return int(a ** b);
      case '<<':
        return int(a << (b & 63n));
      case '>>':
        return int(a >> (b & 63n));
      case '&':
        return a & b;
      case '|':
        return a | b;
      case '^':
        return a ^ b;
      case '<':
        return truth(a < b);
      case '<=':
        return truth(a <= b);
      case '>':
        return truth(a > b);
      case '>=':
        return truth(a >= b);
      case '==':
        return truth(a === b);
      case '!=':
        return truth(a !== b);
      default:
        return b;
    }
  }

  #fail(message: string, token = this.#text): never {
    throw new ShellError(`${this.#text}: ${message} (error token is "${token}")`);
  }
}
