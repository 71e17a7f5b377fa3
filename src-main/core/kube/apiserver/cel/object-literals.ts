import { isMap } from '../fields/index.ts';
import { CelError } from './cel-error.ts';

/** A typed object as an expression makes it: `Object.spec{replicas: 3}`, `JSONPatch{op: "add", …}`. */
export class CelObject {
  readonly typeName: string;
  readonly fields: Readonly<Record<string, unknown>>;

  constructor(typeName: string, fields: Readonly<Record<string, unknown>>) {
    this.typeName = typeName;
    this.fields = fields;
  }
}

const literal = /[rRbB]{0,2}(?:"""[\s\S]*?"""|'''[\s\S]*?'''|"(?:\\.|[^"\\])*"|'(?:\\.|[^'\\])*')/y;
const typeName = /(?:Object(?:\.[A-Za-z_]\w*)*|JSONPatch)\s*\{/y;

/** An expression written anew; `sourceAt` leads a place in it back to the one it comes from. */
export interface Rewritten {
  readonly text: string;
  readonly sourceAt: (index: number) => number;
}

/**
 * Writes typed objects, which the expression library does not know, as calls of functions with a map: the library
 * knows maps.
 */
export function rewriteObjectLiterals(expression: string): Rewritten {
  if (!/\b(?:Object|JSONPatch)\b/.test(expression))
    return { text: expression, sourceAt: (index) => index };
  const open: ('object' | 'other')[] = [];
  const pieces: { readonly at: number; readonly source: number }[] = [];
  let result = '';
  let atField = false;
  const take = (text: string, source: number): void => {
    pieces.push({ at: result.length, source });
    result += text;
  };
  for (let i = 0; i < expression.length;) {
    const start = i;
    const rest = matchAt(literal, expression, i);
    const before = expression[i - 1] ?? '';
    const type =
      rest !== undefined || /[\w.]/.test(before) ? undefined : matchAt(typeName, expression, i);
    const name =
      rest === undefined && type === undefined && atField
        ? matchAt(/[A-Za-z_]\w*/y, expression, i)
        : undefined;
    const taken = rest ?? type ?? name ?? expression[i] ?? '';
    i += taken.length;
    if (rest !== undefined || name !== undefined) atField = false;
    if (type !== undefined) {
      const called = type.slice(0, -1).trim();
      take(`${called === 'JSONPatch' ? 'typedPatch' : 'typedObject'}("${called}", {`, start);
      open.push('object');
      atField = true;
    } else if (name !== undefined) take(JSON.stringify(fieldName(name)), start);
    else if (rest === undefined && '}])'.includes(taken) && open.pop() === 'object')
      take('})', start);
    else {
      if ('{[('.includes(taken)) open.push('other');
      if (taken === ',') atField = open.at(-1) === 'object';
      take(taken, start);
    }
  }
  return {
    text: result,
    sourceAt: (index) => {
      const piece = pieces.findLast(({ at }) => at <= index);
      return piece ? piece.source + Math.max(0, Math.min(index - piece.at, 1)) : index;
    },
  };
}

function matchAt(pattern: RegExp, text: string, at: number): string | undefined {
  pattern.lastIndex = at;
  return pattern.exec(text)?.[0];
}

/** The field an escaped name stands for. */
const fieldName = (name: string): string =>
  name
    .replaceAll('__underscores__', '__')
    .replaceAll('__dot__', '.')
    .replaceAll('__dash__', '-')
    .replaceAll('__slash__', '/');

/** What an expression made, as JSON. @throws CelError what JSON cannot hold */
export function jsonOf(value: unknown): unknown {
  if (typeof value === 'bigint') return Number(value);
  if (value instanceof CelObject) return jsonOf(value.fields);
  if (value instanceof Date) return value.toISOString().replace(/\.000Z$/, 'Z');
  if (value instanceof Map)
    return Object.fromEntries([...value].map(([key, item]) => [String(key), jsonOf(item)]));
  if (Array.isArray(value)) return value.map(jsonOf);
  if (isMap(value))
    return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, jsonOf(item)]));
  if (typeof value === 'object' && value !== null) throw new CelError('unsupported value');
  return value;
}

/**
 * Types of objects must be those of the fields they stand in.
 * @returns upstream's words for those that are not.
 * @see k8s.io/apiserver/pkg/cel/mutation/dynamic/objects.go
 */
export function typeNameFaults(value: unknown, path: readonly string[]): string[] {
  if (value instanceof CelObject) {
    const expected = path.join('.');
    const own =
      value.typeName === expected
        ? []
        : [
            `unexpected type name "${value.typeName}", expected "${expected}", which matches field name path from root Object type`,
          ];
    return [
      ...own,
      ...Object.entries(value.fields).flatMap(([name, item]) =>
        typeNameFaults(item, [...path, name]),
      ),
    ];
  }
  if (Array.isArray(value)) return value.flatMap((item) => typeNameFaults(item, path));
  if (isMap(value)) return Object.values(value).flatMap((item) => typeNameFaults(item, path));
  return [];
}
