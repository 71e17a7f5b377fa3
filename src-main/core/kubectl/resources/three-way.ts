import { jsonEqual } from '#core/base';
import { builtinSchemaNames, builtinSchemas, type SchemaNode } from '#core/kube';
import { isJson, type Json, text } from '../json-view.ts';

/** The schema of a built-in kind; undefined for custom resources. */
export function schemaOf(apiVersion: string, kind: string): SchemaNode | undefined {
  const slash = apiVersion.indexOf('/');
  const group = slash < 0 ? '' : apiVersion.slice(0, slash);
  const version = slash < 0 ? apiVersion : apiVersion.slice(slash + 1);
  kinds ??= indexKinds();
  const name = kinds.get(`${group}/${version}/${kind}`);
  return name === undefined ? undefined : builtinSchemas.get(name);
}

let kinds: Map<string, string> | undefined;

function indexKinds(): Map<string, string> {
  const out = new Map<string, string>();
  for (const name of builtinSchemaNames())
    for (const entry of builtinSchemas.get(name)?.kinds ?? [])
      if (!out.has(`${entry.group}/${entry.version}/${entry.kind}`))
        out.set(`${entry.group}/${entry.version}/${entry.kind}`, name);
  return out;
}

/**
 * The patch that takes `current` to `modified` where they differ, and removes what `original` had and `modified`
 * has not: strategic for built-in kinds, a JSON merge patch for others.
 *
 * @returns undefined when there is nothing to do.
 * @see k8s.io/apimachinery/pkg/util/strategicpatch, CreateThreeWayMergePatch
 */
export function threeWayPatch(
  original: Json,
  modified: Json,
  current: Json,
): { patch: Json; strategic: boolean } | undefined {
  const schema = schemaOf(text(modified, 'apiVersion'), text(modified, 'kind'));
  const patch = schema
    ? diffMap(original, modified, current, schema)
    : diffMap(original, modified, current, undefined);
  return Object.keys(patch).length === 0 ? undefined : { patch, strategic: schema !== undefined };
}

function diffMap(
  original: Json,
  modified: Json,
  current: Json,
  schema: SchemaNode | undefined,
): Json {
  const node = schema && builtinSchemas.resolve(schema);
  const patch: Json = {};
  for (const [key, value] of Object.entries(modified)) {
    const field = node?.properties?.[key] ?? node?.additionalProperties;
    const [before, now] = [original[key], current[key]];
    if (value === null) {
      if (now !== undefined && now !== null) patch[key] = null;
    } else if (now === undefined || now === null) patch[key] = value;
    else if (isJson(value) && isJson(now)) {
      const inner = diffMap(isJson(before) ? before : {}, value, now, field);
      if (Object.keys(inner).length === 0) continue;
      if (field?.patchStrategy?.includes('retainKeys'))
        inner['$retainKeys'] = Object.keys(value).sort();
      patch[key] = inner;
    } else if (Array.isArray(value) && Array.isArray(now) && node && field)
      diffList(
        patch,
        key,
        Array.isArray(before) ? (before as unknown[]) : [],
        value as unknown[],
        now as unknown[],
        field,
      );
    else if (!jsonEqual(value, now)) patch[key] = value;
  }
  for (const key of Object.keys(original))
    if (!(key in modified) && key in current) patch[key] = null;
  return patch;
}

function diffList(
  patch: Json,
  key: string,
  original: readonly unknown[],
  modified: readonly unknown[],
  current: readonly unknown[],
  field: SchemaNode,
): void {
  const strategy = field.patchStrategy ?? builtinSchemas.resolve(field).patchStrategy;
  if (!strategy?.includes('merge')) {
    if (!jsonEqual(modified, current)) patch[key] = modified;
    return;
  }
  const mergeKey = field.patchMergeKey;
  if (mergeKey === undefined) {
    const added = modified.filter((item) => !current.includes(item));
    const removed = original.filter((item) => !modified.includes(item) && current.includes(item));
    if (added.length > 0) patch[key] = added;
    if (removed.length > 0) patch[`$deleteFromPrimitiveList/${key}`] = removed;
    if (added.length > 0 || removed.length > 0) patch[`$setElementOrder/${key}`] = modified;
    return;
  }
  const keyed = (items: readonly unknown[], value: unknown): Json | undefined =>
    items.find((item): item is Json => isJson(item) && jsonEqual(item[mergeKey], value));
  const out: Json[] = [];
  for (const item of modified) {
    if (!isJson(item)) continue;
    const value = item[mergeKey];
    const now = keyed(current, value);
    if (!now) out.push(item);
    else {
      const inner = diffMap(keyed(original, value) ?? {}, item, now, field.items);
      if (Object.keys(inner).length === 0) continue;
      if (strategy.includes('retainKeys')) inner['$retainKeys'] = Object.keys(item).sort();
      out.push({ ...inner, [mergeKey]: value });
    }
  }
  for (const item of original) {
    if (!isJson(item)) continue;
    const value = item[mergeKey];
    if (!keyed(modified, value) && keyed(current, value))
      out.push({ $patch: 'delete', [mergeKey]: value });
  }
  const order = (items: readonly unknown[]): unknown[] =>
    items.filter(isJson).map((item) => item[mergeKey]);
  const present = order(current).filter((value) =>
    order(modified).some((other) => jsonEqual(other, value)),
  );
  const wanted = order(modified).filter((value) =>
    order(current).some((other) => jsonEqual(other, value)),
  );
  if (out.length === 0 && jsonEqual(present, wanted)) return;
  if (out.length > 0) patch[key] = out;
  patch[`$setElementOrder/${key}`] = order(modified).map((value) => ({ [mergeKey]: value }));
}
