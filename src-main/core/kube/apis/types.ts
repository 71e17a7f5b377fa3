/**
 * What the API machinery knows of the API surface. All of it for built-in kinds is generated from upstream's own
 * descriptions (`npm run generate`); CRDs add rows of the same shape at run time.
 */

export type Verb =
  'get' | 'list' | 'watch' | 'create' | 'update' | 'patch' | 'delete' | 'deletecollection';

/** One served resource of one version, as discovery lists it. */
export interface ResourceInfo {
  readonly group: string;
  readonly version: string;
  /** Plural, lower case: `deployments`. */
  readonly resource: string;
  readonly singular: string;
  readonly kind: string;
  readonly namespaced: boolean;
  readonly verbs: readonly Verb[];
  readonly shortNames: readonly string[];
  readonly categories: readonly string[];
  readonly subresources: readonly SubresourceInfo[];
  /** Name of the object's schema in `SchemaSet`: `io.k8s.api.apps.v1.Deployment`. */
  readonly schema: string;
  readonly storageVersionHash?: string;
}

export interface SubresourceInfo {
  /** `status`, `scale`, `log` … */
  readonly name: string;
  /** The kind it speaks, which may be another group's: `Scale` of autoscaling/v1. */
  readonly kind: string;
  readonly group: string;
  readonly version: string;
  readonly verbs: readonly Verb[];
}

export type PatchStrategy = 'merge' | 'replace' | 'retainKeys' | 'merge,retainKeys';

/** A field's type: a structural schema with upstream's list, map and merge annotations. */
export interface SchemaNode {
  readonly type?: 'object' | 'array' | 'string' | 'integer' | 'number' | 'boolean';
  /** `int32`, `int64`, `double`, `byte`, `date-time`, `int-or-string`, `quantity` … */
  readonly format?: string;
  /** Another schema of the set; only `default` and the patch annotations may stand beside it. */
  readonly ref?: string;
  /** Of a built-in type: as Go declares and writes them. */
  readonly properties?: Readonly<Record<string, SchemaNode>>;
  readonly required?: readonly string[];
  readonly items?: SchemaNode;
  /** Values of a map. */
  readonly additionalProperties?: SchemaNode;
  readonly enum?: readonly string[];
  /**
   * As upstream's OpenAPI tells it, zero values of Go (`''`, `0`, `{}`) included. For built-in kinds it documents and
   * completes the keys of map lists; what absent fields become is decided by `KindStrategy.defaults`.
   */
  readonly default?: unknown;
  /** The name messages give to a type of text, to the items of a list, or to a map: `v1.RestartPolicy`. */
  readonly typeName?: string;
  /** The structs of Go that stand between the type and this field of its: `ProbeHandler`. */
  readonly embedded?: string;
  /** What Go writes for a field that is not set; absent when it writes nothing. */
  readonly always?: unknown;
  /** Go does not write the field when it holds the zero value of its type. */
  readonly omitZero?: boolean;
  readonly listType?: 'atomic' | 'set' | 'map';
  readonly listMapKeys?: readonly string[];
  readonly mapType?: 'atomic' | 'granular';
  readonly patchStrategy?: PatchStrategy;
  readonly patchMergeKey?: string;
  readonly preserveUnknownFields?: boolean;
  readonly nullable?: boolean;
  /** Of a named schema: the kinds that are written so. */
  readonly kinds?: readonly {
    readonly group: string;
    readonly version: string;
    readonly kind: string;
  }[];
  /** Fields of which one may be set, as `x-kubernetes-unions` writes them. */
  readonly unions?: readonly {
    readonly discriminator?: string;
    readonly 'fields-to-discriminateBy': Readonly<Record<string, string>>;
  }[];
}

/** Named schemas; built-in ones, or one CRD's. */
export interface SchemaSet {
  get(name: string): SchemaNode | undefined;
  /** Follows `ref`s; the node itself when it has none. */
  resolve(node: SchemaNode): SchemaNode;
}
