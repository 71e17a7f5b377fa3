import { CommandError } from '../errors.ts';
import { isJson, type Json, sortedKeys } from '../json-view.ts';

/** What a field of a kustomization holds, with the Go type that messages name. */
type Shape =
  | { readonly kind: 'string' | 'bool' | 'int64' }
  | { readonly kind: 'list' | 'map'; readonly of: Shape }
  | {
      readonly kind: 'struct';
      readonly name: string;
      readonly fields: Readonly<Record<string, Shape>>;
      /** Embedded structs that messages name on the way to a field. */
      readonly within?: Readonly<Record<string, string>>;
    };

const text: Shape = { kind: 'string' };
const flag: Shape = { kind: 'bool' };
const listOf = (of: Shape): Shape => ({ kind: 'list', of });
const texts = listOf(text);
const textMap: Shape = { kind: 'map', of: text };
const struct = (
  name: string,
  fields: Readonly<Record<string, Shape>>,
  within: Readonly<Record<string, string>> = {},
): Shape => ({ kind: 'struct', name, fields, within });
const embedded = (path: string, names: readonly string[]): Record<string, string> =>
  Object.fromEntries(names.map((name) => [name, path]));

const fieldSpec = struct('FieldSpec', {
  path: text,
  create: flag,
  group: text,
  version: text,
  kind: text,
});
const generatorOptions = struct('GeneratorOptions', {
  labels: textMap,
  annotations: textMap,
  disableNameSuffixHash: flag,
  immutable: flag,
});
const sources = { literals: texts, files: texts, envs: texts, env: text };
const generator = (name: string, more: Readonly<Record<string, Shape>> = {}): Shape =>
  struct(
    name,
    { namespace: text, name: text, behavior: text, ...sources, options: generatorOptions, ...more },
    {
      ...embedded('GeneratorArgs.', ['namespace', 'name', 'behavior', 'options']),
      ...embedded('GeneratorArgs.KvPairSources.', Object.keys(sources)),
    },
  );
const gvk = { group: text, version: text, kind: text };
const patch = struct('Patch', {
  path: text,
  patch: text,
  target: struct(
    'Selector',
    { ...gvk, name: text, namespace: text, labelSelector: text, annotationSelector: text },
    {
      ...embedded('ResId.', ['name', 'namespace']),
      ...embedded('ResId.Gvk.', ['group', 'version', 'kind']),
    },
  ),
  options: struct('PatchArgs', { allowNameChange: flag, allowKindChange: flag }),
});
const image = struct('Image', {
  name: text,
  newName: text,
  tagSuffix: text,
  newTag: text,
  digest: text,
});
const kustomization = struct(
  'Kustomization',
  {
    apiVersion: text,
    kind: text,
    metadata: struct('ObjectMeta', {
      name: text,
      namespace: text,
      labels: textMap,
      annotations: textMap,
    }),
    namePrefix: text,
    nameSuffix: text,
    namespace: text,
    commonLabels: textMap,
    commonAnnotations: textMap,
    labels: listOf(
      struct('Label', {
        pairs: textMap,
        includeSelectors: flag,
        includeTemplates: flag,
        fields: listOf(fieldSpec),
      }),
    ),
    patches: listOf(patch),
    patchesJson6902: listOf(patch),
    patchesStrategicMerge: texts,
    images: listOf(image),
    imageTags: listOf(image),
    replicas: listOf(struct('Replica', { name: text, count: { kind: 'int64' } })),
    sortOptions: struct('SortOptions', {
      order: text,
      legacySortOptions: struct('LegacySortOptions', { orderFirst: texts, orderLast: texts }),
    }),
    resources: texts,
    components: texts,
    bases: texts,
    configMapGenerator: listOf(generator('ConfigMapArgs')),
    secretGenerator: listOf(generator('SecretArgs', { type: text })),
    generatorOptions,
  },
  embedded('TypeMeta.', ['apiVersion', 'kind']),
);

/** Fields that kustomize knows and this build does not; any other name is nobody's. */
const unsupported = new Set(
  'buildMetadata configurations crds generators helmChartInflationGenerator helmCharts helmGlobals openapi replacements transformers validators vars'.split(
    ' ',
  ),
);

/**
 * Checks names and types of fields as encoding/json does, in the order of names.
 * @throws CommandError the first thing that is wrong.
 */
export function checkFields(value: Json): void {
  check(value, kustomization, 'Kustomization', '');
}

function check(value: unknown, shape: Shape, owner: string, path: string): void {
  if (value === null || value === undefined) return;
  const found = Array.isArray(value) ? 'array' : isJson(value) ? 'object' : typeof value;
  const wanted = { string: 'string', bool: 'boolean', int64: 'number', list: 'array' };
  const expected = shape.kind === 'map' || shape.kind === 'struct' ? 'object' : wanted[shape.kind];
  const fractional = shape.kind === 'int64' && !Number.isInteger(value);
  if (found !== expected || fractional)
    throw new CommandError(
      `invalid Kustomization: json: cannot unmarshal ${found === 'boolean' ? 'bool' : found}${found === 'number' && fractional ? ` ${JSON.stringify(value)}` : ''} into Go struct field ${owner}.${path} of type ${goType(shape, path)}`,
    );
  if (shape.kind === 'list')
    for (const item of value as unknown[]) check(item, shape.of, owner, path);
  else if (shape.kind === 'map')
    for (const key of sortedKeys(value)) check((value as Json)[key], shape.of, owner, path);
  else if (shape.kind === 'struct') checkStruct(value as Json, shape, path);
}

function checkStruct(value: Json, shape: Shape & { kind: 'struct' }, path: string): void {
  for (const name of sortedKeys(value)) {
    const field = shape.fields[name];
    if (!field)
      throw new CommandError(
        shape === kustomization && unsupported.has(name)
          ? `the kustomization field "${name}" is not supported by this kubectl`
          : `invalid Kustomization: json: unknown field ${JSON.stringify(name)}`,
      );
    const step = `${shape.within?.[name] ?? ''}${name}`;
    check(value[name], field, shape.name, path === '' ? step : `${path}.${step}`);
  }
}

function goType(shape: Shape, path: string): string {
  if (shape.kind === 'list')
    return path === 'patchesStrategicMerge'
      ? '[]types.PatchStrategicMerge'
      : `[]${goType(shape.of, path)}`;
  if (shape.kind === 'map') return `map[string]${goType(shape.of, path)}`;
  return shape.kind === 'struct' ? `types.${shape.name}` : shape.kind;
}
