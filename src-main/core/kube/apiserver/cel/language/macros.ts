import { accumulatorName, type Expr } from './ast.ts';

/** Makes nodes in the place of the call that a macro replaces. */
export interface NodeMaker {
  literal(value: boolean | bigint): Expr;
  ident(name: string): Expr;
  list(...items: readonly Expr[]): Expr;
  map(): Expr;
  call(name: string, ...args: readonly Expr[]): Expr;
  memberCall(name: string, target: Expr, ...args: readonly Expr[]): Expr;
  presence(operand: Expr, field: string): Expr;
  fold(parts: Fold): Expr;
  /** The expression once more, with nodes of its own. */
  copy(expr: Expr): Expr;
}

interface Fold {
  readonly range: Expr;
  readonly variable: string;
  readonly variable2?: string;
  readonly accumulator?: string;
  readonly init: Expr;
  readonly condition: Expr;
  readonly step: Expr;
  readonly result: Expr;
}

/** The arguments do not fit the macro. */
export class MacroError extends Error {
  override readonly name = 'MacroError';
  readonly at: number;

  constructor(message: string, at: number) {
    super(message);
    this.at = at;
  }
}

type Expander = (make: NodeMaker, target: Expr, args: readonly [Expr, ...Expr[]]) => Expr;

function iterationVariable(arg: Expr, message: string): string {
  if (arg.kind !== 'ident') throw new MacroError(message, arg.at);
  if (arg.name === accumulatorName || arg.name === '__result__')
    throw new MacroError('iteration variable overwrites accumulator variable', arg.at);
  return arg.name;
}

const simpleName = 'argument must be a simple name';
const identifier = 'argument is not an identifier';

/** The variables of a comprehension, and the arguments behind them. */
interface Iteration {
  readonly variables: { readonly variable: string; readonly variable2?: string };
  readonly rest: readonly Expr[];
}

function iteration(args: readonly Expr[], count: 1 | 2, message: string): Iteration {
  const [first, second, ...others] = args;
  if (!first || !second) throw new MacroError(message, 0);
  const variable = iterationVariable(first, message);
  if (count === 1) return { variables: { variable }, rest: [second, ...others] };
  const variable2 = iterationVariable(second, message);
  if (variable === variable2)
    throw new MacroError(`duplicate variable name: ${variable}`, second.at);
  return { variables: { variable, variable2 }, rest: others };
}

type Quantifier = 'all' | 'exists' | 'existsOne';

function quantifier(kind: Quantifier, count: 1 | 2): Expander {
  return (make, range, args) => {
    const { variables, rest } = iteration(args, count, simpleName);
    const predicate = rest[0] ?? make.literal(true);
    const accu = (): Expr => make.ident(accumulatorName);
    const goesOn = (value: Expr): Expr => make.call('@not_strictly_false', value);
    switch (kind) {
      case 'all':
        return make.fold({
          range,
          ...variables,
          init: make.literal(true),
          condition: goesOn(accu()),
          step: make.call('_&&_', accu(), predicate),
          result: accu(),
        });
      case 'exists':
        return make.fold({
          range,
          ...variables,
          init: make.literal(false),
          condition: goesOn(make.call('!_', accu())),
          step: make.call('_||_', accu(), predicate),
          result: accu(),
        });
      case 'existsOne':
        return make.fold({
          range,
          ...variables,
          init: make.literal(0n),
          condition: make.literal(true),
          step: make.call('_?_:_', predicate, make.call('_+_', accu(), make.literal(1n)), accu()),
          result: make.call('_==_', accu(), make.literal(1n)),
        });
    }
  };
}

/** Folds that gather: each item makes a step, those that a filter lets pass if there is one. */
function gather(
  count: 1 | 2,
  init: (make: NodeMaker) => Expr,
  step: (make: NodeMaker, accu: Expr, value: Expr, variable: string) => Expr,
): Expander {
  return (make, range, args) => {
    const { variables, rest } = iteration(args, count, count === 1 ? identifier : simpleName);
    const accu = (): Expr => make.ident(accumulatorName);
    const value = rest.at(-1) ?? make.literal(true);
    const filter = rest.length > 1 ? rest[0] : undefined;
    const taken = step(make, accu(), value, variables.variable);
    return make.fold({
      range,
      ...variables,
      init: init(make),
      condition: make.literal(true),
      step: filter ? make.call('_?_:_', filter, taken, accu()) : taken,
      result: accu(),
    });
  };
}

