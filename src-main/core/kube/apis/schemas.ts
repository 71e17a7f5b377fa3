import { schemasJson } from './generated/schemas.ts';
import type { SchemaNode, SchemaSet } from './types.ts';

/**
 * A set of named schemas.
 *
 * @param parents asked in turn for names that are not here.
 */
export function schemaSet(
  schemas: Readonly<Record<string, SchemaNode>>,
  ...parents: readonly SchemaSet[]
): SchemaSet {
  const get = (name: string): SchemaNode | undefined => {
    if (Object.hasOwn(schemas, name)) return schemas[name];
    for (const parent of parents) {
      const node = parent.get(name);
      if (node) return node;
    }
    return undefined;
  };
  return { get, resolve: (node) => resolveIn(get, node) };
}

let builtin: ReadonlyMap<string, SchemaNode> | undefined;

function builtinMap(): ReadonlyMap<string, SchemaNode> {
  builtin ??= new Map(Object.entries(JSON.parse(schemasJson) as Record<string, SchemaNode>));
  return builtin;
}

/** Schemas of all built-in types, read on first use. */
export const builtinSchemas: SchemaSet = {
  get: (name) => builtinMap().get(name),
  resolve: (node) => resolveIn((name) => builtinMap().get(name), node),
};

/** Names of the built-in schemas, sorted. */
export function builtinSchemaNames(): string[] {
  return [...builtinMap().keys()];
}

function resolveIn(get: (name: string) => SchemaNode | undefined, node: SchemaNode): SchemaNode {
  let current = node;
  while (current.ref !== undefined) {
    const target = get(current.ref);
    if (!target) throw new Error(`schema ${current.ref} is referred to but not in the set`);
    current = target;
  }
  return current;
}
