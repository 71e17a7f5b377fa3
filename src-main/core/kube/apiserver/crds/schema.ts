import type { SchemaNode, SchemaSet } from '../../apis/index.ts';
import {
  at,
  isMap,
  type JsonMap,
  listOf,
  mapOf,
  textAt,
  textOf,
  textsOf,
} from '../fields/index.ts';

const objectMeta = 'io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta';

/** The schema of one version of a definition: `openAPIV3Schema` as it is written. */
export function versionSchema(version: unknown): JsonMap {
  return mapOf(at(version, 'schema', 'openAPIV3Schema'));
}

/** `com.example.v1.Backup` for kind Backup of example.com/v1. @see pkg/controller/openapi/builder */
export function schemaName(group: string, version: string, kind: string): string {
  return [...group.split('.').reverse(), version, kind].join('.');
}

/** A structural schema as the server's own shape of schemas. */
export function schemaNode(schema: JsonMap, root = true): SchemaNode {
  const type = textOf(schema['type']);
  const intOrString = schema['x-kubernetes-int-or-string'] === true;
  const embedded = root || schema['x-kubernetes-embedded-resource'] === true;
  const properties = Object.fromEntries(
    Object.entries(mapOf(schema['properties'])).map(([name, property]) => [
      name,
      schemaNode(mapOf(property), false),
    ]),
  );
  if (embedded) {
    properties['apiVersion'] = { type: 'string' };
    properties['kind'] = { type: 'string' };
    properties['metadata'] = { ref: objectMeta };
  }
  const format = intOrString ? 'int-or-string' : textOf(schema['format']);
  const listType = textOf(schema['x-kubernetes-list-type']);
  const mapType = textOf(schema['x-kubernetes-map-type']);
  const required = textsOf(schema['required']);
  const enumeration = listOf(schema['enum']).filter((each) => typeof each === 'string');
  return {
    ...(type === '' || intOrString ? {} : { type: type as NonNullable<SchemaNode['type']> }),
    ...(embedded && type === '' ? { type: 'object' as const } : {}),
    ...(format === '' ? {} : { format }),
    ...(Object.keys(properties).length === 0 ? {} : { properties }),
    ...(required.length === 0 ? {} : { required }),
    ...(isMap(schema['items']) ? { items: schemaNode(schema['items'], false) } : {}),
    ...(isMap(schema['additionalProperties'])
      ? { additionalProperties: schemaNode(schema['additionalProperties'], false) }
      : {}),
    ...(schema['additionalProperties'] === true ? { preserveUnknownFields: true } : {}),
    ...(enumeration.length === 0 ? {} : { enum: enumeration }),
    ...(schema['default'] === undefined ? {} : { default: schema['default'] }),
    ...(listType === '' ? {} : { listType: listType as NonNullable<SchemaNode['listType']> }),
    ...(listType === 'map' ? { listMapKeys: textsOf(schema['x-kubernetes-list-map-keys']) } : {}),
    ...(mapType === '' ? {} : { mapType: mapType as NonNullable<SchemaNode['mapType']> }),
    ...(schema['x-kubernetes-preserve-unknown-fields'] === true
      ? { preserveUnknownFields: true }
      : {}),
    ...(schema['nullable'] === true ? { nullable: true } : {}),
  };
}

/** A set of the custom kinds' schemas over the built-in ones. */
export function schemaSet(
  own: ReadonlyMap<string, SchemaNode>,
  builtin: SchemaSet | undefined,
): SchemaSet {
  const get = (name: string): SchemaNode | undefined => own.get(name) ?? builtin?.get(name);
  return {
    get,
    resolve(node) {
      let current = node;
      for (let i = 0; current.ref !== undefined && i < 32; i++) {
        const next = get(current.ref);
        if (!next) return { type: 'object', preserveUnknownFields: true };
        current = next;
      }
      return current;
    },
  };
}

const rootFields = new Set(['apiVersion', 'kind', 'metadata']);

/**
 * Removes what the schema does not know, in place.
 * @returns the paths of removed fields in byte order.
 * @see apiextensions-apiserver/pkg/apiserver/schema/pruning
 */
export function pruneObject(schema: JsonMap, draft: object): string[] {
  const removed: string[] = [];
  prune(schema, draft, '', true, removed);
  return removed.sort();
}

function prune(
  schema: JsonMap,
  value: unknown,
  path: string,
  embedded: boolean,
  removed: string[],
): void {
  if (Array.isArray(value)) {
    const items = schema['items'];
    if (!isMap(items)) return;
    value.forEach((item, index) =>
      prune(items, item, `${path}[${index}]`, isEmbedded(items), removed),
    );
    return;
  }
  if (!isMap(value)) return;
  const properties = mapOf(schema['properties']);
  const additional = schema['additionalProperties'];
  const preserve = schema['x-kubernetes-preserve-unknown-fields'] === true;
  for (const name of Object.keys(value)) {
    if (embedded && rootFields.has(name)) continue;
    const child = path === '' ? name : `${path}.${name}`;
    const property = properties[name];
    if (isMap(property)) prune(property, value[name], child, isEmbedded(property), removed);
    else if (isMap(additional))
      prune(additional, value[name], child, isEmbedded(additional), removed);
    else if (!preserve && additional !== true) {
      delete (value as Record<string, unknown>)[name];
      removed.push(child);
    }
  }
}

const isEmbedded = (schema: JsonMap): boolean => schema['x-kubernetes-embedded-resource'] === true;

/**
 * Fills in defaults, in place; an explicit null where null is not allowed counts as absent.
 * @see apiextensions-apiserver/pkg/apiserver/schema/defaulting
 */
export function applyDefaults(schema: JsonMap, value: unknown, root = true): void {
  if (Array.isArray(value)) {
    const items = schema['items'];
    if (isMap(items)) for (const item of value) applyDefaults(items, item, false);
    return;
  }
  if (!isMap(value)) return;
  const draft = value as Record<string, unknown>;
  for (const [name, property] of Object.entries(mapOf(schema['properties']))) {
    if (!isMap(property) || (root && rootFields.has(name))) continue;
    const current = draft[name];
    const absent =
      current === undefined ||
      (current === null && property['nullable'] !== true && property['default'] !== undefined);
    if (absent && property['default'] !== undefined)
      draft[name] = structuredClone(property['default']);
    // A null that may not be and has no default is dropped, as pruning does upstream.
    else if (current === null && property['nullable'] !== true) delete draft[name];
    applyDefaults(property, draft[name], false);
  }
  const additional = schema['additionalProperties'];
  if (isMap(additional))
    for (const [name, item] of Object.entries(draft))
      if (!isMap(at(schema, 'properties', name))) applyDefaults(additional, item, false);
}

/** Versions of a definition. */
export function versionsOf(crd: unknown): readonly JsonMap[] {
  return listOf(at(crd, 'spec', 'versions')).filter(isMap);
}

/** The name of the storage version; '' when none is marked. */
export function storageVersionOf(crd: unknown): string {
  return textAt(
    versionsOf(crd).find((version) => version['storage'] === true),
    'name',
  );
}
