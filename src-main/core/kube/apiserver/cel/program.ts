import { CelError } from './cel-error.ts';
import { implementations } from './functions/index.ts';
import { durationNanos, timestampNanos } from './functions/times.ts';
import { compileExpression } from './language/compile.ts';
import { untyped } from './admission.ts';
import type { Declarations } from './language/declarations.ts';
import { estimateCost, type SizeEstimator } from './language/estimate.ts';
import type { Estimate } from './language/estimates.ts';
import { CostExceeded, type Evaluate, type Meter, plan } from './language/interpreter.ts';
import type { CelType } from './language/types.ts';
import { Failure } from './language/values.ts';
import { compileRegexp, RegexpError } from './regexp.ts';

/** What one call of an expression may cost. @see k8s.io/apiserver/pkg/apis/cel/config.go */
export const perCallLimit = 1_000_000;

/** The values of an expression's variables. */
export type CelVariables = Readonly<Record<string, unknown>>;

/** A value with what it has cost; a failure that has cost as much. */
export type CelResult =
  | { readonly value: unknown; readonly cost: number }
  | { readonly error: string; readonly cost: number };

/** A compiled expression. */
export interface CelProgram {
  readonly type: CelType;
  /** Whether the expression names a variable. */
  uses(variable: string): boolean;
  estimate(sizes: SizeEstimator): Estimate;
  /** @param variables values as `celValue` makes them. */
  run(variables: CelVariables): CelResult;
  /** The value of the expression. @throws CelError */
  evaluate(variables: CelVariables): unknown;
}

/** What is wrong with an expression, each fault with its place. */
export interface CelIssues {
  readonly issues: string;
  /** `instantiation`: the types fit, but what is known beforehand already fails. */
  readonly stage: 'compilation' | 'instantiation';
}

const isPattern = (text: string): boolean => {
  try {
    compileRegexp(text);
    return true;
  } catch (error) {
    if (error instanceof RegexpError) return false;
    throw error;
  }
};

const literalChecks = {
  duration: (text: string) => durationNanos(text) !== undefined,
  timestamp: (text: string) => timestampNanos(text) !== undefined,
  matches: isPattern,
};

/** Compiles an expression with types. */
export function compileTyped(
  expression: string,
  declarations: Declarations,
): CelProgram | CelIssues {
  const compiled = compileExpression(expression, declarations, literalChecks);
  if ('issues' in compiled) return { ...compiled, stage: 'compilation' };
  const { checked, type } = compiled;
  const evaluate = plan(checked, implementations);
  if (evaluate instanceof Failure) return { issues: evaluate.message, stage: 'instantiation' };
  const names = new Set(checked.names.values());
  const run = (variables: CelVariables): CelResult => runWith(evaluate, variables);
  return {
    type,
    uses: (variable) => names.has(variable),
    estimate: (sizes) => estimateCost(checked, sizes),
    run,
    evaluate(variables) {
      const result = run(variables);
      if ('error' in result) throw new CelError(result.error);
      return result.value;
    },
  };
}

function runWith(evaluate: Evaluate, variables: CelVariables): CelResult {
  const meter: Meter = { spent: 0, limit: perCallLimit };
  try {
    const value = evaluate((name) => variables[name], meter);
    return value instanceof Failure
      ? { error: value.message, cost: meter.spent }
      : { value, cost: meter.spent };
  } catch (error) {
    if (!(error instanceof CostExceeded)) throw error;
    return { error: error.message, cost: meter.spent };
  }
}

const maxPrograms = 2000;
const programs = new Map<string, CelProgram | CelError>();

/**
 * Compiles an expression over variables of which nothing is known; the result is kept.
 * @throws CelError the expression is malformed
 */
export function compileCel(expression: string, variables: readonly string[]): CelProgram {
  const key = `${[...variables].sort().join(',')}|${expression}`;
  const known = programs.get(key);
  if (known instanceof CelError) throw known;
  if (known) return known;
  if (programs.size >= maxPrograms) programs.clear();
  const program = compileTyped(expression, untyped(variables));
  if (!('issues' in program)) {
    programs.set(key, program);
    return program;
  }
  const failed = new CelError(`compilation failed: ${program.issues}`);
  programs.set(key, failed);
  throw failed;
}
