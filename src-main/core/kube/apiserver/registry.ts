import { deviceAccessErrors } from './device-access.ts';
import { checkDeviceSelector } from './cel/index.ts';
import type { DeepReadonly } from '#core/base';
import { jsonClone, jsonEqual, nameSuffix, shareEqual, uuid } from '#core/base';
import type { FieldError } from '../apis/index.ts';
import {
  alreadyExists,
  badRequest,
  conflict,
  dns1035LabelErrors,
  dns1123LabelErrors,
  dns1123SubdomainErrors,
  failure,
  forbidden,
  invalid,
  type KubeObject,
  type NameCheck,
  notFound,
  type ObjectMeta,
  pathSegmentErrors,
  type StatusError,
  trackUpdate,
  validateObjectMeta,
  validateObjectMetaUpdate,
  validateStandardFinalizers,
} from '../machinery/index.ts';
import { CompareFailedError, type KeyValue } from '../storage/index.ts';
import {
  admissionRequest,
  admit,
  admitFinal,
  type Call,
  draftOf,
  nowText,
  type ServerContext,
  type WriteOptions,
} from './call.ts';
import { fieldScope, type Served } from './catalog.ts';
import { objectKeyOf } from './keys.ts';
import { noReplicas } from './crds/index.ts';
import { eventLease } from './event-lease.ts';
import { checkInventory, defaultSpecial, prepareSpecial } from './special.ts';
import { EmptiedFields } from './emptied.ts';
import { inGoOrder } from './go-order.ts';
import { metadataChecks } from './metadata-checks.ts';
import { orderedMeta } from './object-order.ts';
import { dropRepeatedOwners } from './owner-references.ts';
import { StoredObject, storedForm } from './stored-object.ts';

const nameChecks = {
  'dns-subdomain': dns1123SubdomainErrors,
  'dns-label': dns1123LabelErrors,
  'dns-1035-label': dns1035LabelErrors,
  'path-segment': pathSegmentErrors,
  none: () => [],
} as const satisfies Record<string, NameCheck>;

const modified =
  'the object has been modified; please apply your changes to the latest version and try again';
/** Parts of a pod's spec that are written by themselves. */
const specViews = new Set(['ephemeralcontainers', 'resize']);

const maxGenerateNameLength = 58;
const generateNameAttempts = 8;

/** Built-in kinds whose PUT has to name a resourceVersion (`AllowUnconditionalUpdate` is false). */
const conditionalKinds = new Set([
  'APIService',
  'CSIDriver',
  'CSINode',
  'CSIStorageCapacity',
  'CustomResourceDefinition',
  'Lease',
  'MutatingAdmissionPolicy',
  'MutatingAdmissionPolicyBinding',
  'MutatingWebhookConfiguration',
  'PodDisruptionBudget',
  'RuntimeClass',
  'ValidatingAdmissionPolicy',
  'ValidatingAdmissionPolicyBinding',
  'ValidatingWebhookConfiguration',
  'VolumeAttachment',
]);

/** Groups that take finalizers of any name: those of the servers beside the API server proper, and two of its own. */
const extensionGroups = new Set([
  'admissionregistration.k8s.io',
  'apiextensions.k8s.io',
  'apiregistration.k8s.io',
  'coordination.k8s.io',
]);

const finalizerRule = ({ custom, info }: Served): 'any' | 'standard' =>
  custom || extensionGroups.has(info.group) ? 'any' : 'standard';

function ordered({ custom, root, schemas }: Served, draft: KubeObject): KubeObject {
  const { kind, apiVersion, metadata, ...rest } = draft;
  const whole = { kind, apiVersion, metadata: orderedMeta(metadata), ...rest };
  return custom ? whole : inGoOrder(whole, root, schemas);
}

