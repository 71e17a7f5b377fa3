import { isJson, sortedKeys } from '../json-view.ts';

/** An expression that cannot be read or evaluated; the text is client-go's. */
export class JsonPathError extends Error {
  override readonly name = 'JsonPathError';
}

type Literal = string | number | boolean;

type Node =
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'literal'; readonly value: Literal }
  | { readonly kind: 'field'; readonly name: string }
  | {
      readonly kind: 'slice';
      readonly from?: number;
      readonly to?: number;
      readonly step?: number;
      readonly single: boolean;
    }
  | { readonly kind: 'wildcard' }
  | { readonly kind: 'recursive' }
  | { readonly kind: 'union'; readonly branches: readonly (readonly Node[])[] }
  | {
      readonly kind: 'filter';
      readonly left: readonly Node[];
      readonly operator: string;
      readonly right: readonly Node[];
    }
  | { readonly kind: 'root' };

type Piece =
  | { readonly kind: 'list'; readonly nodes: readonly Node[] }
  | { readonly kind: 'range'; readonly nodes: readonly Node[]; readonly body: readonly Piece[] };

/** A template with `{…}` actions, as `-o jsonpath` takes it. */
export interface JsonPath {
  /** Values by action, in order. @throws JsonPathError */
  find(data: unknown): readonly (readonly unknown[])[];
}

/**
 * Reads a JSONPath template: fields, wildcards, indexes and slices with negative numbers, unions, filters, recursive
 * descent, `range … end` and quoted texts.
 *
 * @param allowMissing a key that is not there gives nothing instead of an error.
 * @throws JsonPathError
 * @see k8s.io/client-go/util/jsonpath
 */
export function parseJsonPath(template: string, allowMissing = true): JsonPath {
  const pieces = new Parser(template).template();
  return {
    find: (data) => {
      const out: (readonly unknown[])[] = [];
      evaluate(pieces, data, { root: data, allowMissing }, out);
      return out;
    },
  };
}

const relaxedPattern = /^\{\.?([^{}]+)\}$|^\.?([^{}]+)$/;

/** `x.y`, `.x.y`, `{x.y}` and `{.x.y}` all mean `{.x.y}`. @throws JsonPathError */
export function relaxedExpression(expression: string): string {
  if (expression === '') return '';
  const match = relaxedPattern.exec(expression);
  if (!match)
    throw new JsonPathError(
      `unexpected path string, expected a 'name1.name2' or '.name1.name2' or '{name1.name2}' or '{.name1.name2}'`,
    );
  return `{.${match[1] ?? match[2] ?? ''}}`;
}

class Parser {
  readonly #text: string;
  #at = 0;

  constructor(source: string) {
    this.#text = source;
  }

  template(): Piece[] {
    const { pieces, ended } = this.#pieces();
    if (ended) throw new JsonPathError('not in range, nothing to end');
    return pieces;
  }

