import type { PersistentVolumeClaim, Pod } from '../../apis/index.ts';
import { isReason, keyOf } from '../../machinery/index.ts';
import { type ControllerContext, mutableCopy, textOf } from '../shared/context.ts';
import { isNamespaceTerminating } from '../shared/pod-control.ts';
import type { PodView } from '../shared/pods.ts';
import {
  applyIdentity,
  claimsOf,
  identityMatches,
  ordinalOf,
  replicasOf,
  type SetView,
  startOrdinal,
} from './identity.ts';

export interface StatefulPodControl {
  create(set: SetView, pod: Pod): Promise<void>;
  /** Sets right the pod's labels and the owners of its claims; nothing to do, nothing said. */
  update(set: SetView, pod: PodView): Promise<void>;
  delete(set: SetView, pod: PodView): Promise<void>;
  /** Creates claims a pending pod waits for. */
  createClaims(set: SetView, pod: PodView): Promise<void>;
  /** Sets or clears the claims' owner as the retention policy says. */
  retainClaims(set: SetView, pod: PodView): Promise<void>;
}

/**
 * Writes pods of a StatefulSet and their claims, with their events.
 *
 * @see k8s.io/kubernetes/pkg/controller/statefulset/stateful_pod_control.go
 */
export function createStatefulPodControl(context: ControllerContext): StatefulPodControl {
  const { client, informers, recorder } = context;
  const pods = client.resource('pods');
  const claims = client.resource('persistentvolumeclaims');
  const claimInformer = informers.for('persistentvolumeclaims');

  function recordPod(verb: string, set: SetView, pod: PodView, error?: unknown): void {
    const reason = verb.charAt(0).toUpperCase() + verb.slice(1);
    const subject = `${reason} Pod ${pod.metadata.name ?? ''} in StatefulSet ${set.metadata.name ?? ''}`;
    if (error === undefined)
      recorder.event(set, 'Normal', `Successful${reason}`, `${subject} successful`);
    else
      recorder.event(
        set,
        'Warning',
        `Failed${reason}`,
        `${subject} failed error: ${textOf(error)}`,
      );
  }

  function recordClaim(
    verb: string,
    set: SetView,
    pod: PodView,
    claim: PersistentVolumeClaim,
    error?: unknown,
  ): void {
    const reason = verb.charAt(0).toUpperCase() + verb.slice(1);
    const [name, where] = [
      claim.metadata.name ?? '',
      `Pod ${pod.metadata.name ?? ''} in StatefulSet ${set.metadata.name ?? ''}`,
    ];
    if (error === undefined)
      recorder.event(
        set,
        'Normal',
        `Successful${reason}`,
        `${reason} Claim ${name} ${where} success`,
      );
    else
      recorder.event(
        set,
        'Warning',
        `Failed${reason}`,
        `${reason} Claim ${name} for ${where} failed error: ${textOf(error)}`,
      );
  }

  async function createClaims(set: SetView, pod: PodView): Promise<void> {
    for (const claim of claimsOf(set, ordinalOf(pod))) {
      const present = claimInformer.get(keyOf(claim.metadata.namespace, claim.metadata.name ?? ''));
      if (present?.metadata.deletionTimestamp)
        throw new Error(`pvc ${claim.metadata.name ?? ''} is being deleted`);
      if (present) continue;
      try {
        await claims.create(claim);
        recordClaim('create', set, pod, claim);
      } catch (error) {
        if (isReason(error, 'AlreadyExists')) continue;
        recordClaim('create', set, pod, claim, error);
        throw new Error(`failed to create PVC ${claim.metadata.name ?? ''}: ${textOf(error)}`);
      }
    }
  }

  /** @returns whether there was anything to set right. */
  async function ownClaims(set: SetView, pod: PodView): Promise<boolean> {
    let isChanged = false;
    const policy = set.spec?.persistentVolumeClaimRetentionPolicy;
    const ordinal = ordinalOf(pod);
    const isCondemned =
      ordinal < startOrdinal(set) || ordinal >= startOrdinal(set) + replicasOf(set);
    for (const { metadata } of claimsOf(set, ordinal)) {
      const claim = claimInformer.get(keyOf(metadata.namespace, metadata.name ?? ''));
      if (!claim) continue;
      const owners = claim.metadata.ownerReferences ?? [];
      const others = owners.filter(
        ({ uid }) => uid !== set.metadata.uid && uid !== pod.metadata.uid,
      );
      const deletesWithSet = policy?.whenDeleted === 'Delete';
      const deletesWithPod = policy?.whenScaled === 'Delete' && isCondemned;
      const owner = deletesWithPod
        ? {
            apiVersion: 'v1',
            kind: 'Pod',
            name: pod.metadata.name ?? '',
            uid: pod.metadata.uid ?? '',
          }
        : deletesWithSet
          ? {
              apiVersion: 'apps/v1',
              kind: 'StatefulSet',
              name: set.metadata.name ?? '',
              uid: set.metadata.uid ?? '',
            }
          : undefined;
      const isRight = owner
        ? owners.length === others.length + 1 && owners.some(({ uid }) => uid === owner.uid)
        : owners.length === others.length;
      if (isRight) continue;
      const draft = mutableCopy<PersistentVolumeClaim>(claim);
      draft.metadata.ownerReferences = [
        ...others.map((other) => ({ ...other })),
        ...(owner ? [{ ...owner, controller: true, blockOwnerDeletion: true }] : []),
      ];
      isChanged = true;
      try {
        await claims.update(draft);
      } catch (error) {
        throw new Error(
          `could not update claim ${metadata.name ?? ''} for delete policy ownerRefs: ${textOf(error)}`,
        );
      }
    }
    return isChanged;
  }

  return {
    createClaims,
    retainClaims: async (set, pod) => void (await ownClaims(set, pod)),
    create: async (set, pod) => {
      try {
        await createClaims(set, pod);
      } catch (error) {
        recordPod('create', set, pod, error);
        throw error;
      }
      try {
        await pods.create(pod);
        recordPod('create', set, pod);
      } catch (error) {
        if (isReason(error, 'AlreadyExists')) throw error;
        if (!isNamespaceTerminating(error)) recordPod('create', set, pod, error);
        throw error;
      }
      await ownClaims(set, pod);
    },
    update: async (set, pod) => {
      const hasIdentity = identityMatches(set, pod);
      const draft = mutableCopy<Pod>(pod);
      applyIdentity(set, draft, ordinalOf(pod));
      // Only labels can still be set right; the rest of an identity is fixed at creation.
      if (pod.spec) draft.spec = mutableCopy<NonNullable<Pod['spec']>>(pod.spec);
      if (!hasIdentity) await createClaims(set, pod);
      try {
        const isOwned = await ownClaims(set, pod);
        if (hasIdentity && !isOwned) return;
        await pods.update(draft);
        recordPod('update', set, pod);
      } catch (error) {
        recordPod('update', set, pod, error);
        throw error;
      }
    },
    delete: async (set, pod) => {
      try {
        await pods.delete(pod.metadata.namespace, pod.metadata.name ?? '');
        recordPod('delete', set, pod);
      } catch (error) {
        if (isReason(error, 'NotFound')) return;
        recordPod('delete', set, pod, error);
        throw error;
      }
    },
  };
}
