import { type CallExpr, descendants, type Expr, type Issue, type ListExpr } from './ast.ts';
import type { Checked } from './checker.ts';
import { type CelType, dynType, isEquivalent, unwrapOptional } from './types.ts';

/** Whether a literal argument of a function is good. */
export type LiteralCheck = (text: string) => boolean;

/**
 * What is looked at once the types fit: literal durations, times and patterns, and literals of mixed types.
 * @see cel-go/cel/validator.go
 */
export function validateLiterals(
  checked: Checked,
  checks: Readonly<Record<string, LiteralCheck>>,
): Issue[] {
  const issues: Issue[] = [];
  const all = [...descendants(checked.expr)];
  for (const [name, isGood] of Object.entries(checks))
    for (const expr of all) {
      if (expr.kind !== 'call' || expr.name !== name) continue;
      const [first] = expr.args;
      if (first?.kind === 'literal' && typeof first.value === 'string' && !isGood(first.value))
        issues.push({ message: `invalid ${name} argument`, at: first.at });
    }
  for (const expr of all)
    if (expr.kind === 'call' && expr.name === 'format' && expr.target) {
      const [list] = expr.args;
      const pattern = expr.target.kind === 'literal' ? expr.target.value : undefined;
      if (typeof pattern === 'string' && list?.kind === 'list')
        issues.push(...formatIssues(expr, pattern, list, checked));
    }
  const exempt = new Set<number>();
  for (const expr of all)
    if (expr.kind === 'call' && expr.name === 'format')
      for (const each of descendants(expr)) exempt.add(each.id);
  const typeOf = ({ id }: Expr): CelType => checked.types.get(id) ?? dynType;
  const expect = (expr: Expr, wanted: CelType | undefined, found: CelType): CelType => {
    if (!wanted || isEquivalent(wanted, found)) return wanted ?? found;
    issues.push({
      message: `expected type '${wanted.text}' but found '${found.text}'`,
      at: expr.at,
    });
    return wanted;
  };
  for (const expr of all) {
    if (expr.kind !== 'list' || exempt.has(expr.id)) continue;
    let wanted: CelType | undefined;
    for (const { value, optional } of expr.items) {
      const before = issues.length;
      const type = typeOf(value);
      wanted = expect(value, wanted, optional ? unwrapOptional(type) : type);
      // Of a list the first item that does not fit is told.
      if (issues.length > before) break;
    }
  }
  for (const expr of all) {
    if (expr.kind !== 'map' || exempt.has(expr.id)) continue;
    let keys: CelType | undefined;
    let values: CelType | undefined;
    for (const { key, value, optional } of expr.entries) {
      keys = expect(key, keys, typeOf(key));
      const type = typeOf(value);
      values = expect(value, values, optional ? unwrapOptional(type) : type);
    }
  }
  return issues;
}

const clauses: Readonly<Record<string, readonly [name: string, types: string, shown: string]>> = {
  d: ['decimal', 'int uint', 'integers'],
  f: ['fixed-point', 'double string', 'doubles'],
  e: ['scientific', 'double string', 'doubles'],
  b: ['binary', 'int uint bool', 'integers and bools'],
  o: ['octal', 'int uint', 'integers'],
  x: ['hex', 'int uint string bytes', 'integers, byte buffers, and strings'],
  X: ['hex', 'int uint string bytes', 'integers, byte buffers, and strings'],
};
const plainTypes = 'int uint double bool string timestamp bytes duration null list map type dyn';

/** The type's name as faults of formats tell it. */
const formatName = (type: CelType): string =>
  ({
    null: 'null_type',
    duration: 'google.protobuf.Duration',
    timestamp: 'google.protobuf.Timestamp',
  })[type.name] ?? type.name;

/** The first part of an argument that has no text. */
function withoutText(expr: Expr, checked: Checked): Expr | undefined {
  const { name } = checked.types.get(expr.id) ?? dynType;
  if (!plainTypes.split(' ').includes(name)) return expr;
  const parts =
    expr.kind === 'list'
      ? expr.items.map(({ value }) => value)
      : expr.kind === 'map'
        ? expr.entries.flatMap(({ key, value }) => [key, value])
        : [];
  for (const part of parts) {
    const found = withoutText(part, checked);
    if (found) return found;
  }
  return undefined;
}

/** Whether the clauses of a literal pattern fit their arguments. @see cel-go/ext/formatting.go */
function formatIssues(
  call: CallExpr,
  pattern: string,
  { items }: ListExpr,
  checked: Checked,
): Issue[] {
  const fault = (message: string, at = call.at): Issue[] => [{ message, at }];
  let next = 0;
  for (let i = 0; i < pattern.length; i++) {
    if (pattern[i] !== '%') continue;
    if (pattern[i + 1] === '%') {
      i += 1;
      continue;
    }
    if (i + 1 >= pattern.length) return fault('unexpected end of string');
    const arg = items[next]?.value;
    if (!arg) return fault(`index ${next} out of range`);
    next += 1;
    const [all = '', verb = ''] = /^(?:\.\d*)?([^])/u.exec(pattern.slice(i + 1)) ?? [];
    i += all.length;
    const type = checked.types.get(arg.id) ?? dynType;
    if (verb === 's') {
      const bad = withoutText(arg, checked);
      if (bad)
        return fault(
          `error during formatting: string clause can only be used on strings, bools, bytes, ints, doubles, maps, lists, types, durations, and timestamps, was given ${formatName(checked.types.get(bad.id) ?? dynType)}`,
          bad.at,
        );
      continue;
    }
    const clause = clauses[verb];
    if (!clause)
      return fault(`could not parse formatting clause: unrecognized formatting clause "${verb}"`);
    const [name, types, shown] = clause;
    if (type.kind !== 'dyn' && !types.split(' ').includes(type.name))
      return fault(
        `error during formatting: ${name} clause can only be used on ${shown}, was given ${formatName(type)}`,
        arg.at,
      );
  }
  return items.length > next
    ? fault(`too many arguments supplied to string.format (expected ${next}, got ${items.length})`)
    : [];
}
