import type { CallExpr, ComprehensionExpr, Expr, Issue, SelectExpr, StructExpr } from './ast.ts';
import { type Declarations, type Overload, standardFunctions, typeNames } from './declarations.ts';
import {
  assignable,
  assignableAll,
  type Bindings,
  boolType,
  bytesType,
  type CelType,
  doubleType,
  dynType,
  errorType,
  intType,
  isOptional,
  listType,
  mapType,
  mostGeneral,
  nullType,
  optionalType,
  paramType,
  stringType,
  structType,
  substitute,
  uintType,
  unwrapOptional,
} from './types.ts';
import { Uint } from './values.ts';

/** What is known of an expression's nodes once it is checked, by their ids. */
export interface Checked {
  readonly expr: Expr;
  readonly types: ReadonlyMap<number, CelType>;
  /** Overloads a call may mean. */
  readonly overloads: ReadonlyMap<number, readonly Overload[]>;
  /** Functions whose name has dots, and names that stand for a variable. */
  readonly names: ReadonlyMap<number, string>;
}

/** Checks types, as cel-go's checker does. */
export function check(
  expr: Expr,
  declarations: Declarations,
): { readonly checked: Checked; readonly issues: readonly Issue[] } {
  const checker = new Checker(declarations);
  checker.check(expr);
  return { checked: checker.result(expr), issues: checker.issues };
}

/** `a.b.c` when it may be one name. */
function qualifiedName(expr: Expr): string | undefined {
  if (expr.kind === 'ident') return expr.name;
  if (expr.kind !== 'select' || expr.testOnly) return undefined;
  const operand = qualifiedName(expr.operand);
  return operand === undefined ? undefined : `${operand}.${expr.field}`;
}

const undeclared = (name: string): string => `undeclared reference to '${name}' (in container '')`;
const mismatch = (expected: CelType, found: CelType): string =>
  `expected type '${expected.text}' but found '${found.text}'`;

/** Words that fields may be called by as they are, besides their escaped form. */
const reservedWords: ReadonlySet<string> = new Set(
  (
    'true false null in as break const continue else for function if import let loop package ' +
    'namespace return var void while'
  ).split(' '),
);

class Checker {
  readonly issues: Issue[] = [];
  readonly #declarations: Declarations;
  readonly #types = new Map<number, CelType>();
  readonly #overloads = new Map<number, readonly Overload[]>();
  readonly #names = new Map<number, string>();
  readonly #scopes: Map<string, CelType>[] = [];
  #bindings: Bindings = new Map();
  #variables = 0;

  constructor(declarations: Declarations) {
    this.#declarations = declarations;
  }

  result(expr: Expr): Checked {
    const types = new Map<number, CelType>();
    for (const [id, type] of this.#types) types.set(id, substitute(this.#bindings, type, true));
    return { expr, types, overloads: this.#overloads, names: this.#names };
  }

  check(expr: Expr): CelType {
    const type = this.#typeOf(expr);
    this.#types.set(expr.id, type);
    return type;
  }

  #typeOf(expr: Expr): CelType {
    switch (expr.kind) {
      case 'literal':
        return literalType(expr.value);
      case 'ident':
        return this.#ident(expr.name.replace(/^\./, ''), expr);
      case 'select':
        return this.#select(expr);
      case 'call':
        return this.#call(expr);
      case 'list':
        return this.#list(expr);
      case 'map':
        return this.#map(expr);
      case 'struct':
        return this.#struct(expr);
      case 'comprehension':
        return this.#comprehension(expr);
    }
  }

  #report(message: string, at: number): void {
    this.issues.push({ message, at });
  }

