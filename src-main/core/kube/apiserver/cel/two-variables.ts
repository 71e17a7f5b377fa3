import type { Environment } from '@marcbachmann/cel-js';

/** The parts of the expression library that a macro works with. */
interface Context {
  forkWithVariable(name: string, type: unknown): Overlay;
}
interface Overlay extends Context {
  reuse(parent: Context): Overlay;
  setIterValue(value: unknown, evaluator: Evaluator): Overlay;
}
interface Checker {
  check(node: unknown, context: Context): unknown;
  getType(name: string): unknown;
}
interface Evaluator {
  run(node: unknown, context: Context): unknown;
}
interface Call {
  readonly receiver: unknown;
  readonly args: readonly { readonly op: string; readonly args: unknown }[];
}

type Pair = readonly [key: unknown, value: unknown];
/** What a macro makes of each pair and, where it has a filter, of those that pass it. */
type Collect = (pairs: readonly Pair[], run: (pair: Pair, index: number) => unknown) => unknown;

const macros: Readonly<
  Record<string, { readonly result: string; readonly filters: boolean; readonly collect: Collect }>
> = {
  all: {
    result: 'bool',
    filters: false,
    collect: (pairs, run) => pairs.every((pair) => run(pair, 2) === true),
  },
  exists: {
    result: 'bool',
    filters: false,
    collect: (pairs, run) => pairs.some((pair) => run(pair, 2) === true),
  },
  existsOne: {
    result: 'bool',
    filters: false,
    collect: (pairs, run) => pairs.filter((pair) => run(pair, 2) === true).length === 1,
  },
  transformList: {
    result: 'list<dyn>',
    filters: true,
    collect: (pairs, run) => pairs.map((pair) => run(pair, -1)),
  },
  transformMap: {
    result: 'map<dyn, dyn>',
    filters: true,
    collect: (pairs, run) => new Map(pairs.map((pair): Pair => [pair[0], run(pair, -1)])),
  },
};

function pairsOf(value: unknown): Pair[] {
  if (Array.isArray(value)) return value.map((item: unknown, i): Pair => [BigInt(i), item]);
  return value instanceof Map ? [...value] : Object.entries(value as object);
}

/** Comprehensions over index and item, or key and value. @see cel-go/ext/comprehensions.go */
export function registerTwoVariables(env: Environment): void {
  for (const [name, { result, filters, collect }] of Object.entries(macros))
    for (const count of filters ? [3, 4] : [3]) {
      const expand = ({ receiver, args }: Call): object => {
        const [key = '', value = ''] = args.map((arg) => (arg.op === 'id' ? String(arg.args) : ''));
        let outer: Overlay | undefined;
        let inner: Overlay | undefined;
        return {
          typeCheck: (checker: Checker, _macro: unknown, context: Context) => {
            checker.check(receiver, context);
            const dyn = checker.getType('dyn');
            outer = context.forkWithVariable(key, dyn);
            inner = outer.forkWithVariable(value, dyn);
            for (const body of args.slice(2)) checker.check(body, inner);
            return checker.getType(result);
          },
          evaluate: (evaluator: Evaluator, _macro: unknown, context: Context) => {
            const run = (pair: Pair, index: number): unknown => {
              if (!outer || !inner) return undefined;
              const own = outer.reuse(context).setIterValue(pair[0], evaluator);
              return evaluator.run(
                args.at(index),
                inner.reuse(own).setIterValue(pair[1], evaluator),
              );
            };
            const pairs = pairsOf(evaluator.run(receiver, context));
            return collect(
              count === 4 ? pairs.filter((pair) => run(pair, 2) === true) : pairs,
              run,
            );
          },
        };
      };
      const parameters = Array.from({ length: count }, () => 'ast').join(', ');
      env.registerFunction(`list.${name}(${parameters}): ${result}`, expand as () => unknown);
    }
}
