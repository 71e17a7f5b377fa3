import { type JsonMap, mapOf } from '../fields/index.ts';

const refs = '#/components/schemas/io.k8s.apimachinery.pkg.apis.meta.v1.';
const kindText =
  'Kind is a string value representing the REST resource this object represents. Servers may infer this from the endpoint the client submits requests to. Cannot be updated. In CamelCase. More info: https://git.k8s.io/community/contributors/devel/sig-architecture/api-conventions.md#types-kinds';
const versionText =
  'APIVersion defines the versioned schema of this representation of an object. Servers should convert recognized schemas to the latest internal value, and may reject unrecognized values. More info: https://git.k8s.io/community/contributors/devel/sig-architecture/api-conventions.md#resources';

/**
 * The schemas of a custom kind and its list as an OpenAPI v3 document publishes them.
 * @see apiextensions-apiserver/pkg/controller/openapi/builder/builder.go
 */
export function openApiSchema(
  name: string,
  names: { group: string; version: string; kind: string; listKind: string; plural: string },
  schema: JsonMap,
): Record<string, object> {
  const { group, version, kind, listKind, plural } = names;
  const typeMeta = {
    apiVersion: { description: versionText, type: 'string' },
    kind: { description: kindText, type: 'string' },
  };
  const own = {
    ...schema,
    properties: {
      ...mapOf(schema['properties']),
      ...typeMeta,
      metadata: {
        description:
          "Standard object's metadata. More info: https://git.k8s.io/community/contributors/devel/sig-architecture/api-conventions.md#metadata",
        allOf: [{ $ref: `${refs}ObjectMeta` }],
      },
    },
    'x-kubernetes-group-version-kind': [{ group, kind, version }],
  };
  const list = {
    description: `${listKind} is a list of ${kind}`,
    type: 'object',
    required: ['items'],
    properties: {
      ...typeMeta,
      items: {
        description: `List of ${plural}. More info: https://git.k8s.io/community/contributors/devel/sig-architecture/api-conventions.md`,
        type: 'array',
        items: { $ref: `#/components/schemas/${name}` },
      },
      metadata: {
        description:
          'Standard list metadata. More info: https://git.k8s.io/community/contributors/devel/sig-architecture/api-conventions.md#types-kinds',
        allOf: [{ $ref: `${refs}ListMeta` }],
      },
    },
    'x-kubernetes-group-version-kind': [{ group, kind: listKind, version }],
  };
  return { [name]: own, [name.replace(/[^.]+$/, listKind)]: list };
}
