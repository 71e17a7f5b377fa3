import { jsonEqual } from '#core/base';
import { type FieldSet, isEmptySet, memberNode, type MutableFieldSet } from './fields-v1.ts';
import {
  childNode,
  isMap,
  type JsonMap,
  type MergeSchema,
  type MergeSchemas,
  type Shape,
  shapeOf,
} from './merge-schema.ts';
import { fieldElement, itemElement, type ListShape } from './typed-elements.ts';

// Rules: sigs.k8s.io/structured-merge-diff/v6/typed.

export interface Comparison {
  readonly added: FieldSet;
  readonly modified: FieldSet;
  readonly removed: FieldSet;
}

type MapShape = Shape & { kind: 'map' };

/**
 * The fields a configuration names: what an applier owns.
 * @see typed/tofieldset.go
 */
export function fieldSetOf(value: unknown, node: MergeSchema, schemas: MergeSchemas): FieldSet {
  return appliedNode(value, node, schemas) ?? {};
}

/** Undefined when only an empty list is there. */
function appliedNode(
  value: unknown,
  node: MergeSchema,
  schemas: MergeSchemas,
): FieldSet | undefined {
  const shape = shapeOf(node, schemas);
  if (shape.kind === 'map' && isMap(value)) {
    const out: MutableFieldSet = {};
    for (const key in value) {
      const child = childNode(shape, key);
      if (!child) continue;
      const entry = value[key];
      const below = appliedNode(entry, child, schemas);
      const declared = shape.properties !== undefined && Object.hasOwn(shape.properties, key);
      const itself = entry === null || (isMap(entry) && isEmptySet(entry as FieldSet)) || !declared;
      if (!below || isEmptySet(below)) {
        if (below || itself) out[fieldElement(key)] = memberNode;
      } else out[fieldElement(key)] = itself ? { '.': memberNode, ...below } : below;
    }
    return isEmptySet(out) ? (isEmptySet(value as FieldSet) ? memberNode : undefined) : out;
  }
  if (shape.kind === 'list' && Array.isArray(value)) {
    const out: MutableFieldSet = {};
    for (const item of value) {
      const element = itemElement(shape, item);
      const below = out[element] ? undefined : appliedNode(item, shape.items, schemas);
      out[element] = !below || isEmptySet(below) ? memberNode : { '.': memberNode, ...below };
    }
    return isEmptySet(out) ? undefined : out;
  }
  return memberNode;
}

/** Everything in a value that is new or gone as a whole: each container is a member itself. */
function wholeNode(value: unknown, node: MergeSchema, schemas: MergeSchemas): FieldSet {
  if (typeof value !== 'object' || value === null) return memberNode;
  const shape = shapeOf(node, schemas);
  if (shape.kind === 'map' && !Array.isArray(value)) {
    let out: MutableFieldSet | undefined;
    for (const key in value) {
      const child = childNode(shape, key);
      if (!child) continue;
      out ??= { '.': memberNode };
      out[fieldElement(key)] = wholeNode((value as JsonMap)[key], child, schemas);
    }
    return out ?? memberNode;
  }
  if (shape.kind === 'list' && Array.isArray(value)) {
    if (value.length === 0) return memberNode;
    const out: MutableFieldSet = { '.': memberNode };
    for (const [element, items] of byElement(value, shape))
      out[element] = items.length > 1 ? memberNode : wholeNode(items[0], shape.items, schemas);
    return out;
  }
  return memberNode;
}

interface Difference {
  added: FieldSet | undefined;
  modified: FieldSet | undefined;
  removed: FieldSet | undefined;
}

/**
 * What changed between two objects. Fields that a Go struct always writes count as present in both.
 * @see typed/compare.go
 */
export function compareTyped(
  old: unknown,
  now: unknown,
  node: MergeSchema,
  schemas: MergeSchemas,
): Comparison {
  const difference = compareNodes(old, now, node, schemas);
  return {
    added: difference?.added ?? {},
    modified: difference?.modified ?? {},
    removed: difference?.removed ?? {},
  };
}