function fail(served: Served, name: string, errors: readonly FieldError[]): void {
  if (errors.length === 0) return;
  // Either group's events are one kind to upstream's strategy, that of the core group.
  const { group, kind } = served.groupKind;
  throw invalid(group === 'events.k8s.io' ? { group: '', kind } : { group, kind }, name, errors);
}

/** Writes one draft to the store; the value carries the revision it is written as. */
export function writeObject(
  context: ServerContext,
  served: Served,
  key: string,
  draft: KubeObject,
  expected: number,
): StoredObject {
  const { store } = context.options;
  const lease = served.info.kind === 'Event' ? eventLease(context) : undefined;
  // Room for the version where Go writes it; the store tells it.
  const { object } = storedForm(
    served,
    ordered(served, { ...draft, metadata: { ...draft.metadata, resourceVersion: '0' } }),
  );
  return store.put(
    key,
    (revision) => {
      (object.metadata as ObjectMeta).resourceVersion = String(revision);
      return new StoredObject(object);
    },
    { expected, ...(lease === undefined ? {} : { lease }) },
  ).value;
}

/** What a client sees of something just written. */
export async function viewOf(
  context: ServerContext,
  served: Served,
  stored: StoredObject,
): Promise<StoredObject> {
  const view = context.catalog.view(stored, served);
  return view instanceof Promise ? await view : view;
}

/** Nothing new of a kind whose definition is being deleted. */
function refuseWhileTerminating({ options }: ServerContext, { info }: Served, name: string): void {
  if (options.customResources?.isTerminating(info))
    throw forbidden(
      info,
      name,
      'create not allowed while custom resource definition is terminating',
    );
}

/**
 * Creates an object: system fields, admission, strategy, validation, store.
 * @param tracked false when `draft` carries managed fields already (apply).
 */
export async function createObject(
  call: Call,
  draft: KubeObject,
  write: WriteOptions,
  tracked = true,
): Promise<StoredObject> {
  const { context, served, info } = call;
  const { strategy } = served;
  let meta = draft.metadata;
  const { resourceVersion = '' } = meta;
  delete meta.resourceVersion;
  if (served.info.namespaced) {
    if (meta.namespace && meta.namespace !== info.namespace)
      throw badRequest(
        'the namespace of the provided object does not match the namespace sent on the request',
      );
    meta.namespace = info.namespace;
  } else delete meta.namespace;
  const time = nowText(context);
  delete meta.creationTimestamp;
  delete meta.uid;
  delete meta.deletionTimestamp;
  delete meta.deletionGracePeriodSeconds;
  delete meta.selfLink;
  strategy.defaults?.(draft);
  defaultSpecial(draft);
  if (tracked) dropRepeatedOwners(meta, call.warnings, false);
  if (tracked)
    trackUpdate(undefined, draft, write.manager, time, fieldScope(served, info.subresource));
  if (served.custom) refuseWhileTerminating(context, served, meta.name ?? '');
  const request = admissionRequest(call, 'CREATE', draft, null, write, { name: meta.name ?? '' });
  await admit(context, request);
  // A mutating step may have put another in its place.
  meta = draft.metadata;
  meta.creationTimestamp = time;
  meta.uid = uuid(context.options.random);
  dropRepeatedOwners(meta, call.warnings, true);
  const strategyContext = {
    nowMs: context.options.clock.now(),
    warn: (text: string) => void call.warnings.push(text),
    checkDeviceSelector,
  };
  const emptied = new EmptiedFields(draft, call.emptied);
  if (strategy.hasGeneration) meta.generation = 1;
  prepareSpecial(call, draft, undefined);
  strategy.prepareForCreate?.(draft, strategyContext);
  const generated = !meta.name && meta.generateName ? meta.generateName : undefined;
  if (generated !== undefined) meta.name = generateName(context, generated);
  const { namespaced } = served.info;
  emptied.putBack();
  fail(served, meta.name ?? '', strategy.validateFirst?.(draft) ?? []);
  fail(served, meta.name ?? '', [
    ...(await deviceAccessErrors(call, draft, undefined, '')),
    ...(strategy.metadataLast
      ? []
      : validateObjectMeta(meta, namespaced, nameCheckOf(served, draft), finalizerRule(served))),
    ...(strategy.validate?.(draft, strategyContext) ?? []),
  ]);
  // What holds for any kind is asked when the kind's own rules are content.
  fail(served, meta.name ?? '', validateObjectMeta(meta, namespaced, pathSegmentErrors, 'any'));
  for (const text of strategy.warnings?.(draft) ?? []) call.warnings.push(text);
  emptied.takeOut();
  await admitFinal(
    context,
    generated === undefined ? request : { ...request, name: meta.name ?? '' },
  );
  // The store is who minds, when everybody else is content.
  if (resourceVersion !== '' && resourceVersion !== '0')
    throw failure(500, '', 'resourceVersion should not be set on objects to be created');
  for (let attempt = 1; ; attempt++) {
    const name = meta.name ?? '';
    const key = objectKeyOf(served.prefix, meta.namespace ?? '', name);
    const present = context.options.store.get(key);
    if (!present) {
      checkInventory(call, draft, undefined, write.dryRun);
      if (write.dryRun) return storedForm(served, ordered(served, draft));
      // No await between the check of addresses and the write of the object that takes them.
      const storage = toStorage(context, served, draft);
      const stored = writeObject(
        context,
        served,
        key,
        storage instanceof Promise ? await storage : storage,
        0,
      );
      return viewOf(context, served, stored);
    }
    if (generated === undefined || attempt === generateNameAttempts) {
      const error = nameTaken(served, meta);
      if (!present.value.object.metadata.deletionTimestamp) throw error;
      throw failure(
        409,
        'AlreadyExists',
        `object is being deleted: ${error.message}`,
        error.status.details,
      );
    }
    meta.name = generateName(context, generated);
  }
}

