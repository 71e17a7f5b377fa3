import { type CallExpr, type ComprehensionExpr, descendants, type Expr } from './ast.ts';
import type { Checked } from './checker.ts';
import { unescapeFieldName } from '../escaping.ts';
import { callCost, cost } from './cost.ts';
import { type Overload, typeNames } from './declarations.ts';
import type { CelType } from './types.ts';
import {
  CelMap,
  Duration,
  equal,
  Failure,
  isKey,
  LibraryValue,
  LiteralMap,
  noSuchOverload,
  Optional,
  StructValue,
  Timestamp,
  typeNameOf,
  TypeValue,
  Uint,
} from './values.ts';

/** What a function does, by the id of its overload. */
export type Implementations = Readonly<
  Record<string, ((...args: readonly never[]) => unknown) | undefined>
>;

/** The evaluation has cost more than it may. */
export class CostExceeded extends Error {
  override readonly name = 'CostExceeded';
}

/** What an evaluation has used of its limit. */
export interface Meter {
  spent: number;
  readonly limit: number;
}

interface Scope {
  readonly name: string;
  value: unknown;
  readonly outer: Scope | undefined;
}

interface Frame {
  readonly variables: (name: string) => unknown;
  readonly meter: Meter;
  readonly scope: Scope | undefined;
}

type Step = (frame: Frame) => unknown;

/** How a node reads: attributes are chains of names, whose steps cost one each. */
interface Plan {
  readonly run: Step;
  readonly isAttribute?: boolean;
  /** The same without the cost of the variable that the chain begins with. */
  readonly within?: Step;
  /** The value of what does not hang on variables. */
  readonly constant?: { readonly value: unknown };
}

/** An expression that can be evaluated. */
export type Evaluate = (variables: (name: string) => unknown, meter: Meter) => unknown;

/**
 * Makes an evaluation of a checked expression. It returns a value or a Failure, and reckons what it costs.
 * @throws CostExceeded while it evaluates
 * @see cel-go/interpreter/planner.go, runtimecost.go
 */
export function plan(checked: Checked, implementations: Implementations): Evaluate | Failure {
  const planner = new Planner(checked, implementations);
  const { run } = planner.plan(checked.expr);
  if (planner.failure) return planner.failure;
  return (variables, meter) => run({ variables, meter, scope: undefined });
}

function spend(meter: Meter, amount: number): void {
  meter.spent += amount;
  if (meter.spent > meter.limit)
    throw new CostExceeded('operation cancelled: actual cost limit exceeded');
}

/** Where what does not hang on variables is evaluated beforehand. */
const nowhere: Frame = {
  variables: () => undefined,
  meter: { spent: 0, limit: Infinity },
  scope: undefined,
};
const patternFunctions: ReadonlySet<string> = new Set(['matches', 'find', 'findAll']);
const conversions: ReadonlySet<string> = new Set(
  'bool bytes double duration dyn int string timestamp type uint'.split(' '),
);

class Planner {
  /** A conversion of a constant fails: the expression cannot be run at all. */
  failure: Failure | undefined;
  readonly #checked: Checked;
  readonly #implementations: Implementations;
  readonly #locals = new Set<string>();

  constructor(checked: Checked, implementations: Implementations) {
    this.#checked = checked;
    this.#implementations = implementations;
    for (const expr of descendants(checked.expr))
      if (expr.kind === 'comprehension')
        for (const name of [expr.variable, expr.variable2, expr.accumulator])
          if (name !== undefined) this.#locals.add(name);
  }

