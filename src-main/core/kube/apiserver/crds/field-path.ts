import { at, isMap, type JsonMap, mapOf } from '../fields/index.ts';

const delimiters = new Set(['.', '[', ']']);

/** Splits a path at its delimiters; what stands in quotes is one part. */
function tokens(path: string): string[] {
  const parts: string[] = [];
  let part = '';
  let quoted = false;
  for (let i = 0; i < path.length; i++) {
    const char = path[i] ?? '';
    if (quoted) {
      part += char;
      if (char === "'" && path[i - 1] !== '\\') {
        quoted = false;
        parts.push(part);
        part = '';
      }
    } else if (delimiters.has(char)) {
      if (part !== '') parts.push(part);
      part = '';
      parts.push(char);
    } else {
      quoted = char === "'" && part === '';
      part += char;
    }
  }
  return part === '' ? parts : [...parts, part];
}

const escapes: Readonly<Record<string, string>> = {
  a: '\u0007',
  b: '\b',
  f: '\f',
  n: '\n',
  r: '\r',
  t: '\t',
  v: '\v',
  "'": "'",
  '\\': '\\',
};

/**
 * The field that a rule's `fieldPath` names, as messages print it; undefined: the schema has no such field.
 * @see apiextensions-apiserver/pkg/apiserver/schema/cel/validation.go, ValidFieldPath
 */
export function fieldPathOf(path: string, root: JsonMap): string | undefined {
  const parts = tokens(path);
  let schema = root;
  let shown = '';
  for (let i = 0; i < parts.length;) {
    let name: string | undefined;
    if (parts[i] === '.') {
      name = parts[i + 1];
      i += 2;
    } else if (parts[i] === '[' && parts[i + 2] === ']') {
      const quoted = /^'(.*)'$/s.exec(parts[i + 1] ?? '')?.[1];
      name = quoted?.replace(/\\(.)/gs, (all, char: string) => escapes[char] ?? all);
      i += 3;
    }
    if (name === undefined) return undefined;
    const properties = schema['properties'];
    const next = isMap(properties) ? at(properties, name) : schema['additionalProperties'];
    if (!isMap(next)) return undefined;
    if (!isMap(properties)) shown += `[${name}]`;
    else shown += shown === '' ? name : `.${name}`;
    schema = mapOf(next);
  }
  return shown;
}