/** A name beside a prefix counts as made from it. @see CheckGeneratedNameError */
function nameTaken(served: Served, { name = '', generateName: prefix }: ObjectMeta): StatusError {
  const error = alreadyExists(served.groupResource, name);
  if (!prefix) return error;
  return failure(
    409,
    'AlreadyExists',
    `${error.message}, the server was not able to generate a unique name for the object`,
    { ...error.status.details, retryAfterSeconds: 1 },
  );
}

function generateName(context: ServerContext, prefix: string): string {
  return prefix.slice(0, maxGenerateNameLength) + nameSuffix(context.options.random);
}

function toStorage(
  context: ServerContext,
  served: Served,
  draft: KubeObject,
): KubeObject | Promise<KubeObject> {
  return served.groupVersion === served.storageGroupVersion
    ? draft
    : context.catalog.toStorage(draft, served);
}

/** One state of an object and where it was read. */
export interface Current {
  readonly kv: KeyValue<StoredObject>;
  readonly view: StoredObject;
  readonly key: string;
}

/** @throws StatusError 404 */
export async function readCurrent(
  context: ServerContext,
  served: Served,
  namespace: string,
  name: string,
): Promise<Current> {
  const key = objectKeyOf(served.prefix, namespace, name);
  const kv = context.options.store.get(key);
  if (!kv) throw notFound(served.groupResource, name);
  return { kv, view: await viewOf(context, served, kv.value), key };
}

/** What an update makes of the present state. */
export interface Proposed {
  readonly draft: KubeObject;
  /** Managed fields are in the draft already. */
  readonly tracked?: boolean;
  /** Of a patch: the draft holds the version of the state, unless the patch took it out. */
  readonly versioned?: boolean;
  /** Of a PUT: the uid that has to be the object's; empty when it names none. */
  readonly uid?: string;
}