  plan(expr: Expr): Plan {
    switch (expr.kind) {
      case 'literal':
        return constantPlan(expr.value);
      case 'ident':
        return this.#ident(expr.name.replace(/^\./, ''));
      case 'select': {
        const name = this.#checked.names.get(expr.id);
        if (name !== undefined) return this.#ident(name);
        return expr.testOnly
          ? presencePlan(this.plan(expr.operand), expr.field)
          : indexPlan(this.plan(expr.operand), constantPlan(expr.field), false);
      }
      case 'call':
        return this.#call(expr);
      case 'list':
        return this.#list(expr);
      case 'map':
        return this.#map(expr);
      case 'struct':
        return this.#struct(expr);
      case 'comprehension':
        return { run: this.#fold(expr) };
    }
  }

  /** The name of a type is a constant, unless something else is called so. */
  #ident(name: string): Plan {
    const type = this.#locals.has(name) ? undefined : typeValues.get(name);
    return type ? constantPlan(type) : identPlan(name);
  }

  #call(expr: CallExpr): Plan {
    const [first, second, third] = expr.args;
    const two = (): [Plan, Plan] => [this.plan(first as Expr), this.plan(second as Expr)];
    switch (expr.name) {
      case '_&&_':
        return { run: logicalStep(...two(), false) };
      case '_||_':
        return { run: logicalStep(...two(), true) };
      case '_?_:_':
        return conditionalPlan(...two(), this.plan(third as Expr));
      case '_[_]':
        return indexPlan(...two(), false);
      case '_[?_]':
      case '_?._':
        return indexPlan(...two(), true);
      case '@not_strictly_false':
        return { run: notStrictlyFalse(this.plan(first as Expr)) };
      default:
        return this.#function(expr);
    }
  }

  #function(expr: CallExpr): Plan {
    const qualified = this.#checked.names.get(expr.id);
    const name = qualified ?? expr.name.replace(/^\./, '');
    const parts =
      expr.target && qualified === undefined ? [expr.target, ...expr.args] : [...expr.args];
    const args = parts.map((part) => this.plan(part));
    const overloads = this.#checked.overloads.get(expr.id) ?? [];
    const [only] = overloads;
    if (name === '@in' && only?.id === 'in_list' && overloads.length === 1 && args[1]?.constant) {
      const members = membership(args as [Plan, Plan]);
      if (members) return { run: members };
    }
    const run = callStep(name, overloads, args, this.#implementations);
    this.#checkPattern(name, args);
    const [arg] = args;
    if (!arg?.constant || args.length !== 1 || !conversions.has(name)) return { run };
    const value = run({ ...nowhere, meter: { spent: 0, limit: Infinity } });
    if (!(value instanceof Failure)) return constantPlan(value);
    this.failure ??= value;
    return { run };
  }

  /** A pattern that is known beforehand has to be good beforehand. */
  #checkPattern(name: string, [, pattern]: readonly Plan[]): void {
    const text = pattern?.constant?.value;
    if (typeof text !== 'string' || !patternFunctions.has(name)) return;
    const result = this.#implementations['matches_string']?.(...(['', text] as never[]));
    if (result instanceof Failure) this.failure ??= result;
  }

  #list(expr: Expr & { kind: 'list' }): Plan {
    const items = expr.items.map(({ value, optional }) => ({ plan: this.plan(value), optional }));
    if (items.every(({ plan: { constant }, optional }) => constant && !optional))
      return constantPlan(items.map(({ plan: { constant } }) => constant?.value));
    return {
      run: (frame) => {
        const values: unknown[] = [];
        for (const { plan: item, optional } of items) {
          const value = item.run(frame);
          if (value instanceof Failure) return value;
          if (!optional) values.push(value);
          else if (value instanceof Optional) {
            if (value.hasValue) values.push(value.value);
          } else return invalidOptional(value);
        }
        spend(frame.meter, cost.list);
        return values;
      },
    };
  }

  #map(expr: Expr & { kind: 'map' }): Plan {
    const entries = expr.entries.map(({ key, value, optional }) => ({
      key: this.plan(key),
      value: this.plan(value),
      optional,
    }));
    const build: Step = (frame) => {
      const pairs: [unknown, unknown][] = [];
      for (const entry of entries) {
        const key = entry.key.run(frame);
        if (key instanceof Failure) return key;
        const value = entry.value.run(frame);
        if (value instanceof Failure) return value;
        if (!isKey(key)) return new Failure(`unsupported key type: ${typeNameOf(key)}`);
        if (!entry.optional) pairs.push([key, value]);
        else if (!(value instanceof Optional)) return invalidOptional(value);
        else if (value.hasValue) pairs.push([key, value.value]);
      }
      return new LiteralMap(pairs);
    };
    const isConstant = entries.every(
      ({ key, value, optional }) => key.constant && value.constant && !optional,
    );
    if (isConstant) {
      const value = build(nowhere);
      if (!(value instanceof Failure)) return constantPlan(value);
    }
    return {
      run: (frame) => {
        const value = build(frame);
        if (!(value instanceof Failure)) spend(frame.meter, cost.map);
        return value;
      },
    };
  }

  #struct(expr: Expr & { kind: 'struct' }): Plan {
    const fields = expr.fields.map(({ name, value, optional }) => ({
      name: unescapeFieldName(name),
      plan: this.plan(value),
      optional,
    }));
    return {
      run: (frame) => {
        const own = new Map<string, unknown>();
        for (const { name, plan: field, optional } of fields) {
          const value = field.run(frame);
          if (value instanceof Failure) return value;
          if (!optional) own.set(name, value);
          else if (!(value instanceof Optional)) return invalidOptional(value);
          else if (value.hasValue) own.set(name, value.value);
        }
        spend(frame.meter, cost.struct);
        return new StructValue(expr.typeName, own);
      },
    };
  }

  #fold(expr: ComprehensionExpr): Step {
    const [range, init, condition, step, result] = [
      this.plan(expr.range),
      this.plan(expr.init),
      this.plan(expr.condition),
      this.plan(expr.step),
      this.plan(expr.result),
    ];
    return (frame) => {
      const over = range.run(frame);
      if (over instanceof Failure) return over;
      if (!Array.isArray(over) && !(over instanceof CelMap))
        return new Failure(`got '${goType(over)}', expected iterable type`);
      const accumulator: Scope = {
        name: expr.accumulator,
        value: init.run(frame),
        outer: frame.scope,
      };
      const items: readonly unknown[] = Array.isArray(over) ? over : over.keys();
      for (const [index, item] of items.entries()) {
        const scope = iterationScope(expr, over, index, item, accumulator);
        const inner: Frame = { ...frame, scope };
        if (condition.run(inner) !== true) break;
        accumulator.value = step.run(inner);
      }
      return result.run({ ...frame, scope: accumulator });
    };
  }
}

