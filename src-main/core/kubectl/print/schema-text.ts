import { at, isJson, type Json, list, map, sortedKeys, text } from '../json-view.ts';

/** Group, version and kind as an OpenAPI document marks its schemas and operations with. */
export interface SchemaKind {
  readonly group: string;
  readonly version: string;
  readonly kind: string;
}

const kindMark = 'x-kubernetes-group-version-kind';

/**
 * The kind that the operations of a resource work on.
 *
 * @param root `/api/v1`, `/apis/apps/v1`.
 */
export function kindOfResource(
  document: Json,
  root: string,
  resource: string,
): SchemaKind | undefined {
  const paths = map(document, 'paths');
  for (const scope of ['/namespaces/{namespace}', ''])
    for (const object of ['/{name}', '']) {
      const operations = paths[`${root}${scope}/${resource}${object}`];
      for (const method of ['get', 'post', 'put', 'patch', 'delete']) {
        const found = at(operations, method, kindMark);
        if (isJson(found)) return kindOf(found);
      }
    }
  return undefined;
}

function kindOf(mark: unknown): SchemaKind {
  return {
    group: text(mark, 'group'),
    version: text(mark, 'version'),
    kind: text(mark, 'kind'),
  };
}

/**
 * The documentation of a kind, or of the field at a path in it, as `kubectl explain` shows it below its head.
 *
 * @param path names of fields; lists and maps are passed through to their elements.
 * @returns undefined when the document has no such kind, '' when it has no such field.
 * @see k8s.io/kubectl/pkg/explain/v2/templates/plaintext.tmpl
 */
export function describeSchema(
  document: Json,
  kind: SchemaKind,
  path: readonly string[],
  recursive: boolean,
): string | undefined {
  const schemas = map(document, 'components', 'schemas');
  for (const name of sortedKeys(schemas)) {
    const schema = schemas[name];
    const marked = list(schema, kindMark).some((mark) => {
      const { group, version, kind: own } = kindOf(mark);
      return group === kind.group && version === kind.version && own === kind.kind;
    });
    if (marked && isJson(schema))
      return new SchemaText(document, recursive).show(schema, path, new Set());
  }
  return undefined;
}

class SchemaText {
  readonly #document: Json;
  readonly #recursive: boolean;

  constructor(document: Json, recursive: boolean) {
    this.#document = document;
    this.#recursive = recursive;
  }

  /** Follows the path; `seen` holds the references met since the last field. */
  show(schema: Json, path: readonly string[], seen: ReadonlySet<string>): string {
    const reference = text(schema, '$ref');
    const resolved = this.#resolve(schema);
    const [field, ...rest] = path;
    if (field === undefined) return this.#whole(resolved);
    if (reference !== '' && seen.has(reference)) return '';
    const next = new Set([...seen, reference]);
    const property = map(resolved, 'properties')[field];
    if (isJson(property)) {
      const head =
        rest.length === 0
          ? `FIELD: ${field} <${this.#type(property)}>\n${longEnum(property)}\n\n`
          : '';
      return head + this.show(property, rest, new Set());
    }
    for (const inner of [resolved['items'], resolved['additionalProperties']])
      if (isJson(inner)) return this.show(inner, path, next);
    for (const part of list(resolved, 'allOf').filter(isJson)) {
      const shown = this.show(part, path, next);
      if (shown !== '') return shown;
    }
    return '';
  }

  #resolve(schema: Json): Json {
    const reference = text(schema, '$ref');
    if (!reference.startsWith('#/')) return schema;
    const found = at(this.#document, ...reference.slice(2).split('/'));
    return isJson(found) ? found : schema;
  }

