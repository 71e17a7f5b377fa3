import type { DeepReadonly } from '#core/base';
import { jsonClone, jsonEqual } from '#core/base';
import {
  equalSets,
  type FieldSet,
  FieldSetError,
  intersectSets,
  isEmptySet,
  parseFieldSet,
  pathsOf,
  subtractRecursively,
  subtractSet,
  unionSets,
} from './fields-v1.ts';
import { lastAppliedAnnotation, syncLastApplied } from './last-applied.ts';
import type { MergeSchema, MergeSchemas } from './merge-schema.ts';
import type { KubeObject, ManagedFieldsEntry } from './meta-v1.ts';
import { isSharedSet, sharedSet } from './shared-sets.ts';
import type { StatusError } from './status.ts';
import { badRequest, failure, type StatusCause } from './status.ts';
import { checkTyped, TypedValueError } from './typed-check.ts';
import { compareTyped, fieldSetOf } from './typed-compare.ts';
import { mergeTyped, pruneTyped } from './typed-merge.ts';

// Rules: k8s.io/apimachinery/pkg/util/managedfields/internal and structured-merge-diff/v6/merge.

/** One owner of fields while a write is worked out. */
export interface Owner {
  readonly manager: string;
  readonly operation: 'Apply' | 'Update';
  readonly apiVersion: string;
  readonly subresource: string;
  readonly time: string | undefined;
  readonly fields: FieldSet;
}

/** The kind's schema, and where the write enters. */
export interface FieldManagerScope {
  readonly node: MergeSchema;
  readonly schemas: MergeSchemas;
  /** Of the request: `apps/v1`. */
  readonly apiVersion: string;
  /** `status`, `scale` … or empty. */
  readonly subresource: string;
  /** Fields that writes of this (sub)resource cannot change: `{ 'f:status': {} }`. */
  readonly resetFields?: FieldSet;
  /** Whether updates have to fit the schema, or else nobody owns anything any more: custom kinds. */
  readonly checked?: boolean;
  /** Whether the kind has a version; what was written in others is forgotten. */
  readonly knows?: (apiVersion: string) => boolean;
}

const strippedFields: FieldSet = {
  'f:apiVersion': {},
  'f:kind': {},
  'f:metadata': {
    '.': {},
    'f:name': {},
    'f:namespace': {},
    'f:creationTimestamp': {},
    'f:selfLink': {},
    'f:uid': {},
    'f:clusterName': {},
    'f:generation': {},
    'f:managedFields': {},
    'f:resourceVersion': {},
  },
};

const maxUpdateManagers = 10;
const ancientChanges = 'ancient-changes';

/** What makes two entries one owner. */
export function identity(
  owner: Pick<Owner, 'manager' | 'operation' | 'apiVersion' | 'subresource'>,
): string {
  const version = owner.operation === 'Apply' ? '' : owner.apiVersion;
  return `${owner.operation}|${owner.manager}|${version}|${owner.subresource}`;
}

/** The owners that entries name. @throws FieldSetError */
export function ownersOf(entries: readonly DeepReadonly<ManagedFieldsEntry>[]): Owner[] {
  const owners = new Map<string, Owner>();
  for (const entry of entries) {
    const { operation, apiVersion = '', fieldsType, fieldsV1 } = entry;
    if (operation !== 'Apply' && operation !== 'Update')
      throw new FieldSetError('operation must be `Apply` or `Update`');
    if (apiVersion === '') throw new FieldSetError('apiVersion must not be empty');
    if (fieldsType !== 'FieldsV1') throw new FieldSetError('invalid fieldsType');
    const owner: Owner = {
      manager: entry.manager ?? '',
      operation,
      apiVersion,
      subresource: entry.subresource ?? '',
      time: entry.time,
      fields: knownSet(fieldsV1 ?? {}),
    };
    owners.set(identity(owner), owner);
  }
  return [...owners.values()];
}

/** A set as read; those of stored objects have been read. @throws FieldSetError */
function knownSet(raw: object): FieldSet {
  return isSharedSet(raw) ? raw : sharedSet(parseFieldSet(raw));
}

/** The owners an object names; none when they cannot be read. */
function readableOwners(object: DeepReadonly<KubeObject> | undefined): Owner[] {
  try {
    return ownersOf(object?.metadata.managedFields ?? []);
  } catch (error) {
    if (error instanceof FieldSetError) return [];
    throw error;
  }
}

