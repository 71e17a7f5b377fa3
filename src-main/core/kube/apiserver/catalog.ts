import { type DeepReadonly, jsonClone } from '#core/base';
import type { KindStrategy, ResourceInfo, SchemaNode, SchemaSet } from '../apis/index.ts';
import {
  type FieldManagerScope,
  formatGroupVersion,
  type GroupKind,
  type GroupResource,
  type KubeObject,
  parseGroupVersion,
} from '../machinery/index.ts';
import { withExpressionChecks } from './admission/index.ts';
import { convertBuiltin, storageGroupVersion } from './conversions.ts';
import { customResourceDefinitionStrategy } from './crds/index.ts';
import { keyPrefix } from './keys.ts';
import type { ApiServerOptions } from './options.ts';
import { resetFieldsOf } from './reset-fields.ts';
import { type StoredObject, storedForm } from './stored-object.ts';

/** One served resource with everything the generic path needs of it. */
export interface Served {
  readonly info: ResourceInfo;
  /** `apps/v1`. */
  readonly groupVersion: string;
  readonly groupResource: GroupResource;
  readonly groupKind: GroupKind;
  readonly strategy: KindStrategy;
  readonly schemas: SchemaSet;
  readonly root: SchemaNode;
  /** Key prefix with its final slash. */
  readonly prefix: string;
  readonly custom: boolean;
  /** The group version objects are stored in. */
  readonly storageGroupVersion: string;
  readonly hasStatus: boolean;
  /** Whether the kind has a version, `apps/v1`. */
  readonly knows: (apiVersion: string) => boolean;
}

/** The resources served at the moment, built-in and custom. */
export class Catalog {
  readonly #options: ApiServerOptions;
  readonly #served = new Map<string, Served>();
  readonly #builtin: ReadonlySet<string>;
  #views = new WeakMap<StoredObject, Map<Served, StoredObject>>();
  #customGroups: ReadonlySet<string> | undefined;

  constructor(options: ApiServerOptions) {
    this.#options = options;
    this.#builtin = new Set(options.resources.rows.map((row) => `${row.group}/${row.resource}`));
    options.customResources?.onChange(() => {
      this.#served.clear();
      this.#views = new WeakMap();
      this.#customGroups = undefined;
    });
  }

  get(group: string, version: string, resource: string): Served | undefined {
    const key = `${group}/${version}/${resource}`;
    const known = this.#served.get(key);
    if (known) return known;
    const served = this.#make(group, version, resource);
    // What is not served is not kept: clients can name any number of such things.
    if (served) this.#served.set(key, served);
    return served;
  }

  /** Any served version of a resource. */
  preferred(group: string, resource: string): Served | undefined {
    const row =
      this.#options.resources.preferred(group, resource) ??
      this.#options.customResources
        ?.resources()
        .find((each) => each.group === group && each.resource === resource);
    return row && this.get(row.group, row.version, row.resource);
  }

  hasGroup(group: string): boolean {
    return this.#options.resources.versionsOf(group).length > 0 || this.isCustomGroup(group);
  }

