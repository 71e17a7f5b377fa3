import {
  formatYaml,
  jsonPatch,
  type JsonPatchOperation,
  parseYaml,
  parseYamlDocuments,
  PatchError,
} from '#core/kube';
import { CommandError, prefixed } from '../errors.ts';
import {
  compact,
  ensureMap,
  isJson,
  type Json,
  list,
  map,
  nameOf,
  namespaceOf,
  text,
} from '../json-view.ts';
import {
  append,
  currentId,
  findById,
  rememberId,
  rename,
  type Resource,
  type Resources,
  select,
} from './resource.ts';
import { formatId, idOf } from './resource-id.ts';
import { mergePatch } from './strategic-merge.ts';

/** Reads a file of the kustomization. @throws CommandError */
export type ReadFile = (path: string) => string;

/** `patchesStrategicMerge`: files or patches as they stand. @throws CommandError */
export function applyStrategicMerges(
  resources: Resources,
  kustomization: Json,
  read: ReadFile,
): void {
  const paths = list(kustomization, 'patchesStrategicMerge').map(String);
  const patches = configured('PatchStrategicMergeTransformer', { paths }, () =>
    paths.flatMap((entry) => objectsOf(entry) ?? objectsOf(read(entry)) ?? []),
  );
  for (const patch of patches) merge(resources, [findById(resources, idOf(patch))], patch, {});
}

/** What fails while a transformer is made is told with its configuration. */
function configured<T>(transformer: string, config: Json, step: () => T): T {
  return prefixed(
    `trouble configuring builtin ${transformer} with config: \`\n${formatYaml(config)}\``,
    step,
  );
}

/** `patchesJson6902`. @throws CommandError */
export function applyJsonPatches(resources: Resources, kustomization: Json, read: ReadFile): void {
  for (const entry of list(kustomization, 'patchesJson6902')) {
    const target = map(entry, 'target');
    const [path, inline] = [text(entry, 'path'), text(entry, 'patch')];
    const config = compact({
      target,
      path: path || undefined,
      jsonOp: inline || undefined,
    });
    const operations = configured('PatchJson6902Transformer', config, () => {
      if (text(target, 'name') === '') throw new CommandError('must specify the target name');
      if (path === '' && inline === '') throw new CommandError('empty file path and empty jsonOp');
      if (path !== '' && inline !== '')
        throw new CommandError('must specify a file path or jsonOp, not both');
      const source = path === '' ? inline : read(path);
      const found = operationsOf(source);
      if (!found || found.length === 0)
        throw new CommandError(`patch appears to be empty; file=${path}, JsonOp=${source}`);
      return found;
    });
    for (const resource of select(resources, target)) change(resource, operations);
  }
}

/** `patches`: strategic or JSON, by path or inline, for a target or for what they name. @throws CommandError */
export function applyPatches(resources: Resources, kustomization: Json, read: ReadFile): void {
  for (const entry of list(kustomization, 'patches').map((each) => map(each))) {
    const path = text(entry, 'path');
    const inline = text(entry, 'patch').trim();
    const target = isJson(entry['target']) ? entry['target'] : undefined;
    const shown = path === '' ? `[patch: ${JSON.stringify(inline)}]` : `[path: "${path}"]`;
    const { patches, operations } = configured('PatchTransformer', entry, () => {
      if (path === '' && inline === '')
        throw new CommandError(`must specify one of patch and path in\n${formatYaml(entry)}`);
      if (path !== '' && inline !== '')
        throw new CommandError(
          `patch and path can't be set at the same time\n${formatYaml(entry)}`,
        );
      const source =
        path === ''
          ? inline
          : prefixed(`failed to get the patch file from path(${path})`, () => read(path));
      const parsed = { patches: objectsOf(source), operations: operationsOf(source) };
      if (!parsed.patches && !parsed.operations)
        throw new CommandError(`unable to parse SM or JSON patch from ${shown}`);
      return parsed;
    });
    if (patches) {
      mergeAll(resources, patches, target, map(entry, 'options'), shown);
      continue;
    }
    if (!target) throw new CommandError(`must specify a target for JSON patch ${shown}`);
    for (const resource of select(resources, target)) {
      rememberId(resource);
      change(resource, operations ?? []);
    }
  }
}

function mergeAll(
  resources: Resources,
  patches: readonly Json[],
  target: Json | undefined,
  options: Json,
  shown: string,
): void {
  const [patch] = patches;
  if (target && patch) {
    if (patches.length > 1)
      throw new CommandError(
        `Multiple Strategic-Merge Patches in one \`patches\` entry is not allowed to set \`patches.target\` field: ${shown}`,
      );
    merge(resources, select(resources, target), patch, options);
    return;
  }
  for (const each of patches) {
    const id = idOf(each);
    const found = prefixed(
      `no resource matches strategic merge patch ${JSON.stringify(formatId(id))}`,
      () => findById(resources, id),
    );
    merge(resources, [found], each, options);
  }
}

/** Merges a patch into each resource; names and kinds stay unless the options allow a change. */
function merge(
  resources: Resources,
  chosen: readonly Resource[],
  patch: Json,
  options: Json,
): void {
  for (const resource of chosen) {
    const { name, kind } = currentId(resource);
    const namespace = namespaceOf(resource.object);
    const [mayRename, mayBecome] = [
      options['allowNameChange'] === true,
      options['allowKindChange'] === true,
    ];
    if (mayRename || mayBecome) rememberId(resource);
    const { apiVersion } = resource.object;
    const merged = mergePatch(resource.object, { ...patch, apiVersion });
    if (!merged) {
      resources.splice(resources.indexOf(resource), 1);
      continue;
    }
    resource.object = merged;
    if (!mayBecome) merged['kind'] = kind;
    if (!mayRename || nameOf(merged) === '') rename(resource, name);
    const metadata = ensureMap(merged, 'metadata');
    if (namespace === '') delete metadata['namespace'];
    else metadata['namespace'] = namespace;
  }
  append([], resources);
}

/** @throws CommandError in the words of kustomize's own library. */
function change(resource: Resource, operations: readonly JsonPatchOperation[]): void {
  for (const operation of operations)
    try {
      const changed = jsonPatch(resource.object, [operation]);
      if (isJson(changed)) resource.object = changed;
    } catch (error) {
      if (!(error instanceof PatchError)) throw error;
      const words = error.message.replace(/^\w+ operation does not apply: (?=error in)/, '');
      const missing = /^add operation does not apply: doc is missing path: "(.*)": /.exec(words);
      throw new CommandError(
        operation.op === 'replace' && missing
          ? `replace operation does not apply: doc is missing path: ${missing[1] ?? ''}: missing value`
          : words,
      );
    }
}

/** The objects of a text; undefined when it holds anything else. */
function objectsOf(source: string): Json[] | undefined {
  let documents: unknown[];
  try {
    documents = parseYamlDocuments(source, undefined, 'v3').filter(
      (each) => each !== null && each !== undefined,
    );
  } catch {
    return undefined;
  }
  const objects = documents.filter(isJson);
  return documents.length > 0 &&
    objects.length === documents.length &&
    objects.every((each) => text(each, 'kind') !== '' && nameOf(each) !== '')
    ? objects
    : undefined;
}

function operationsOf(source: string): JsonPatchOperation[] | undefined {
  let value: unknown;
  try {
    value = parseYaml(source, undefined, 'v3');
  } catch {
    return undefined;
  }
  if (!Array.isArray(value)) return undefined;
  const items = value as unknown[];
  return items.every(isJson) ? (items as unknown as JsonPatchOperation[]) : undefined;
}
