import { CommandError } from '../errors.ts';
import { type Json, list } from '../json-view.ts';
import { alignTable } from '../tab-writer.ts';
import { goValue } from './go-value.ts';
import { type JsonPath, JsonPathError, parseJsonPath, relaxedExpression } from './jsonpath.ts';

/**
 * The printer of `-o custom-columns`: `NAME:.metadata.name,NODE:.spec.nodeName`, or a file with a line of headers and
 * a line of paths.
 *
 * @throws CommandError
 */
export function customColumnsPrinter(
  spec: string,
  fromFile: boolean,
  noHeaders: boolean,
): (object: Json) => string {
  if (spec === '')
    throw new CommandError('custom-columns format specified but no custom columns given');
  const pairs = fromFile ? pairsOfFile(spec) : pairsOfSpec(spec);
  const columns = pairs.map(([header, path]): { header: string; path: JsonPath } => {
    try {
      return { header, path: parseJsonPath(relaxedExpression(path)) };
    } catch (error) {
      if (error instanceof JsonPathError) throw new CommandError(error.message);
      throw error;
    }
  });
  let headersDone = noHeaders;
  const remembered: number[] = [];
  return (object) => {
    const rows: string[][] = [];
    if (!headersDone) rows.push(columns.map(({ header }) => header));
    headersDone = true;
    const objects = Array.isArray(object['items']) ? (list(object, 'items') as Json[]) : [object];
    for (const item of objects) rows.push(columns.map(({ path }) => cell(item, path)));
    return alignTable(rows, remembered);
  };
}

function cell(object: Json, path: JsonPath): string {
  const values = path.find(object).flat();
  return values.length === 0
    ? '<none>'
    : values.map((value) => (value === null ? '<none>' : goValue(value))).join(',');
}

function pairsOfSpec(spec: string): [string, string][] {
  return splitColumns(spec).map((column) => {
    const colon = column.indexOf(':');
    if (colon < 0)
      throw new CommandError(
        `unexpected custom-columns spec: ${column}, expected <header>:<json-path-expr>`,
      );
    return [column.slice(0, colon), column.slice(colon + 1)];
  });
}

/** Splits at commas outside brackets. */
function splitColumns(spec: string): string[] {
  const out: string[] = [];
  let depth = 0;
  let current = '';
  for (const character of spec) {
    if ('[({'.includes(character)) depth += 1;
    if ('])}'.includes(character)) depth -= 1;
    if (character === ',' && depth === 0) {
      out.push(current);
      current = '';
    } else current += character;
  }
  out.push(current);
  return out;
}

function pairsOfFile(content: string): [string, string][] {
  const [headers = '', paths = ''] = content.split('\n');
  const names = headers.trim().split(/\s+/);
  const expressions = paths.trim().split(/\s+/);
  if (names.length !== expressions.length)
    throw new CommandError(
      `number of headers (${names.length}) and field specifications (${expressions.length}) don't match`,
    );
  return names.map((name, index) => [name, expressions[index] ?? '']);
}
