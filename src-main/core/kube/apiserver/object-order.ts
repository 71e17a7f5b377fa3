import type { DeepReadonly } from '#core/base';
import type { ObjectMeta } from '../machinery/index.ts';

/** A map as Go writes it: by key. */
function inOrder(map: Readonly<Record<string, string>>): Record<string, string> {
  const keys = Object.keys(map);
  return keys.every((key, index) => index === 0 || (keys[index - 1] ?? '') < key)
    ? map
    : Object.fromEntries(keys.sort().map((key) => [key, map[key] ?? '']));
}

/** Metadata in the order Go writes it. */
export function orderedMeta(meta: ObjectMeta): ObjectMeta {
  const out: ObjectMeta = {};
  if (meta.name) out.name = meta.name;
  if (meta.generateName) out.generateName = meta.generateName;
  if (meta.namespace) out.namespace = meta.namespace;
  if (meta.uid) out.uid = meta.uid;
  if (meta.resourceVersion) out.resourceVersion = meta.resourceVersion;
  if (meta.generation) out.generation = meta.generation;
  if (meta.creationTimestamp) out.creationTimestamp = meta.creationTimestamp;
  if (meta.deletionTimestamp) out.deletionTimestamp = meta.deletionTimestamp;
  if (meta.deletionGracePeriodSeconds !== undefined)
    out.deletionGracePeriodSeconds = meta.deletionGracePeriodSeconds;
  if (hasKeys(meta.labels)) out.labels = inOrder(meta.labels);
  if (hasKeys(meta.annotations)) out.annotations = inOrder(meta.annotations);
  if (meta.ownerReferences?.length) out.ownerReferences = meta.ownerReferences;
  if (meta.finalizers?.length) out.finalizers = meta.finalizers;
  if (meta.managedFields?.length) out.managedFields = meta.managedFields;
  return out;
}

function hasKeys<T extends object>(map: T | undefined): map is T {
  if (map) for (const _ in map) return true;
  return false;
}

/** Metadata of a custom object, kept by key, with its fields where Go's type has them. */
export function typedMeta(meta: DeepReadonly<ObjectMeta>): DeepReadonly<ObjectMeta> {
  const { ownerReferences, managedFields, ...plain } = meta;
  return orderedMeta({
    ...(plain as ObjectMeta),
    ...(ownerReferences
      ? { ownerReferences: ownerReferences.map((each) => inFieldOrder(each, ownerFields)) }
      : {}),
    ...(managedFields
      ? { managedFields: managedFields.map((each) => inFieldOrder(each, managedFieldsFields)) }
      : {}),
  } as ObjectMeta);
}

const ownerFields = ['apiVersion', 'kind', 'name', 'uid', 'controller', 'blockOwnerDeletion'];
const managedFieldsFields = [
  'manager',
  'operation',
  'apiVersion',
  'time',
  'fieldsType',
  'fieldsV1',
  'subresource',
];

function inFieldOrder(value: object, order: readonly string[]): object {
  const entries = Object.entries(value);
  return Object.fromEntries(entries.sort(([a], [b]) => order.indexOf(a) - order.indexOf(b)));
}
