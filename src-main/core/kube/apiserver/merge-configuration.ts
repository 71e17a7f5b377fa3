import {
  checkTyped,
  isMap,
  type KubeObject,
  mergeTyped,
  PatchError,
  TypedValueError,
} from '../machinery/index.ts';
import type { SchemaNode, SchemaSet } from '../apis/index.ts';
import type { Served } from './catalog.ts';

/**
 * Merges the configuration of a mutating policy into an object.
 * @throws PatchError with upstream's words
 * @see k8s.io/apiserver/pkg/admission/plugin/policy/mutating/patch/smd.go, ApplyStructuredMergeDiff
 */
export function mergeConfiguration(
  object: KubeObject,
  configuration: Omit<KubeObject, 'metadata'>,
  { root, schemas }: Pick<Served, 'root' | 'schemas'>,
): KubeObject {
  try {
    checkTyped(configuration, root, schemas, 'apply');
  } catch (error) {
    if (!(error instanceof TypedValueError)) throw error;
    throw new PatchError(
      `error applying patch: failed to convert patch object to typed object: ${error.message}`,
    );
  }
  const atomics = atomicPaths(configuration, root, schemas, '');
  if (atomics.length > 0)
    throw new PatchError(
      `error applying patch: invalid ApplyConfiguration: may not mutate atomic arrays, maps or structs: ${atomics.join(', ')}`,
    );
  return mergeTyped(object, configuration, root, schemas) as KubeObject;
}

/** Paths of values that can only be replaced as a whole. */
function atomicPaths(value: unknown, node: SchemaNode, schemas: SchemaSet, path: string): string[] {
  const shape = schemas.resolve(node);
  const [listType, mapType] = [node.listType ?? shape.listType, node.mapType ?? shape.mapType];
  if (Array.isArray(value)) {
    const isAtomic = shape.type === 'array' && (listType ?? 'atomic') === 'atomic';
    const { items } = shape;
    return [
      ...(isAtomic ? [path] : []),
      ...(items
        ? value.flatMap((item, i) => atomicPaths(item, items, schemas, `${path}[${i}]`))
        : []),
    ];
  }
  if (!isMap(value)) return [];
  return [
    ...(mapType === 'atomic' ? [path] : []),
    ...Object.entries(value).flatMap(([key, item]) => {
      const child = shape.properties?.[key];
      return child ? atomicPaths(item, child, schemas, `${path}.${key}`) : [];
    }),
  ];
}
