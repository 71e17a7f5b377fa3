import type { JsonObject, JsonValue } from '#core/base';
import { builtinSchemas } from '../schemas.ts';
import type { SchemaNode } from '../types.ts';

/**
 * Prose of the API: of a type, or of one of its fields; undefined when there is none.
 *
 * @param schema name of the type: `io.k8s.api.core.v1.PodSpec`.
 */
export type Descriptions = (schema: string, field?: string) => string | undefined;

/** Prose out of a table by type and field, the type's own under the empty field. */
export function descriptionsOf(
  texts: Readonly<Record<string, Readonly<Record<string, string>>>>,
): Descriptions {
  return (schema, field = '') => texts[schema]?.[field];
}

/** Where references lead: `#/components/schemas/` in version 3, `#/definitions/` in version 2. */
export interface Dialect {
  readonly prefix: string;
  readonly isV3: boolean;
}
export const dialects = {
  v2: { prefix: '#/definitions/', isV3: false },
  v3: { prefix: '#/components/schemas/', isV3: true },
} as const satisfies Record<string, Dialect>;

const quantity = 'io.k8s.apimachinery.pkg.api.resource.Quantity';
const intOrString = 'io.k8s.apimachinery.pkg.util.intstr.IntOrString';

/** A built-in type as OpenAPI writes it. */
export function schemaDocument(
  name: string,
  descriptions: Descriptions,
  dialect: Dialect,
): JsonObject {
  const node = builtinSchemas.get(name);
  if (!node) throw new Error(`schema ${name} is referred to but not in the set`);
  const document: JsonObject = {};
  const description = descriptions(name);
  if (description !== undefined) document['description'] = description;
  if (name === quantity && dialect.isV3)
    document['oneOf'] = [{ type: 'string' }, { type: 'number' }];
  else if (name === intOrString)
    Object.assign(
      document,
      { format: 'int-or-string' },
      dialect.isV3 ? { oneOf: [{ type: 'integer' }, { type: 'string' }] } : { type: 'string' },
    );
  else if (name === quantity) document['type'] = 'string';
  else writeNode(document, node, name, descriptions, dialect);
  if (node.kinds)
    document['x-kubernetes-group-version-kind'] = node.kinds.map((kind) => ({ ...kind }));
  return document;
}

function writeNode(
  document: JsonObject,
  node: SchemaNode,
  schema: string,
  descriptions: Descriptions,
  dialect: Dialect,
): void {
  if (node.type !== undefined) document['type'] = node.type;
  if (node.format !== undefined) document['format'] = node.format;
  // Version 2 of upstream's documents has no defaults, and no enums.
  if (node.default !== undefined && dialect.isV3) document['default'] = node.default as JsonValue;
  if (node.enum && dialect.isV3) document['enum'] = [...node.enum];
  if (node.required) document['required'] = [...node.required];
  if (node.properties) {
    const properties: JsonObject = {};
    // The schemas have Go's order.
    for (const [field, property] of Object.entries(node.properties).sort(([a], [b]) =>
      a < b ? -1 : 1,
    ))
      properties[field] = fieldDocument(property, schema, descriptions, dialect, field);
    document['properties'] = properties;
  }
  if (node.items) document['items'] = fieldDocument(node.items, schema, descriptions, dialect);
  if (node.additionalProperties)
    document['additionalProperties'] = fieldDocument(
      node.additionalProperties,
      schema,
      descriptions,
      dialect,
    );
  if (node.listType) document['x-kubernetes-list-type'] = node.listType;
  if (node.listMapKeys) document['x-kubernetes-list-map-keys'] = [...node.listMapKeys];
  if (node.mapType) document['x-kubernetes-map-type'] = node.mapType;
  if (node.patchStrategy) document['x-kubernetes-patch-strategy'] = node.patchStrategy;
  if (node.patchMergeKey) document['x-kubernetes-patch-merge-key'] = node.patchMergeKey;
  if (node.unions) document['x-kubernetes-unions'] = node.unions.map((union) => ({ ...union }));
}

function fieldDocument(
  node: SchemaNode,
  schema: string,
  descriptions: Descriptions,
  dialect: Dialect,
  field?: string,
): JsonObject {
  const document: JsonObject = {};
  const description = field === undefined ? undefined : descriptions(schema, field);
  if (description !== undefined) document['description'] = description;
  writeNode(document, node, schema, descriptions, dialect);
  if (node.ref !== undefined) {
    const $ref = `${dialect.prefix}${node.ref}`;
    // Beside a bare $ref everything is ignored, so version 3 wraps it when something stands there.
    if (dialect.isV3 && Object.keys(document).length > 0) document['allOf'] = [{ $ref }];
    else document['$ref'] = $ref;
  }
  return document;
}

/** Names a built-in type refers to, directly. */
export function referencesOf(name: string): string[] {
  const found: string[] = [];
  const visit = (node: SchemaNode): void => {
    if (node.ref !== undefined) found.push(node.ref);
    for (const property of Object.values(node.properties ?? {})) visit(property);
    if (node.items) visit(node.items);
    if (node.additionalProperties) visit(node.additionalProperties);
  };
  visit(builtinSchemas.get(name) ?? {});
  return found;
}

/** The names and all they lead to, sorted. */
export function closure(names: Iterable<string>): string[] {
  const seen = new Set<string>();
  const queue = [...names];
  for (let name = queue.pop(); name !== undefined; name = queue.pop()) {
    if (seen.has(name)) continue;
    seen.add(name);
    queue.push(...referencesOf(name));
  }
  return [...seen].sort();
}
