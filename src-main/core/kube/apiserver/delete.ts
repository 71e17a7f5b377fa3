import { type DeepReadonly, defer } from '#core/base';
import {
  type ApiResponse,
  badRequest,
  conflict,
  forbidden,
  formatTime,
  invalid,
  invalidValue,
  type KubeObject,
  type Status,
  type StatusCause,
  unsupportedValue,
} from '../machinery/index.ts';
import { CompareFailedError } from '../storage/index.ts';
import { decodeBody, expectedKind } from './body.ts';
import { admissionRequest, admit, admitFinal, type Call, draftOf } from './call.ts';
import { objectResponse, statusResponse } from './negotiation.ts';
import { listStored, respondObject } from './read.ts';
import {
  type Current,
  isFinished,
  readCurrent,
  removeObject,
  viewOf,
  writeObject,
} from './registry.ts';
import type { StoredObject } from './stored-object.ts';

/** `DeleteOptions` as handlers use it. */
export interface DeleteRequest {
  readonly gracePeriodSeconds: number | undefined;
  readonly propagationPolicy: string | undefined;
  readonly orphanDependents: boolean | undefined;
  readonly preconditions: { readonly uid?: string; readonly resourceVersion?: string };
  readonly dryRun: boolean;
  readonly options: Readonly<Record<string, unknown>>;
}

/** A collection is deleted in steps of a few milliseconds. */
const deletionsPerStep = 16;

const systemClasses = new Set(['system-cluster-critical', 'system-node-critical']);
const policies = ['Foreground', 'Background', 'Orphan', 'nil'];

/** Options from the body, or from the query when there is no body. @throws StatusError 400, 422 */
export function deleteRequestOf(call: Call): DeleteRequest {
  const { request, info, context } = call;
  let raw: Record<string, unknown> = {};
  if (request.object || (request.body && request.body.length > 0)) {
    raw = decodeBody(
      request,
      { ...expectedKind(context.options.schemas, '', 'v1', 'DeleteOptions') },
      false,
      'Ignore',
      () => true,
    ).object;
  } else {
    const { query } = info;
    const grace = query.get('gracePeriodSeconds');
    if (grace !== null && !/^[+-]?\d+$/.test(grace))
      throw badRequest(`strconv.ParseInt: parsing ${JSON.stringify(grace)}: invalid syntax`);
    const policy = query.get('propagationPolicy');
    const orphan = query.get('orphanDependents');
    const dryRun = query.getAll('dryRun').filter((value) => value !== '');
    raw = {
      ...(grace === null ? {} : { gracePeriodSeconds: Number(grace) }),
      ...(policy === null ? {} : { propagationPolicy: policy }),
      ...(orphan === null ? {} : { orphanDependents: orphan === 'true' }),
      ...(dryRun.length === 0 ? {} : { dryRun }),
    };
  }
  return checkedDelete(raw);
}

/** @throws StatusError 422 */
export function checkedDelete(raw: Readonly<Record<string, unknown>>): DeleteRequest {
  const { metadata: _none, ...options } = raw;
  const policy = raw['propagationPolicy'] as string | undefined;
  const orphan = raw['orphanDependents'] as boolean | undefined;
  const dryRun = (raw['dryRun'] ?? []) as string[];
  const errors: StatusCause[] = [];
  if (orphan !== undefined && policy !== undefined)
    errors.push(
      invalidValue(
        'propagationPolicy',
        policy,
        'orphanDependents and deletionPropagation cannot be both set',
      ),
    );
  if (policy !== undefined && !policies.slice(0, 3).includes(policy))
    errors.push(unsupportedValue('propagationPolicy', policy, policies));
  if (dryRun.some((value) => value !== 'All'))
    errors.push(unsupportedValue('dryRun', dryRun, ['All']));
  if (errors.length > 0) throw invalid({ group: 'meta.k8s.io', kind: 'DeleteOptions' }, '', errors);
  return {
    gracePeriodSeconds: raw['gracePeriodSeconds'] as number | undefined,
    propagationPolicy: policy,
    orphanDependents: orphan,
    preconditions: raw['preconditions'] ?? {},
    dryRun: dryRun.length > 0,
    options: { ...options, kind: 'DeleteOptions', apiVersion: 'meta.k8s.io/v1' },
  };
}

/** What a delete came to. */
export interface Deletion {
  /** The object is out of the store (or would be). */
  readonly gone: boolean;
  readonly object: DeepReadonly<KubeObject>;
  readonly stored: StoredObject;
}

