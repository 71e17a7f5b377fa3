/** JSON with sorted keys and Go's escapes, indented by four spaces, as `-o json` prints. */
export function formatJson(
  value: unknown,
  options: { sort?: boolean; indent?: number } = {},
): string {
  return escapeHtml(
    JSON.stringify(options.sort === false ? value : sortKeys(value), null, options.indent ?? 4),
  );
}

/** JSON on one line with Go's escapes. */
export function compactJson(value: unknown, sort = true): string {
  return escapeHtml(JSON.stringify(sort ? sortKeys(value) : value));
}

/** As encoding/json: `<`, `>`, `&`, U+2028 and U+2029 are escaped. */
function escapeHtml(json: string): string {
  return json.replace(
    /[<>&\u2028\u2029]/g,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}

export function sortKeys(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sortKeys);
  if (typeof value !== 'object' || value === null) return value;
  const source = value as Record<string, unknown>;
  const out: Record<string, unknown> = {};
  for (const key of Object.keys(source).sort()) out[key] = sortKeys(source[key]);
  return out;
}

/** Go's `%q`. */
export function quote(value: string): string {
  return JSON.stringify(value).replace(/\\u00(0[0-9a-f]|1[0-9a-f]|7f)/g, '\\x$1');
}

/** Go's strings.Title-like upper case of the first letter. */
export function title(value: string): string {
  return value.charAt(0).toUpperCase() + value.slice(1);
}

/** `5` + `pod` -> as Go's `%v` of a string list. */
export function goList(values: readonly string[]): string {
  return `[${values.join(' ')}]`;
}

/** Display width: East Asian wide characters count one, as Go's tabwriter counts runes. */
export function runeCount(value: string): number {
  let count = 0;
  for (const character of value) count += character.length > 0 ? 1 : 0;
  return count;
}
