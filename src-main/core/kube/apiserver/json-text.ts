import { byBytes, defineKey } from '#core/base';

const unsafe = /[<>&\u2028\u2029]/g;

/** JSON as encoding/json writes it: what could be read as HTML is escaped. */
export function jsonText(value: unknown, indent?: number): string {
  return escapeHtml(JSON.stringify(value, null, indent));
}

/** A JSON text with the characters escaped that Go escapes and JavaScript does not. */
function escapeHtml(json: string): string {
  // Most texts have none, and a search costs a fraction of a copy.
  return json.search(unsafe) < 0
    ? json
    : json.replace(unsafe, (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, '0')}`);
}

/** A value with the keys of all its objects in order. */
export function sortedKeys(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sortedKeys);
  if (typeof value !== 'object' || value === null) return value;
  const sorted: Record<string, unknown> = {};
  for (const key of Object.keys(value).sort(byBytes))
    defineKey(sorted, key, sortedKeys((value as Record<string, unknown>)[key]));
  return sorted;
}
