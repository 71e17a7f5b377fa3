import { jsonClone, jsonEqual } from '#core/base';
import {
  type FieldSet,
  isEmptySet,
  isMember,
  memberNode,
  type MutableFieldSet,
} from './fields-v1.ts';
import {
  childNode,
  isMap,
  type JsonMap,
  type MergeSchema,
  type MergeSchemas,
  type Shape,
  shapeOf,
} from './merge-schema.ts';

import { goText } from './patches.ts';

// Rules: sigs.k8s.io/structured-merge-diff/v6/typed.

export interface Comparison {
  readonly added: FieldSet;
  readonly modified: FieldSet;
  readonly removed: FieldSet;
}

/** A value that its schema does not allow; the message names the path as upstream does. */
export class TypedValueError extends Error {
  override readonly name = 'TypedValueError';
}

type ListShape = Shape & { kind: 'list' };
type MapShape = Shape & { kind: 'map' };

/** The path element of a list's item. */
function itemElement(shape: ListShape, item: unknown): string {
  if (shape.keys.length === 0) return `v:${JSON.stringify(item)}`;
  const key: JsonMap = {};
  for (const name of shape.keys)
    key[name] = (isMap(item) ? item[name] : undefined) ?? shape.defaults[name] ?? null;
  return `k:${JSON.stringify(key)}`;
}

