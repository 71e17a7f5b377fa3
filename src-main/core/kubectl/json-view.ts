/** A JSON object as it comes from a server or a file. */
export type Json = Record<string, unknown>;

export function isJson(value: unknown): value is Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** The value at a path of keys and indexes; undefined when a step is missing. */
export function at(value: unknown, ...path: readonly (string | number)[]): unknown {
  let current = value;
  for (const step of path) {
    if (typeof current !== 'object' || current === null) return undefined;
    if (Array.isArray(current)) {
      current = typeof step === 'number' ? (current as unknown[])[step] : undefined;
    } else current = Object.hasOwn(current, step) ? (current as Json)[step] : undefined;
  }
  return current;
}

/** The text at a path; numbers and booleans as text, '' for anything else. */
export function text(value: unknown, ...path: readonly (string | number)[]): string {
  const found = at(value, ...path);
  if (typeof found === 'string') return found;
  return typeof found === 'number' || typeof found === 'boolean' ? String(found) : '';
}

/** The number at a path; 0 when there is none. */
export function num(value: unknown, ...path: readonly (string | number)[]): number {
  const found = at(value, ...path);
  return typeof found === 'number' ? found : 0;
}

export function list(value: unknown, ...path: readonly (string | number)[]): readonly unknown[] {
  const found = at(value, ...path);
  return Array.isArray(found) ? (found as unknown[]) : [];
}

/** The object at a path; {} when there is none. */
export function map(value: unknown, ...path: readonly (string | number)[]): Json {
  const found = at(value, ...path);
  return isJson(found) ? found : {};
}

/** A map of texts (labels, annotations, data). */
export function strings(
  value: unknown,
  ...path: readonly (string | number)[]
): Record<string, string> {
  const out: Record<string, string> = {};
  for (const [key, item] of Object.entries(map(value, ...path)))
    out[key] = typeof item === 'string' ? item : JSON.stringify(item);
  return out;
}

export function has(value: unknown, ...path: readonly (string | number)[]): boolean {
  const found = at(value, ...path);
  return found !== undefined && found !== null;
}

/** The object at a path, made on the way when missing. Changes `root`. */
export function ensureMap(root: Json, ...path: readonly string[]): Json {
  let current = root;
  for (const step of path) {
    const next = current[step];
    if (isJson(next)) current = next;
    else {
      const made: Json = {};
      current[step] = made;
      current = made;
    }
  }
  return current;
}

export const nameOf = (object: unknown): string => text(object, 'metadata', 'name');
export const namespaceOf = (object: unknown): string => text(object, 'metadata', 'namespace');

/** Byte order, as Go sorts strings. */
export function compareText(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

export function sortedKeys(value: object): string[] {
  return Object.keys(value).sort(compareText);
}

/** Drops undefined members, as `omitempty` would. */
export function compact(value: Readonly<Record<string, unknown>>): Json {
  const out: Json = {};
  for (const [key, item] of Object.entries(value)) if (item !== undefined) out[key] = item;
  return out;
}