export interface UpdateTarget {
  readonly served: Served;
  readonly namespace: string;
  readonly name: string;
  /** Which rules hold: '' for the main resource. */
  readonly subresource: string;
  /** The form in which admission sees the object; absent: as it is. */
  readonly form?: {
    readonly read: (object: DeepReadonly<KubeObject>) => KubeObject;
    readonly write: (object: KubeObject, form: KubeObject) => void;
  };
  /** The server's own write in the course of another request: past admission. */
  readonly isInternal?: boolean;
}

/**
 * Changes an object: `propose` is called with the present state, again after each lost race unless the draft
 * names a resourceVersion.
 */
export async function updateObject(
  call: Call,
  write: WriteOptions,
  target: UpdateTarget,
  propose: (old: DeepReadonly<KubeObject>) => Proposed | Promise<Proposed>,
): Promise<StoredObject> {
  const { context } = call;
  const { served, name, namespace, subresource, form, isInternal } = target;
  const { strategy } = served;
  for (;;) {
    const { kv, view, key } = await readCurrent(context, served, namespace, name);
    const old = view.object;
    const { draft, tracked, uid, versioned } = await propose(old);
    let meta = draft.metadata;
    const version = meta.resourceVersion;
    const conditional = version !== undefined && version !== '' && version !== '0';
    const currentVersion = kv.value.object.metadata.resourceVersion ?? '';
    if (uid && uid !== old.metadata.uid)
      throw conflict(
        served.groupResource,
        name,
        `StorageError: invalid object, Code: 4, Key: ${write.dryRun ? key.replace(/^\/registry/, '') : key}, ResourceVersion: 0, AdditionalErrorMsg: Precondition failed: UID in precondition: ${uid}, UID in object meta: ${old.metadata.uid ?? ''}`,
      );
    if (
      !conditional &&
      (uid !== undefined || versioned) &&
      !(strategy.unconditionalUpdate ?? (!served.custom && !conditionalKinds.has(served.info.kind)))
    ) {
      const { group, resource } = served.info;
      throw invalid({ group, kind: resource }, name, [
        {
          reason: 'FieldValueInvalid',
          message: 'Invalid value: 0: must be specified for an update',
          field: 'metadata.resourceVersion',
        },
      ]);
    }
    if (conditional && version !== currentVersion) {
      if (!/^\d+$/.test(version))
        throw failure(
          500,
          '',
          `strconv.ParseUint: parsing ${JSON.stringify(version)}: invalid syntax`,
        );
      throw conflict(served.groupResource, name, modified);
    }
    meta.resourceVersion = currentVersion;
    if (served.info.namespaced) meta.namespace ||= namespace;
    else delete meta.namespace;
    meta.name ??= name;
    if (!meta.uid) meta.uid = old.metadata.uid ?? '';
    // What an update says of these times is not heard.
    if (old.metadata.creationTimestamp) meta.creationTimestamp = old.metadata.creationTimestamp;
    if (old.metadata.deletionTimestamp) meta.deletionTimestamp = old.metadata.deletionTimestamp;
    if (
      meta.deletionGracePeriodSeconds === undefined &&
      old.metadata.deletionGracePeriodSeconds !== undefined
    )
      meta.deletionGracePeriodSeconds = old.metadata.deletionGracePeriodSeconds;
    if (old.metadata.generateName && !meta.generateName)
      meta.generateName = old.metadata.generateName;
    delete meta.selfLink;
    strategy.defaults?.(draft);
    if (uid !== undefined) dropRepeatedOwners(meta, call.warnings, false);
    if (!tracked)
      trackUpdate(old, draft, write.manager, nowText(context), fieldScope(served, subresource));
    // Who changes a part in a form of its own is asked about in that form.
    const part = form && partOf(form, draft);
    const request = admissionRequest(
      call,
      'UPDATE',
      part ?? draft,
      form ? partOf(form, old) : old,
      write,
      { served, subresource, namespace, name },
    );
    if (!isInternal) {
      const before = part && jsonClone(part);
      await admit(context, request);
      if (part && !jsonEqual(part, before)) form?.write(draft, part);
    }
    meta = draft.metadata;
    if (!isInternal) dropRepeatedOwners(meta, call.warnings, true);
    const emptied = new EmptiedFields(draft, call.emptied);
    const strategyContext = {
      nowMs: context.options.clock.now(),
      checkDeviceSelector,
      warn: (text: string) => void call.warnings.push(text),
      hasEmptied: (field: string) => emptied.has(field),
    };
    if (old.metadata.generation === undefined) delete meta.generation;
    else meta.generation = old.metadata.generation;
    let errors: FieldError[] = [];
    if (subresource === '' || subresource === 'scale') {
      if (strategy.prepareForUpdate) strategy.prepareForUpdate(draft, old, strategyContext);
      else if (served.hasStatus) keepField(draft, old, 'status');
      prepareSpecial(call, draft, old);
      emptied.putBack();
      fail(served, name, strategy.validateFirst?.(draft, old) ?? []);
      errors = [
        ...(strategy.validate && !strategy.validateUpdate
          ? strategy.validate(draft, strategyContext)
          : []),
        ...(strategy.validateUpdate?.(draft, old, strategyContext) ?? []),
      ];
    } else if (subresource === 'status' || subresource === 'approval') {
      if (strategy.prepareForStatusUpdate)
        strategy.prepareForStatusUpdate(draft, old, { ...strategyContext, subresource });
      else
        for (const field of Object.keys({ ...old, ...draft }))
          if (!untouched.has(field)) keepField(draft, old, field);
      emptied.putBack();
      errors = strategy.validateStatusUpdate?.(draft, old, subresource, strategyContext) ?? [];
    } else {
      // The kubelet acts on a new generation only. A binding changes the spec as well and keeps the generation.
      if (specViews.has(subresource) && !jsonEqual(draft['spec'], old['spec']))
        meta.generation = (old.metadata.generation ?? 0) + 1;
      emptied.putBack();
      errors = strategy.validate?.(draft, { ...strategyContext, subresource, old }) ?? [];
    }
    const access = await deviceAccessErrors(call, draft, old, subresource);
    fail(served, name, withMetadataErrors(served, draft, old, subresource, [...access, ...errors]));
    if (subresource === '' || subresource === 'scale')
      for (const text of strategy.warnings?.(draft, old) ?? []) call.warnings.push(text);
    emptied.takeOut();
    if (!isInternal) await admitFinal(context, request);
    if (subresource === '') checkInventory(call, draft, old, write.dryRun);
    if (isFinished(served, draft)) {
      if (write.dryRun) return storedForm(served, ordered(served, draft));
      if (context.options.store.get(key)?.modRevision !== kv.modRevision) continue;
      const stored = removeObject(context, served, key, kv, draft);
      if (stored) return viewOf(context, served, stored);
      continue;
    }
    const shared = shareEqual(old, draft);
    if (sameButForTimes(shared, old)) return view;
    if (write.dryRun) return storedForm(served, ordered(served, draft));
    try {
      const storage = toStorage(context, served, shared);
      const stored = writeObject(
        context,
        served,
        key,
        storage instanceof Promise ? await storage : storage,
        kv.modRevision,
      );
      return await viewOf(context, served, stored);
    } catch (error) {
      if (!(error instanceof CompareFailedError)) throw error;
      if (conditional && error.currentModRevision !== undefined)
        throw conflict(served.groupResource, name, modified);
    }
  }
}