const fieldElements = new Map<string, string>();
function fieldElement(key: string): string {
  let element = fieldElements.get(key);
  if (element === undefined) {
    element = `f:${key}`;
    if (fieldElements.size < 20_000) fieldElements.set(key, element);
  }
  return element;
}

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
      const below = appliedNode(item, shape.items, schemas);
      out[itemElement(shape, item)] =
        !below || isEmptySet(below) ? memberNode : { '.': memberNode, ...below };
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
    for (const item of value) out[itemElement(shape, item)] = wholeNode(item, shape.items, schemas);
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
function alwaysWritten(shape: MapShape, key: string, child: MergeSchema): unknown {
  if (shape.properties === undefined) return undefined;
  const value = child.default;
  if (value === '' || value === 0 || value === false) return value;
  if (typeof value === 'object' && value !== null) return value;
  return shape.required.includes(key) ? null : undefined;
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
      before === undefined ? alwaysWritten(shape, key, child) : before,
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
    const difference = compareNodes(old[key], alwaysWritten(shape, key, child), child, schemas);
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
  const before = new Map<string, unknown>();
  for (const item of old) before.set(itemElement(shape, item), item);
  const seen = new Set<string>();
  for (const item of now) {
    const element = itemElement(shape, item);
    if (seen.has(element)) continue;
    seen.add(element);
    const difference = compareNodes(before.get(element), item, shape.items, schemas);
    if (difference) collected.add(element, difference);
  }
  for (const [element, item] of before)
    if (!seen.has(element))
      collected.add(element, {
        added: undefined,
        modified: undefined,
        removed: wholeNode(item, shape.items, schemas),
      });
  return collected.result();
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

/**
 * `live` with everything `config` names laid over it. Neither is changed; parts may be shared.
 * @see typed/merge.go
 */
export function mergeTyped(
  live: unknown,
  config: unknown,
  node: MergeSchema,
  schemas: MergeSchemas,
): unknown {
  if (config === undefined) return live;
  if (live === undefined || live === null || config === null) return jsonClone(config);
  const shape = shapeOf(node, schemas);
  if (shape.kind === 'map' && isMap(live) && isMap(config)) {
    const out: JsonMap = { ...live };
    for (const key in config) {
      const child = childNode(shape, key);
      out[key] = child
        ? mergeTyped(live[key], config[key], child, schemas)
        : jsonClone(config[key]);
    }
    return out;
  }
  if (shape.kind === 'list' && Array.isArray(live) && Array.isArray(config))
    return mergeLists(live, config, shape, schemas);
  return jsonClone(config);
}

function mergeLists(
  live: readonly unknown[],
  config: readonly unknown[],
  shape: ListShape,
  schemas: MergeSchemas,
): unknown[] {
  const liveElements = live.map((item) => itemElement(shape, item));
  const configElements = config.map((item) => itemElement(shape, item));
  const inLive = new Map(liveElements.map((element, index) => [element, live[index]]));
  const inConfig = new Set(configElements);
  const emitted = new Set<string>();
  const out: unknown[] = [];
  let left = 0;
  let right = 0;
  while (left < live.length || right < config.length) {
    const leftElement = liveElements[left];
    const rightElement = configElements[right];
    if (leftElement !== undefined && (emitted.has(leftElement) || !inConfig.has(leftElement))) {
      if (!emitted.has(leftElement)) out.push(live[left]);
      left += 1;
    } else if (rightElement !== undefined) {
      out.push(mergeTyped(inLive.get(rightElement), config[right], shape.items, schemas));
      emitted.add(rightElement);
      right += 1;
    } else left += 1;
  }
  return out;
}

/**
 * Takes out of `value` what `last` names and `owned` does not.
 * @returns undefined when nothing of the value is left. @see merge/update.go, prune
 */
export function pruneTyped(
  value: unknown,
  last: FieldSet,
  owned: FieldSet | undefined,
  node: MergeSchema,
  schemas: MergeSchemas,
): unknown {
  const shape = shapeOf(node, schemas);
  if (shape.kind === 'map' && isMap(value)) {
    const out: JsonMap = { ...value };
    for (const element in last) {
      if (!element.startsWith('f:')) continue;
      const key = element.slice(2);
      if (!Object.hasOwn(out, key)) continue;
      const child = childNode(shape, key);
      if (!child) continue;
      const below = last[element] as FieldSet;
      const ownedBelow = owned?.[element];
      if (!ownedBelow) delete out[key];
      else out[key] = pruneTyped(out[key], below, ownedBelow, child, schemas);
    }
    return out;
  }
  if (shape.kind === 'list' && Array.isArray(value)) {
    return value.flatMap((item): unknown[] => {
      const element = itemElement(shape, item);
      const below = last[element];
      if (!below) return [item];
      const ownedBelow = owned?.[element];
      if (!ownedBelow && isMember(below)) return [];
      return [pruneTyped(item, below, ownedBelow ?? {}, shape.items, schemas)];
    });
  }
  return value;
}

const goTypes: Readonly<Record<string, string>> = {
  string: 'string',
  integer: 'numeric',
  number: 'numeric',
  boolean: 'boolean',
  object: 'map',
  array: 'list',
};

/**
 * Checks a configuration before it is applied.
 * @throws TypedValueError for undeclared fields, values of another type and duplicate items.
 */
export function checkTyped(
  value: unknown,
  node: MergeSchema,
  schemas: MergeSchemas,
  path = '',
): void {
  const errors: string[] = [];
  collectErrors(value, node, schemas, path, errors);
  if (errors.length === 1) throw new TypedValueError(errors[0] ?? '');
  if (errors.length > 1)
    throw new TypedValueError(`errors:\n${errors.map((error) => `  ${error}`).join('\n')}`);
}

function collectErrors(
  value: unknown,
  node: MergeSchema,
  schemas: MergeSchemas,
  path: string,
  errors: string[],
): void {
  if (value === null || value === undefined) return;
  const target = schemas.resolve(node);
  if (target.properties || target.additionalProperties) {
    if (!isMap(value)) {
      errors.push(`${path}: expected map, got ${goValue(value)}`);
      return;
    }
    for (const key of Object.keys(value)) {
      const declared =
        target.properties !== undefined && Object.hasOwn(target.properties, key)
          ? target.properties[key]
          : target.additionalProperties;
      if (declared) collectErrors(value[key], declared, schemas, `${path}.${key}`, errors);
      else if (!target.preserveUnknownFields)
        errors.push(`${path}.${key}: field not declared in schema`);
    }
    return;
  }
  if (target.items) {
    if (!Array.isArray(value)) {
      errors.push(`${path}: expected list, got ${goValue(value)}`);
      return;
    }
    const shape = shapeOf(node, schemas);
    const seen = new Set<string>();
    value.forEach((item: unknown, index) => {
      let at = `${path}[${index}]`;
      if (shape.kind === 'list') {
        for (const key of shape.keys)
          if (isMap(item) && item[key] === undefined && shape.defaults[key] === undefined) {
            errors.push(
              `${path}: element ${index}: associative list with keys has an element that omits key field "${key}" (and doesn't have default value)`,
            );
            return;
          }
        const element = itemElement(shape, item);
        const printed =
          shape.keys.length === 0
            ? `[=${JSON.stringify(item)}]`
            : `[${Object.entries(JSON.parse(element.slice(2)) as JsonMap)
                .map(([name, each]) => `${name}=${JSON.stringify(each)}`)
                .join(',')}]`;
        if (seen.has(element)) errors.push(`${path}: duplicate entries for key ${printed}`);
        seen.add(element);
        at = path + printed;
      }
      collectErrors(item, target.items as MergeSchema, schemas, at, errors);
    });
    return;
  }
  const expected = target.type === undefined ? undefined : goTypes[target.type];
  // A quantity may be written as a number; no other text may.
  const quantity = target.format === 'quantity' && typeof value === 'number';
  if (expected === 'string' && typeof value !== 'string' && !quantity)
    errors.push(`${path}: expected string, got &value.valueUnstructured{Value:${goSyntax(value)}}`);
  else if (expected === 'numeric' && typeof value !== 'number')
    errors.push(
      `${path}: expected numeric (int or float), got ${typeof value === 'string' ? 'string' : goValue(value)}`,
    );
  else if (expected === 'boolean' && typeof value !== 'boolean')
    errors.push(`${path}: expected boolean, got ${goValue(value)}`);
}

function goValue(value: unknown): string {
  return `&{${goText(value)}}`;
}

/** A value as Go's `%#v` prints it. */
function goSyntax(value: unknown): string {
  if (Array.isArray(value)) return `[]interface {}{${value.map(goSyntax).join(', ')}}`;
  if (!isMap(value)) return value === null ? 'interface {}(nil)' : JSON.stringify(value);
  const entries = Object.keys(value)
    .sort()
    .map((key) => `${JSON.stringify(key)}:${goSyntax(value[key])}`);
  return `map[string]interface {}{${entries.join(', ')}}`;
}
