import type { CallExpr, ComprehensionExpr, Expr } from './ast.ts';
import type { Checked } from './checker.ts';
import { codePoints, cost as base } from './cost.ts';
import {
  add,
  type CallEstimate,
  cap,
  characters,
  type Estimate,
  fixed,
  most,
  multiply,
  none,
  type Operand,
  scale,
  union,
  unknown,
} from './estimates.ts';
import { libraryEstimate } from './library-estimates.ts';
import { type CelType, dynType, isOptional } from './types.ts';

/** The largest size of what stands at a path from a variable; undefined: nothing is known of it. */
export type SizeEstimator = (path: readonly string[]) => number | undefined;

/** Sizes of keys or indices, and of the values, of what an expression makes. */
interface EntrySize {
  readonly container: 'list' | 'map';
  readonly key: Estimate;
  readonly value: Estimate;
}

interface Local {
  readonly path: readonly string[];
  readonly size?: Estimate | undefined;
  readonly entries?: EntrySize | undefined;
}

/**
 * What an expression may cost at worst and at best.
 * @see cel-go/checker/cost.go, k8s.io/apiserver/pkg/cel/library/cost.go
 */
export function estimateCost(checked: Checked, sizes: SizeEstimator): Estimate {
  return new Coster(checked, sizes).cost(checked.expr);
}

class Coster {
  readonly #checked: Checked;
  readonly #estimator: SizeEstimator;
  readonly #paths = new Map<number, readonly string[]>();
  readonly #sizes = new Map<number, Estimate>();
  readonly #entries = new Map<number, EntrySize>();
  readonly #locals = new Map<string, Local[]>();

  constructor(checked: Checked, estimator: SizeEstimator) {
    this.#checked = checked;
    this.#estimator = estimator;
  }

  cost(expr: Expr): Estimate {
    switch (expr.kind) {
      case 'literal':
        return none;
      case 'ident':
        this.#paths.set(expr.id, this.#local(expr.name)?.path ?? [expr.name]);
        return fixed(base.select);
      case 'select': {
        const name = this.#checked.names.get(expr.id);
        if (name !== undefined) {
          this.#paths.set(expr.id, [name]);
          return fixed(base.select);
        }
        const operand = this.cost(expr.operand);
        if (expr.testOnly) return operand;
        const { kind } = this.#type(expr.operand);
        this.#paths.set(expr.id, [...this.#path(expr.operand), expr.field]);
        return kind === 'map' || kind === 'struct' || kind === 'param'
          ? add(operand, fixed(base.select))
          : operand;
      }
      case 'call':
        return this.#call(expr);
      case 'list':
        return this.#list(expr);
      case 'map':
        return this.#map(expr);
      case 'struct':
        return add(...expr.fields.map(({ value }) => this.cost(value)), fixed(base.struct));
      case 'comprehension':
        return isBinding(expr) ? this.#binding(expr) : this.#fold(expr);
    }
  }

