import { type DeepReadonly, jsonClone, jsonEqual } from '#core/base';
import { type Condition, formatTime, type KubeObject } from '../../machinery/index.ts';
import { approvalOf } from './approval.ts';
import { aggregate, at, mapOf, mapsOf, textAt, textOf, textsOf } from '../fields/index.ts';

/** The finalizer that keeps a definition until its objects are gone. */
export const crdCleanupFinalizer = 'customresourcecleanup.apiextensions.k8s.io';

/**
 * The status a definition should have: names against those other definitions of its group hold, and Established
 * once its names were accepted. What upstream's naming and establishing controllers reach in two steps.
 * @param all every definition, in the order of creation.
 * @returns the definition with its new status; undefined when nothing changes.
 * @see apiextensions-apiserver/pkg/controller/status/naming_controller.go
 */
export function reconcileCrdStatus(
  crd: DeepReadonly<KubeObject>,
  all: readonly DeepReadonly<KubeObject>[],
  nowMs: number,
): KubeObject | undefined {
  const group = textAt(crd, 'spec', 'group');
  const takenResources = new Set<string>();
  const takenKinds = new Set<string>();
  for (const other of all) {
    if (other.metadata.name === crd.metadata.name || textAt(other, 'spec', 'group') !== group)
      continue;
    const names = mapOf(at(other, 'status', 'acceptedNames'));
    for (const each of [names['plural'], names['singular'], ...textsOf(names['shortNames'])])
      takenResources.add(textOf(each));
    for (const each of [names['kind'], names['listKind']]) takenKinds.add(textOf(each));
  }
  const requested = mapOf(at(crd, 'spec', 'names'));
  const accepted: Record<string, unknown> = {
    ...mapOf(jsonClone(at(crd, 'status', 'acceptedNames'))),
  };
  let conflict: { reason: string; message: string } | undefined;
  const inUse = (name: string, taken: ReadonlySet<string>): string | undefined =>
    taken.has(name) ? `${JSON.stringify(name)} is already in use` : undefined;
  const claim = (field: string, reason: string, taken: ReadonlySet<string>): void => {
    const name = textOf(requested[field]);
    const problem = name === accepted[field] ? undefined : inUse(name, taken);
    if (problem === undefined) accepted[field] = name;
    else conflict = { reason, message: problem };
  };
  claim('plural', 'PluralConflict', takenResources);
  claim('singular', 'SingularConflict', takenResources);
  const shortNames = textsOf(requested['shortNames']);
  const problems = shortNames
    .filter((name) => !textsOf(accepted['shortNames']).includes(name))
    .map((name) => inUse(name, takenResources))
    .filter((problem) => problem !== undefined);
  if (problems.length > 0)
    conflict = { reason: 'ShortNamesConflict', message: aggregate(problems) };
  else if (shortNames.length > 0) accepted['shortNames'] = [...shortNames];
  else delete accepted['shortNames'];
  claim('kind', 'KindConflict', takenKinds);
  claim('listKind', 'ListKindConflict', takenKinds);
  const categories = textsOf(requested['categories']);
  if (categories.length > 0) accepted['categories'] = [...categories];
  else delete accepted['categories'];

  const next = jsonClone(crd) as KubeObject;
  const conditions = mapsOf(at(next, 'status', 'conditions')) as unknown as readonly Condition[];
  let updated = setCondition(conditions, nowMs, {
    type: 'NamesAccepted',
    status: conflict ? 'False' : 'True',
    reason: conflict?.reason ?? 'NoConflicts',
    message: conflict?.message ?? 'no conflicts found',
  });
  const established = conditions.find((each) => each.type === 'Established')?.status === 'True';
  if (!established)
    updated = setCondition(updated, nowMs, {
      type: 'Established',
      status: conflict ? 'False' : 'True',
      reason: conflict ? 'NotAccepted' : 'InitialNamesAccepted',
      message: conflict ? 'not all names are accepted' : 'the initial names have been accepted',
    });
  const approval = approvalOf(crd);
  if (approval)
    updated = setCondition(updated, nowMs, {
      type: 'KubernetesAPIApprovalPolicyConformant',
      status: approval.state === 'Approved' ? 'True' : 'False',
      reason: `${approval.state}Annotation`,
      message: approval.message,
    });
  next['status'] = { ...mapOf(next['status']), acceptedNames: accepted, conditions: updated };
  return jsonEqual(next['status'], crd['status']) ? undefined : next;
}

/**
 * Marks a definition as being deleted, in place: finalizer and Terminating condition. After the first
 * DELETE the server deletes all objects of the definition, then removes `crdCleanupFinalizer`.
 * @see apiextensions-apiserver/pkg/registry/customresourcedefinition/etcd.go, Delete
 */
export function markCrdTerminating(draft: KubeObject, nowMs: number): void {
  const finalizers = draft.metadata.finalizers ?? [];
  if (!finalizers.includes(crdCleanupFinalizer))
    draft.metadata.finalizers = [...finalizers, crdCleanupFinalizer];
  const conditions = mapsOf(at(draft, 'status', 'conditions')) as unknown as readonly Condition[];
  draft['status'] = {
    ...mapOf(draft['status']),
    conditions: setCondition(conditions, nowMs, {
      type: 'Terminating',
      status: 'True',
      reason: 'InstanceDeletionPending',
      message:
        'CustomResourceDefinition marked for deletion; CustomResource deletion will begin soon',
    }),
  };
}

/**
 * The definition with the condition that its objects are being deleted, `undefined` if it says so already.
 * @see apiextensions-apiserver/pkg/controller/finalizer/crd_finalizer.go
 */
export function markCrdDeleting(
  crd: DeepReadonly<KubeObject>,
  nowMs: number,
): KubeObject | undefined {
  const next = jsonClone(crd) as KubeObject;
  const conditions = mapsOf(at(next, 'status', 'conditions')) as unknown as readonly Condition[];
  const updated = setCondition(conditions, nowMs, {
    type: 'Terminating',
    status: 'True',
    reason: 'InstanceDeletionInProgress',
    message: 'CustomResource deletion is in progress',
  });
  next['status'] = { ...mapOf(next['status']), conditions: updated };
  return jsonEqual(next['status'], crd['status']) ? undefined : next;
}

/** Replaces a condition; the time moves when the status does. */
function setCondition(
  conditions: readonly Condition[],
  nowMs: number,
  condition: Condition,
): Condition[] {
  const old = conditions.find((each) => each.type === condition.type);
  const next: Condition = {
    lastTransitionTime:
      old?.status === condition.status
        ? (old.lastTransitionTime ?? formatTime(nowMs))
        : formatTime(nowMs),
    ...condition,
  };
  return old ? conditions.map((each) => (each === old ? next : each)) : [...conditions, next];
}
