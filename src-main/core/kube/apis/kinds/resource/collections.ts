import type { FieldErrors } from '../../validation/field.ts';
import { sortedEntries } from '../../validation/meta.ts';

/**
 * The walks of pkg/apis/resource/validation: what is beyond its limit is refused as a whole, without a look inside.
 * @see pkg/apis/resource/validation/validation.go, validateSlice, validateSet, validateMap
 */

/** Checks each item of a list that has at most `max`. */
export function eachOf<T>(
  errors: FieldErrors,
  path: string,
  items: readonly T[] | undefined,
  max: number,
  check: (item: T, path: string) => void,
): void {
  if ((items?.length ?? 0) > max) errors.tooMany(path, items?.length ?? 0, max);
  else items?.forEach((item, index) => check(item, `${path}[${index}]`));
}

/** The same for a list without two items of one key. */
export function setOf<T>(
  errors: FieldErrors,
  path: string,
  items: readonly T[] | undefined,
  max: number,
  check: (item: T, path: string) => void,
  keyOf: (item: T) => unknown,
): void {
  eachOf(errors, path, items, max, check);
  if ((items?.length ?? 0) > max) return;
  const seen = new Set<string>();
  items?.forEach((item, index) => {
    const key = keyOf(item);
    const text = JSON.stringify(key);
    if (seen.has(text)) errors.duplicate(`${path}[${index}]`, key);
    seen.add(text);
  });
}

/** Checks keys, at the map's path, and values, at their own. */
export function mapOf<T>(
  errors: FieldErrors,
  path: string,
  map: Readonly<Record<string, T>> | undefined,
  limits: { readonly max: number; readonly keyLength: number },
  checkKey: (key: string, path: string) => void,
  check?: (item: T, path: string) => void,
): void {
  const entries = sortedEntries(map);
  if (entries.length > limits.max) {
    errors.tooMany(path, entries.length, limits.max);
    return;
  }
  for (const [key, item] of entries) {
    checkKey(key, path);
    check?.(item, `${path}[${shortened(key, limits.keyLength)}]`);
  }
}

/** A text without its middle, if it is too long for a path. */
function shortened(text: string, max: number): string {
  if (text.length <= max) return text;
  const rest = max - 3;
  return `${text.slice(0, Math.floor((rest + 1) / 2))}...${text.slice(text.length - Math.floor(rest / 2))}`;
}