/** Owners as an object holds them. */
export function entriesOf(owners: readonly Owner[]): ManagedFieldsEntry[] {
  const compare = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);
  return [...owners]
    .sort(
      (a, b) =>
        compare(a.operation, b.operation) ||
        compare(a.time ?? '', b.time ?? '') ||
        compare(a.manager, b.manager) ||
        compare(a.apiVersion, b.apiVersion) ||
        compare(a.subresource, b.subresource),
    )
    .map(entryOf);
}

function entryOf(owner: Owner): ManagedFieldsEntry {
  return {
    manager: owner.manager,
    operation: owner.operation,
    apiVersion: owner.apiVersion,
    ...(owner.time === undefined ? {} : { time: owner.time }),
    fieldsType: 'FieldsV1' as const,
    fieldsV1: sharedSet(owner.fields),
    ...(owner.subresource === '' ? {} : { subresource: owner.subresource }),
  };
}

/** The owners an update starts from: those it sends, if it may and they can be read, or else the object's. */
function ownersBefore(
  live: DeepReadonly<KubeObject> | undefined,
  draft: KubeObject,
  { subresource, checked }: FieldManagerScope,
): Owner[] {
  const sent = draft.metadata.managedFields;
  // The metadata of custom objects holds an empty list as it holds none.
  if (checked && sent?.length === 0) return readableOwners(live);
  if (subresource !== '' || !sent) return readableOwners(live);
  // A list with nothing, or with one empty entry, is how a client asks for a reset.
  if (sent.length === 0 || (sent.length === 1 && Object.keys(sent[0] as object).length === 0))
    return [];
  // Who sends what it has read sends the object's own: those have been read before.
  if (jsonEqual(sent, live?.metadata.managedFields)) return readableOwners(live);
  const owners = readableOwners(draft);
  return owners.length > 0 ? owners : readableOwners(live);
}

const ofKnownVersions = (
  owners: readonly Owner[],
  { knows, apiVersion }: FieldManagerScope,
): Owner[] =>
  owners.filter((owner) => owner.apiVersion === apiVersion || (knows?.(owner.apiVersion) ?? true));

function withReset(fields: FieldSet, scope: FieldManagerScope): FieldSet {
  return scope.resetFields ? subtractRecursively(fields, scope.resetFields) : fields;
}

/**
 * Takes fields that changed from their owners.
 * @returns the owners that are left, and for each the fields others now write.
 */
function changeOwners(
  owners: readonly Owner[],
  self: string,
  changed: FieldSet,
  removed: FieldSet,
): { owners: Owner[]; conflicts: { owner: Owner; fields: FieldSet }[] } {
  const conflicts: { owner: Owner; fields: FieldSet }[] = [];
  const left: Owner[] = [];
  const anyRemoved = !isEmptySet(removed);
  for (const owner of owners) {
    if (identity(owner) === self) {
      left.push(owner);
      continue;
    }
    let fields = owner.fields;
    const taken = intersectSets(fields, changed);
    if (!isEmptySet(taken)) {
      conflicts.push({ owner, fields: taken });
      fields = subtractSet(fields, taken);
    }
    if (anyRemoved) fields = subtractSet(fields, removed);
    if (!isEmptySet(fields))
      left.push(equalSets(fields, owner.fields) ? owner : { ...owner, fields });
  }
  return { owners: left, conflicts };
}

/**
 * Records who wrote what in a create, update or patch: sets `metadata.managedFields` of `draft`.
 *
 * @param live what was there; undefined on create.
 * @param manager the request's fieldManager, or the first part of its user agent.
 * @param time RFC 3339, whole seconds.
 */
export function trackUpdate(
  live: DeepReadonly<KubeObject> | undefined,
  draft: KubeObject,
  manager: string,
  time: string,
  scope: FieldManagerScope,
): void {
  const before = ownersBefore(live, draft, scope);
  delete draft.metadata.managedFields;
  // An object nobody is known to own stays so until it is applied.
  if (live && before.length === 0) return;
  if (scope.checked && !fits(draft, scope)) return;
  const owners = ofKnownVersions(before, scope);
  const base: unknown = live ?? emptyObject;
  // Owners are no fields that somebody owns.
  const { managedFields } = live?.metadata ?? {};
  if (managedFields) draft.metadata.managedFields = managedFields as ManagedFieldsEntry[];
  const { added, modified, removed } = compareTyped(base, draft, scope.node, scope.schemas);
  delete draft.metadata.managedFields;
  const changed = withReset(subtractSet(unionSets(added, modified), strippedFields), scope);
  // The writer is like any other owner here: what it wrote before is taken and given back below.
  const result = changeOwners(owners, '', changed, withReset(removed, scope)).owners;
  if (!isEmptySet(changed)) {
    const self = {
      manager,
      operation: 'Update' as const,
      apiVersion: scope.apiVersion,
      subresource: scope.subresource,
    };
    const own = identity(self);
    const index = result.findIndex((owner) => identity(owner) === own);
    const fields = index < 0 ? changed : unionSets(result[index]?.fields, changed);
    const entry: Owner = { ...self, time, fields };
    if (index < 0) result.push(entry);
    else result[index] = entry;
  }
  setEntries(draft, capped(result));
}

