import { jsonClone, jsonEqual } from '#core/base';
import { isMap, type JsonMap, type MergeSchema, type MergeSchemas } from './merge-schema.ts';

/** A patch that cannot be applied; the message is upstream's. */
export class PatchError extends Error {
  override readonly name = 'PatchError';
}

/** RFC 7386. Returns a new value; `target` stays as it is. */
export function jsonMergePatch(target: unknown, patch: unknown): unknown {
  if (!isMap(patch)) return jsonClone(patch);
  const out: JsonMap = isMap(target) ? { ...target } : {};
  for (const key in patch) {
    const value = patch[key];
    if (value === null) delete out[key];
    else out[key] = jsonMergePatch(out[key], value);
  }
  return out;
}

export interface JsonPatchOperation {
  readonly op: string;
  readonly path?: string;
  readonly from?: string;
  readonly value?: unknown;
}

/**
 * RFC 6902. Returns a new value.
 * @throws PatchError
 */
export function jsonPatch(target: unknown, operations: readonly JsonPatchOperation[]): unknown {
  const root = { '': jsonClone(target) };
  for (const operation of operations) {
    const path = operation.path ?? '';
    switch (operation.op) {
      case 'add':
        addAt(root, path, jsonClone(operation.value));
        break;
      case 'remove':
        removeAt(root, path);
        break;
      case 'replace':
        replaceAt(root, path);
        addAt(root, path, jsonClone(operation.value));
        break;
      case 'move':
      case 'copy': {
        const value = getAt(root, operation.from ?? '');
        if (value === undefined)
          throw new PatchError(`${operation.op} operation does not apply: missing from path`);
        if (operation.op === 'move') removeAt(root, operation.from ?? '');
        addAt(root, path, jsonClone(value));
        break;
      }
      case 'test': {
        const value = getAt(root, path);
        if (!jsonEqual(value ?? null, operation.value ?? null))
          throw new PatchError(`testing value ${path} failed: test failed`);
        break;
      }
      default:
        throw new PatchError(`Unexpected kind: ${operation.op}`);
    }
  }
  return root[''];
}

const pointer = (path: string): string[] =>
  path.split('/').map((part) => part.replaceAll('~1', '/').replaceAll('~0', '~'));

function parentOf(root: JsonMap, path: string): { parent: unknown; key: string } {
  const parts = pointer(path);
  const key = parts.pop() ?? '';
  let parent: unknown = root;
  for (const part of parts)
    parent = Array.isArray(parent)
      ? (parent as unknown[])[Number(part)]
      : isMap(parent) && Object.hasOwn(parent, part)
        ? parent[part]
        : undefined;
  return { parent, key };
}

function getAt(root: JsonMap, path: string): unknown {
  const { parent, key } = parentOf(root, path);
  if (Array.isArray(parent)) return (parent as unknown[])[indexIn(parent, key)];
  return isMap(parent) && Object.hasOwn(parent, key) ? parent[key] : undefined;
}

function indexIn(list: readonly unknown[], key: string): number {
  const index = Number(key);
  return index < 0 ? list.length + index : index;
}

function addAt(root: JsonMap, path: string, value: unknown): void {
  const { parent, key } = parentOf(root, path);
  if (Array.isArray(parent)) {
    const index = key === '-' ? parent.length : indexIn(parent, key);
    if (!Number.isInteger(index) || index < 0 || index > parent.length)
      throw new PatchError(
        `add operation does not apply: error in add for path: '${path}': Unable to access invalid index: ${key}: invalid index referenced`,
      );
    parent.splice(index, 0, value);
  } else if (isMap(parent)) parent[key] = value;
  else
    throw new PatchError(
      `add operation does not apply: doc is missing path: "${path}": missing value`,
    );
}

/** Makes room for the new value. A key that is not there is no failure, as upstream's library has it. */
function replaceAt(root: JsonMap, path: string): void {
  const { parent, key } = parentOf(root, path);
  if (Array.isArray(parent) || (isMap(parent) && Object.hasOwn(parent, key))) removeAt(root, path);
}

