import { builtinSchemas, formatYaml, type SchemaNode } from '#core/kube';
import { jsonClone } from '#core/base';
import { CommandError } from '../errors.ts';
import { isJson, type Json, text } from '../json-view.ts';
import { schemaOf } from '../resources/three-way.ts';

const directive = '$patch';
/** A value that goes away. */
const cleared = Symbol('cleared');

/**
 * Merges a patch into an object as kustomize does, which is not quite as an API server does: what a patch adds to a
 * list of named items comes before what was there.
 * @returns undefined when the patch deletes the object.
 * @throws CommandError the shapes do not fit.
 * @see sigs.k8s.io/kustomize/kyaml/yaml/merge2
 */
export function mergePatch(object: Json, patch: Json): Json | undefined {
  const schema = schemaOf(text(object, 'apiVersion'), text(object, 'kind'));
  const merged = merge(jsonClone(object), jsonClone(patch), schema);
  return isJson(merged) ? merged : undefined;
}

function merge(before: unknown, patch: unknown, schema: SchemaNode | undefined): unknown {
  const sample = before ?? patch;
  if (patch === undefined) return before;
  if (Array.isArray(sample)) {
    expectKind('SequenceNode', before, patch);
    return mergeList(before as unknown[] | null | undefined, patch as unknown[] | null, schema);
  }
  if (isJson(sample)) {
    expectKind('MappingNode', before, patch);
    return mergeMap(before as Json | null | undefined, patch as Json | null, schema);
  }
  if (sample !== null && sample !== undefined) expectKind('ScalarNode', before, patch);
  return patch === null ? cleared : patch;
}

function kindOf(value: unknown): string {
  return Array.isArray(value) ? 'SequenceNode' : isJson(value) ? 'MappingNode' : 'ScalarNode';
}

function expectKind(kind: string, ...values: readonly unknown[]): void {
  for (const value of values)
    if (value !== null && value !== undefined && kindOf(value) !== kind)
      throw new CommandError(
        `wrong node kind: expected ${kind} but got ${kindOf(value)}: node contents:\n${formatYaml(value)}`,
      );
}

function mergeMap(
  before: Json | null | undefined,
  patch: Json | null,
  schema: SchemaNode | undefined,
): unknown {
  if (patch === null) return cleared;
  const mode = modeOf(patch[directive]);
  delete patch[directive];
  if (mode === 'delete') return cleared;
  const target = mode === 'replace' || !before ? {} : before;
  const node = schema && builtinSchemas.resolve(schema);
  for (const [key, value] of Object.entries(patch)) {
    const merged = merge(target[key], value, node?.properties?.[key] ?? node?.additionalProperties);
    if (merged === cleared) delete target[key];
    else target[key] = merged;
  }
  return target;
}

function modeOf(value: unknown): 'merge' | 'replace' | 'delete' {
  if (value === undefined) return 'merge';
  if (value === 'merge' || value === 'replace' || value === 'delete') return value;
  throw new CommandError(`unknown patch strategy '${text({ value }, 'value')}'`);
}

function mergeList(
  before: unknown[] | null | undefined,
  patch: unknown[] | null,
  schema: SchemaNode | undefined,
): unknown {
  const strategy =
    schema?.patchStrategy ?? (schema && builtinSchemas.resolve(schema).patchStrategy) ?? '';
  if (patch === null) return cleared;
  if (!strategy.includes('merge')) return patch;
  const marker = patch.findIndex(
    (item) => isJson(item) && Object.keys(item).length === 1 && directive in item,
  );
  let mode: 'merge' | 'replace' | 'delete' = 'merge';
  if (marker >= 0) {
    const [item] = patch.splice(marker, 1);
    mode = modeOf(isJson(item) ? item[directive] : undefined);
  }
  if (mode === 'delete') return cleared;
  const target = mode === 'replace' ? [] : (before ?? []);
  const keys = schema?.listMapKeys ?? (schema?.patchMergeKey ? [schema.patchMergeKey] : []);
  const out =
    keys.length === 0
      ? [...patch, ...target.filter((item) => !patch.includes(item))]
      : mergeItems(target.filter(isJson), patch.filter(isJson), keys, schema?.items);
  return out.length === 0 && (before?.length ?? 0) > 0 ? cleared : out;
}

/** Items are the same when they agree in all their keys; a key that one of them lacks says nothing. */
function mergeItems(
  target: Json[],
  patch: readonly Json[],
  keys: readonly string[],
  schema: SchemaNode | undefined,
): Json[] {
  const used = keys.filter((key) =>
    [...patch, ...target].some((item) => item[key] !== undefined && item[key] !== null),
  );
  const same = (a: Json, b: Json): boolean => {
    const both = used.filter((key) => a[key] !== undefined && b[key] !== undefined);
    return (
      both.length > 0 &&
      both.every((key) => String(a[key] as string) === String(b[key] as string)) &&
      (used.length > 1 || both.length === used.length)
    );
  };
  const added: { readonly item: Json; readonly old: Json | undefined }[] = [];
  const gone = new Set<Json>();
  for (const item of patch) {
    const old = target.find((each) => same(each, item));
    const merged = mergeMap(old, item, schema);
    if (old && (merged === cleared || merged !== old)) gone.add(old);
    if (!isJson(merged) || Object.keys(merged).length === 0) continue;
    for (const key of used) if (merged[key] === undefined) delete merged[key];
    added.push({ item: merged, old });
  }
  const rest = target.filter((item) => !gone.has(item));
  // With one key the patch gives the order; with several, what was there keeps its own.
  if (used.length > 1)
    return [...added.filter(({ item }) => !rest.includes(item)).map(({ item }) => item), ...rest];
  const moved = added.map(({ item }) => item);
  return [...moved, ...rest.filter((item) => !moved.includes(item))];
}