/** A part of an object as admission sees it; a Scale of an object without replicas has none, whatever marks it. */
function partOf(
  form: NonNullable<UpdateTarget['form']>,
  object: DeepReadonly<KubeObject>,
): KubeObject {
  const part = form.read(object);
  return (part['spec'] as { replicas?: number } | undefined)?.replicas === noReplicas
    ? { ...part, spec: {} }
    : part;
}

/**
 * Whether a write changes nothing, or only when somebody wrote what is there already. Equal parts of the draft are
 * those of the old object.
 */
function sameButForTimes(draft: DeepReadonly<KubeObject>, old: DeepReadonly<KubeObject>): boolean {
  const { managedFields = [] } = draft.metadata;
  const before = old.metadata.managedFields ?? [];
  return (
    managedFields.length === before.length &&
    sameFields(draft, old, 'metadata') &&
    sameFields(draft.metadata, old.metadata, 'managedFields') &&
    managedFields.every((entry, index) => sameFields(entry, before[index] ?? {}, 'time'))
  );
}

function sameFields(a: object, b: object, except: string): boolean {
  const [left, right] = [a, b] as [Record<string, unknown>, Record<string, unknown>];
  for (const key in left) if (key !== except && left[key] !== right[key]) return false;
  for (const key in right) if (key !== except && !Object.hasOwn(left, key)) return false;
  return true;
}

