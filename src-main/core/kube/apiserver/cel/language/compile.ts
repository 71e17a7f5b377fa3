import type { Issue } from './ast.ts';
import { check, type Checked } from './checker.ts';
import type { Declarations } from './declarations.ts';
import { parse } from './parser.ts';
import { type CelType, dynType } from './types.ts';
import { type LiteralCheck, validateLiterals } from './validators.ts';

/** A checked expression with its type, or what is wrong with it as cel-go shows it. */
export type Compiled =
  { readonly checked: Checked; readonly type: CelType } | { readonly issues: string };

/** Parses and checks an expression. */
export function compileExpression(
  expression: string,
  declarations: Declarations,
  checks: Readonly<Record<string, LiteralCheck>>,
): Compiled {
  const parsed = parse(expression, declarations.bindings);
  if ('issues' in parsed) return { issues: shownIssues(expression, parsed.issues) };
  const { checked, issues } = check(parsed.expr, declarations);
  const all = issues.length > 0 ? issues : validateLiterals(checked, checks);
  if (all.length > 0) return { issues: shownIssues(expression, all) };
  return { checked, type: checked.types.get(parsed.expr.id) ?? dynType };
}

const maxIssues = 100;
/** Longer lines are not shown. */
const maxLine = 16_384;

/** Faults with the places they are about. @see cel-go/common/error.go */
function shownIssues(expression: string, issues: readonly Issue[]): string {
  const chars = [...expression];
  const placed = issues
    .slice(0, maxIssues)
    .map(({ message, at }) => ({ message, ...placeOf(chars, at) }))
    .sort((a, b) => a.line - b.line || a.column - b.column);
  const lines = expression.split('\n');
  const shown = placed.map(
    ({ message, line, column }) =>
      `ERROR: <input>:${line}:${expression === '' ? 0 : column + 1}: ${message}${snippet(lines[line - 1] ?? '', column, line > 0 && expression !== '')}`,
  );
  if (issues.length > maxIssues)
    shown.push(`${issues.length - maxIssues} more errors were truncated`);
  return shown.join('\n');
}

function placeOf(chars: readonly string[], at: number): { line: number; column: number } {
  if (at < 0) return { line: -1, column: -1 };
  let line = 1;
  let column = 0;
  for (const char of chars.slice(0, at)) {
    if (char === '\n') {
      line++;
      column = 0;
    } else column++;
  }
  return { line, column };
}

const isWide = (char: string): boolean => (char.codePointAt(0) ?? 0) > 127;

function snippet(source: string, column: number, isKnown: boolean): string {
  if (!isKnown || source.length > maxLine) return '';
  const chars = [...source.replaceAll('\t', ' ')];
  const dots = chars
    .slice(0, column)
    .map((char) => (isWide(char) ? '\uff0e' : '.'))
    .join('');
  return `\n | ${chars.join('')}\n | ${dots}${isWide(chars[column] ?? '') ? '\uff3e' : '^'}`;
}