function fits(draft: KubeObject, { node, schemas }: FieldManagerScope): boolean {
  try {
    checkTyped(draft, node, schemas, 'update');
    return true;
  } catch (error) {
    if (error instanceof TypedValueError) return false;
    throw error;
  }
}

const emptyObject = { apiVersion: '', kind: '', metadata: {} };

function setEntries(draft: KubeObject, owners: readonly Owner[]): void {
  if (owners.length === 0) delete draft.metadata.managedFields;
  else draft.metadata.managedFields = entriesOf(owners);
}

/** At most ten updaters are kept apart; the oldest become one. */
function capped(owners: Owner[]): Owner[] {
  const updaters = owners.filter((owner) => owner.operation === 'Update');
  if (updaters.length <= maxUpdateManagers) return owners;
  updaters.sort((a, b) => ((a.time ?? '') < (b.time ?? '') ? -1 : 1));
  const merged = new Set<Owner>();
  const ancient = new Map<string, Owner>();
  let count = updaters.length;
  for (const owner of updaters) {
    if (count <= maxUpdateManagers) break;
    merged.add(owner);
    const key = `${owner.apiVersion}|${owner.subresource}`;
    const previous = ancient.get(key);
    if (previous || owner.manager === ancientChanges) count -= previous ? 1 : 0;
    ancient.set(key, {
      ...owner,
      manager: ancientChanges,
      fields: unionSets(previous?.fields, owner.fields),
    });
  }
  return [...owners.filter((owner) => !merged.has(owner)), ...ancient.values()];
}

/**
 * Server-side apply of `config` on `live` (undefined: there is none).
 *
 * @param defaults fills absent fields of the merged object.
 * @returns the merged object with its managed fields.
 * @throws StatusError 409 for conflicts, 400 or 500 for a configuration that does not fit the schema.
 */
export function applyConfiguration(
  live: DeepReadonly<KubeObject> | undefined,
  config: KubeObject,
  options: { readonly manager: string; readonly force: boolean; readonly time: string },
  scope: FieldManagerScope,
  defaults: (draft: KubeObject) => void,
): KubeObject {
  if (config.metadata.managedFields !== undefined)
    throw badRequest('metadata.managedFields must be nil');
  try {
    checkTyped(config, scope.node, scope.schemas, 'apply');
  } catch (error) {
    if (!(error instanceof TypedValueError)) throw error;
    const { group, version } = groupVersionOf(config.apiVersion);
    throw failure(
      500,
      '',
      `failed to create typed patch object (${config.metadata.namespace ?? ''}/${config.metadata.name ?? ''}; ${group}/${version}, Kind=${config.kind}): ${error.message}`,
    );
  }
  const owners = ownersToApplyTo(live, options.time, scope);
  const self = {
    manager: options.manager,
    operation: 'Apply' as const,
    apiVersion: scope.apiVersion,
    subresource: scope.subresource,
  };
  const own = identity(self);
  const previous = owners.find((owner) => identity(owner) === own);
  const named = withReset(fieldSetOf(config, scope.node, scope.schemas), scope);
  const applied = subtractSet(named, strippedFields);
  const base: unknown = live ?? { apiVersion: config.apiVersion, kind: config.kind, metadata: {} };
  let merged = mergeTyped(base, config, scope.node, scope.schemas);
  const others = owners.filter((owner) => identity(owner) !== own);
  if (previous) {
    // With the fields that entries never hold: the configuration's name keeps `metadata` itself.
    let owned: FieldSet = named;
    for (const owner of others) owned = unionSets(owned, owner.fields);
    merged = pruneTyped(merged, previous.fields, owned, scope.node, scope.schemas);
  }
  const { added, modified, removed } = compareTyped(base, merged, scope.node, scope.schemas);
  const changed = withReset(subtractSet(unionSets(added, modified), strippedFields), scope);
  const { owners: left, conflicts } = changeOwners(others, own, changed, withReset(removed, scope));
  if (!options.force && conflicts.length > 0) {
    const remaining =
      options.manager === 'kubectl' ? beyondLastApplied(live, conflicts, scope) : conflicts;
    if (remaining.length > 0) throw conflictError(remaining);
  }
  const sameObject = live !== undefined && jsonEqual(live, merged);
  const object = jsonClone(sameObject ? live : merged) as KubeObject;
  delete object.metadata.managedFields;
  if (!sameObject) defaults(object);
  const next: Owner[] = isEmptySet(applied)
    ? left
    : // An apply that changes nothing but ownership leaves no time of its own.
      [...left, { ...self, time: sameObject ? previous?.time : options.time, fields: applied }];
  setEntries(object, next);
  if (options.manager === 'kubectl') syncLastApplied(object, config);
  return object;
}