/** Finalizers the propagation policy asks for. @see registry/generic/registry/store.go */
function finalizersFor(
  object: DeepReadonly<KubeObject>,
  call: Call,
  request: DeleteRequest,
): string[] {
  const current = object.metadata.finalizers ?? [];
  const policy =
    request.propagationPolicy ??
    (request.orphanDependents === undefined
      ? undefined
      : request.orphanDependents
        ? 'Orphan'
        : 'Background');
  const standing = current.filter((name) => name !== 'orphan' && name !== 'foregroundDeletion');
  const orphan =
    policy === undefined
      ? current.includes('orphan') ||
        (!current.includes('foregroundDeletion') &&
          call.served.strategy.defaultPropagation === 'Orphan')
      : policy === 'Orphan';
  const foreground =
    policy === undefined ? current.includes('foregroundDeletion') : policy === 'Foreground';
  return [
    ...standing,
    ...(orphan ? ['orphan'] : []),
    ...(foreground ? ['foregroundDeletion'] : []),
  ];
}

/** Deletes one object, or begins to. @throws StatusError 404, 409 */
export async function deleteObject(
  call: Call,
  name: string,
  namespace: string,
  request: DeleteRequest,
  admission: 'own' | 'collection' | 'none' = 'own',
): Promise<Deletion> {
  const { context, served } = call;
  const { strategy } = served;
  for (;;) {
    const current = await readCurrent(context, served, namespace, name);
    const { kv, view, key } = current;
    const old = view.object;
    checkPreconditions(call, name, old, request);
    if (admission !== 'none') {
      const asked = admissionRequest(call, 'DELETE', null, old, request, {
        namespace,
        // Who deletes a collection names none of its objects.
        name: admission === 'own' ? name : '',
        subresource: '',
      });
      await admit(context, asked);
      await admitFinal(context, asked);
    }
    const nowMs = context.options.clock.now();
    const draft = draftOf(kv.value.object);
    const meta = draft.metadata;
    if (strategy.beginDelete && !meta.deletionTimestamp) {
      meta.deletionTimestamp = formatTime(nowMs);
      strategy.beginDelete(draft, { nowMs });
      if (request.dryRun) return { gone: false, object: draft, stored: view };
      const begun = mark(call, draft, current);
      if (!begun) continue;
      const stored = await viewOf(context, served, begun);
      return { gone: false, object: stored.object, stored };
    }
    const isNamespace = served.info.kind === 'Namespace' && served.info.group === '';
    const grace: Grace = isNamespace ? 'none' : beginGrace(call, draft, old, request, nowMs);
    if (grace === 'pending') return { gone: false, object: old, stored: view };
    const finalizers = finalizersFor(draft, call, request);
    let changed = grace === 'begun';
    if (finalizers.join() !== (meta.finalizers ?? []).join()) {
      if (finalizers.length > 0) meta.finalizers = finalizers;
      else delete meta.finalizers;
      changed = true;
    }
    const held = finalizers.length > 0 || isNamespace;
    if (
      grace === 'none' &&
      held &&
      !(isNamespace && meta.deletionTimestamp && isFinished(served, draft))
    ) {
      if (!meta.deletionTimestamp) {
        meta.deletionTimestamp = formatTime(nowMs);
        if (!isNamespace) meta.deletionGracePeriodSeconds = 0;
        if ((meta.generation ?? 0) > 0) meta.generation = (meta.generation ?? 0) + 1;
        changed = true;
      } else if ((meta.deletionGracePeriodSeconds ?? 0) > 0) {
        meta.deletionGracePeriodSeconds = 0;
        changed = true;
      }
      if (isNamespace) draft['status'] = { ...(draft['status'] as object), phase: 'Terminating' };
    }
    const isGraceful = grace === 'begun' && (meta.deletionGracePeriodSeconds ?? 0) > 0;
    if (isGraceful || (held && !isFinished(served, draft))) {
      if (!changed || request.dryRun)
        return { gone: false, object: changed ? draft : old, stored: view };
      const kept = mark(call, draft, current);
      if (!kept) continue;
      const stored = await viewOf(context, served, kept);
      return { gone: false, object: stored.object, stored };
    }
    if (request.dryRun)
      return { gone: true, object: grace === 'begun' ? draft : old, stored: view };
    let last = kv;
    if (grace === 'begun') {
      // Watchers see an object with grace go in two steps, if its grace is none as well.
      if (!mark(call, draft, current)) continue;
      last = context.options.store.get(key) ?? kv;
    } else if (meta.deletionTimestamp) meta.deletionGracePeriodSeconds = 0;
    const removed = removeObject(context, served, key, last, draft);
    if (removed)
      return { gone: true, object: grace === 'begun' ? removed.object : old, stored: removed };
  }
}

/** Whether a delete began or shortened the object's grace, found it running, or has nothing to do with one. */
type Grace = 'begun' | 'pending' | 'none';

