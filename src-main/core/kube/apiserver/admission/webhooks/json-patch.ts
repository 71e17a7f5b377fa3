import { jsonClone, jsonEqual } from '#core/base';
import { isMap, type JsonMap, mapsOf, textOf } from '../../fields/index.ts';

/** A patch could not be applied; the message is that of Go's json-patch package. */
export class JsonPatchError extends Error {
  override readonly name = 'JsonPatchError';
}

/** Applies a JSON patch (RFC 6902) to a copy of the document. @throws JsonPatchError */
export function applyJsonPatch(document: unknown, patch: unknown): unknown {
  if (!Array.isArray(patch)) throw new JsonPatchError('patch is not an array of operations');
  const holder: Record<string, unknown> = { root: jsonClone(document) };
  for (const operation of mapsOf(patch)) applyOperation(holder, operation);
  return holder['root'];
}

function segments(pointer: string): string[] {
  return ['root', ...pointer.split('/').slice(1)].map((part) =>
    part.replaceAll('~1', '/').replaceAll('~0', '~'),
  );
}

function applyOperation(holder: Record<string, unknown>, operation: JsonMap): void {
  const op = textOf(operation['op']);
  const path = textOf(operation['path']);
  const value = jsonClone(operation['value']);
  switch (op) {
    case 'add':
      put(holder, path, value, true);
      break;
    case 'replace':
      if (read(holder, path) === undefined)
        throw new JsonPatchError(
          `replace operation does not apply: doc is missing key: ${path}: missing value`,
        );
      put(holder, path, value, false);
      break;
    case 'remove':
      remove(holder, path);
      break;
    case 'move':
    case 'copy': {
      const from = textOf(operation['from']);
      const moved = read(holder, from);
      if (moved === undefined)
        throw new JsonPatchError(
          `${op} operation does not apply: doc is missing from path: ${from}: missing value`,
        );
      const copy = jsonClone(moved);
      if (op === 'move') remove(holder, from);
      put(holder, path, copy, true);
      break;
    }
    case 'test':
      if (!jsonEqual(read(holder, path) ?? null, value ?? null))
        throw new JsonPatchError(`testing value ${path} failed: test failed`);
      break;
    default:
      throw new JsonPatchError(`Unexpected kind: ${op}`);
  }
}

function parentOf(holder: unknown, path: string): { parent: unknown; key: string } {
  const parts = segments(path);
  const key = parts.pop() ?? '';
  let parent: unknown = holder;
  for (const part of parts)
    parent = Array.isArray(parent)
      ? (parent as unknown[])[Number(part)]
      : isMap(parent)
        ? parent[part]
        : undefined;
  return { parent, key };
}

function read(holder: unknown, path: string): unknown {
  const { parent, key } = parentOf(holder, path);
  if (Array.isArray(parent)) return (parent as unknown[])[Number(key)];
  return isMap(parent) && Object.hasOwn(parent, key) ? parent[key] : undefined;
}

function put(holder: unknown, path: string, value: unknown, insert: boolean): void {
  const { parent, key } = parentOf(holder, path);
  if (Array.isArray(parent)) {
    const list = parent as unknown[];
    const index = key === '-' ? list.length : Number(key);
    if (!Number.isInteger(index) || index < 0 || index > list.length)
      throw new JsonPatchError(
        `add operation does not apply: doc is missing path: "${path}": missing value`,
      );
    if (insert) list.splice(index, 0, value);
    else list[index] = value;
  } else if (isMap(parent)) (parent as Record<string, unknown>)[key] = value;
  else
    throw new JsonPatchError(
      `add operation does not apply: doc is missing path: "${path}": missing value`,
    );
}

function remove(holder: unknown, path: string): void {
  const { parent, key } = parentOf(holder, path);
  if (Array.isArray(parent) && Number(key) < parent.length) {
    (parent as unknown[]).splice(Number(key), 1);
  } else if (isMap(parent) && Object.hasOwn(parent, key)) {
    delete (parent as Record<string, unknown>)[key];
  } else
    throw new JsonPatchError(
      `remove operation does not apply: doc is missing key: ${path}: missing value`,
    );
}
