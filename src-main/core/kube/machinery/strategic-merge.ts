import { jsonClone } from '#core/base';
import { isMap, type JsonMap, type MergeSchema, type MergeSchemas } from './merge-schema.ts';
import { goText, PatchError } from './patches.ts';

/** A directive whose form upstream refuses as the client's fault rather than as a failure of its own. */
export class PatchFormatError extends PatchError {
  override readonly name: string = 'PatchFormatError';
}

const directive = '$patch';
const retainKeys = '$retainKeys';
const deletePrefix = '$deleteFromPrimitiveList/';
const orderPrefix = '$setElementOrder/';

/** A merged object, and what is left of the patch, which is how upstream prints a patch whose outcome it refuses. */
export interface StrategicMerge {
  readonly merged: JsonMap;
  readonly rest: JsonMap;
}

/**
 * Strategic merge patch with all its directives. Neither argument is changed; the merged object shares with the target
 * what the patch leaves as it is.
 * @throws PatchError
 * @see k8s.io/apimachinery/pkg/util/strategicpatch/patch.go
 */
export function mergeStrategically(
  target: unknown,
  patch: JsonMap,
  node: MergeSchema,
  schemas: MergeSchemas,
): StrategicMerge {
  const rest = jsonClone(patch);
  const merged = new Merger(schemas).map(target as JsonMap, rest, node);
  return { merged, rest };
}

/** The merged object alone. @throws PatchError */
export function strategicMergePatch(
  target: JsonMap,
  patch: JsonMap,
  node: MergeSchema,
  schemas: MergeSchemas,
): JsonMap {
  return mergeStrategically(target, patch, node, schemas).merged;
}

/** How a field merges; the schema is that of the field, or of the items of a list. */
interface FieldMerge {
  readonly node: MergeSchema | undefined;
  readonly strategy: string;
  readonly mergeKey: string;
}

type GoKind = 'map' | 'slice' | 'string' | 'int64' | 'float64' | 'bool' | 'nil';

function kindOf(value: unknown): GoKind {
  if (value === null || value === undefined) return 'nil';
  if (Array.isArray(value)) return 'slice';
  switch (typeof value) {
    case 'object':
      return 'map';
    case 'string':
      return 'string';
    case 'boolean':
      return 'bool';
    default:
      return Number.isInteger(value) ? 'int64' : 'float64';
  }
}

const goTypeNames: Readonly<Record<GoKind, string>> = {
  map: 'map[string]interface {}',
  slice: '[]interface {}',
  string: 'string',
  int64: 'int64',
  float64: 'float64',
  bool: 'bool',
  nil: '%!s(<nil>)',
};

const wrongType = (expected: GoKind, value: unknown): PatchError =>
  new PatchError(
    `expected a ${goTypeNames[expected]}, but received a ${goTypeNames[kindOf(value)]}`,
  );

const noMergeKey = (item: unknown, key: string): PatchError =>
  new PatchError(`map: ${goText(item)} does not contain declared merge key: ${key}`);

/** Works on a copy of the patch, which loses what has been merged, as upstream's does; originals stay as they are. */
class Merger {
  readonly #schemas: MergeSchemas;

  constructor(schemas: MergeSchemas) {
    this.#schemas = schemas;
  }

  map(present: JsonMap, patch: JsonMap, node: MergeSchema | undefined): JsonMap {
    const mode = patch[directive];
    if (mode !== undefined) {
      if (mode === 'delete') return {};
      if (mode !== 'replace') throw badDirective(mode, patch);
      delete patch[directive];
      return patch;
    }
    const original = { ...present };
    retain(original, patch);
    this.#orderedLists(original, patch, node);
    for (const key of Object.keys(patch)) {
      const deletes = key.startsWith(deletePrefix);
      const name = deletes ? key.slice(deletePrefix.length) : key;
      const value = patch[key];
      if (value === null) {
        delete original[name];
        continue;
      }
      const current = original[name];
      if (current === undefined || kindOf(current) !== kindOf(value)) {
        if (deletes) continue;
        discardNulls(value);
        take(original, name, value);
      } else if (isMap(current)) {
        const field = this.#field(node, name);
        original[name] =
          field.strategy === 'replace' ? value : this.map(current, value as JsonMap, field.node);
      } else if (Array.isArray(current)) {
        const field = this.#listField(node, name);
        original[name] =
          field.strategy === 'merge' || deletes
            ? this.#list(current, value as unknown[], field, deletes)
            : value;
      } else take(original, name, value);
    }
    return original;
  }