  #pieces(): { pieces: Piece[]; ended: boolean } {
    const pieces: Piece[] = [];
    while (this.#at < this.#text.length) {
      const open = this.#text.indexOf('{', this.#at);
      const end = open < 0 ? this.#text.length : open;
      if (end > this.#at)
        pieces.push({
          kind: 'list',
          nodes: [{ kind: 'text', text: this.#text.slice(this.#at, end) }],
        });
      if (open < 0) {
        this.#at = end;
        break;
      }
      this.#at = open + 1;
      this.#spaces();
      if (this.#word('end')) {
        this.#close();
        return { pieces, ended: true };
      }
      if (this.#word('range')) {
        const nodes = this.#action();
        pieces.push({ kind: 'range', nodes, body: this.#pieces().pieces });
      } else pieces.push({ kind: 'list', nodes: this.#action() });
    }
    return { pieces, ended: false };
  }

  #spaces(): void {
    while (/\s/.test(this.#text[this.#at] ?? '')) this.#at += 1;
  }

  #word(word: string): boolean {
    if (!this.#text.startsWith(word, this.#at)) return false;
    if (/[\w.]/.test(this.#text[this.#at + word.length] ?? '') && word === 'end') return false;
    this.#at += word.length;
    return true;
  }

  #close(): void {
    this.#spaces();
    if (this.#text[this.#at] !== '}') throw new JsonPathError('unclosed action');
    this.#at += 1;
  }

  /** Nodes up to the closing brace. */
  #action(): Node[] {
    const nodes: Node[] = [];
    for (;;) {
      this.#spaces();
      const character = this.#text[this.#at];
      if (character === undefined) throw new JsonPathError('unclosed action');
      if (character === '}') {
        this.#at += 1;
        return nodes;
      }
      nodes.push(...this.#step());
    }
  }

  #step(): Node[] {
    const character = this.#text[this.#at] ?? '';
    switch (character) {
      case '.':
        this.#at += 1;
        if (this.#text[this.#at] === '.') {
          this.#at += 1;
          const recursive: Node = { kind: 'recursive' };
          const next = this.#text[this.#at];
          return next !== undefined && /[[\s})]/.test(next)
            ? [recursive]
            : [recursive, ...this.#field()];
        }
        return this.#field();
      case '[':
        return [this.#bracket()];
      case '$':
        this.#at += 1;
        return [{ kind: 'root' }];
      case '@':
        this.#at += 1;
        return [];
      case '"':
      case "'":
        return [{ kind: 'text', text: this.#quoted(character) }];
      case '*':
        this.#at += 1;
        return [{ kind: 'wildcard' }];
      default:
        return [this.#bare(character)];
    }
  }

  #bare(character: string): Node {
    const match = /^[\w.+-]+/.exec(this.#text.slice(this.#at));
    if (!match)
      throw new JsonPathError(
        `unrecognized character in action: U+${(character.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, '0')} '${character}'`,
      );
    const word = match[0];
    this.#at += word.length;
    if (word === 'true' || word === 'false') return { kind: 'literal', value: word === 'true' };
    if (/^[+-]?\d+(\.\d+)?$/.test(word)) return { kind: 'literal', value: Number(word) };
    throw new JsonPathError(`unrecognized identifier ${word}`);
  }

  #field(): Node[] {
    let name = '';
    while (this.#at < this.#text.length) {
      const character = this.#text[this.#at] ?? '';
      if (character === '\\') {
        name += this.#text[this.#at + 1] ?? '';
        this.#at += 2;
        continue;
      }
      if (/[\s.,[\]$@{}()=!<>|&]/.test(character)) break;
      name += character;
      this.#at += 1;
    }
    if (name === '') return [];
    return [name === '*' ? { kind: 'wildcard' } : { kind: 'field', name }];
  }

  #quoted(mark: string): string {
    this.#at += 1;
    let out = '';
    while (this.#at < this.#text.length) {
      const character = this.#text[this.#at] ?? '';
      this.#at += 1;
      if (character === mark) return out;
      if (character === '\\') {
        const next = this.#text[this.#at] ?? '';
        this.#at += 1;
        const escapes: Readonly<Record<string, string>> = { n: '\n', t: '\t', r: '\r' };
        out += escapes[next] ?? next;
      } else out += character;
    }
    throw new JsonPathError('unterminated quoted string');
  }

  #bracket(): Node {
    const start = this.#at + 1;
    if (this.#text.startsWith('?(', start)) return this.#filter(start + 2);
    const parts: string[] = [];
    let current = '';
    let at = start;
    let mark = '';
    for (; at < this.#text.length; at++) {
      const character = this.#text[at] ?? '';
      if (mark !== '') {
        current += character;
        if (character === mark) mark = '';
      } else if (character === ']') break;
      else if (character === ',') {
        parts.push(current);
        current = '';
      } else {
        if (character === '"' || character === "'") mark = character;
        current += character;
      }
    }
    if (at >= this.#text.length) throw new JsonPathError('unterminated array');
    parts.push(current);
    this.#at = at + 1;
    const branches = parts.map((part) => [this.#index(part.trim())]);
    return branches.length === 1 && branches[0]?.[0] ? branches[0][0] : { kind: 'union', branches };
  }

  #index(part: string): Node {
    if (part === '*') return { kind: 'wildcard' };
    const quoted = /^(['"])(.*)\1$/.exec(part);
    if (quoted) return { kind: 'field', name: (quoted[2] ?? '').replace(/\\(.)/g, '$1') };
    const match = /^(-?\d*)(:(-?\d*))?(:(-?\d*))?$/.exec(part);
    if (!match) throw new JsonPathError(`invalid array index ${part}`);
    const [, from = '', colon, to = '', , step = ''] = match;
    return {
      kind: 'slice',
      single: colon === undefined,
      ...(from === '' ? {} : { from: Number(from) }),
      ...(to === '' ? {} : { to: Number(to) }),
      ...(step === '' ? {} : { step: Number(step) }),
    };
  }

  #filter(start: number): Node {
    this.#at = start;
    const left = this.#operand();
    this.#spaces();
    const operator = /^(==|!=|>=|<=|>|<)/.exec(this.#text.slice(this.#at))?.[0] ?? '';
    this.#at += operator.length;
    const right = operator === '' ? [] : this.#operand();
    this.#spaces();
    if (!this.#text.startsWith(')]', this.#at)) throw new JsonPathError('unterminated filter');
    this.#at += 2;
    return { kind: 'filter', left, operator: operator || 'exists', right };
  }

  #operand(): Node[] {
    const nodes: Node[] = [];
    for (;;) {
      this.#spaces();
      if (/^(\)|==|!=|>|<|$)/.test(this.#text.slice(this.#at))) return nodes;
      nodes.push(...this.#step());
    }
  }
}

interface Scope {
  readonly root: unknown;
  readonly allowMissing: boolean;
}

function evaluate(
  pieces: readonly Piece[],
  data: unknown,
  scope: Scope,
  out: (readonly unknown[])[],
): void {
  for (const piece of pieces) {
    const results = walkAll([data], piece.nodes, scope);
    if (piece.kind === 'list') out.push(results);
    else for (const value of results) evaluate(piece.body, value, { ...scope, root: value }, out);
  }
}

function walkAll(
  values: readonly unknown[],
  nodes: readonly Node[],
  scope: Scope,
): readonly unknown[] {
  let current = values;
  for (const [index, node] of nodes.entries())
    current = walk(current, node, scope, nodes[index - 1]?.kind === 'recursive');
  return current;
}

function walk(
  values: readonly unknown[],
  node: Node,
  scope: Scope,
  afterRecursive: boolean,
): readonly unknown[] {
  switch (node.kind) {
    case 'text':
      return [node.text];
    case 'literal':
      return [node.value];
    case 'root':
      return [scope.root];
    case 'field':
      return values.flatMap((value) => fieldOf(value, node.name, scope, afterRecursive));
    case 'wildcard':
      return values.flatMap(childrenOf);
    case 'recursive':
      return values.flatMap(descendants);
    case 'union':
      return node.branches.flatMap((branch) => walkAll(values, branch, scope));
    case 'slice':
      return values.flatMap((value) => sliceOf(value, node));
    case 'filter':
      return values.flatMap((value) =>
        (Array.isArray(value)
          ? (value as unknown[])
          : isJson(value)
            ? Object.values(value)
            : []
        ).filter((item) => accepts(item, node, scope)),
      );
  }
}

function fieldOf(value: unknown, name: string, scope: Scope, lenient: boolean): readonly unknown[] {
  if (isJson(value) && Object.hasOwn(value, name)) return [value[name]];
  if (scope.allowMissing || lenient) return [];
  throw new JsonPathError(`${name} is not found`);
}

function childrenOf(value: unknown): readonly unknown[] {
  if (Array.isArray(value)) return value as unknown[];
  return isJson(value) ? sortedKeys(value).map((key) => value[key]) : [];
}

function descendants(value: unknown): unknown[] {
  const children = childrenOf(value).filter((child) => typeof child === 'object' && child !== null);
  return [value, ...children.flatMap(descendants)];
}

function sliceOf(value: unknown, node: Node & { kind: 'slice' }): readonly unknown[] {
  if (value === null || value === undefined) return [];
  if (!Array.isArray(value)) {
    if (isJson(value) && node.single)
      throw new JsonPathError(`${typeof value} is not array or slice`);
    throw new JsonPathError('is not array or slice');
  }
  const items = value as unknown[];
  const absolute = (index: number): number => (index < 0 ? index + items.length : index);
  if (node.single) {
    const index = absolute(node.from ?? 0);
    if (index < 0 || index >= items.length)
      throw new JsonPathError(`array index out of bounds: index ${index}, length ${items.length}`);
    return [items[index]];
  }
  const from = absolute(node.from ?? 0);
  const to = Math.min(absolute(node.to ?? items.length), items.length);
  if (from < 0 || from >= items.length)
    throw items.length === 0 && from === 0
      ? new JsonPathError('array index out of bounds: index 0, length 0')
      : new JsonPathError(`array index out of bounds: index ${from}, length ${items.length}`);
  const step = node.step ?? 1;
  if (step <= 0) throw new JsonPathError('step must be > 0');
  const out: unknown[] = [];
  for (let index = from; index < to; index += step) out.push(items[index]);
  return out;
}

function accepts(item: unknown, node: Node & { kind: 'filter' }, scope: Scope): boolean {
  const lenient = { ...scope, allowMissing: true };
  const left = walkAll([item], node.left, lenient);
  if (node.operator === 'exists') return left.length > 0;
  if (left.length === 0) return false;
  if (left.length > 1) throw new JsonPathError('can only compare one element at a time');
  const right = walkAll([item], node.right, lenient);
  if (right.length === 0) return false;
  const [a, b] = [left[0], right[0]];
  if (typeof a !== typeof b) throw new JsonPathError('incompatible types for comparison');
  switch (node.operator) {
    case '==':
      return a === b;
    case '!=':
      return a !== b;
    case '<':
      return (a as Literal) < (b as Literal);
    case '>':
      return (a as Literal) > (b as Literal);
    case '<=':
      return (a as Literal) <= (b as Literal);
    default:
      return (a as Literal) >= (b as Literal);
  }
}
