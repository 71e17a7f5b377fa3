import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { PatchStrategy, SchemaNode } from '#core/kube';
import { fileStem, servedGroupVersions } from './resources.ts';
import { readJson, type Sources } from './sources.ts';
import { goFacts } from './go-facts.ts';

type Mutable<T> = { -readonly [Key in keyof T]: T[Key] };

/** The part of an OpenAPI v3 schema that upstream's documents use. */
interface OpenApiSchema {
  type?: NonNullable<SchemaNode['type']>;
  format?: string;
  $ref?: string;
  allOf?: { $ref: string }[];
  properties?: Record<string, OpenApiSchema>;
  required?: string[];
  items?: OpenApiSchema;
  additionalProperties?: OpenApiSchema;
  default?: unknown;
  'x-kubernetes-list-type'?: NonNullable<SchemaNode['listType']>;
  'x-kubernetes-list-map-keys'?: string[];
  'x-kubernetes-map-type'?: NonNullable<SchemaNode['mapType']>;
  'x-kubernetes-patch-strategy'?: PatchStrategy;
  'x-kubernetes-patch-merge-key'?: string;
  'x-kubernetes-group-version-kind'?: { group: string; version: string; kind: string }[];
  'x-kubernetes-unions'?: NonNullable<SchemaNode['unions']>;
}

const meta = 'io.k8s.apimachinery.pkg.apis.meta.v1';
const apiextensions = 'io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1';

/** Types with a JSON form of their own, which their OpenAPI does not tell. */
const special: Record<string, SchemaNode> = {
  'io.k8s.apimachinery.pkg.api.resource.Quantity': { type: 'string', format: 'quantity' },
  'io.k8s.apimachinery.pkg.util.intstr.IntOrString': { format: 'int-or-string' },
  'io.k8s.apimachinery.pkg.runtime.RawExtension': { type: 'object', preserveUnknownFields: true },
  [`${meta}.FieldsV1`]: { type: 'object', preserveUnknownFields: true },
  [`${meta}.Patch`]: { type: 'object', preserveUnknownFields: true },
  [`${apiextensions}.JSON`]: { preserveUnknownFields: true },
  [`${apiextensions}.JSONSchemaPropsOrArray`]: { preserveUnknownFields: true },
  [`${apiextensions}.JSONSchemaPropsOrBool`]: { preserveUnknownFields: true },
  [`${apiextensions}.JSONSchemaPropsOrStringArray`]: { preserveUnknownFields: true },
};

/** Schemas by name, sorted, of every type that a served group-version speaks. */
export function readSchemas(sources: Sources): Map<string, SchemaNode> {
  const enums = readEnums(sources);
  const found = new Map<string, SchemaNode>();
  const stems = [...servedGroupVersions(sources).map(fileStem), 'api', 'apis', 'version'];
  for (const stem of stems) {
    const document = readJson<{ components: { schemas?: Record<string, OpenApiSchema> } }>(
      join(sources.kubernetes, 'api/openapi-spec/v3', `${stem}_openapi.json`),
    );
    for (const [name, schema] of Object.entries(document.components.schemas ?? {}))
      if (!found.has(name)) {
        const kinds = schema['x-kubernetes-group-version-kind'];
        found.set(name, {
          ...(special[name] ?? toNode(schema, name, enums)),
          ...(kinds ? { kinds } : {}),
        });
      }
  }
  const facts = goFacts(sources);
  const resolve = (node: SchemaNode): SchemaNode =>
    node.ref === undefined ? node : resolve(found.get(node.ref) ?? {});
  const withZeros = (name: string, node: SchemaNode): SchemaNode =>
    node.properties
      ? {
          ...node,
          properties: Object.fromEntries(
            inOrder(Object.entries(node.properties), facts.order(name)).map(([field, property]) => [
              field,
              { ...property, ...facts.unset(name, field, property, resolve(property)) },
            ]),
          ),
        }
      : node;
  return new Map(
    [...found]
      .map(([name, node]): [string, SchemaNode] => [name, withZeros(name, node)])
      .sort(([a], [b]) => (a < b ? -1 : 1)),
  );
}

