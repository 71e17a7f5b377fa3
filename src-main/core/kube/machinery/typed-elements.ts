import { isMap, type JsonMap, type Shape } from './merge-schema.ts';

/** A list whose items are told apart by keys or by value. */
export type ListShape = Shape & { kind: 'list' };

/** The path element of a list's item. A key that is neither there nor has a default is left out. */
export function itemElement(shape: ListShape, item: unknown): string {
  if (shape.keys.length === 0) return `v:${JSON.stringify(item)}`;
  const key: JsonMap = {};
  for (const name of shape.keys) {
    const value = (isMap(item) ? item[name] : undefined) ?? shape.defaults[name];
    if (value !== undefined) key[name] = value;
  }
  return `k:${JSON.stringify(key)}`;
}

const fieldElements = new Map<string, string>();

/** The path element of a field or map entry. */
export function fieldElement(key: string): string {
  let element = fieldElements.get(key);
  if (element === undefined) {
    element = `f:${key}`;
    if (fieldElements.size < 20_000) fieldElements.set(key, element);
  }
  return element;
}
