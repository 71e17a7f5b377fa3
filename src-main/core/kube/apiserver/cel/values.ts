import { isMap } from '../fields/index.ts';

/** The parts of a schema that decide how a JSON value reads in an expression. */
export interface ValueSchema {
  readonly type?: string;
  readonly format?: string;
  readonly properties?: Readonly<Record<string, ValueSchema>>;
  readonly items?: ValueSchema;
  readonly additionalProperties?: ValueSchema;
}

const identifier = /^[A-Za-z_][A-Za-z0-9_]*$/;
const reserved = new Set(
  'true false null in as break const continue else for function if import let loop package namespace return var void while'.split(
    ' ',
  ),
);

/**
 * A field's name as expressions spell it, as `CelEscape`; undefined when it cannot be named.
 * @see k8s.io/apiserver/pkg/cel/escaping.go
 */
export function escapeFieldName(name: string): string | undefined {
  if (reserved.has(name)) return `__${name}__`;
  const escaped = name
    .replaceAll('__', '__underscores__')
    .replaceAll('.', '__dot__')
    .replaceAll('-', '__dash__')
    .replaceAll('/', '__slash__');
  return identifier.test(escaped) ? escaped : undefined;
}

/**
 * A JSON value as an expression sees it: whole numbers as int unless the schema says number, times and durations
 * by their format, and fields under their escaped names.
 */
export function celValue(value: unknown, schema?: ValueSchema): unknown {
  if (typeof value === 'number') {
    if (schema?.type === 'number' || !Number.isInteger(value)) return value;
    return BigInt(value);
  }
  if (typeof value === 'string') {
    if (schema?.format === 'date-time' || schema?.format === 'date') {
      const ms = Date.parse(value);
      return Number.isNaN(ms) ? value : new Date(ms);
    }
    return value;
  }
  if (Array.isArray(value))
    return (value as readonly unknown[]).map((item) => celValue(item, schema?.items));
  if (!isMap(value)) return value;
  const copy: Record<string, unknown> = {};
  // Keys of a map are data; names of fields are code and are escaped.
  for (const [name, item] of Object.entries(value)) {
    const property = schema?.properties?.[name];
    const key = schema?.properties ? (escapeFieldName(name) ?? name) : name;
    copy[key] = celValue(item, property ?? schema?.additionalProperties);
  }
  return copy;
}