  #type({ id }: Expr): CelType {
    return this.#checked.types.get(id) ?? dynType;
  }

  #local(name: string): Local | undefined {
    return this.#locals.get(name)?.at(-1);
  }

  #path(expr: Expr): readonly string[] {
    const local = expr.kind === 'ident' ? this.#local(expr.name) : undefined;
    return local?.path ?? this.#paths.get(expr.id) ?? [];
  }

  #within<T>(names: readonly (readonly [string, Local])[], run: () => T): T {
    for (const [name, local] of names)
      this.#locals.set(name, [...(this.#locals.get(name) ?? []), local]);
    const result = run();
    for (const [name] of names) this.#locals.get(name)?.pop();
    return result;
  }

  #size(expr: Expr): Estimate | undefined {
    const known = this.#sizes.get(expr.id) ?? literalSize(expr);
    if (known) return known;
    const path = this.#path(expr);
    const largest = path.length === 0 ? undefined : this.#estimator(path);
    if (largest !== undefined) {
      const size = { min: 0, max: largest };
      this.#sizes.set(expr.id, size);
      return size;
    }
    if (isScalar(this.#type(expr))) return fixed(1);
    return expr.kind === 'ident' ? this.#local(expr.name)?.size : undefined;
  }

  #entrySize(expr: Expr): EntrySize | undefined {
    const known = this.#entries.get(expr.id);
    if (known) return known;
    return expr.kind === 'ident' ? this.#local(expr.name)?.entries : undefined;
  }

  #copySizes(to: Expr, from: Expr): void {
    const [size, entries] = [this.#size(from), this.#entrySize(from)];
    if (size) this.#sizes.set(to.id, size);
    if (entries) this.#entries.set(to.id, entries);
  }

  #list(expr: Expr & { kind: 'list' }): Estimate {
    const costs: Estimate[] = [];
    let value: Estimate = expr.items.length === 0 ? none : { min: most, max: 0 };
    for (const item of expr.items) {
      costs.push(this.cost(item.value));
      value = union(value, this.#size(item.value) ?? unknown);
    }
    this.#entries.set(expr.id, { container: 'list', key: fixed(1), value });
    return add(...costs, fixed(base.list));
  }

  #map(expr: Expr & { kind: 'map' }): Estimate {
    const costs: Estimate[] = [];
    const start: Estimate = expr.entries.length === 0 ? none : { min: most, max: 0 };
    let [key, value] = [start, start];
    for (const entry of expr.entries) {
      costs.push(this.cost(entry.key), this.cost(entry.value));
      key = union(key, this.#size(entry.key) ?? unknown);
      value = union(value, this.#size(entry.value) ?? unknown);
    }
    this.#entries.set(expr.id, { container: 'map', key, value });
    return add(...costs, fixed(base.map));
  }

  #binding(expr: ComprehensionExpr): Estimate {
    const start = add(this.cost(expr.range), this.cost(expr.init));
    const local = {
      path: this.#path(expr.init),
      size: this.#size(expr.init),
      entries: this.#entrySize(expr.init),
    };
    return this.#within([[expr.accumulator, local]], () => {
      const result = this.cost(expr.result);
      this.#copySizes(expr, expr.result);
      return add(start, result);
    });
  }

  #fold(expr: ComprehensionExpr): Estimate {
    const start = add(this.cost(expr.range), this.cost(expr.init));
    const accumulator = {
      path: this.#path(expr.init),
      size: this.#size(expr.init),
      entries: this.#entrySize(expr.init),
    };
    return this.#within([[expr.accumulator, accumulator]], () => {
      const step = this.#within(this.#iterationLocals(expr), () =>
        add(this.cost(expr.condition), this.cost(expr.step)),
      );
      const result = this.cost(expr.result);
      const count = this.#size(expr.range) ?? unknown;
      const { kind } = expr.init;
      if (kind === 'literal') {
        const size = this.#size(expr.init);
        if (size) this.#sizes.set(expr.id, size);
      } else if (kind === 'list' || kind === 'map') {
        this.#sizes.set(expr.id, count);
        const entries = this.#entrySize(expr.step);
        if (entries) this.#entries.set(expr.id, entries);
      }
      return add(start, result, multiply(count, step));
    });
  }

  #iterationLocals({ range, variable, variable2 }: ComprehensionExpr): [string, Local][] {
    const entries = this.#entrySize(range);
    const path = this.#path(range);
    const isList = (entries?.container ?? this.#type(range).kind) === 'list';
    const key: Local = {
      path: [...path, isList ? '@indices' : '@keys'],
      size: entries?.key,
    };
    const value: Local = { path: [...path, isList ? '@items' : '@values'], size: entries?.value };
    if (variable2 !== undefined)
      return [
        [variable, key],
        [variable2, value],
      ];
    return [[variable, isList ? value : key]];
  }

  #operand(expr: Expr): Operand {
    const path = this.#path(expr);
    const isAccumulator = path[0] === '@result' || path[0] === '__result__';
    return {
      expr,
      ...(isAccumulator ? {} : { path }),
      type: this.#type(expr),
      computed: this.#size(expr),
    };
  }

  #call(expr: CallExpr): Estimate {
    const [first] = expr.args;
    if (expr.name === 'dyn' && first && !expr.target) {
      const own = this.cost(first);
      this.#copySizes(expr, first);
      return add(fixed(1), own);
    }
    const costs = expr.args.map((arg) => this.cost(arg));
    const args = expr.args.map((arg) => this.#operand(arg));
    const overloads = this.#checked.overloads.get(expr.id) ?? [];
    if (overloads.length === 0) return none;
    const qualified = this.#checked.names.get(expr.id);
    const target = qualified === undefined ? expr.target : undefined;
    const targetCost = target ? this.cost(target) : none;
    const own = target && this.#operand(target);
    const name = qualified ?? expr.name;
    let total: Estimate = { min: most, max: 0 };
    let size: Estimate | undefined;
    for (const { id } of overloads) {
      const estimate = this.#function(expr, name, id, own, args, costs);
      total = union(total, estimate.cost);
      if (estimate.size) size = size ? union(size, estimate.size) : estimate.size;
      if ((id === 'index_list' || id === 'index_map') && first) {
        size = this.#entrySize(first)?.value;
        const part = id === 'index_list' ? '@items' : '@values';
        this.#paths.set(expr.id, [...this.#path(first), part]);
      }
      size ??= this.#size(expr);
    }
    if (size) this.#sizes.set(expr.id, size);
    return add(targetCost, total);
  }

  #function(
    expr: CallExpr,
    name: string,
    overload: string,
    target: Operand | undefined,
    args: readonly Operand[],
    costs: readonly Estimate[],
  ): CallEstimate {
    const library = libraryEstimate(name, overload, target, args, (operand) =>
      this.#librarySize(operand),
    );
    const all = add(...costs);
    if (library) return { ...library, cost: add(library.cost, all) };
    const logical = this.#logical(expr, overload, args, costs);
    if (logical) return logical;
    const own = this.#standard(expr, overload, target, args) ?? { cost: fixed(1) };
    return { ...own, cost: add(own.cost, all) };
  }

  /** The size that the library's estimates go by. */
  #librarySize({ computed, path }: Operand): Estimate {
    if (computed) return computed;
    const largest = path && path.length > 0 ? this.#estimator(path) : undefined;
    return largest === undefined ? unknown : { min: 0, max: largest };
  }

  #logical(
    expr: CallExpr,
    overload: string,
    args: readonly Operand[],
    costs: readonly Estimate[],
  ): CallEstimate | undefined {
    const [a = none, b = none, c = none] = costs;
    if (overload === 'logical_or' || overload === 'logical_and')
      return { cost: { min: a.min, max: add(a, b).max } };
    if (overload !== 'conditional') return undefined;
    const [, yes, no] = expr.args;
    const [first, second] = [yes, no].map((each) => each && this.#entrySize(each));
    if (first && second) this.#entries.set(expr.id, joined(first, second));
    return {
      cost: add(a, union(b, c)),
      size: union(args[1]?.computed ?? unknown, args[2]?.computed ?? unknown),
    };
  }

  #standard(
    expr: CallExpr,
    overload: string,
    target: Operand | undefined,
    args: readonly Operand[],
  ): CallEstimate | undefined {
    const [a = unknown, b = unknown] = args.map(({ computed }) => computed ?? unknown);
    const own = target?.computed ?? unknown;
    switch (overload) {
      case 'string_format':
        return { cost: characters(own) };
      case 'string_to_bytes':
        return { cost: characters(a), size: { min: a.min, max: cap(a.max * 4) } };
      case 'bytes_to_string':
        return { cost: characters(a), size: { min: Math.trunc(a.min / 4), max: a.max } };
      case 'strings_quote':
        return { cost: characters(a), size: { min: a.min + 2, max: cap(a.max * 2 + 2) } };
      case 'starts_with_string':
      case 'ends_with_string':
        return { cost: characters(a) };
      case 'in_list':
        return { cost: b };
      case 'matches_string':
        return {
          cost: multiply(characters(add(own, fixed(1))), scale(a, base.perPattern)),
        };
      case 'contains_string':
        return { cost: multiply(characters(own), characters(a)) };
      case 'add_string':
      case 'add_bytes':
      case 'add_list': {
        const [left, right] = expr.args.map((arg) => this.#entrySize(arg));
        if (left && right) this.#entries.set(expr.id, joined(left, right));
        const size = add(a, b);
        return { cost: overload === 'add_list' ? fixed(1) : characters(size), size };
      }
      default: {
        if (!comparisons.has(overload)) return undefined;
        const max = Math.min(a.max, b.max);
        return { cost: characters({ min: max > 0 ? 1 : 0, max }) };
      }
    }
  }
}