  #field(node: MergeSchema | undefined, key: string): FieldMerge {
    const target = node && this.#schemas.resolve(node);
    const properties = target?.properties;
    if (!properties || !Object.hasOwn(properties, key)) {
      const struct = node?.ref?.split('.').at(-1) ?? '';
      throw new PatchError(
        properties
          ? `unable to find api field in struct ${struct} for the json field ${JSON.stringify(key)}`
          : 'merging an object in json but data type is not struct, instead is: map',
      );
    }
    const child = properties[key] as MergeSchema;
    const strategies = (child.patchStrategy ?? '').split(',');
    return {
      node: child,
      strategy: strategies.find((each) => each !== 'retainKeys') ?? '',
      mergeKey: child.patchMergeKey ?? '',
    };
  }

  #listField(node: MergeSchema | undefined, key: string): FieldMerge {
    const field = this.#field(node, key);
    const target = field.node && this.#schemas.resolve(field.node);
    const items = target?.items;
    // Pointers are followed, whatever they point to; the type that is told is that of the whole.
    if (target && !items && target.format !== 'byte' && !isPointer(field.node ?? target, target))
      throw new PatchError('expected slice or array type, but got: struct');
    return { ...field, node: items };
  }

  /** Lists whose order the patch tells. */
  #orderedLists(original: JsonMap, patch: JsonMap, node: MergeSchema | undefined): void {
    for (const key of Object.keys(patch)) {
      if (!key.startsWith(orderPrefix)) continue;
      const order = patch[key];
      delete patch[key];
      if (!Array.isArray(order)) throw wrongType('slice', order);
      const name = key.slice(orderPrefix.length);
      const current = original[name];
      const wanted = patch[name];
      if (current !== undefined && !Array.isArray(current)) throw wrongType('slice', current);
      if (wanted !== undefined && !Array.isArray(wanted)) throw wrongType('slice', wanted);
      const field = this.#listField(node, name);
      checkOrder(wanted ?? [], order, field.mergeKey);
      let merged: unknown[];
      if (current === undefined) {
        if (wanted === undefined) continue;
        merged = withoutDirectives(wanted) as unknown[];
      } else if (wanted === undefined) merged = current;
      else merged = field.strategy === 'merge' ? this.#list(current, wanted, field, false) : wanted;
      const server = current ?? [];
      const kind = commonKind(server, wanted ?? []);
      if (kind === undefined) throw new PatchError('no elements in any of the given slices');
      original[name] = arranged(merged, order, server, field.mergeKey, kind);
      delete patch[name];
    }
  }

  #list(
    current: readonly unknown[],
    patch: readonly unknown[],
    field: FieldMerge,
    deletes: boolean,
  ): unknown[] {
    if (current.length === 0 && patch.length === 0) return [];
    const kind = commonKind(current, patch);
    if (kind !== 'map') {
      if (deletes) return current.filter((item) => !patch.includes(item));
      return arranged(distinct([...current, ...patch]), patch, current, '', kind ?? 'nil');
    }
    const { mergeKey } = field;
    if (mergeKey === '') throw new PatchError('cannot merge lists without merge key for struct');
    const special = specialElements(current as JsonMap[], patch as JsonMap[], mergeKey);
    const merged: JsonMap[] = [...special.original];
    for (const item of special.patch) {
      const value = item[mergeKey];
      if (value === undefined) throw noMergeKey(item, mergeKey);
      const index = merged.findIndex((each) => each[mergeKey] === value);
      if (index < 0) merged.push(item);
      else merged[index] = this.map(merged[index] as JsonMap, item, field.node);
    }
    return arranged(merged, special.patch, special.original, mergeKey, kind);
  }
}