  #whole(schema: Json): string {
    const description = this.#description(schema) || '<empty>';
    const fields = this.#fields(schema, 1, new Set());
    const docs = externalDocs(schema, 0);
    return `DESCRIPTION:\n${indent(4, wrap(76, description))}\n${docs === '' ? '' : `\n${docs}`}${fields === '' ? '' : `FIELDS:\n${fields}`}`;
  }

  #description(schema: Json): string {
    const resolved = this.#resolve(schema);
    const own = text(resolved, 'description');
    const parts = [
      ...list(resolved, 'allOf'),
      resolved['items'],
      resolved['additionalProperties'],
    ].filter(isJson);
    return `${own === '' ? '' : `${own}\n`}${parts.map((part) => this.#description(part)).join('')}`;
  }

  #fields(schema: Json, level: number, seen: ReadonlySet<string>): string {
    const reference = text(schema, '$ref');
    if (reference !== '' && seen.has(reference)) return '';
    const next = new Set([...seen, reference]);
    const resolved = this.#resolve(schema);
    const properties = map(resolved, 'properties');
    let out = '';
    for (const name of sortedKeys(properties)) {
      const property = map(properties, name);
      out += this.#field(name, property, list(resolved, 'required').includes(name), level);
      if (this.#recursive) out += this.#fields(property, level + 1, next);
    }
    const parts = [
      ...list(resolved, 'allOf'),
      resolved['items'],
      resolved['additionalProperties'],
    ].filter(isJson);
    return out + parts.map((part) => this.#fields(part, level, next)).join('');
  }

  #field(name: string, schema: Json, required: boolean, level: number): string {
    const by = level * 2;
    const line = `${' '.repeat(by)}${name}\t<${this.#type(schema)}>${required ? ' -required-' : ''}${shortEnum(schema, by)}\n`;
    if (this.#recursive) return line;
    const description = text(schema, 'description') || '<no description>';
    const docs = externalDocs(schema, by + 2);
    return `${line}${indent(by + 2, wrap(78 - by, description))}\n${docs === '' ? '' : `\n${docs}`}\n`;
  }

  /** `string`, `[]Container`, `map[string]Quantity`, … */
  #type(schema: Json): string {
    const { items, additionalProperties: values } = schema;
    if (isJson(items)) return `[]${this.#type(items)}`;
    if (isJson(values)) return `map[string]${this.#type(values)}`;
    const [only, ...others] = list(schema, 'allOf');
    if (isJson(only) && others.length === 0 && !isJson(schema['properties']))
      return this.#type(only);
    const reference = text(schema, '$ref');
    const resolved = this.#resolve(schema);
    const type = text(resolved, 'type');
    if (reference !== '' && (resolved === schema || type === '' || type === 'object'))
      return /[^./]*$/.exec(reference)?.[0] || 'Object';
    return type === '' || type === 'object' ? 'Object' : type;
  }
}

const enumText = (value: unknown): string =>
  value === '' ? '""' : typeof value === 'string' ? value : JSON.stringify(value);

const longEnum = (schema: Json): string => {
  const values = list(schema, 'enum');
  return values.length === 0
    ? ''
    : `ENUM:${values.map((value) => `\n    ${enumText(value)}`).join('')}`;
};

const shortEnum = (schema: Json, by: number): string => {
  const values = list(schema, 'enum');
  if (values.length === 0) return '';
  const more = values.length > 4 ? ', ....' : '';
  return `\n${' '.repeat(by)}enum: ${values.slice(0, 4).map(enumText).join(', ')}${more}`;
};

function externalDocs(schema: Json, by: number): string {
  const docs = schema['externalDocs'];
  if (!isJson(docs)) return '';
  const description = text(docs, 'description');
  const url = text(docs, 'url');
  return `${indent(by, 'EXTERNAL DOCS:')}\n${description === '' ? '' : `${indent(by + 4, wrap(by === 0 ? 76 : 78 - by, description))}\n`}${url === '' ? '' : `${indent(by + 4, `URL: ${url}`)}\n`}`;
}

function indent(by: number, value: string): string {
  const pad = ' '.repeat(by);
  return pad + value.replaceAll('\n', `\n${pad}`);
}

/** Breaks lines at spaces; a word longer than the limit stands as it is. */
function wrap(limit: number, value: string): string {
  return value
    .split('\n')
    .map((line) => wrapLine(limit, line))
    .join('\n');
}

/** Runs of spaces stay within a line and vanish at a break. */
function wrapLine(limit: number, line: string): string {
  let out = '';
  let length = 0;
  for (const [, spaces = '', word = ''] of line.matchAll(/([^\S\u00a0]*)([\S\u00a0]*)/g)) {
    if (spaces === '' && word === '') continue;
    const size = [...word].length;
    if (word === '') {
      if (length + spaces.length <= limit) out += spaces;
    } else if (length + spaces.length + size > limit && fits(length + spaces.length, size, limit)) {
      out += `\n${word}`;
      length = size;
    } else {
      out += spaces + word;
      length += spaces.length + size;
    }
  }
  return out;
}

/** Whether the limit is crossed while the word so far is still shorter than the limit. */
function fits(before: number, size: number, limit: number): boolean {
  const crossing = Math.max(1, limit - before + 1);
  return crossing <= size && crossing < limit;
}
