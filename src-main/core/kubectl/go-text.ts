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

/** A Go duration's text: `1m30s`, `500ms`, `0s`. */
export function goDuration(ms: number): string {
  if (ms === 0) return '0s';
  const sign = ms < 0 ? '-' : '';
  let rest = Math.abs(ms);
  if (rest < 1000) return `${sign}${rest}ms`;
  const hours = Math.floor(rest / 3_600_000);
  rest -= hours * 3_600_000;
  const minutes = Math.floor(rest / 60_000);
  rest -= minutes * 60_000;
  const seconds = `${rest / 1000}s`;
  if (hours > 0) return `${sign}${hours}h${minutes}m${seconds}`;
  return minutes > 0 ? `${sign}${minutes}m${seconds}` : `${sign}${seconds}`;
}

const unitMs: Readonly<Record<string, number>> = {
  ns: 1e-6,
  us: 1e-3,
  µs: 1e-3,
  ms: 1,
  s: 1000,
  m: 60_000,
  h: 3_600_000,
};

/** Milliseconds of a Go duration text; undefined when it is none. */
export function parseDuration(value: string): number | undefined {
  const match = /^([+-]?)((?:\d+(?:\.\d*)?|\.\d+)(?:ns|us|µs|ms|s|m|h))+$/.exec(value);
  if (value === '0') return 0;
  if (!match) return undefined;
  let total = 0;
  for (const part of value.matchAll(/(\d+(?:\.\d*)?|\.\d+)(ns|us|µs|ms|s|m|h)/g))
    total += Number(part[1]) * (unitMs[part[2] ?? ''] ?? 0);
  return value.startsWith('-') ? -total : total;
}

/** Display width: East Asian wide characters count one, as Go's tabwriter counts runes. */
export function runeCount(value: string): number {
  let count = 0;
  for (const character of value) count += character.length > 0 ? 1 : 0;
  return count;
}