/** Whether Go declares a field, which is no list, as a pointer. */
function isPointer(node: MergeSchema, target: MergeSchema): boolean {
  if (target.properties) return node.default === undefined;
  return node.omitZero !== true && node.always === undefined && !target.additionalProperties;
}

const badDirective = (mode: unknown, patch: JsonMap): PatchError =>
  new PatchError(
    `unknown patch type: ${typeof mode === 'string' ? mode : `%!s(${goTypeNames[kindOf(mode)]}=${goText(mode)})`} in map: ${goText(patch)}`,
  );

/** `$retainKeys`: every other key of the object goes. */
function retain(original: JsonMap, patch: JsonMap): void {
  const kept = patch[retainKeys];
  if (kept === undefined) return;
  delete patch[retainKeys];
  if (!Array.isArray(kept)) throw new PatchFormatError('invalid patch format of retainKeys');
  for (const key in patch)
    if (
      patch[key] !== null &&
      !key.startsWith('$deleteFromPrimitiveList') &&
      !key.startsWith('$setElementOrder') &&
      !kept.includes(key)
    )
      throw new PatchFormatError('invalid patch format of retainKeys');
  for (const key of Object.keys(original)) if (!kept.includes(key)) delete original[key];
}

function discardNulls(value: unknown): void {
  if (Array.isArray(value)) for (const item of value) discardNulls(item);
  else if (isMap(value))
    for (const key of Object.keys(value))
      if (value[key] === null) delete value[key];
      else discardNulls(value[key]);
}

function take(original: JsonMap, key: string, value: unknown): void {
  const kept = withoutDirectives(value);
  if (kept === undefined) delete original[key];
  else original[key] = kept;
}

/** The value without maps that hold a `$patch`; undefined when it is one itself. Other directives stay. */
function withoutDirectives(value: unknown): unknown {
  if (Array.isArray(value))
    return value.map(withoutDirectives).filter((each) => each !== undefined);
  if (!isMap(value)) return value;
  if (value[directive] !== undefined) return undefined;
  for (const key of Object.keys(value)) take(value, key, value[key]);
  return value;
}

/** Elements with a `$patch` of their own are obeyed and taken out. */
function specialElements(
  current: readonly JsonMap[],
  patch: readonly JsonMap[],
  mergeKey: string,
): { original: readonly JsonMap[]; patch: readonly JsonMap[] } {
  let original = current;
  let replaces = false;
  const plain: JsonMap[] = [];
  for (const item of patch) {
    switch (item[directive]) {
      case undefined:
        plain.push(item);
        break;
      case 'delete':
        if (item[mergeKey] === undefined) throw noMergeKey(item, mergeKey);
        original = original.filter((each) => each[mergeKey] !== item[mergeKey]);
        break;
      case 'replace':
        replaces = true;
        break;
      case 'merge':
        throw new PatchError('merging lists cannot yet be specified in the patch');
      default:
        throw badDirective(item[directive], item);
    }
  }
  return replaces ? { original: plain, patch: [] } : { original, patch: plain };
}

function commonKind(...lists: (readonly unknown[])[]): GoKind | undefined {
  let kind: GoKind | undefined;
  for (const list of lists)
    for (const item of list) {
      const own = kindOf(item);
      if (kind === undefined && own === 'slice')
        throw new PatchError('lists of lists are not supported');
      if (kind !== undefined && kind !== own)
        throw new PatchError(`list element types are not identical: ${goText(lists)}`);
      kind = own;
    }
  return kind;
}

