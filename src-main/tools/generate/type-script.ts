import type { ResourceInfo, SchemaNode } from '#core/kube';

/** Types the machinery already declares, by schema name. */
const machinery: Record<string, string> = Object.fromEntries(
  [
    'Condition',
    'LabelSelector',
    'LabelSelectorRequirement',
    'ListMeta',
    'ManagedFieldsEntry',
    'ObjectMeta',
    'OwnerReference',
  ].map((name) => [`io.k8s.apimachinery.pkg.apis.meta.v1.${name}`, name]),
);

/** Schemas that are one scalar, or JSON of any shape: written out where they are used. */
const scalars: Record<string, string> = {
  'io.k8s.apimachinery.pkg.api.resource.Quantity': 'Quantity',
  'io.k8s.apimachinery.pkg.util.intstr.IntOrString': 'IntOrString',
  'io.k8s.apimachinery.pkg.apis.meta.v1.Time': 'Time',
  'io.k8s.apimachinery.pkg.apis.meta.v1.MicroTime': 'Time',
  'io.k8s.apimachinery.pkg.apis.meta.v1.FieldsV1': 'JsonObject',
  'io.k8s.apimachinery.pkg.apis.meta.v1.Patch': 'JsonObject',
  'io.k8s.apimachinery.pkg.runtime.RawExtension': 'JsonObject',
  'io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1.JSON': 'JsonValue',
  'io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1.JSONSchemaPropsOrArray':
    'JSONSchemaProps | JSONSchemaProps[]',
  'io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1.JSONSchemaPropsOrBool':
    'JSONSchemaProps | boolean',
  'io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1.JSONSchemaPropsOrStringArray':
    'JSONSchemaProps | string[]',
};

/** The text of `generated/types.ts`: one type for each schema, `KindOf` and `ResourceName`. */
export function writeTypes(
  header: string,
  resources: readonly ResourceInfo[],
  schemas: ReadonlyMap<string, SchemaNode>,
): string {
  const names = typeNames(resources, schemas);
  const reference = (schema: string): string => {
    const name = scalars[schema] ?? names.get(schema);
    if (name === undefined) throw new Error(`no type for ${schema}`);
    return name;
  };
  const lines = [
    header,
    "import type { JsonObject, JsonValue } from '#core/base';",
    'import type {',
    ...Object.values(machinery).map((name) => `  ${name},`),
    "} from '../../machinery/index.ts';",
    '',
    '/** A number with a suffix: `250m`, `1Gi`. */',
    'export type Quantity = string;',
    '/** A number, or a name or percentage. */',
    'export type IntOrString = number | string;',
    '/** RFC 3339, UTC. */',
    'export type Time = string;',
    '',
  ];
  for (const [schema, node] of schemas) {
    if (scalars[schema] !== undefined || machinery[schema] !== undefined) continue;
    lines.push(declaration(reference(schema), node, reference), '');
  }
  lines.push(
    '/** The object type behind each resource, at its preferred version. */',
    'export interface KindOf {',
    ...preferred(resources).map((row) => `  '${rowKey(row)}': ${reference(row.schema)};`),
    '}',
    '/** `pods`, `deployments.apps`: a served resource. */',
    'export type ResourceName = keyof KindOf;',
    '',
  );
  return lines.join('\n');
}

const rowKey = (row: ResourceInfo) =>
  row.group === '' ? row.resource : `${row.resource}.${row.group}`;

/** Rows of the first version in which a resource is listed: discovery has the preferred version first. */
function preferred(resources: readonly ResourceInfo[]): ResourceInfo[] {
  const first = new Map<string, ResourceInfo>();
  for (const row of resources) if (!first.has(rowKey(row))) first.set(rowKey(row), row);
  return [...first.values()];
}

/**
 * Bare names where they are free: served kinds take theirs first, then all else; the core group before the others,
 * which follow in the order of discovery.
 * A name already taken gets its group and version in front: `AutoscalingV1HorizontalPodAutoscaler`.
 */
function typeNames(
  resources: readonly ResourceInfo[],
  schemas: ReadonlyMap<string, SchemaNode>,
): Map<string, string> {
  const packages = [...new Set(resources.map((row) => packageOf(row.schema)))];
  const kinds = new Set(resources.map((row) => row.schema));
  const rank = (schema: string) => {
    const index = packages.indexOf(packageOf(schema));
    const place = index === -1 ? packages.length : index;
    return kinds.has(schema) ? place : packages.length + 1 + place;
  };
  const names = new Map<string, string>();
  const taken = new Set(['Quantity', 'IntOrString', 'Time', 'KindOf', 'ResourceName']);
  for (const [schema, name] of Object.entries(machinery)) {
    names.set(schema, name);
    taken.add(name);
  }
  for (const schema of [...schemas.keys()].sort((a, b) => rank(a) - rank(b))) {
    if (names.has(schema)) continue;
    const bare = schema.slice(schema.lastIndexOf('.') + 1);
    const parts = packageOf(schema).split('.');
    const name = taken.has(bare) ? [...parts.slice(-2).map(capital), bare].join('') : bare;
    if (taken.has(name)) throw new Error(`two types are named ${name}`);
    taken.add(name);
    names.set(schema, name);
  }
  return names;
}

const packageOf = (schema: string) => schema.slice(0, schema.lastIndexOf('.'));
const capital = (word: string) => word.charAt(0).toUpperCase() + word.slice(1);

/**
 * Objects are type aliases, not interfaces: only those are assignable to `KubeObject`, whose index signature
 * TypeScript does not infer for an interface.
 */
function declaration(
  name: string,
  node: SchemaNode,
  reference: (schema: string) => string,
): string {
  if (!node.properties) return `export type ${name} = ${typeOf(node, reference)};`;
  const isKind =
    node.properties['kind'] !== undefined && node.properties['apiVersion'] !== undefined;
  const required = new Set(node.required);
  if (isKind) {
    required.add('apiVersion').add('kind');
    // The server fills it in, and every object it hands out has it.
    if (node.properties['metadata']) required.add('metadata');
  }
  const fields = Object.entries(node.properties).map(([field, property]) => {
    const key = /^[A-Za-z_]\w*$/.test(field) ? field : `'${field}'`;
    return `  ${key}${required.has(field) ? '' : '?'}: ${typeOf(property, reference)};`;
  });
  return [`export type ${name} = {`, ...fields, '};'].join('\n');
}

function typeOf(node: SchemaNode, reference: (schema: string) => string): string {
  if (node.ref !== undefined) return reference(node.ref);
  if (node.items) {
    const item = typeOf(node.items, reference);
    return item.includes(' ') ? `(${item})[]` : `${item}[]`;
  }
  if (node.additionalProperties)
    return `Record<string, ${typeOf(node.additionalProperties, reference)}>`;
  switch (node.type) {
    case 'string':
      return 'string';
    case 'integer':
    case 'number':
      return 'number';
    case 'boolean':
      return 'boolean';
    case 'object':
      return 'JsonObject';
    case 'array':
    case undefined:
    default:
      return 'JsonValue';
  }
}