/**
 * Upstream checks the metadata of an update once for all kinds and again in the kind's own validation: clients see a
 * problem as several causes.
 */
function withMetadataErrors(
  served: Served,
  draft: KubeObject,
  old: DeepReadonly<KubeObject>,
  subresource: string,
  own: readonly FieldError[],
): FieldError[] {
  const { namespaced, kind } = served.info;
  const meta = draft.metadata;
  const finalizers = finalizerRule(served);
  const changes = validateObjectMetaUpdate(meta, old.metadata);
  const standard = finalizers === 'standard' ? validateStandardFinalizers(meta.finalizers) : [];
  const written = subresource === '' ? (metadataChecks[kind] ?? 'U') : 'U';
  const again = written.includes('.') ? written : `${written}.`;
  return [
    ...validateObjectMeta(meta, namespaced, pathSegmentErrors, 'any'),
    ...changes,
    ...[...again].flatMap((check) => {
      if (check === '.') return own;
      return check === 'U'
        ? [...changes, ...standard]
        : validateObjectMeta(meta, namespaced, nameCheckOf(served, draft), finalizers);
    }),
  ];
}

function nameCheckOf({ strategy }: Served, draft: KubeObject): NameCheck {
  const { nameRule = 'dns-subdomain' } = strategy;
  return typeof nameRule === 'string' ? nameChecks[nameRule] : (name) => nameRule(name, draft);
}

const untouched = new Set(['kind', 'apiVersion', 'metadata', 'status']);

function keepField(draft: KubeObject, old: DeepReadonly<KubeObject>, field: string): void {
  if (old[field] === undefined) delete draft[field];
  else draft[field] = structuredClone(old[field]);
}

/** Whether an object being deleted has nothing left that holds it. */
export function isFinished(served: Served, object: DeepReadonly<KubeObject>): boolean {
  const { deletionTimestamp, deletionGracePeriodSeconds, finalizers } = object.metadata;
  if (!deletionTimestamp || (finalizers?.length ?? 0) > 0) return false;
  if (served.info.kind === 'Namespace' && served.info.group === '') {
    const spec = object['spec'] as { readonly finalizers?: readonly string[] } | undefined;
    return (spec?.finalizers?.length ?? 0) === 0;
  }
  return (deletionGracePeriodSeconds ?? 0) === 0;
}

/** Takes an object out of the store. @returns its last state, as the answer shows it; undefined after a lost race. */
export function removeObject(
  context: ServerContext,
  served: Served,
  key: string,
  kv: KeyValue<StoredObject>,
  last?: KubeObject,
): StoredObject | undefined {
  try {
    const removed = context.options.store.delete(key, { expected: kv.modRevision });
    if (!removed) return undefined;
  } catch (error) {
    if (error instanceof CompareFailedError) return undefined;
    throw error;
  }
  const object = last ?? draftOf(kv.value.object);
  object.metadata.resourceVersion = String(context.options.store.revision);
  return storedForm(served, ordered(served, object));
}
