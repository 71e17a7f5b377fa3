export type JsonPrimitive = string | number | boolean | null;
export type JsonValue = JsonPrimitive | JsonValue[] | JsonObject;
export interface JsonObject {
  [key: string]: JsonValue;
}

/** Deep equality of JSON values; the order of keys does not matter, a missing key is not `null`. */
export function jsonEqual(a: unknown, b: unknown): boolean {
  if (a === b) return true;
  if (typeof a !== 'object' || typeof b !== 'object' || a === null || b === null) return false;
  if (Array.isArray(a)) {
    if (!Array.isArray(b) || a.length !== b.length) return false;
    return a.every((item, index) => jsonEqual(item, b[index]));
  }
  if (Array.isArray(b)) return false;
  const keysA = Object.keys(a);
  if (keysA.length !== Object.keys(b).length) return false;
  return keysA.every(
    (key) =>
      Object.hasOwn(b, key) &&
      jsonEqual((a as Record<string, unknown>)[key], (b as Record<string, unknown>)[key]),
  );
}

/** A deep copy of a JSON value; several times faster than `structuredClone`. */
export function jsonClone<T>(value: T): T {
  if (typeof value !== 'object' || value === null) return value;
  if (Array.isArray(value)) return value.map(jsonClone) as T;
  const copy: Record<string, unknown> = {};
  for (const key in value) copy[key] = jsonClone((value as Record<string, unknown>)[key]);
  return copy as T;
}

/**
 * `now` with each part that equals the same part of `old` replaced by that part, so that versions of an object share
 * what they have in common. Neither is changed; `old` itself when all is equal.
 */
export function shareEqual<T>(old: unknown, now: T): T {
  if (old === now || typeof old !== 'object' || typeof now !== 'object') return now;
  if (old === null || now === null) return now;
  if (Array.isArray(now)) {
    if (!Array.isArray(old)) return now;
    const items = now as unknown[];
    let same = old.length === items.length;
    let copy: unknown[] | undefined;
    for (let index = 0; index < items.length; index++) {
      const shared = shareEqual<unknown>(old[index], items[index]);
      if (shared !== items[index]) (copy ??= [...items])[index] = shared;
      if (shared !== old[index]) same = false;
    }
    return (same ? old : (copy ?? now)) as T;
  }
  if (Array.isArray(old)) return now;
  const [before, fields] = [old as Record<string, unknown>, now as Record<string, unknown>];
  let surplus = 0;
  let same = true;
  let copy: Record<string, unknown> | undefined;
  for (const key in fields) {
    surplus += 1;
    const shared = shareEqual(before[key], fields[key]);
    if (shared !== fields[key]) (copy ??= { ...fields })[key] = shared;
    if (shared !== before[key] || !Object.hasOwn(before, key)) same = false;
  }
  if (same) for (const _ in before) surplus -= 1;
  return (same && surplus === 0 ? old : (copy ?? now)) as T;
}

/** Sets a key whatever its name; `__proto__` is one like others in a document. */
export function defineKey(object: Record<string, unknown>, key: string, value: unknown): void {
  if (key === '__proto__')
    Object.defineProperty(object, key, {
      value,
      enumerable: true,
      configurable: true,
      writable: true,
    });
  else object[key] = value;
}

export type DeepReadonly<T> = T extends (infer Item)[]
  ? readonly DeepReadonly<Item>[]
  : T extends object
    ? { readonly [Key in keyof T]: DeepReadonly<T[Key]> }
    : T;
