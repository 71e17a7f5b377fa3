import { Environment } from '@marcbachmann/cel-js';
import { CelError } from './cel-error.ts';
import { rewriteObjectLiterals } from './object-literals.ts';
import { compileRegexp } from './regexp.ts';
import { registerKubernetesFunctions } from './functions.ts';

/** A compiled expression. */
export interface CelProgram {
  /** @param variables values as `celValue` makes them. @throws CelError */
  evaluate(variables: Readonly<Record<string, unknown>>): unknown;
}

/** Steps an evaluation may be estimated to take; a rule beyond it is refused unrun. */
const maxSteps = 2_000_000;
const maxPrograms = 2000;
const programs = new Map<string, CelProgram | CelError>();
const environments = new Map<string, Environment>();

/**
 * Compiles an expression over the named variables; the result is kept.
 * The language is cel-js's with Kubernetes' libraries; types are those of the values (no checking against
 * schemas), regular expressions run in linear time, and the work of comprehensions is bounded beforehand.
 * @throws CelError the expression is malformed
 */
export function compileCel(expression: string, variables: readonly string[]): CelProgram {
  const names = [...variables].sort();
  const key = `${names.join(',')}|${expression}`;
  const known = programs.get(key);
  if (known instanceof CelError) throw known;
  if (known) return known;
  if (programs.size >= maxPrograms) programs.clear();
  try {
    const program = compile(expression, names);
    programs.set(key, program);
    return program;
  } catch (error) {
    const text = firstLine(error);
    const failed = new CelError(`compilation failed: ERROR: <input>:1:1: Syntax error: ${text}`);
    programs.set(key, failed);
    throw failed;
  }
}

function environment(names: readonly string[]): Environment {
  const key = names.join(',');
  const known = environments.get(key);
  if (known) return known;
  const env = new Environment({
    unlistedVariablesAreDyn: false,
    enableOptionalTypes: true,
    homogeneousAggregateLiterals: false,
  });
  env.registerFunction('string.linearMatches(string): bool', (text: string, pattern: string) =>
    compileRegexp(pattern).test(text),
  );
  env.registerFunction('linearMatches(string, string): bool', (text: string, pattern: string) =>
    compileRegexp(pattern).test(text),
  );
  const substring = (text: string, start: bigint, end?: bigint): string => {
    const runes = [...text];
    const size = BigInt(runes.length);
    if (start < 0n || start > size) throw new Error(`index out of range: ${start}`);
    if (end !== undefined && (end < 0n || end > size))
      throw new Error(`index out of range: ${end}`);
    if (end !== undefined && start > end)
      throw new Error(`invalid substring range. start: ${start}, end: ${end}`);
    return runes.slice(Number(start), end === undefined ? undefined : Number(end)).join('');
  };
  env.registerFunction('string.runeSubstring(int): string', substring);
  env.registerFunction('string.runeSubstring(int, int): string', substring);
  registerKubernetesFunctions(env);
  for (const name of names) env.registerVariable(name, 'dyn');
  environments.set(key, env);
  return env;
}

function compile(expression: string, names: readonly string[]): CelProgram {
  const run = environment(names).parse(rewriteObjectLiterals(redirectMatches(expression)).text);
  const depth = comprehensionDepth(expression);
  const size = expression.length;
  return {
    evaluate(variables) {
      if (depth > 0) {
        const longest = Math.max(
          1,
          ...Object.values(variables).map((value) => longestOf(value, 0)),
        );
        if (longest ** depth * size > maxSteps)
          throw new CelError(
            'validation failed due to running out of cost budget, no further validation rules will be run',
          );
      }
      try {
        return run(variables) as unknown;
      } catch (error) {
        throw new CelError(runtimeText(error));
      }
    },
  };
}

function firstLine(error: unknown): string {
  return (error instanceof Error ? error.message : String(error)).split('\n')[0] ?? '';
}

/** cel-go's words for cel-js's failures. */
function runtimeText(error: unknown): string {
  const text = firstLine(error);
  const index = /index out of bounds, index (-?\d+)/.exec(text);
  if (index) return `index out of bounds: ${index[1] ?? ''}`;
  const key = /^No such key: (.*)$/.exec(text);
  if (key) return `no such key: ${key[1] ?? ''}`;
  if (/^int\(\) type error/.test(text)) return "type conversion error from 'string' to 'int'";
  const overload = /no matching overload/.exec(text);
  if (overload) return 'no such overload';
  return text;
}

/** Calls of `matches` go to the linear engine, and of `substring` to one that counts as Go does. */
function redirectMatches(expression: string): string {
  return mapCode(expression, (code) =>
    code
      .replace(/\bmatches(?=\s*\()/g, 'linearMatches')
      .replace(/\bsubstring(?=\s*\()/g, 'runeSubstring'),
  );
}

const stringLiteral =
  /[rRbB]{0,2}(?:"""[\s\S]*?"""|'''[\s\S]*?'''|"(?:\\.|[^"\\])*"|'(?:\\.|[^'\\])*')/g;

/** Applies a change to the parts of an expression outside string literals. */
function mapCode(expression: string, change: (code: string) => string): string {
  let result = '';
  let from = 0;
  for (const match of expression.matchAll(stringLiteral)) {
    result += change(expression.slice(from, match.index)) + match[0];
    from = match.index + match[0].length;
  }
  return result + change(expression.slice(from));
}

/** How deep calls of comprehension macros nest: the exponent of their work. */
function comprehensionDepth(expression: string): number {
  const code = expression.replace(stringLiteral, '""');
  const open: boolean[] = [];
  let deepest = 0;
  for (let i = 0; i < code.length; i++) {
    if (code[i] === '(') {
      const before = code.slice(Math.max(0, i - 14), i);
      open.push(/\.(all|exists|exists_one|map|filter)\s*$/.test(before));
      deepest = Math.max(deepest, open.filter(Boolean).length);
    } else if (code[i] === ')') open.pop();
  }
  return deepest;
}

function longestOf(value: unknown, level: number): number {
  if (typeof value !== 'object' || value === null || level > 32) return 1;
  const items: unknown[] = Array.isArray(value) ? (value as unknown[]) : Object.values(value);
  let longest = items.length;
  for (const item of items) longest = Math.max(longest, longestOf(item, level + 1));
  return longest;
}
