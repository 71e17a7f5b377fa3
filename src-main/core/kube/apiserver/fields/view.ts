/** Free JSON read with care: a field that is absent, or of another type, reads as its empty value. */
export type JsonMap = Readonly<Record<string, unknown>>;

const emptyMap: JsonMap = {};
const emptyList: readonly never[] = [];

/** The value when it is a JSON object, else an empty one. */
export function mapOf(value: unknown): JsonMap {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
    ? (value as JsonMap)
    : emptyMap;
}

export function isMap(value: unknown): value is JsonMap {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** The value when it is an array, else an empty one. */
export function listOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? (value as readonly unknown[]) : emptyList;
}

/** The objects of an array. */
export function mapsOf(value: unknown): readonly JsonMap[] {
  return Array.isArray(value) ? (value as readonly unknown[]).filter(isMap) : emptyList;
}

/** The strings of an array. */
export function textsOf(value: unknown): readonly string[] {
  return Array.isArray(value)
    ? (value as readonly unknown[]).filter((item): item is string => typeof item === 'string')
    : emptyList;
}

export function textOf(value: unknown): string {
  return typeof value === 'string' ? value : '';
}

export function numberOf(value: unknown): number | undefined {
  return typeof value === 'number' ? value : undefined;
}

/** A map's entries whose values are strings. */
export function textMapOf(value: unknown): Readonly<Record<string, string>> {
  return mapOf(value) as Readonly<Record<string, string>>;
}

/** Follows field names through objects. */
export function at(value: unknown, ...path: readonly string[]): unknown {
  let current = value;
  for (const name of path) {
    if (!isMap(current) || !Object.hasOwn(current, name)) return undefined;
    current = current[name];
  }
  return current;
}

/** The string at a path, '' when there is none. */
export function textAt(value: unknown, ...path: readonly string[]): string {
  return textOf(at(value, ...path));
}

/** The changeable map at a path of a draft, made when absent. */
export function draftAt(draft: object, ...path: readonly string[]): Record<string, unknown> {
  let current = draft as Record<string, unknown>;
  for (const name of path) {
    if (!isMap(current[name])) current[name] = {};
    current = current[name] as Record<string, unknown>;
  }
  return current;
}

/** Several errors as apimachinery's Aggregate prints them: one bare, more in brackets, doubles once. */
export function aggregate(messages: readonly string[]): string {
  const unique = [...new Set(messages)];
  return unique.length === 1 ? (unique[0] ?? '') : `[${unique.join(', ')}]`;
}
