import { isJson, sortedKeys } from '../json-view.ts';

/** A JSON value as Go's `%v` prints it: `map[a:1 b:[x y]]`. */
export function goValue(value: unknown): string {
  if (value === null || value === undefined) return '<nil>';
  if (typeof value === 'string') return value;
  if (Array.isArray(value)) return `[${(value as unknown[]).map(goValue).join(' ')}]`;
  if (isJson(value))
    return `map[${sortedKeys(value)
      .map((key) => `${key}:${goValue(value[key])}`)
      .join(' ')}]`;
  return JSON.stringify(value);
}

/** A JSON value in Go syntax (`%#v`), as error texts show objects. */
export function goSyntax(value: unknown): string {
  if (value === null || value === undefined) return 'interface {}(nil)';
  if (typeof value === 'string') return JSON.stringify(value);
  if (Array.isArray(value))
    return `[]interface {}{${(value as unknown[]).map(goSyntax).join(', ')}}`;
  if (isJson(value))
    return `map[string]interface {}{${sortedKeys(value)
      .map((key) => `${JSON.stringify(key)}:${goSyntax(value[key])}`)
      .join(', ')}}`;
  return JSON.stringify(value);
}
