/** What merging needs to know of a type; the schemas of `apis` have this form. */
export interface MergeSchema {
  readonly type?: string;
  readonly format?: string;
  readonly ref?: string;
  readonly properties?: Readonly<Record<string, MergeSchema>>;
  readonly required?: readonly string[];
  readonly items?: MergeSchema;
  readonly additionalProperties?: MergeSchema;
  readonly default?: unknown;
  /** What Go writes for a field that is not set. */
  readonly always?: unknown;
  readonly omitZero?: boolean;
  readonly listType?: 'atomic' | 'set' | 'map';
  readonly listMapKeys?: readonly string[];
  readonly mapType?: 'atomic' | 'granular';
  readonly patchStrategy?: string;
  readonly patchMergeKey?: string;
  readonly preserveUnknownFields?: boolean;
}

/** Follows the `ref` of a node. */
export interface MergeSchemas {
  resolve(node: MergeSchema): MergeSchema;
}

export type JsonMap = Record<string, unknown>;

export function isMap(value: unknown): value is JsonMap {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** How a value merges, after refs and the older patch annotations are taken into account. */
export type Shape =
  | { readonly kind: 'leaf' }
  | {
      readonly kind: 'map';
      readonly properties: Readonly<Record<string, MergeSchema>> | undefined;
      readonly values: MergeSchema | undefined;
      readonly required: readonly string[];
      /** Fields that are not declared may be there. */
      readonly open: boolean;
    }
  | {
      readonly kind: 'list';
      /** Empty for a set. */
      readonly keys: readonly string[];
      readonly items: MergeSchema;
      readonly defaults: Readonly<Record<string, unknown>>;
    };

const leaf: Shape = { kind: 'leaf' };
const untyped: MergeSchema = { preserveUnknownFields: true };
const shapes = new WeakMap<MergeSchema, Shape>();

/** The shape of a node; remembered for each node object. */
export function shapeOf(node: MergeSchema, schemas: MergeSchemas): Shape {
  let shape = shapes.get(node);
  if (!shape) {
    shape = computeShape(node, schemas);
    shapes.set(node, shape);
  }
  return shape;
}

function computeShape(node: MergeSchema, schemas: MergeSchemas): Shape {
  const target = schemas.resolve(node);
  if (target.properties) {
    if ((node.mapType ?? target.mapType) === 'atomic') return leaf;
    return {
      kind: 'map',
      properties: target.properties,
      values: target.additionalProperties,
      required: target.required ?? [],
      open: target.preserveUnknownFields ?? false,
    };
  }
  if (target.additionalProperties) {
    if ((node.mapType ?? target.mapType) === 'atomic') return leaf;
    return {
      kind: 'map',
      properties: undefined,
      values: target.additionalProperties,
      required: [],
      open: true,
    };
  }
  if (target.preserveUnknownFields && target.type !== 'array')
    return { kind: 'map', properties: undefined, values: untyped, required: [], open: true };
  if (!target.items) return leaf;
  let listType = node.listType ?? target.listType;
  let keys = node.listMapKeys ?? target.listMapKeys ?? [];
  if (listType === undefined && node.patchStrategy?.includes('merge')) {
    listType = node.patchMergeKey === undefined ? 'set' : 'map';
    keys = node.patchMergeKey === undefined ? [] : [node.patchMergeKey];
  }
  if (listType === undefined || listType === 'atomic') return leaf;
  const item = schemas.resolve(target.items);
  const defaults: Record<string, unknown> = {};
  for (const key of keys) {
    const property = item.properties?.[key];
    if (property?.default !== undefined) defaults[key] = property.default;
  }
  return {
    kind: 'list',
    keys: listType === 'set' ? [] : [...keys].sort(),
    items: target.items,
    defaults,
  };
}

/** The node of a field or map entry; undefined when the schema knows no such field. */
export function childNode(shape: Shape & { kind: 'map' }, key: string): MergeSchema | undefined {
  const properties = shape.properties;
  if (properties !== undefined && Object.hasOwn(properties, key)) return properties[key];
  return shape.values ?? (shape.open ? untyped : undefined);
}