/** Whoever wrote an object without owners is told apart from its first applier. */
function ownersToApplyTo(
  live: DeepReadonly<KubeObject> | undefined,
  time: string,
  scope: FieldManagerScope,
): Owner[] {
  let owners: Owner[];
  try {
    owners = ownersOf(live?.metadata.managedFields ?? []);
  } catch (error) {
    if (!(error instanceof FieldSetError)) throw error;
    throw failure(500, '', `failed to decode managed fields: ${error.message}`);
  }
  if (!live || owners.length > 0) return ofKnownVersions(owners, scope);
  const seen = compareTyped(emptyObject, live, scope.node, scope.schemas);
  const fields = withReset(
    subtractSet(unionSets(seen.added, seen.modified), strippedFields),
    scope,
  );
  if (isEmptySet(fields)) return [];
  const { apiVersion, subresource } = scope;
  return [
    { manager: 'before-first-apply', operation: 'Update', apiVersion, subresource, time, fields },
  ];
}

/** kubectl may take over what its own client-side apply wrote before, as long as nobody changed it since. */
function beyondLastApplied(
  live: DeepReadonly<KubeObject> | undefined,
  conflicts: readonly { owner: Owner; fields: FieldSet }[],
  scope: FieldManagerScope,
): { owner: Owner; fields: FieldSet }[] {
  const text = live?.metadata.annotations?.[lastAppliedAnnotation];
  if (!text) return [...conflicts];
  let allowed: FieldSet;
  try {
    const last = JSON.parse(text) as { apiVersion?: string };
    if (last.apiVersion !== scope.apiVersion) return [...conflicts];
    const { added, modified, removed } = compareTyped(last, live, scope.node, scope.schemas);
    allowed = [modified, added, removed].reduce(
      subtractSet,
      fieldSetOf(last, scope.node, scope.schemas),
    );
  } catch {
    return [...conflicts];
  }
  return conflicts
    .map(({ owner, fields }) => ({ owner, fields: subtractSet(fields, allowed) }))
    .filter(({ fields }) => !isEmptySet(fields));
}

function groupVersionOf(apiVersion: string): { group: string; version: string } {
  const [first = '', second] = apiVersion.split('/');
  return second === undefined ? { group: '', version: first } : { group: first, version: second };
}

function conflictError(conflicts: readonly { owner: Owner; fields: FieldSet }[]): StatusError {
  const all = conflicts
    .map(({ owner, fields }) => ({
      id: identifierOf(owner),
      printed: printOwner(owner),
      paths: pathsOf(fields),
    }))
    .sort((a, b) => (a.id < b.id ? -1 : 1));
  const causes: StatusCause[] = all.flatMap(({ printed, paths }) =>
    paths.map((field) => ({
      reason: 'FieldManagerConflict',
      message: `conflict with ${printed}`,
      field,
    })),
  );
  const message =
    causes.length === 1
      ? `Apply failed with 1 conflict: conflict with ${all[0]?.printed ?? ''}: ${causes[0]?.field ?? ''}`
      : `Apply failed with ${causes.length} conflicts: ${all
          .map(({ printed, paths }) =>
            [`conflicts with ${printed}:`, ...paths.map((path) => `- ${path}`)].join('\n'),
          )
          .join('\n')}`;
  return failure(409, 'Conflict', message, { causes });
}

/** What upstream knows an owner by. @see managedfields/internal, BuildManagerIdentifier */
function identifierOf({ manager, operation, apiVersion, subresource }: Owner): string {
  return JSON.stringify({
    manager,
    operation,
    ...(operation === 'Update' ? { apiVersion } : {}),
    ...(subresource === '' ? {} : { subresource }),
  });
}

function printOwner(owner: Owner): string {
  let text = JSON.stringify(owner.manager);
  if (owner.subresource !== '') text += ` with subresource ${JSON.stringify(owner.subresource)}`;
  return owner.operation === 'Update' ? `${text} using ${owner.apiVersion}` : text;
}
