import { Environment, ParseError } from '@marcbachmann/cel-js';
import { registerKubernetesFunctions } from './functions.ts';
import { rewriteObjectLiterals } from './object-literals.ts';

/** What an expression may name: variables with their types (`dyn`, or one with fields of these types). */
export interface CelDeclarations {
  readonly variables: Readonly<
    Record<string, 'dyn' | 'authorizer' | Readonly<Record<string, string>>>
  >;
}

/**
 * What checking an expression found: its type as cel-go writes it, and as a field may be declared of it; or what is
 * wrong with it.
 */
export type CelCheck =
  { readonly type: string; readonly fieldType: string } | { readonly problem: string };

/** More names than this are not looked for in one expression. */
const maxUndeclared = 20;
const environments = new Map<string, Environment>();

function environmentOf({ variables }: CelDeclarations): Environment {
  const key = JSON.stringify(variables);
  const known = environments.get(key);
  if (known) return known;
  const env = new Environment({
    unlistedVariablesAreDyn: false,
    enableOptionalTypes: true,
    homogeneousAggregateLiterals: false,
  });
  registerKubernetesFunctions(env);
  for (const [name, type] of Object.entries(variables)) {
    if (typeof type === 'string') {
      env.registerVariable(name, type === 'dyn' ? 'dyn' : 'kubernetes.authorization.Authorizer');
      continue;
    }
    const typeName = `declared.${name}`;
    env.registerType({ name: typeName, schema: { ...type } });
    env.registerVariable(name, typeName);
  }
  if (environments.size >= 50) environments.clear();
  environments.set(key, env);
  return env;
}

interface Fault {
  readonly code?: string;
  readonly summary: string;
  readonly range?: { readonly start: number; readonly end: number };
  readonly node?: Node;
}

interface Node {
  readonly op?: string;
  readonly pos?: number;
  readonly end?: number;
  readonly args?: unknown;
}

/**
 * Checks an expression as cel-go's compiler does, as far as its types can be told.
 * Faults are worded and placed as upstream's; names that nobody declared are all told, of other faults the first.
 */
export function checkCel(expression: string, declarations: CelDeclarations): CelCheck {
  const { text, sourceAt } = rewriteObjectLiterals(expression);
  const told: string[] = [];
  let declared = declarations;
  for (let round = 0; round < maxUndeclared; round++) {
    const env = environmentOf(declared);
    const result = env.check(text);
    if (result.valid) {
      if (told.length > 0) break;
      const type = result.type ?? 'dyn';
      return { type: typeText(type), fieldType: fieldTypeOf(type) };
    }
    const fault = result.error as unknown as Fault;
    const literal = unterminated(fault, text);
    if (literal) {
      told.push(...literal.map(({ message, at }) => located(message, expression, sourceAt(at))));
      break;
    }
    const { message, at } = worded(
      fault,
      text,
      functionNames(env),
      result.error instanceof ParseError,
    );
    told.push(located(message, expression, sourceAt(at)));
    const name = /^Unknown variable: (\w+)$/.exec(fault.summary)?.[1];
    if (name === undefined) break;
    declared = { variables: { ...declared.variables, [name]: 'dyn' } };
  }
  return { problem: `compilation failed: ${told.join('\n')}` };
}

/** The lexer's words for a text without an end, and the parser's for what is left. */
function unterminated(fault: Fault, text: string): { message: string; at: number }[] | undefined {
  const start = fault.range?.start ?? 0;
  if (fault.summary !== 'Unterminated string' || start !== 0) return undefined;
  return [
    { message: `Syntax error: token recognition error at: '${text}'`, at: 0 },
    { message: `Syntax error: mismatched input '<EOF>' expecting ${expecting}`, at: text.length },
  ];
}

const functionNames = (env: Environment): ReadonlySet<string> =>
  new Set(env.getDefinitions().functions.map(({ name }) => name));

/** Types of CEL itself, and lists and maps of them; what else there is may have any fields. */
const fieldTypeOf = (type: string): string =>
  /^(?:bool|int|uint|double|string|bytes|list|map|[<>, ])+$/.test(type) ? type : 'dyn';

/** `map<string, int>` as cel-go writes it. */
const typeText = (type: string): string =>
  ({ list: 'list(dyn)', map: 'map(dyn, dyn)' })[type] ??
  type
    .replaceAll('<', '(')
    .replaceAll('>', ')')
    .replaceAll(/\b[KVTA]\b/g, 'dyn')
    .replaceAll('kubernetes.JSONPatch', 'JSONPatch')
    .replace(/^kubernetes\.Object$/, 'Object');

/** With another number of arguments they are no macros, and no functions either. */
const macros: ReadonlySet<string> = new Set(['all', 'exists', 'exists_one', 'map', 'filter']);