function removeAt(root: JsonMap, path: string): void {
  const { parent, key } = parentOf(root, path);
  if (Array.isArray(parent)) {
    const index = indexIn(parent, key);
    if (!Number.isInteger(index) || index < 0 || index >= parent.length)
      throw new PatchError(
        `remove operation does not apply: error in remove for path: '${path}': Unable to access invalid index: ${key}: invalid index referenced`,
      );
    parent.splice(index, 1);
  } else if (isMap(parent)) {
    if (!Object.hasOwn(parent, key))
      throw new PatchError(
        `remove operation does not apply: error in remove for path: '${path}': Unable to remove nonexistent key: ${key}: missing value`,
      );
    delete parent[key];
  } else
    throw new PatchError(
      `remove operation does not apply: doc is missing path: "${path}": missing value`,
    );
}

const directive = '$patch';
const retainKeys = '$retainKeys';
const deletePrefix = '$deleteFromPrimitiveList/';
const orderPrefix = '$setElementOrder/';

/**
 * Strategic merge patch with all its directives. Returns a new value that may share parts with `target`.
 * @throws PatchError
 * @see k8s.io/apimachinery/pkg/util/strategicpatch/patch.go
 */
export function strategicMergePatch(
  target: JsonMap,
  patch: JsonMap,
  node: MergeSchema,
  schemas: MergeSchemas,
): JsonMap {
  return mergeMap(target, patch, schemas.resolve(node), schemas);
}

/**
 * What upstream has left of a strategic merge patch after merging it into `target`, which is how it prints a patch whose
 * outcome it refuses: lists with an order are taken out with their order, `$retainKeys` too.
 */
export function spentPatch(target: unknown, patch: JsonMap): JsonMap {
  if (!isMap(target)) return patch;
  const rest: JsonMap = { ...patch };
  delete rest[retainKeys];
  for (const key in patch)
    if (key.startsWith(orderPrefix)) {
      delete rest[key];
      delete rest[key.slice(orderPrefix.length)];
    }
  for (const key in rest) {
    const value = rest[key];
    if (isMap(value)) rest[key] = spentPatch(target[key], value);
  }
  return rest;
}

function mergeMap(
  target: JsonMap,
  patch: JsonMap,
  node: MergeSchema | undefined,
  schemas: MergeSchemas,
): JsonMap {
  const mode = patch[directive];
  if (mode !== undefined) {
    if (mode === 'replace') {
      const rest = jsonClone(patch);
      delete rest[directive];
      return rest;
    }
    if (mode === 'delete') return {};
    if (mode !== 'merge')
      throw new PatchError(`unknown patch type: ${goText(mode)} in map: ${goText(patch)}`);
  }
  const out: JsonMap = { ...target };
  const kept = patch[retainKeys];
  if (kept !== undefined) {
    if (!Array.isArray(kept)) throw new PatchError('invalid patch format of $retainKeys');
    const keys = new Set<unknown>(kept);
    for (const key in patch)
      if (!key.startsWith('$') && patch[key] !== null && !keys.has(key))
        throw new PatchError('$retainKeys list must contain all fields present in the patch');
    for (const key in out) if (!keys.has(key)) delete out[key];
  }
  for (const key in patch) {
    if (key === directive || key === retainKeys) continue;
    if (key.startsWith(deletePrefix)) {
      const name = key.slice(deletePrefix.length);
      const gone = patch[key];
      const list = out[name];
      if (Array.isArray(gone) && Array.isArray(list))
        out[name] = list.filter((item) => !gone.some((each) => jsonEqual(each, item)));
      continue;
    }
    if (key.startsWith(orderPrefix)) continue;
    const value = patch[key];
    if (value === null) {
      delete out[key];
      continue;
    }
    const child = childOf(node, key);
    const resolved = child ? schemas.resolve(child) : undefined;
    if (isMap(value)) {
      const current = out[key];
      out[key] =
        child?.patchStrategy === 'replace' && isMap(current)
          ? jsonClone(value)
          : mergeMap(isMap(current) ? current : {}, value, resolved, schemas);
    } else if (Array.isArray(value)) {
      const strategy = child?.patchStrategy ?? resolved?.patchStrategy ?? '';
      const current = out[key];
      const list = Array.isArray(current) ? (current as unknown[]) : [];
      if (strategy.includes('merge')) {
        const mergeKey = child?.patchMergeKey ?? resolved?.patchMergeKey;
        const items = resolved?.items ? schemas.resolve(resolved.items) : undefined;
        const merged = mergeList(list, value as unknown[], mergeKey, items, schemas);
        // Without an order of its own the patch's is taken: what is new comes first.
        out[key] =
          patch[orderPrefix + key] === undefined ? ordered(merged, value, list, mergeKey) : merged;
      } else out[key] = jsonClone(value as unknown[]);
    } else out[key] = value;
  }
  for (const key in patch)
    if (key.startsWith(orderPrefix)) {
      const name = key.slice(orderPrefix.length);
      const list = out[name];
      const order = patch[key];
      const before = target[name];
      if (Array.isArray(list) && Array.isArray(order)) {
        const child = childOf(node, name);
        const mergeKey =
          child?.patchMergeKey ?? (child ? schemas.resolve(child).patchMergeKey : undefined);
        out[name] = ordered(list, order, Array.isArray(before) ? before : [], mergeKey);
      }
    }
  return out;
}