/** Properties as Go declares them; those of another place behind them. */
function inOrder<T>(entries: [string, T][], order: readonly string[]): [string, T][] {
  const rank = ([name]: [string, T]): number => {
    const index = order.indexOf(name);
    return index < 0 ? order.length : index;
  };
  return entries.sort((a, b) => rank(a) - rank(b));
}

function toNode(schema: OpenApiSchema, path: string, enums: Map<string, string[]>): SchemaNode {
  const node: Mutable<SchemaNode> = {};
  const ref = schema.$ref ?? schema.allOf?.[0]?.$ref;
  if (ref !== undefined) node.ref = ref.slice(ref.lastIndexOf('/') + 1);
  if (schema.type !== undefined) node.type = schema.type;
  if (schema.format !== undefined) node.format = schema.format;
  if (schema.default !== undefined) node.default = schema.default;
  const values = enums.get(path);
  if (values) node.enum = values;
  if (schema.required) node.required = schema.required;
  if (schema.properties)
    node.properties = Object.fromEntries(
      Object.entries(schema.properties).map(([name, property]) => [
        name,
        toNode(property, `${path}/${name}`, enums),
      ]),
    );
  if (schema.items) node.items = toNode(schema.items, `${path}/[]`, enums);
  if (schema.additionalProperties)
    node.additionalProperties = toNode(schema.additionalProperties, `${path}/{}`, enums);
  if (schema['x-kubernetes-list-type']) node.listType = schema['x-kubernetes-list-type'];
  if (schema['x-kubernetes-list-map-keys']) node.listMapKeys = schema['x-kubernetes-list-map-keys'];
  if (schema['x-kubernetes-map-type']) node.mapType = schema['x-kubernetes-map-type'];
  if (schema['x-kubernetes-patch-strategy'])
    node.patchStrategy = schema['x-kubernetes-patch-strategy'];
  if (schema['x-kubernetes-patch-merge-key'])
    node.patchMergeKey = schema['x-kubernetes-patch-merge-key'];
  if (schema['x-kubernetes-unions']) node.unions = schema['x-kubernetes-unions'];
  return node;
}

/**
 * Enum values, by `schema/property` path. The OpenAPI files upstream commits are written without the
 * OpenAPIEnums feature a real server has on, so they are read from the Go definitions behind the documents.
 */
function readEnums(sources: Sources): Map<string, string[]> {
  const text = readFileSync(
    join(sources.kubernetes, 'pkg/generated/openapi/zz_generated.openapi.go'),
    'utf8',
  );
  const enums = new Map<string, string[]>();
  let schema = '';
  let open: { indent: number; name: string }[] = [];
  for (const line of text.split('\n')) {
    const head = /^func schema_(\w+)\(ref /.exec(line);
    if (head?.[1] !== undefined) {
      schema = schemaName(head[1]);
      open = [];
      continue;
    }
    const indent = line.length - line.trimStart().length;
    const part = /^\t+(?:"([^"]+)": |(Items|AdditionalProperties): .*)\{$/.exec(line);
    if (part) {
      open = open.filter((one) => one.indent < indent);
      open.push({ indent, name: part[1] ?? (part[2] === 'Items' ? '[]' : '{}') });
      continue;
    }
    const values = /^\t+Enum:\s+\[\]interface\{\}\{(.*)\},$/.exec(line)?.[1];
    if (values === undefined) continue;
    const path = [schema, ...open.filter((one) => one.indent < indent).map(({ name }) => name)];
    enums.set(path.join('/'), JSON.parse(`[${values}]`) as string[]);
  }
  if (enums.size === 0) throw new Error('no enums found: has the Go file changed its form?');
  return enums;
}

/** `k8sio_api_core_v1_Pod` → `io.k8s.api.core.v1.Pod`: the inverse of openapi-gen's function names. */
function schemaName(goName: string): string {
  const dotted = goName.replaceAll('_', '.');
  return dotted
    .replace(/^k8sio\.api\./, 'io.k8s.api.')
    .replace(/^pkg\.apis\.meta\./, 'io.k8s.apimachinery.pkg.apis.meta.')
    .replace(
      /^pkg\.apis\.apiextensions\./,
      'io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.',
    )
    .replace(/^pkg\.apis\.apiregistration\./, 'io.k8s.kube-aggregator.pkg.apis.apiregistration.');
}