  #lookup(name: string): CelType | undefined {
    for (const scope of this.#scopes.toReversed()) {
      const local = scope.get(name);
      if (local) return local;
    }
    return this.#declarations.variables.get(name) ?? typeNames.get(name);
  }

  #function(name: string): readonly Overload[] | undefined {
    return this.#declarations.functions?.get(name) ?? standardFunctions.get(name);
  }

  #ident(name: string, expr: Expr): CelType {
    const type = this.#lookup(name);
    if (!type) {
      this.#report(undeclared(name), expr.at);
      return errorType;
    }
    this.#names.set(expr.id, name);
    return type;
  }

  #select(expr: SelectExpr): CelType {
    const name = qualifiedName(expr);
    const known = name === undefined ? undefined : this.#lookup(name);
    if (name !== undefined && known) {
      this.#names.set(expr.id, name);
      return known;
    }
    const type = this.#fieldOf(expr.operand, expr.field, expr, false);
    return expr.testOnly ? boolType : substitute(this.#bindings, type, false);
  }

  #fieldOf(operand: Expr, field: string, expr: Expr, optional: boolean): CelType {
    const own = substitute(this.#bindings, this.check(operand), false);
    const target = unwrapOptional(own);
    let result = errorType;
    switch (target.kind) {
      case 'map':
        result = target.params[1] ?? dynType;
        break;
      case 'struct':
        result = this.#structField(target.name, field, expr.at);
        break;
      case 'param':
        this.#assign(dynType, target);
        result = dynType;
        break;
      default:
        if (target.kind !== 'dyn' && target.kind !== 'error')
          this.#report(`type '${target.text}' does not support field selection`, expr.at);
        result = dynType;
    }
    return isOptional(own) || optional ? optionalType(result) : result;
  }

  #structField(struct: string, field: string, at: number): CelType {
    const declared = this.#declarations.structs?.(struct);
    if (!declared) {
      this.#report(`unexpected failed resolution of '${struct}'`, at);
      return errorType;
    }
    const keyword = reservedWords.has(field) ? declared.fields.get(`__${field}__`) : undefined;
    const type = declared.fields.get(field) ?? keyword;
    if (type) return type;
    this.#report(`undefined field '${field}'`, at);
    return errorType;
  }

  #call(expr: CallExpr): CelType {
    const { name, target, args } = expr;
    const [first, second] = args;
    if (name === '_?._' && first && second) {
      const field =
        second.kind === 'literal' && typeof second.value === 'string' ? second.value : '';
      const own = this.#function(name);
      if (own) this.#overloads.set(expr.id, own);
      return substitute(this.#bindings, this.#fieldOf(first, field, expr, true), false);
    }
    for (const arg of args) this.check(arg);
    if (!target) {
      const plain = name.replace(/^\./, '');
      const overloads = this.#function(plain);
      if (overloads) return this.#resolve(expr, plain, overloads, args);
      this.#report(undeclared(plain), expr.at);
      return errorType;
    }
    const prefix = qualifiedName(target)?.replace(/^\./, '');
    const qualified = prefix === undefined ? undefined : `${prefix}.${name}`;
    const namespaced = qualified === undefined ? undefined : this.#function(qualified);
    if (qualified !== undefined && namespaced) {
      this.#names.set(expr.id, qualified);
      return this.#resolve(expr, qualified, namespaced, args);
    }
    this.check(target);
    const overloads = this.#function(name);
    if (overloads) return this.#resolve(expr, name, overloads, args, target);
    this.#report(undeclared(name), expr.at);
    return errorType;
  }

  #resolve(
    expr: CallExpr,
    name: string,
    overloads: readonly Overload[],
    args: readonly Expr[],
    target?: Expr,
  ): CelType {
    const all = target ? [target, ...args] : args;
    const types = all.map(({ id }) => this.#types.get(id) ?? errorType);
    if (name === '_&&_' || name === '_||_') return this.#logical(expr, overloads, args, types);
    const matching: Overload[] = [];
    let result: CelType | undefined;
    for (const overload of overloads) {
      if (overload.isMember !== (target !== undefined)) continue;
      const fresh = new Map(overload.typeParams.map((param) => [param, this.#variable()]));
      const wanted = overload.args.map((type) => substitute(fresh, type, false));
      const bindings = assignableAll(this.#bindings, types, wanted);
      if (!bindings) continue;
      this.#bindings = bindings;
      matching.push(overload);
      const own = substitute(bindings, substitute(fresh, overload.result, false), false);
      if (!result) result = own;
      else if (result.kind !== 'dyn' && (own.kind !== result.kind || own.text !== result.text))
        result = dynType;
    }
    if (result) {
      this.#overloads.set(expr.id, matching);
      return result;
    }
    const [head, ...tail] = types.map((type) => substitute(this.#bindings, type, true).text);
    const shown = target
      ? `${head ?? ''}.(${tail.join(', ')})`
      : `(${[...(head === undefined ? [] : [head]), ...tail].join(', ')})`;
    this.#report(`found no matching overload for '${name}' applied to '${shown}'`, expr.at);
    return errorType;
  }

  /** `&&` and `||` tell of each operand that is no bool. */
  #logical(
    expr: CallExpr,
    overloads: readonly Overload[],
    args: readonly Expr[],
    types: readonly CelType[],
  ): CelType {
    let isBool = true;
    types.forEach((type, i) => {
      if (this.#assign(type, boolType)) return;
      isBool = false;
      this.#report(mismatch(boolType, type), args[i]?.at ?? expr.at);
    });
    if (!isBool) return errorType;
    this.#overloads.set(expr.id, overloads);
    return boolType;
  }

  #list(expr: Expr & { kind: 'list' }): CelType {
    let items: CelType | undefined;
    for (const { value, optional } of expr.items)
      items = this.#join(items, this.#optionalItem(value, this.check(value), optional));
    return listType(items ?? this.#variable());
  }

  #map(expr: Expr & { kind: 'map' }): CelType {
    let keys: CelType | undefined;
    let values: CelType | undefined;
    for (const { key, value, optional } of expr.entries) {
      keys = this.#join(keys, this.check(key));
      values = this.#join(values, this.#optionalItem(value, this.check(value), optional));
    }
    return mapType(keys ?? this.#variable(), values ?? this.#variable());
  }

  #optionalItem(expr: Expr, type: CelType, optional: boolean): CelType {
    if (!optional) return type;
    if (!isOptional(type) && type.kind !== 'dyn')
      this.#report(mismatch(optionalType(type), type), expr.at);
    return unwrapOptional(type);
  }

  #struct(expr: StructExpr): CelType {
    const name = expr.typeName.replace(/^\./, '');
    const declared = this.#declarations.structs?.(name);
    if (!declared) {
      this.#report(undeclared(name), expr.at);
      return errorType;
    }
    for (const field of expr.fields) {
      const own = this.check(field.value);
      const wanted = this.#structField(name, field.name, field.at);
      const type = this.#optionalItem(field.value, own, field.optional);
      if (!this.#assign(wanted, type))
        this.#report(
          `expected type of field '${field.name}' is '${wanted.text}' but provided type is '${type.text}'`,
          field.at,
        );
    }
    return structType(name);
  }

  #comprehension(expr: ComprehensionExpr): CelType {
    const own = this.check(expr.range);
    const accumulator = this.check(expr.init);
    const range = substitute(this.#bindings, own, false);
    this.#scopes.push(new Map([[expr.accumulator, accumulator]]));
    const [first, second] = this.#rangeTypes(range, expr);
    const inner = new Map([[expr.variable, first]]);
    if (expr.variable2 !== undefined) inner.set(expr.variable2, second);
    this.#scopes.push(inner);
    this.check(expr.condition);
    this.#assert(expr.condition, boolType);
    this.check(expr.step);
    this.#assert(expr.step, accumulator);
    this.#scopes.pop();
    const result = this.check(expr.result);
    this.#scopes.pop();
    return substitute(this.#bindings, result, false);
  }

  #rangeTypes(range: CelType, expr: ComprehensionExpr): [CelType, CelType] {
    const [first = dynType, second = dynType] = range.params;
    switch (range.kind) {
      case 'list':
        return expr.variable2 === undefined ? [first, first] : [intType, first];
      case 'map':
        return [first, second];
      case 'dyn':
      case 'error':
      case 'param':
        this.#assign(dynType, range);
        return [dynType, dynType];
      default:
        this.#report(
          `expression of type '${range.text}' cannot be range of a comprehension (must be list, map, or dynamic)`,
          expr.range.at,
        );
        return [errorType, errorType];
    }
  }

  #assert(expr: Expr, wanted: CelType): void {
    const found = this.#types.get(expr.id) ?? errorType;
    if (!this.#assign(wanted, found)) this.#report(mismatch(wanted, found), expr.at);
  }

  #join(previous: CelType | undefined, current: CelType): CelType {
    if (!previous) return current;
    if (this.#assign(previous, current)) return mostGeneral(previous, current);
    // Literals of mixed types are told of once all else fits.
    return dynType;
  }

  #assign(from: CelType, to: CelType): boolean {
    const bindings = assignable(this.#bindings, from, to);
    if (bindings) this.#bindings = bindings;
    return bindings !== undefined;
  }

  #variable(): CelType {
    return paramType(`_var${this.#variables++}`);
  }
}

function literalType(value: unknown): CelType {
  switch (typeof value) {
    case 'boolean':
      return boolType;
    case 'bigint':
      return intType;
    case 'number':
      return doubleType;
    case 'string':
      return stringType;
    default:
      return value === null ? nullType : value instanceof Uint ? uintType : bytesType;
  }
}
