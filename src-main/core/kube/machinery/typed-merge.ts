import { jsonClone } from '#core/base';
import {
  type FieldSet,
  intersectSets,
  isEmptySet,
  isMember,
  memberNode,
  type MutableFieldSet,
  subtractSet,
  unionSets,
} from './fields-v1.ts';
import {
  childNode,
  isMap,
  type JsonMap,
  type MergeSchema,
  type MergeSchemas,
  shapeOf,
} from './merge-schema.ts';
import { fieldSetOf } from './typed-compare.ts';
import { fieldElement, itemElement, type ListShape } from './typed-elements.ts';

// Rules: sigs.k8s.io/structured-merge-diff/v6/typed and merge.

/**
 * `live` with everything `config` names laid over it. Neither is changed; parts may be shared.
 * A null in the configuration empties a leaf and leaves what a map or list of the object holds.
 * @see typed/merge.go
 */
export function mergeTyped(
  live: unknown,
  config: unknown,
  node: MergeSchema,
  schemas: MergeSchemas,
): unknown {
  if (config === undefined) return live;
  if (live === undefined) return jsonClone(config);
  const shape = shapeOf(node, schemas);
  if (shape.kind === 'map') {
    const filled = isMap(live) && !isEmptySet(live as FieldSet);
    if (config === null) return filled ? live : null;
    if (!isMap(config) || !filled) return jsonClone(config);
    const out: JsonMap = { ...live };
    for (const key in config) {
      const child = childNode(shape, key);
      const merged = child
        ? mergeTyped(live[key], config[key], child, schemas)
        : jsonClone(config[key]);
      if (merged !== undefined) out[key] = merged;
    }
    return out;
  }
  if (shape.kind === 'list') {
    const filled = Array.isArray(live) && live.length > 0;
    if (config === null) return filled ? live : null;
    if (!Array.isArray(config) || !filled) return jsonClone(config);
    return mergeLists(live, config, shape, schemas);
  }
  return jsonClone(config);
}

/** Items of both in the order of the configuration; what only the object has keeps its place between them. */
function mergeLists(
  live: readonly unknown[],
  config: readonly unknown[],
  shape: ListShape,
  schemas: MergeSchemas,
): unknown[] {
  const liveElements = live.map((item) => itemElement(shape, item));
  const configElements = config.map((item) => itemElement(shape, item));
  const inLive = new Map<string, unknown>();
  liveElements.forEach((element, index) => {
    // Items that are there twice are not merged with the new one.
    inLive.set(element, inLive.has(element) ? null : live[index]);
  });
  const inConfig = new Set(configElements);
  const shared = configElements.filter((element) => inLive.has(element));
  let nextShared = shared.shift();
  const merged = new Set<string>();
  const out: unknown[] = [];
  const take = (index: number): void => {
    const element = configElements[index] ?? '';
    merged.add(element);
    const before = inLive.get(element);
    out.push(mergeTyped(before === null ? undefined : before, config[index], shape.items, schemas));
  };
  let left = 0;
  let right = 0;
  while (left < live.length || right < config.length) {
    const element = liveElements[left];
    if (element !== undefined && right < config.length) {
      if (element === configElements[right]) {
        take(right);
        left += 1;
        right += 1;
        nextShared = shared.shift();
        continue;
      }
      if (inConfig.has(element) && nextShared !== undefined && nextShared !== element) {
        left += 1;
        continue;
      }
    }
    if (element !== undefined) {
      if (!inConfig.has(element)) {
        out.push(live[left]);
        left += 1;
        continue;
      }
      if (merged.has(element)) left += 1;
    }
    if (right < config.length) {
      take(right);
      if (nextShared === configElements[right]) nextShared = shared.shift();
      right += 1;
    }
  }
  return out;
}

/** A set in which the fields of structs that lead to a member are members themselves. */
function withNamedFields(
  set: FieldSet,
  node: MergeSchema | undefined,
  schemas: MergeSchemas,
): FieldSet {
  const out: MutableFieldSet = {};
  const target = node && schemas.resolve(node);
  for (const element in set) {
    const below = set[element] as FieldSet;
    if (element === '.' || isEmptySet(below)) {
      out[element] = below;
      continue;
    }
    const name = element.startsWith('f:') ? element.slice(2) : undefined;
    const field =
      name !== undefined &&
      target?.properties !== undefined &&
      Object.hasOwn(target.properties, name)
        ? target.properties[name]
        : undefined;
    const child = name === undefined ? target?.items : (field ?? target?.additionalProperties);
    const inner = withNamedFields(below, child, schemas);
    out[element] = field ? { ...inner, '.': memberNode } : inner;
  }
  return out;
}

/** The value without the members of a set; null when nothing is left of it. @see typed/remove.go */
function removeTyped(
  value: unknown,
  set: FieldSet,
  node: MergeSchema,
  schemas: MergeSchemas,
): unknown {
  if (typeof value !== 'object' || value === null) return value;
  const shape = shapeOf(node, schemas);
  if (shape.kind === 'map' && isMap(value)) {
    const out: JsonMap = {};
    for (const key in value) {
      const below = set[fieldElement(key)];
      if (below && isMember(below)) continue;
      const child = childNode(shape, key);
      out[key] = below && child ? removeTyped(value[key], below, child, schemas) : value[key];
    }
    return isEmptySet(out as FieldSet) ? null : out;
  }
  if (shape.kind === 'list' && Array.isArray(value)) {
    const out: unknown[] = [];
    for (const item of value) {
      const below = set[itemElement(shape, item)];
      if (!below) out.push(item);
      else if (!isMember(below)) out.push(removeTyped(item, below, shape.items, schemas));
    }
    return out.length === 0 ? null : out;
  }
  return null;
}

/**
 * Takes out of a merged object what its applier named last time and nobody owns now.
 *
 * @param owned everything that is owned now, by the applier and all others.
 * @see merge/update.go, prune
 */
export function pruneTyped(
  merged: unknown,
  last: FieldSet,
  owned: FieldSet,
  node: MergeSchema,
  schemas: MergeSchemas,
): unknown {
  if (isEmptySet(last)) return merged;
  const named = (set: FieldSet): FieldSet => withNamedFields(set, node, schemas);
  const setOf = (value: unknown): FieldSet => named(fieldSetOf(value, node, schemas));
  const lastNamed = named(last);
  const all = setOf(merged);
  const kept = unionSets(setOf(removeTyped(merged, lastNamed, node, schemas)), named(owned));
  const pruned = removeTyped(merged, subtractSet(all, kept), node, schemas);
  const gone = intersectSets(subtractSet(all, setOf(pruned)), lastNamed);
  return isEmptySet(gone) ? merged : removeTyped(merged, gone, node, schemas);
}