function compareNodes(
  old: unknown,
  now: unknown,
  node: MergeSchema,
  schemas: MergeSchemas,
): Difference | undefined {
  if (old === now) return undefined;
  if (old === undefined)
    return { added: wholeNode(now, node, schemas), modified: undefined, removed: undefined };
  if (now === undefined)
    return { added: undefined, modified: undefined, removed: wholeNode(old, node, schemas) };
  if ((typeof old === 'object' && old !== null) || (typeof now === 'object' && now !== null)) {
    const shape = shapeOf(node, schemas);
    if (shape.kind === 'map' && (isMap(old) || old === null) && (isMap(now) || now === null))
      return compareMaps(old ?? {}, now ?? {}, shape, schemas);
    if (
      shape.kind === 'list' &&
      (Array.isArray(old) || old === null) &&
      (Array.isArray(now) || now === null)
    )
      return compareLists(old ?? [], now ?? [], shape, schemas);
    if (jsonEqual(old, now)) return undefined;
  }
  return { added: undefined, modified: memberNode, removed: undefined };
}

/** What a Go struct writes for a field that is not set; undefined: nothing. */
function alwaysWritten(shape: MapShape, child: MergeSchema): unknown {
  if (shape.properties === undefined || child.omitZero) return undefined;
  if (child.always !== undefined) return child.always;
  const value = child.default;
  return typeof value === 'object' && value !== null ? value : undefined;
}

function compareMaps(
  old: JsonMap,
  now: JsonMap,
  shape: MapShape,
  schemas: MergeSchemas,
): Difference | undefined {
  const collected = new Collected();
  for (const key in now) {
    const value = now[key];
    const before = old[key];
    if (value === before || (value === null && before === undefined)) continue;
    const child = childNode(shape, key);
    if (!child) continue;
    const difference = compareNodes(
      before === undefined ? alwaysWritten(shape, child) : before,
      value,
      child,
      schemas,
    );
    if (difference) collected.add(fieldElement(key), difference);
  }
  for (const key in old) {
    if (now[key] !== undefined) continue;
    const child = childNode(shape, key);
    if (!child) continue;
    const difference = compareNodes(old[key], alwaysWritten(shape, child), child, schemas);
    if (difference) collected.add(fieldElement(key), difference);
  }
  return collected.result();
}

function compareLists(
  old: readonly unknown[],
  now: readonly unknown[],
  shape: ListShape,
  schemas: MergeSchemas,
): Difference | undefined {
  const collected = new Collected();
  const before = byElement(old, shape);
  const after = byElement(now, shape);
  for (const [element, items] of after) {
    const earlier = before.get(element);
    if (items.length === 1 && (earlier?.length ?? 1) === 1) {
      const difference = compareNodes(earlier?.[0], items[0], shape.items, schemas);
      if (difference) collected.add(element, difference);
    } else collected.add(element, duplicates(earlier ?? [], items, shape, schemas));
  }
  for (const [element, items] of before)
    if (!after.has(element))
      collected.add(element, {
        added: undefined,
        modified: undefined,
        removed: items.length > 1 ? memberNode : wholeNode(items[0], shape.items, schemas),
      });
  return collected.result();
}

function byElement(list: readonly unknown[], shape: ListShape): Map<string, unknown[]> {
  const out = new Map<string, unknown[]>();
  for (const item of list) {
    const element = itemElement(shape, item);
    const items = out.get(element);
    if (items) items.push(item);
    else out.set(element, [item]);
  }
  return out;
}

/** Items that are there more than once count as one leaf. */
function duplicates(
  before: readonly unknown[],
  after: readonly unknown[],
  { items }: ListShape,
  schemas: MergeSchemas,
): Difference {
  const none: Difference = { added: undefined, modified: undefined, removed: undefined };
  if (before.length > 1 && after.length > 1)
    return jsonEqual(before, after) ? none : { ...none, modified: memberNode };
  return before.length > 1
    ? { ...none, added: wholeNode(after[0], items, schemas), removed: memberNode }
    : {
        ...none,
        added: memberNode,
        removed: before.length === 0 ? undefined : wholeNode(before[0], items, schemas),
      };
}

/** Gathers the differences of children. */
class Collected {
  #added: MutableFieldSet | undefined;
  #modified: MutableFieldSet | undefined;
  #removed: MutableFieldSet | undefined;

  add(element: string, { added, modified, removed }: Difference): void {
    if (added) (this.#added ??= {})[element] = added;
    if (modified) (this.#modified ??= {})[element] = modified;
    if (removed) (this.#removed ??= {})[element] = removed;
  }

  result(): Difference | undefined {
    if (!this.#added && !this.#modified && !this.#removed) return undefined;
    return { added: this.#added, modified: this.#modified, removed: this.#removed };
  }
}
