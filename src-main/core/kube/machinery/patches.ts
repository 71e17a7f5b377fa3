import { jsonClone, jsonEqual } from '#core/base';
import { isMap, type JsonMap } from './merge-schema.ts';

/** A patch that cannot be applied; the message is upstream's. */
export class PatchError extends Error {
  override readonly name: string = 'PatchError';
}

/**
 * RFC 7386, as upstream's library has it: nulls of a list that replaces another value stay. Returns a new value;
 * `target` stays as it is. The keys of every object the patch enters are in order.
 */
export function jsonMergePatch(target: unknown, patch: unknown): unknown {
  if (!isMap(target)) return withoutNulls(patch);
  if (!isMap(patch)) return jsonClone(patch);
  const out: JsonMap = { ...target };
  for (const key in patch) {
    const value = patch[key];
    if (value === null) delete out[key];
    else out[key] = jsonMergePatch(out[key], value);
  }
  return inOrder(out);
}

function withoutNulls(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutNulls);
  if (!isMap(value)) return value;
  const entries = Object.entries(value).filter(([, each]) => each !== null);
  return inOrder(Object.fromEntries(entries.map(([key, each]) => [key, withoutNulls(each)])));
}

const inOrder = (map: JsonMap): JsonMap =>
  Object.fromEntries(
    Object.keys(map)
      .sort()
      .map((key) => [key, map[key]]),
  );

export interface JsonPatchOperation {
  readonly op: string;
  readonly path?: string;
  readonly from?: string;
  readonly value?: unknown;
}

/** The document, and the objects in it that have been entered: upstream's library writes their keys in order. */
interface Document {
  readonly root: JsonMap;
  readonly entered: Set<object>;
}

/**
 * RFC 6902. Returns a new value, in which the keys of every object that was entered are in order.
 * @throws PatchError
 */
export function jsonPatch(target: unknown, operations: readonly JsonPatchOperation[]): unknown {
  const whole = jsonClone(target);
  const document: Document = { root: { '': whole }, entered: new Set([whole as object]) };
  for (const operation of operations) {
    const path = operation.path ?? '';
    checkPointer(path, operation.op === 'replace');
    switch (operation.op) {
      case 'add':
        addAt(document, path, jsonClone(operation.value));
        break;
      case 'remove':
        removeAt(document, path);
        break;
      case 'replace':
        replaceAt(document, path);
        addAt(document, path, jsonClone(operation.value));
        break;
      case 'move':
      case 'copy': {
        checkPointer(operation.from ?? '', false);
        const value = getAt(document, operation.from ?? '');
        if (value === undefined && !hasParent(document, operation.from ?? ''))
          throw new PatchError(`${operation.op} operation does not apply: missing from path`);
        if (operation.op === 'move') {
          removeAt(document, operation.from ?? '');
          addAt(document, path, value ?? null);
        } else addAt(document, path, jsonClone(written(value ?? null, document.entered)));
        break;
      }
      case 'test': {
        const { parent, key } = parentOf(document, path);
        const isThere = Array.isArray(parent)
          ? /^-?\d+$/.test(key) && indexIn(parent, key) in parent
          : isMap(parent);
        if (!isThere) throw new PatchError(`error in test for path: '${path}': missing value`);
        const value = getAt(document, path);
        if (isMap(value)) document.entered.add(value);
        if (!jsonEqual(value ?? null, operation.value ?? null))
          throw new PatchError(`testing value ${path} failed: test failed`);
        break;
      }
      default:
        throw new PatchError(`Unexpected kind: ${operation.op}`);
    }
  }
  return written(document.root[''], document.entered);
}

function written(value: unknown, entered: ReadonlySet<object>): unknown {
  if (Array.isArray(value)) {
    for (let index = 0; index < value.length; index++)
      value[index] = written(value[index], entered);
    return value;
  }
  if (!isMap(value)) return value;
  for (const key in value) value[key] = written(value[key], entered);
  return entered.has(value) ? inOrder(value) : value;
}

/** The whole document can be replaced and nothing else. @see gopkg.in/evanphx/json-patch.v4, findObject */
function checkPointer(path: string, mayBeRoot: boolean): void {
  if (path.startsWith('/') || (mayBeRoot && path === '')) return;
  throw new PatchError(`doc is missing path: ${JSON.stringify(path)}: missing value`);
}

const pointer = (path: string): string[] =>
  path.split('/').map((part) => part.replaceAll('~1', '/').replaceAll('~0', '~'));

function parentOf({ root, entered }: Document, path: string): { parent: unknown; key: string } {
  const parts = pointer(path);
  const key = parts.pop() ?? '';
  let parent: unknown = root;
  for (const part of parts) {
    parent = Array.isArray(parent)
      ? (parent as unknown[])[Number(part)]
      : isMap(parent) && Object.hasOwn(parent, part)
        ? parent[part]
        : undefined;
    if (isMap(parent)) entered.add(parent);
  }
  return { parent, key };
}

/** Whether a path leads into an object: a key it does not have is copied as null, as upstream's library has it. */
const hasParent = (document: Document, path: string): boolean =>
  isMap(parentOf(document, path).parent);

function getAt(document: Document, path: string): unknown {
  const { parent, key } = parentOf(document, path);
  if (Array.isArray(parent)) return (parent as unknown[])[indexIn(parent, key)];
  return isMap(parent) && Object.hasOwn(parent, key) ? parent[key] : undefined;
}

function indexIn(list: readonly unknown[], key: string): number {
  const index = Number(key);
  return index < 0 ? list.length + index : index;
}

function addAt(document: Document, path: string, value: unknown): void {
  const { parent, key } = parentOf(document, path);
  if (Array.isArray(parent)) {
    const index = key === '-' ? parent.length : indexIn(parent, key);
    if (!Number.isInteger(index) || index < 0 || index > parent.length)
      throw new PatchError(
        `add operation does not apply: error in add for path: '${path}': Unable to access invalid index: ${key}: invalid index referenced`,
      );
    parent.splice(index, 0, value);
  } else if (isMap(parent) && key === '__proto__')
    Object.defineProperty(parent, key, {
      value,
      enumerable: true,
      configurable: true,
      writable: true,
    });
  else if (isMap(parent)) parent[key] = value;
  else
    throw new PatchError(
      `add operation does not apply: doc is missing path: "${path}": missing value`,
    );
}

/** Makes room for the new value. A key that is not there is no failure, as upstream's library has it. */
function replaceAt(document: Document, path: string): void {
  const { parent, key } = parentOf(document, path);
  if (!Array.isArray(parent) && !isMap(parent))
    throw new PatchError(
      `replace operation does not apply: doc is missing path: ${path}: missing value`,
    );
  if (Array.isArray(parent) || Object.hasOwn(parent, key)) removeAt(document, path);
}

function removeAt(document: Document, path: string): void {
  const { parent, key } = parentOf(document, path);
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
