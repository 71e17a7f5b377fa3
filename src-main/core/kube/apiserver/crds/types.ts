import type { DeepReadonly, Disposable } from '#core/base';
import type { KindStrategy, ResourceInfo, SchemaNode, SchemaSet } from '../../apis/index.ts';
import type { KubeObject } from '../../machinery/index.ts';

/**
 * What the request path knows of custom resources. It follows the CustomResourceDefinitions of the server's state.
 *
 * How a server uses it:
 * 1. After each committed write of a CustomResourceDefinition (and once at start) call `sync()`; it rereads the
 *    definitions, recomputes rows and schemas, and fires `onChange` when discovery or OpenAPI differ.
 * 2. After the same write call `reconcileCrdStatus(crd, allCrds, nowMs)` and store its answer as the new status
 *    when it is not undefined (names accepted, Established, storedVersions). Then `sync()` again.
 * 3. Discovery and routing take `resources()` beside the built-in rows; `strategyFor(info)` and `schemaFor(info)`
 *    serve exactly as those of built-in kinds.
 * 4. A write of a custom object goes: decode → `prune` (its paths are the unknown fields of strict field
 *    validation) → `strategy.defaults` → `prepareFor…` → `strategy.validate…` → `convert` to
 *    `storageVersion(info)` → store. A read: `convert` to the asked version → `prune` → `strategy.defaults`.
 * 5. `get`/`update`/`patch` of `/scale` go through `scaleOf` and `applyScale`.
 */
export interface CrdRegistry {
  /** Rereads the definitions of the state. Cheap when none changed. */
  sync(): void;
  /** One row for each served version of each Established definition, groups and resources in byte order. */
  resources(): readonly ResourceInfo[];
  /** Undefined for a row that is no custom resource. */
  strategyFor(info: ResourceInfo): KindStrategy | undefined;
  /** The definition is being deleted: none of its objects may be made any more. */
  isTerminating(info: ResourceInfo): boolean;
  /** The schema of the row's kind; `set.get(info.schema)` is `root`. */
  schemaFor(info: ResourceInfo): { readonly set: SchemaSet; readonly root: SchemaNode } | undefined;
  /** Removes fields the schema does not know, in place. @returns their paths (`spec.extra`), in byte order. */
  prune(info: ResourceInfo, draft: KubeObject): string[];
  /** The version objects of the definition are stored in. */
  storageVersion(info: ResourceInfo): string;
  /**
   * The object in another version of its definition. Strategy None changes `apiVersion` alone.
   * @throws StatusError 500 the conversion webhook failed.
   */
  convert(
    info: ResourceInfo,
    object: DeepReadonly<KubeObject>,
    version: string,
  ): Promise<KubeObject>;
  /** What every answer about a deprecated version warns of. */
  deprecationOf(info: ResourceInfo): string | undefined;
  /** Whether a webhook converts the kind's objects. */
  isConvertedByWebhook(info: ResourceInfo): boolean;
  /**
   * The `autoscaling/v1` Scale of an object.
   * @param purpose an object without replicas cannot be read as a Scale, but may be written through it.
   * @throws StatusError 500
   */
  scaleOf(
    info: ResourceInfo,
    object: DeepReadonly<KubeObject>,
    purpose: 'read' | 'write',
  ): KubeObject;
  /** Where a version of the resource, `example.com/v1`, keeps its replicas; undefined when it has no scale. */
  replicasPath(info: ResourceInfo, apiVersion: string): readonly string[] | undefined;
  /** Whether the definition has a version, served or not. */
  hasVersion(info: ResourceInfo, apiVersion: string): boolean;
  /** Writes the replicas of a Scale into the draft. @throws StatusError 400, 500 */
  applyScale(info: ResourceInfo, draft: KubeObject, scale: DeepReadonly<KubeObject>): void;
  /** `components.schemas` of an OpenAPI v3 document, by name, for the custom kinds of one group and version. */
  openApiSchemas(group: string, version: string): Readonly<Record<string, object>>;
  /** Rows or schemas changed: discovery and OpenAPI must be rebuilt. */
  onChange(listener: () => void): Disposable;
}
