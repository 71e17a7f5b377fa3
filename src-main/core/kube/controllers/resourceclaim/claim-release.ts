import type { ResourceClaim } from '../../apis/index.ts';
import { controllerOf } from '../../client/index.ts';
import { isReason, keyOf, type ObjectKey } from '../../machinery/index.ts';
import { type ControllerContext, mutableCopy, textOf } from '../shared/context.ts';
import { type ClaimView, isDone } from './claims-of-pods.ts';

/** Holds a claim while it is allocated. */
const finalizer = 'resource.kubernetes.io/delete-protection';

type Consumer = NonNullable<NonNullable<ResourceClaim['status']>['reservedFor']>[number];

/**
 * Takes pods that are gone or done out of a claim, gives its devices back when nobody is left, and deletes it if it was
 * made for a pod that is done.
 *
 * @see k8s.io/kubernetes/pkg/controller/resourceclaim/controller.go, syncClaim
 */
export function claimRelease(context: ControllerContext): (key: ObjectKey) => Promise<void> {
  const { client, informers } = context;
  const pods = informers.for('pods');
  const claims = informers.for('resourceclaims.resource.k8s.io');
  const resource = client.resource('resourceclaims.resource.k8s.io');

  /** Consumers that are no pods stay: nothing is known of them. */
  async function isKept(namespace: string | undefined, consumer: Consumer): Promise<boolean> {
    const { apiGroup, resource: kind, name, uid } = consumer;
    if (apiGroup || kind !== 'pods') return true;
    const pod = pods.get(keyOf(namespace, name));
    if (pod) return pod.metadata.uid === uid && !isDone(pod);
    // The scheduler may know the pod before this cache does.
    try {
      return (await client.resource('pods').get(namespace, name)).metadata.uid === uid;
    } catch (error) {
      if (isReason(error, 'NotFound')) return false;
      throw error;
    }
  }

  async function removeFinalizer(claim: ClaimView): Promise<void> {
    const copy = mutableCopy<ResourceClaim>(claim);
    copy.metadata.finalizers = (copy.metadata.finalizers ?? []).filter(
      (each) => each !== finalizer,
    );
    await resource.update(copy);
  }

  async function releaseConsumers(claim: ClaimView, remaining: Consumer[]): Promise<void> {
    const copy = mutableCopy<ResourceClaim>(claim);
    const { allocation, ...status } = copy.status ?? {};
    const isProtected = copy.metadata.finalizers?.includes(finalizer) ?? false;
    const isFreed = remaining.length === 0 && isProtected;
    const written = await resource.updateStatus({
      ...copy,
      status: {
        ...status,
        reservedFor: remaining,
        ...(allocation && !isFreed ? { allocation } : {}),
      },
    });
    if (isProtected && !written.status?.allocation) await removeFinalizer(written);
  }

  /** A claim that is being deleted and used by nobody. */
  async function letGo(claim: ClaimView): Promise<void> {
    const { allocation, ...status } = mutableCopy<ResourceClaim>(claim).status ?? {};
    await removeFinalizer(
      allocation
        ? await resource.updateStatus({ ...mutableCopy<ResourceClaim>(claim), status })
        : claim,
    );
  }

  async function deleteIfDone(claim: ClaimView): Promise<void> {
    const owner = controllerOf(claim);
    if (owner?.kind !== 'Pod' || owner.apiVersion !== 'v1') return;
    const { namespace, name = '' } = claim.metadata;
    const pod = pods.get(keyOf(namespace, owner.name));
    // Of a pod that is gone the garbage collector removes it.
    if (!pod || (pod.metadata.uid === owner.uid && !isDone(pod))) return;
    try {
      await resource.delete(namespace, name);
    } catch (error) {
      throw new Error(
        `delete unused generated claim ${namespace ?? ''}/${name}: ${textOf(error)}`,
        { cause: error },
      );
    }
  }

  return async (key) => {
    const claim = claims.get(key);
    if (!claim) return;
    const { namespace, finalizers, deletionTimestamp } = claim.metadata;
    const consumers = claim.status?.reservedFor ?? [];
    const remaining: Consumer[] = [];
    for (const consumer of consumers)
      if (await isKept(namespace, consumer)) remaining.push({ ...consumer });
    if (remaining.length < consumers.length) await releaseConsumers(claim, remaining);
    else if (finalizers?.includes(finalizer) && deletionTimestamp && remaining.length === 0)
      await letGo(claim);
    if (remaining.length === 0) await deleteIfDone(claim);
  };
}