const expecting =
  "{'[', '{', '(', '.', '-', '!', 'true', 'false', 'null', NUM_FLOAT, NUM_INT, NUM_UINT, STRING, BYTES, IDENTIFIER}";

function worded(
  fault: Fault,
  text: string,
  functions: ReadonlySet<string>,
  isSyntax: boolean,
): { message: string; at: number } {
  const { summary, node = {} } = fault;
  const start = fault.range?.start ?? node.pos ?? 0;
  if (isSyntax) return syntaxFault(summary, start);
  const name = /^Unknown variable: (\w+)$/.exec(summary)?.[1];
  if (name !== undefined)
    return { message: `undeclared reference to '${name}' (in container '')`, at: start };
  const field = /^No such key: (.*)$/.exec(summary)?.[1];
  if (field !== undefined)
    return { message: `undefined field '${field}'`, at: afterFirst(node, text, '.') };
  const call = /^found no matching overload for '(?:(.*)\.)?([\w]+)\((.*)\)'$/.exec(summary);
  if (call) {
    const [, receiver, called = '', args = ''] = call;
    const at = parenthesis(node, text, called);
    if (!functions.has(called) || (macros.has(called) && receiver === 'dyn'))
      return { message: `undeclared reference to '${called}' (in container '')`, at };
    const types = `${receiver === undefined ? '' : `${typeText(receiver)}.`}(${typesText(args)})`;
    return { message: `found no matching overload for '${called}' applied to '${types}'`, at };
  }
  const branches = /^Ternary branches must have the same type, got '(.*)' and '(.*)'$/.exec(
    summary,
  );
  if (branches)
    return {
      message: `found no matching overload for '_?_:_' applied to '(bool, ${typesText(branches[1] ?? '')}, ${typesText(branches[2] ?? '')})'`,
      at: afterFirst(node, text, '?'),
    };
  const unary = /^no such overload: ([-!])(.*)$/.exec(summary);
  if (unary)
    return {
      message: `found no matching overload for '${unary[1] ?? ''}_' applied to '(${typesText(unary[2] ?? '')})'`,
      at: start,
    };
  const binary = /^no such overload: (.+) (\S+) (.+)$/.exec(summary);
  if (binary) {
    const [, left = '', operator = '', right = ''] = binary;
    const shown = operator === 'in' ? '@in' : `_${operator}_`;
    return {
      message: `found no matching overload for '${shown}' applied to '(${typesText(left)}, ${typesText(right)})'`,
      at: afterFirst(node, text, operator),
    };
  }
  if (summary.startsWith('has() invalid argument'))
    return { message: 'invalid argument to has() macro', at: start };
  return { message: summary, at: start };
}

function syntaxFault(summary: string, at: number): { message: string; at: number } {
  if (summary === 'Unexpected token: EOF')
    return { message: `Syntax error: mismatched input '<EOF>' expecting ${expecting}`, at };
  if (summary === 'Expected RBRACKET, got EOF')
    return { message: "Syntax error: mismatched input '<EOF>' expecting {']', ','}", at };
  const reserved = /^Reserved identifier: (\w+)$/.exec(summary)?.[1];
  if (reserved !== undefined) return { message: `reserved identifier: ${reserved}`, at };
  return { message: `Syntax error: ${summary}`, at };
}

const typesText = (types: string): string => typeText(types);

/** Where an operator stands: behind its first operand. */
function afterFirst(node: Node, text: string, operator: string): number {
  const [first] = Array.isArray(node.args) ? (node.args as Node[]) : [];
  const from = typeof first?.end === 'number' ? first.end : (node.pos ?? 0);
  const at = text.indexOf(operator, from);
  return at < 0 ? from : at;
}

/** Where a call's arguments begin. */
function parenthesis(node: Node, text: string, called: string): number {
  const pattern = new RegExp(`\\b${called}\\s*\\(`, 'g');
  pattern.lastIndex = node.pos ?? 0;
  let at = node.pos ?? 0;
  // Of calls in a chain the last is the one that ends where the node does.
  for (let match = pattern.exec(text); match && match.index < (node.end ?? text.length);) {
    at = match.index + match[0].length - 1;
    match = node.op === 'call' ? null : pattern.exec(text);
  }
  return at;
}

/** A message with the place it is about, as cel-go shows it. */
function located(message: string, expression: string, at: number): string {
  if (expression === '') return `ERROR: <input>:1:0: ${message}`;
  const before = expression.slice(0, at);
  const line = before.split('\n').length;
  const column = [...(before.split('\n').at(-1) ?? '')].length;
  const source = expression.split('\n')[line - 1] ?? '';
  return `ERROR: <input>:${line}:${column + 1}: ${message}\n | ${source}\n | ${'.'.repeat(column)}^`;
}