/** Upstream fills the place of a duplicate with the last item. */
function distinct(items: unknown[]): unknown[] {
  for (let i = 0; i < items.length - 1; i++)
    for (let j = i + 1; j < items.length; j++)
      if (items[i] === items[j]) {
        items[j] = items.at(-1);
        items.pop();
        j -= 1;
      }
  return items;
}

/** @throws PatchError when the patch lists its items in another order than it asks for. */
function checkOrder(patch: readonly unknown[], order: readonly unknown[], mergeKey: string): void {
  if (patch.length === 0 || order.length === 0) return;
  let items = patch;
  if (mergeKey !== '') {
    for (const item of patch) if (!isMap(item)) throw wrongType('map', item);
    items = patch.filter((item) => (item as JsonMap)[directive] !== 'delete');
  }
  const keyIn = (item: unknown): unknown => {
    if (mergeKey === '') return item;
    if (!isMap(item)) throw wrongType('map', item);
    if (item[mergeKey] === undefined) throw noMergeKey(item, mergeKey);
    return item[mergeKey];
  };
  let next = 0;
  let place = 0;
  while (next < items.length && place < order.length) {
    const item = items[next];
    if (isMap(item) && item[directive] !== undefined) {
      next += 1;
      continue;
    }
    if (keyIn(item) === keyIn(order[place])) next += 1;
    place += 1;
  }
  if (next < items.length && place >= order.length)
    throw new PatchError(
      `The order in patch list:\n${goText(patch)}\n doesn't match $setElementOrder list:\n${goText(order)}\n`,
    );
}

/** What the patch names in the order it gives, the rest where the server has it. */
function arranged(
  merged: readonly unknown[],
  order: readonly unknown[],
  server: readonly unknown[],
  mergeKey: string,
  kind: GoKind,
): unknown[] {
  const byKey = kind === 'map';
  const keyIn = (item: unknown): unknown => (isMap(item) && byKey ? item[mergeKey] : item);
  const checkKeys = (items: readonly unknown[]): void => {
    for (const item of byKey ? items : []) {
      if (!isMap(item)) throw wrongType('map', item);
      if (item[mergeKey] === undefined) throw noMergeKey(item, mergeKey);
    }
  };
  if (mergeKey !== '') checkKeys(merged);
  const indexIn = (list: readonly unknown[], item: unknown): number =>
    list.findIndex((each) => keyIn(each) === keyIn(item));
  const named = merged.filter((item) => indexIn(order, item) >= 0);
  const others = merged.filter((item) => indexIn(order, item) < 0);
  checkKeys([...named, ...order, ...others, ...server]);
  const patchItems = sorted(named, order, indexIn);
  const serverItems = sorted(others, server, indexIn);
  const out: unknown[] = [];
  let left = 0;
  let right = 0;
  while (left < serverItems.length || right < patchItems.length) {
    const a = left < serverItems.length ? indexIn(server, serverItems[left]) : -1;
    const b = right < patchItems.length ? indexIn(server, patchItems[right]) : -1;
    const takeLeft =
      right >= patchItems.length || (left < serverItems.length && a >= 0 && b >= 0 && a < b);
    out.push(takeLeft ? serverItems[left++] : patchItems[right++]);
  }
  return out;
}

/** Go's stable sort with upstream's comparison, which puts an item without a place before its predecessor. */
function sorted(
  items: readonly unknown[],
  order: readonly unknown[],
  indexIn: (list: readonly unknown[], item: unknown) => number,
): unknown[] {
  const isDeletion = (item: unknown): boolean => isMap(item) && item[directive] === 'delete';
  const out = items.filter((item) => !isDeletion(item));
  const less = (a: unknown, b: unknown): boolean => {
    const first = indexIn(order, a);
    const second = indexIn(order, b);
    return first < 0 || second < 0 || first < second;
  };
  for (let i = 1; i < out.length; i++)
    for (let j = i; j > 0 && less(out[j], out[j - 1]); j--)
      [out[j - 1], out[j]] = [out[j], out[j - 1]];
  return [...out, ...items.filter(isDeletion)];
}
