import type { Uint } from './values.ts';

/** A literal's value. */
export type Literal = null | boolean | bigint | number | string | Uint | Uint8Array;

interface Node {
  /** Unique in its expression. */
  readonly id: number;
  /** The code point the node is about, as messages place it. */
  readonly at: number;
}

export interface LiteralExpr extends Node {
  readonly kind: 'literal';
  readonly value: Literal;
}
export interface IdentExpr extends Node {
  readonly kind: 'ident';
  readonly name: string;
}
export interface SelectExpr extends Node {
  readonly kind: 'select';
  readonly operand: Expr;
  readonly field: string;
  /** `has(operand.field)`. */
  readonly testOnly: boolean;
}
export interface CallExpr extends Node {
  readonly kind: 'call';
  readonly name: string;
  readonly target?: Expr;
  readonly args: readonly Expr[];
}
export interface ListExpr extends Node {
  readonly kind: 'list';
  readonly items: readonly { readonly value: Expr; readonly optional: boolean }[];
}
export interface MapExpr extends Node {
  readonly kind: 'map';
  readonly entries: readonly {
    readonly key: Expr;
    readonly value: Expr;
    readonly optional: boolean;
  }[];
}
export interface StructExpr extends Node {
  readonly kind: 'struct';
  readonly typeName: string;
  readonly fields: readonly {
    readonly name: string;
    readonly value: Expr;
    readonly optional: boolean;
    readonly at: number;
  }[];
}
/** What macros expand to: a fold over a list or a map. */
export interface ComprehensionExpr extends Node {
  readonly kind: 'comprehension';
  readonly range: Expr;
  readonly variable: string;
  /** With two variables the first is the index or key. */
  readonly variable2?: string;
  readonly accumulator: string;
  readonly init: Expr;
  readonly condition: Expr;
  readonly step: Expr;
  readonly result: Expr;
}

export type Expr =
  | LiteralExpr
  | IdentExpr
  | SelectExpr
  | CallExpr
  | ListExpr
  | MapExpr
  | StructExpr
  | ComprehensionExpr;

/** The name of the accumulator of standard macros, which no source can name. */
export const accumulatorName = '@result';

/** A fault found in an expression, and the code point it is about. */
export interface Issue {
  readonly message: string;
  readonly at: number;
}

/** The expressions directly within one. */
function partsOf(expr: Expr): readonly Expr[] {
  switch (expr.kind) {
    case 'select':
      return [expr.operand];
    case 'call':
      return expr.target ? [expr.target, ...expr.args] : expr.args;
    case 'list':
      return expr.items.map(({ value }) => value);
    case 'map':
      return expr.entries.flatMap(({ key, value }) => [key, value]);
    case 'struct':
      return expr.fields.map(({ value }) => value);
    case 'comprehension':
      return [expr.range, expr.init, expr.condition, expr.step, expr.result];
    default:
      return [];
  }
}

/** An expression and all within it, itself first. */
export function* descendants(expr: Expr): Generator<Expr> {
  yield expr;
  for (const part of partsOf(expr)) yield* descendants(part);
}