  /** Whether a definition, and not this server, brought the group. */
  isCustomGroup(group: string): boolean {
    if (this.#options.resources.versionsOf(group).length > 0) return false;
    this.#customGroups ??= new Set(
      (this.#options.customResources?.resources() ?? []).map((row) => row.group),
    );
    return this.#customGroups.has(group);
  }

  /** Rows of everything served, built-in first. */
  rows(): readonly ResourceInfo[] {
    return [...this.#options.resources.rows, ...(this.#options.customResources?.resources() ?? [])];
  }

  /** The object in the version of `served`; the stored one itself when that is its version. */
  view(stored: StoredObject, served: Served): StoredObject | Promise<StoredObject> {
    if (!served.custom) {
      if (stored.object.apiVersion === served.groupVersion) return stored;
      return (
        this.#remembered(stored, served) ??
        this.#remember(stored, served, convertBuiltin(stored.object, served.info))
      );
    }
    const known = this.#remembered(stored, served);
    if (known) return known;
    return this.#customView(stored, served);
  }

  async #customView(stored: StoredObject, served: Served): Promise<StoredObject> {
    const registry = this.#options.customResources;
    if (!registry) return stored;
    const isOwn = stored.object.apiVersion === served.groupVersion;
    const { group, version } = parseGroupVersion(stored.object.apiVersion);
    const kept = isOwn ? undefined : this.get(group, version, served.info.resource);
    const known = jsonClone(stored.object) as KubeObject;
    // What the stored version does not know is gone before another version is made of it.
    if (kept) registry.prune(kept.info, known);
    const draft = await registry.convert(served.info, known, served.info.version);
    registry.prune(served.info, draft);
    served.strategy.defaults?.(draft);
    // A webhook is asked for every read, as it is in front of etcd.
    return isOwn || !registry.isConvertedByWebhook(served.info)
      ? this.#remember(stored, served, draft)
      : storedForm(served, draft);
  }

  /** The object in the version it is to be stored in. */
  async toStorage(object: KubeObject, served: Served): Promise<KubeObject> {
    if (served.groupVersion === served.storageGroupVersion) return object;
    if (!served.custom) return convertBuiltin(object, this.#storageRow(served));
    const registry = this.#options.customResources;
    return registry
      ? registry.convert(served.info, object, registry.storageVersion(served.info))
      : object;
  }

  #storageRow(served: Served): { group: string; version: string; kind: string } {
    const slash = served.storageGroupVersion.indexOf('/');
    return {
      group: slash < 0 ? '' : served.storageGroupVersion.slice(0, slash),
      version: served.storageGroupVersion.slice(slash + 1),
      kind: served.info.kind,
    };
  }

  #remembered(stored: StoredObject, served: Served): StoredObject | undefined {
    return this.#views.get(stored)?.get(served);
  }

  #remember(stored: StoredObject, served: Served, object: DeepReadonly<KubeObject>): StoredObject {
    const view = storedForm(served, object);
    let views = this.#views.get(stored);
    if (!views) this.#views.set(stored, (views = new Map<Served, StoredObject>()));
    views.set(served, view);
    return view;
  }

  #builtinStrategy(group: string, kind: string): KindStrategy {
    const own = customResourceDefinitionStrategy;
    if (this.#options.customResources && group === own.group && kind === own.kind) return own;
    return withExpressionChecks(this.#options.strategyFor(group, kind) ?? { group, kind });
  }

  #make(group: string, version: string, resource: string): Served | undefined {
    const { resources, schemas, customResources } = this.#options;
    const builtin = resources.get(group, version, resource);
    if (builtin) {
      const root = schemas.get(builtin.schema) ?? { type: 'object', preserveUnknownFields: true };
      return served(
        builtin,
        this.#builtinStrategy(group, builtin.kind),
        schemas,
        root,
        storageGroupVersion(builtin),
        false,
        (apiVersion) => {
          const other = parseGroupVersion(apiVersion);
          return resources.ofKind(other.group, other.version, builtin.kind) !== undefined;
        },
      );
    }
    if (this.#builtin.has(`${group}/${resource}`)) return undefined;
    const row = customResources
      ?.resources()
      .find(
        (each) => each.group === group && each.version === version && each.resource === resource,
      );
    if (!row || !customResources) return undefined;
    const schema = customResources.schemaFor(row);
    return served(
      row,
      customResources.strategyFor(row) ?? { group, kind: row.kind },
      schema?.set ?? schemas,
      schema?.root ?? { type: 'object', preserveUnknownFields: true },
      formatGroupVersion({ group, version: customResources.storageVersion(row) }),
      true,
      (apiVersion) => customResources.hasVersion(row, apiVersion),
    );
  }
}

function served(
  info: ResourceInfo,
  strategy: KindStrategy,
  schemas: SchemaSet,
  root: SchemaNode,
  storage: string,
  custom: boolean,
  knows: Served['knows'],
): Served {
  return {
    info,
    groupVersion: formatGroupVersion(info),
    groupResource: { group: info.group, resource: info.resource },
    groupKind: { group: info.group, kind: info.kind },
    strategy,
    schemas,
    root,
    prefix: keyPrefix(info.group, info.resource, !custom),
    custom,
    storageGroupVersion: storage,
    hasStatus: info.subresources.some(({ name }) => name === 'status'),
    knows,
  };
}

/** How field ownership is tracked for writes of a resource or one of its subresources. */
export function fieldScope(served: Served, subresource: string): FieldManagerScope {
  const resetFields = resetFieldsOf(served.info.kind, subresource, served.custom, served.hasStatus);
  return {
    node: served.root,
    schemas: served.schemas,
    apiVersion: served.groupVersion,
    subresource,
    ...(resetFields ? { resetFields } : {}),
    knows: served.knows,
    checked: served.custom,
  };
}
