import type { Fields } from './subjects.ts';

export const definitionsUrl = '/apis/apiextensions.k8s.io/v1/customresourcedefinitions';

/** A definition of custom resources, whose names all come from the plural. */
export function customDefinition(
  group: string,
  scope: 'Cluster' | 'Namespaced',
  plural: string,
  versions: readonly Fields[],
  more: Fields = {},
): Fields {
  const singular = plural.slice(0, -1);
  const kind = singular.slice(0, 1).toUpperCase() + singular.slice(1);
  return {
    apiVersion: 'apiextensions.k8s.io/v1',
    kind: 'CustomResourceDefinition',
    metadata: { name: `${plural}.${group}` },
    spec: {
      group,
      scope,
      names: { plural, singular, kind, listKind: `${kind}List` },
      versions,
      ...more,
    },
  };
}