const comparisons: ReadonlySet<string> = new Set([
  ...['less', 'greater', 'less_equals', 'greater_equals'].flatMap((name) => [
    `${name}_string`,
    `${name}_bytes`,
  ]),
  'equals',
  'not_equals',
]);

const joined = (a: EntrySize, b: EntrySize): EntrySize => ({
  container: a.container,
  key: union(a.key, b.key),
  value: union(a.value, b.value),
});

/** A fold over nothing gives a value a name. */
const isBinding = ({ range, condition, accumulator }: ComprehensionExpr): boolean =>
  range.kind === 'list' &&
  range.items.length === 0 &&
  condition.kind === 'literal' &&
  condition.value === false &&
  accumulator !== '__result__';

function literalSize(expr: Expr): Estimate | undefined {
  switch (expr.kind) {
    case 'literal':
      if (typeof expr.value === 'string') return fixed(codePoints(expr.value));
      return fixed(expr.value instanceof Uint8Array ? expr.value.length : 1);
    case 'list':
      return fixed(expr.items.length);
    case 'map':
      return fixed(expr.entries.length);
    default:
      return undefined;
  }
}

const scalars: ReadonlySet<string> = new Set([
  ...['bool', 'double', 'duration', 'int', 'timestamp', 'uint'],
]);

function isScalar(type: CelType): boolean {
  if (isOptional(type)) return type.params[0] !== undefined && isScalar(type.params[0]);
  return scalars.has(type.text);
}