function childOf(node: MergeSchema | undefined, key: string): MergeSchema | undefined {
  if (node?.properties !== undefined && Object.hasOwn(node.properties, key))
    return node.properties[key];
  return node?.additionalProperties;
}

function mergeList(
  target: readonly unknown[],
  patch: readonly unknown[],
  mergeKey: string | undefined,
  item: MergeSchema | undefined,
  schemas: MergeSchemas,
): unknown[] {
  if (mergeKey === undefined || patch.some((each) => !isMap(each))) {
    const out = [...target];
    for (const each of patch) if (!out.some((present) => jsonEqual(present, each))) out.push(each);
    return out;
  }
  const items = patch as JsonMap[];
  if (items.some((each) => each[directive] === 'replace'))
    return items.filter((each) => each[directive] === undefined).map((each) => jsonClone(each));
  let out = [...target];
  for (const each of items) {
    const key = each[mergeKey];
    if (key === undefined)
      throw new PatchError(`map: ${goText(each)} does not contain declared merge key: ${mergeKey}`);
    const matches = (present: unknown): boolean =>
      isMap(present) && jsonEqual(present[mergeKey], key);
    if (each[directive] === 'delete') {
      out = out.filter((present) => !matches(present));
      continue;
    }
    const index = out.findIndex(matches);
    if (index < 0) out.push(mergeMap({}, each, item, schemas));
    else out[index] = mergeMap(out[index] as JsonMap, each, item, schemas);
  }
  return out;
}

/** Orders a list as `$setElementOrder` says; items it does not name keep their place relative to the server's order. */
function ordered(
  list: readonly unknown[],
  order: readonly unknown[],
  server: readonly unknown[],
  mergeKey: string | undefined,
): unknown[] {
  const keyOf = (value: unknown): string =>
    JSON.stringify(mergeKey !== undefined && isMap(value) ? value[mergeKey] : value) ?? '';
  const rank = new Map(order.map((value, index) => [keyOf(value), index]));
  const serverRank = new Map(server.map((value, index) => [keyOf(value), index]));
  const named = list
    .filter((value) => rank.has(keyOf(value)))
    .sort((a, b) => (rank.get(keyOf(a)) ?? 0) - (rank.get(keyOf(b)) ?? 0));
  const serverOnly = list.filter((value) => !rank.has(keyOf(value)));
  const out: unknown[] = [];
  let left = 0;
  for (const value of named) {
    const place = serverRank.get(keyOf(value));
    while (
      left < serverOnly.length &&
      place !== undefined &&
      (serverRank.get(keyOf(serverOnly[left])) ?? Infinity) < place
    )
      out.push(serverOnly[left++]);
    out.push(value);
  }
  return [...out, ...serverOnly.slice(left)];
}

/** A value as Go's `%v` prints it. */
export function goText(value: unknown): string {
  if (value === null || value === undefined) return '<nil>';
  if (Array.isArray(value)) return `[${value.map(goText).join(' ')}]`;
  if (isMap(value))
    return `map[${Object.keys(value)
      .sort()
      .map((key) => `${key}:${goText(value[key])}`)
      .join(' ')}]`;
  return typeof value === 'string' ? value : JSON.stringify(value);
}