/** @see k8s.io/apiserver/pkg/registry/rest/delete.go, BeforeDelete */
function beginGrace(
  { served: { strategy } }: Call,
  { metadata }: KubeObject,
  old: DeepReadonly<KubeObject>,
  { gracePeriodSeconds }: DeleteRequest,
  nowMs: number,
): Grace {
  if (!strategy.gracePeriodSeconds) return 'none';
  if (!metadata.deletionTimestamp) {
    const grace = strategy.gracePeriodSeconds(old, gracePeriodSeconds);
    metadata.deletionTimestamp = formatTime(nowMs + grace * 1000);
    metadata.deletionGracePeriodSeconds = grace;
    if ((metadata.generation ?? 0) > 0) metadata.generation = (metadata.generation ?? 0) + 1;
    return 'begun';
  }
  const left = metadata.deletionGracePeriodSeconds ?? 0;
  if (left === 0) return 'none';
  // A negative grace counts as the shortest there is.
  const wanted =
    gracePeriodSeconds !== undefined && gracePeriodSeconds < 0 ? 1 : gracePeriodSeconds;
  if (wanted === undefined || wanted >= left) return 'pending';
  const end = Date.parse(metadata.deletionTimestamp) - (left - wanted) * 1000;
  metadata.deletionTimestamp = formatTime(Math.max(end, nowMs));
  metadata.deletionGracePeriodSeconds = end < nowMs && wanted > 0 ? 1 : wanted;
  return 'begun';
}

/** Writes an object that is on its way out; undefined after a lost race. */
function mark(
  { context, served }: Call,
  draft: KubeObject,
  { key, kv }: Current,
): StoredObject | undefined {
  try {
    return writeObject(context, served, key, draft, kv.modRevision);
  } catch (error) {
    if (error instanceof CompareFailedError) return undefined;
    throw error;
  }
}

function checkPreconditions(
  call: Call,
  name: string,
  object: DeepReadonly<KubeObject>,
  { preconditions }: DeleteRequest,
): void {
  const resource = { group: call.served.info.group, resource: call.served.info.kind };
  const { uid, resourceVersion } = object.metadata;
  if (preconditions.uid !== undefined && preconditions.uid !== uid)
    throw conflict(
      resource,
      name,
      `the UID in the precondition (${preconditions.uid}) does not match the UID in record (${uid ?? ''}). The object might have been deleted and then recreated`,
    );
  if (
    preconditions.resourceVersion !== undefined &&
    preconditions.resourceVersion !== resourceVersion
  )
    throw conflict(
      resource,
      name,
      `the ResourceVersion in the precondition (${preconditions.resourceVersion}) does not match the ResourceVersion in record (${resourceVersion ?? ''}). The object might have been modified`,
    );
}

/** Kinds whose DELETE answers the object rather than a Status. */
const returnsObject = new Set([
  'Pod',
  'PodTemplate',
  'PersistentVolume',
  'PersistentVolumeClaim',
  'ResourceQuota',
  'Service',
  'ServiceAccount',
  'StorageClass',
  'CSINode',
  'CSIDriver',
  'VolumeAttachment',
]);

/** Answers DELETE of one object. */
export async function handleDelete(call: Call): Promise<ApiResponse> {
  const request = deleteRequestOf(call);
  const { name, namespace } = call.info;
  const { kind, group: ofGroup } = call.served.info;
  // A collection is deleted past this check.
  if (kind === 'PriorityClass' && ofGroup === 'scheduling.k8s.io' && systemClasses.has(name))
    throw forbidden(
      call.served.groupResource,
      name,
      'this is a system priority class and cannot be deleted',
    );
  const { gone, object, stored } = await deleteObject(call, name, namespace, request);
  const status = !gone && request.orphanDependents === false ? 202 : 200;
  if (!gone || (returnsObject.has(call.served.info.kind) && !call.served.custom)) {
    if (object === stored.object) return respondObject(call, status, stored);
    return objectResponse(status, object, call.form);
  }
  const { group, resource } = call.served.info;
  const success: Status = {
    kind: 'Status',
    apiVersion: 'v1',
    metadata: {},
    status: 'Success',
    details: {
      name,
      ...(group === '' ? {} : { group }),
      kind: resource,
      ...(object.metadata.uid === undefined ? {} : { uid: object.metadata.uid }),
    },
  };
  return statusResponse(success, call.form);
}

/** Answers DELETE of a collection: everything the selectors match, one by one. */
export async function handleDeleteCollection(call: Call): Promise<ApiResponse> {
  const request = deleteRequestOf(call);
  const { items } = await listStored(call);
  const deleted: DeepReadonly<KubeObject>[] = [];
  const { clock } = call.context.options;
  for (const [index, item] of items.entries()) {
    if (index > 0 && index % deletionsPerStep === 0)
      await new Promise<void>((resolve) => void defer(clock, resolve));
    const { name = '', namespace = '' } = item.object.metadata;
    try {
      await deleteObject(call, name, namespace, request, 'collection');
    } catch (error) {
      if (
        !(error instanceof Error) ||
        !('status' in error) ||
        (error.status as Status).reason !== 'NotFound'
      )
        throw error;
    }
    deleted.push(item.object);
  }
  return objectResponse(
    200,
    {
      kind: `${call.served.info.kind}List`,
      apiVersion: call.served.groupVersion,
      metadata: { resourceVersion: String(call.context.options.store.revision) },
      items: call.served.custom
        ? deleted
        : deleted.map(({ kind: _, apiVersion: __, ...rest }) => rest),
    },
    call.form,
  );
}