/** The name that cel-go's source has for a value's type. */
function goType(value: unknown): string {
  const name = scalarName(value);
  return `types.${name === 'null_type' ? 'Null' : name.charAt(0).toUpperCase() + name.slice(1)}`;
}

function iterationScope(
  { variable, variable2 }: ComprehensionExpr,
  over: readonly unknown[] | CelMap,
  index: number,
  item: unknown,
  outer: Scope,
): Scope {
  if (variable2 === undefined) return { name: variable, value: item, outer };
  const [key, value] = over instanceof CelMap ? [item, over.get(item)] : [BigInt(index), item];
  return { name: variable2, value, outer: { name: variable, value: key, outer } };
}

const constantPlan = (value: unknown): Plan => ({ run: () => value, constant: { value } });

const invalidOptional = (value: unknown): Failure =>
  new Failure(`cannot initialize optional list element from non-optional value ${String(value)}`);

const typeValues = new Map(
  [...typeNames].map(([name, type]) => [
    name,
    new TypeValue(runtimeName(type.params[0]?.text ?? '')),
  ]),
);

function runtimeName(text: string): string {
  switch (text) {
    case 'null':
      return 'null_type';
    case 'duration':
      return 'google.protobuf.Duration';
    case 'timestamp':
      return 'google.protobuf.Timestamp';
    default:
      return text.replace(/\(.*$/, '');
  }
}

function identPlan(name: string): Plan {
  const within: Step = ({ scope, variables }) => {
    for (let own = scope; own; own = own.outer) if (own.name === name) return own.value;
    const value = variables(name);
    return value === undefined ? new Failure(`no such attribute(s): ${name}`) : value;
  };
  return {
    isAttribute: true,
    within,
    run: (frame) => {
      spend(frame.meter, cost.select);
      return within(frame);
    },
  };
}

/** Reads a key of a map, an index of a list or a field of an object. */
function indexPlan(operand: Plan, index: Plan, optional: boolean): Plan {
  const read = (frame: Frame, target: unknown): unknown => {
    if (target instanceof Failure) return target;
    const key = (index.within ?? index.run)(frame);
    if (key instanceof Failure) return key;
    if (!operand.isAttribute) spend(frame.meter, cost.select);
    const isChain = target instanceof Optional;
    if (isChain && !target.hasValue) return Optional.none;
    const found = elementOf(isChain ? target.value : target, key);
    const isMissing = found instanceof Failure;
    if (!isChain && !optional) {
      spend(frame.meter, cost.select);
      return found;
    }
    if (isMissing)
      return /^(no such key|index out of bounds)/.test(found.message) ? Optional.none : found;
    spend(frame.meter, cost.select);
    return Optional.of(found);
  };
  const { within } = operand;
  return {
    isAttribute: true,
    ...(within ? { within: (frame: Frame) => read(frame, within(frame)) } : {}),
    run: (frame) => read(frame, operand.run(frame)),
  };
}

function elementOf(target: unknown, key: unknown): unknown {
  if (target instanceof CelMap)
    return target.get(key) ?? new Failure(`no such key: ${keyText(key)}`);
  if (target instanceof StructValue)
    return target.fields.get(String(key)) ?? new Failure(`no such key: ${keyText(key)}`);
  if (!Array.isArray(target)) return new Failure(`no such key: ${keyText(key)}`);
  const index = key instanceof Uint ? key.value : key;
  if (typeof index !== 'bigint' && !(typeof index === 'number' && Number.isInteger(index)))
    return new Failure(
      typeof index === 'number'
        ? `unsupported index value ${index} in list`
        : `unsupported index type '${typeNameOf(key)}' in list`,
    );
  if (index < 0 || index >= target.length) return new Failure(`index out of bounds: ${index}`);
  return target[Number(index)] as unknown;
}

const keyText = (key: unknown): string => (key instanceof Uint ? String(key.value) : String(key));

function presencePlan(operand: Plan, field: string): Plan {
  return {
    run: (frame) => {
      const target = operand.run(frame);
      if (target instanceof Failure) return target;
      if (!operand.isAttribute) spend(frame.meter, cost.select);
      const own = target instanceof Optional ? target.value : target;
      if (own === undefined) return false;
      if (own instanceof CelMap) return own.has(field);
      return own instanceof StructValue && own.fields.has(field);
    },
  };
}

function conditionalPlan(condition: Plan, yes: Plan, no: Plan): Plan {
  return {
    isAttribute: true,
    run: (frame) => {
      const decision = condition.run(frame);
      if (decision === true) return (yes.within ?? yes.run)(frame);
      if (decision === false) return (no.within ?? no.run)(frame);
      return decision instanceof Failure ? decision : noSuchOverload;
    },
  };
}

/** `&&` and `||`: one operand can decide, and makes up for a failure of the other. */
function logicalStep(left: Plan, right: Plan, deciding: boolean): Step {
  return (frame) => {
    const first = left.run(frame);
    if (first === deciding) return deciding;
    const second = right.run(frame);
    if (second === deciding) return deciding;
    if (first instanceof Failure) return first;
    if (second instanceof Failure) return second;
    return typeof first === 'boolean' && typeof second === 'boolean' ? !deciding : noSuchOverload;
  };
}

function notStrictlyFalse(operand: Plan): Step {
  return (frame) => {
    const value = operand.run(frame);
    spend(frame.meter, 1);
    return value !== false;
  };
}

/** Membership in a list of constants is a look into a set. */
function membership([value, list]: [Plan, Plan]): Step | undefined {
  const items = list.constant?.value as readonly unknown[];
  if (items.some((item) => !isKey(item) && typeof item !== 'number')) return undefined;
  const first = items[0];
  const texts = new Set(items.filter((item) => typeof item === typeof first));
  const isText = typeof first === 'string' && texts.size > 0;
  return (frame) => {
    const own = value.run(frame);
    if (own instanceof Failure) return own;
    return isText ? texts.has(own) : items.some((item) => equal(own, item));
  };
}

function callStep(
  name: string,
  overloads: readonly Overload[],
  args: readonly Plan[],
  implementations: Implementations,
): Step {
  return (frame) => {
    const values: unknown[] = [];
    let failed: Failure | undefined;
    for (const arg of args) {
      const value = arg.run(frame);
      if (value instanceof Failure) {
        failed ??= value;
        if (args.length > 2) return failed;
      }
      values.push(value);
    }
    if (failed) {
      spend(frame.meter, callCost(name, overloads[0]?.id ?? '', values, failed));
      return failed;
    }
    // Upstream's implementation of these is not a call to the one who counts.
    if (name === 'orValue' || name === 'or') return alternative(name, values);
    if (name === '_==_' || name === '_!=_') {
      const [left, right] = values;
      if (left instanceof LibraryValue && typeNameOf(left) !== typeNameOf(right)) {
        spend(frame.meter, 1);
        return noSuchOverload;
      }
      const same = equal(left, right);
      const result = name === '_==_' ? same : !same;
      spend(frame.meter, callCost(name, name === '_==_' ? 'equals' : 'not_equals', values, result));
      return result;
    }
    const overload = overloads.find((each) =>
      each.args.every((type, i) => isOfType(type, values[i])),
    );
    const run = overload && implementations[overload.id];
    const result = run ? run(...(values as never[])) : notApplicable(name, values);
    spend(frame.meter, callCost(name, overload?.id ?? '', values, result));
    return result;
  };
}

function alternative(name: 'or' | 'orValue', [first, second]: readonly unknown[]): unknown {
  if (!(first instanceof Optional)) return noSuchOverload;
  if (!first.hasValue) return second;
  return name === 'or' ? first : first.value;
}

/** Functions that do not tell what they were given. */
const terse: ReadonlySet<string> = new Set([
  ...['startsWith', 'endsWith', 'contains', 'matches', 'find', 'findAll'],
]);

function notApplicable(name: string, values: readonly unknown[]): Failure {
  if (name === 'size') return new Failure('no such overload: size');
  if (terse.has(name) || /^[_@!-]/.test(name)) return noSuchOverload;
  return new Failure(`no such overload: ${name}(${values.map(typeNameOf).join(', ')})`);
}

/** Whether a value is of a type, as far as its first items tell. */
function isOfType(type: CelType, value: unknown): boolean {
  switch (type.kind) {
    case 'list': {
      if (!Array.isArray(value)) return false;
      const items = value as readonly unknown[];
      return items.length === 0 || !type.params[0] || isOfType(type.params[0], items[0]);
    }
    case 'map': {
      if (!(value instanceof CelMap)) return false;
      const [first] = value.keys();
      const [key, item] = type.params;
      return (
        first === undefined ||
        !key ||
        !item ||
        (isOfType(key, first) && isOfType(item, value.get(first)))
      );
    }
    case 'scalar':
      return scalarName(value) === type.name;
    case 'null':
      return value === null;
    case 'type':
      return value instanceof TypeValue;
    case 'opaque':
    case 'struct':
      return typeNameOf(value) === type.name;
    default:
      return true;
  }
}

function scalarName(value: unknown): string {
  if (value instanceof Timestamp) return 'timestamp';
  return value instanceof Duration ? 'duration' : typeNameOf(value);
}