const toList = (count: 1 | 2): Expander =>
  gather(
    count,
    (make) => make.list(),
    (make, accu, value) => make.call('_+_', accu, make.list(value)),
  );

const filter: Expander = (make, range, args) => {
  const [name] = args;
  const { variables, rest } = iteration(args, 1, identifier);
  const accu = (): Expr => make.ident(accumulatorName);
  return make.fold({
    range,
    ...variables,
    init: make.list(),
    condition: make.literal(true),
    step: make.call(
      '_?_:_',
      rest[0] ?? make.literal(true),
      make.call('_+_', accu(), make.list(name)),
      accu(),
    ),
    result: accu(),
  });
};

/** Gives a value a name within an expression. */
const bind = (make: NodeMaker, accumulator: string, init: Expr, result: Expr): Expr =>
  make.fold({
    range: make.list(),
    variable: '#unused',
    accumulator,
    init,
    condition: make.literal(false),
    step: make.ident(accumulator),
    result,
  });

function optionalMap(name: 'optMap' | 'optFlatMap'): Expander {
  return (make, target, [variable, value]) => {
    if (variable.kind !== 'ident')
      throw new MacroError(`${name}() variable name must be a simple identifier`, variable.at);
    const bound = bind(
      make,
      variable.name,
      make.memberCall('value', make.copy(target)),
      value ?? variable,
    );
    return make.call(
      '_?_:_',
      make.memberCall('hasValue', target),
      name === 'optMap' ? make.call('optional.of', bound) : bound,
      make.call('optional.none'),
    );
  };
}

const sortBy: Expander = (make, target, args) => {
  const input = '@__sortBy_input__';
  if (target.kind === 'literal' || target.kind === 'map' || target.kind === 'struct')
    throw new MacroError(
      'sortBy can only be applied to a list, identifier, comprehension, call or select expression',
      target.at,
    );
  const keys = toList(1)(make, make.ident(input), args);
  const sorted = make.memberCall('@sortByAssociatedKeys', make.ident(input), keys);
  return bind(make, input, target, sorted);
};

const mapInsert = (entry: boolean): Expander =>
  gather(
    2,
    (make) => make.map(),
    (make, accu, value, variable) =>
      entry
        ? make.call('cel.@mapInsert', accu, value)
        : make.call('cel.@mapInsert', accu, make.ident(variable), value),
  );

/** Macros called on a target, by name and number of arguments. @see cel-go/parser/macro.go, ext/comprehensions.go */
export const targetMacros: Readonly<Record<string, Expander>> = {
  'all:2': quantifier('all', 1),
  'exists:2': quantifier('exists', 1),
  'exists_one:2': quantifier('existsOne', 1),
  'map:2': toList(1),
  'map:3': toList(1),
  'filter:2': filter,
  'optMap:2': optionalMap('optMap'),
  'optFlatMap:2': optionalMap('optFlatMap'),
  'all:3': quantifier('all', 2),
  'exists:3': quantifier('exists', 2),
  'existsOne:3': quantifier('existsOne', 2),
  'exists_one:3': quantifier('existsOne', 2),
  'transformList:3': toList(2),
  'transformList:4': toList(2),
  'transformMap:3': mapInsert(false),
  'transformMap:4': mapInsert(false),
  'transformMapEntry:3': mapInsert(true),
  'transformMapEntry:4': mapInsert(true),
  'sortBy:2': sortBy,
};

/** `cel.bind(name, value, result)`. */
export function bindingOf(make: NodeMaker, [name, value, result]: readonly Expr[]): Expr {
  if (name?.kind !== 'ident')
    throw new MacroError('cel.bind() variable names must be simple identifiers', name?.at ?? 0);
  return bind(make, name.name, value ?? name, result ?? name);
}

/** `has(a.b)`. */
export function presenceOf(make: NodeMaker, arg: Expr): Expr {
  if (arg.kind !== 'select') throw new MacroError('invalid argument to has() macro', arg.at);
  return make.presence(arg.operand, arg.field);
}
