import { WorkQueue } from '../../client/index.ts';
import { formatTime, isReason, keyOf, objectKey, type ObjectKey } from '../../machinery/index.ts';
import {
  claimNameOf,
  ClaimsOfPods,
  type ClaimView,
  isReservedFor,
} from '../resourceclaim/claims-of-pods.ts';
import type { Controller, ControllerContext } from '../shared/context.ts';
import { queueController } from '../shared/informer-queue.ts';
import { podCondition, podReference, type PodView } from '../shared/pods.ts';
import {
  claimEvictionMs,
  hasEvictingTaints,
  poolKey,
  poolKeysOf,
  type SliceView,
} from './tainted-devices.ts';

/** Slices by their pool, and claims by the pools they were given devices of. */
const poolIndex = 'pool';

interface Eviction {
  readonly uid: string;
  readonly dueMs: number;
}

/**
 * Deletes pods that use devices with a NoExecute taint which their claims do not tolerate, or no longer.
 *
 * @see k8s.io/kubernetes/pkg/controller/devicetainteviction
 */
export function createDeviceTaintEvictionController(context: ControllerContext): Controller {
  const { client, informers, recorder, clock } = context;
  const pods = informers.for('pods');
  const claims = informers.for('resourceclaims.resource.k8s.io');
  const slices = informers.for('resourceslices.resource.k8s.io');
  const known = new ClaimsOfPods(informers);
  slices.addIndex(poolIndex, ({ spec }) => [poolKey(spec.driver, spec.pool.name)]);
  claims.addIndex(poolIndex, ({ status }) => poolKeysOf(status?.allocation));
  const queue = new WorkQueue<ObjectKey>(clock);
  const pending = new Map<ObjectKey, Eviction>();
  /** Uids of pods that were evicted and are not gone yet. */
  const evicted = new Set<string>();

  /** When a pod that runs on a node has to leave for its claims. */
  function podEvictionMs(pod: PodView): number | undefined {
    if (!pod.spec?.nodeName) return undefined;
    const { namespace, uid } = pod.metadata;
    const ends = (pod.spec.resourceClaims ?? []).flatMap((entry) => {
      const name = claimNameOf(pod, entry);
      const claim = name ? claims.get(keyOf(namespace, name)) : undefined;
      if (!claim || !isReservedFor(claim, uid)) return [];
      return (
        claimEvictionMs(claim.status?.allocation, (pool) => slices.byIndex(poolIndex, pool)) ?? []
      );
    });
    return ends.length === 0 ? undefined : Math.min(...ends);
  }

  function consider(pod: PodView): void {
    const key = objectKey(pod.metadata);
    const dueMs = podEvictionMs(pod);
    if (dueMs !== undefined) {
      pending.set(key, { uid: pod.metadata.uid ?? '', dueMs });
      queue.addAfter(key, dueMs - clock.now());
    } else if (pending.delete(key)) tell(pod, 'Cancelling deletion');
  }

  function tell(pod: PodView, message: string): void {
    recorder.event(podReference(pod), 'Normal', 'DeviceTaintManagerEviction', message);
  }

  function onClaim(claim: ClaimView): void {
    for (const pod of known.podsOf(claim)) consider(pod);
  }

  /** What devices of a pool are new, other or gone; `previous` is what the cache holds no longer. */
  function onPool({ spec }: SliceView, previous?: SliceView): void {
    const pool = poolKey(spec.driver, spec.pool.name);
    const present = slices.byIndex(poolIndex, pool);
    if (![...present, ...(previous ? [previous] : [])].some(hasEvictingTaints)) return;
    for (const claim of claims.byIndex(poolIndex, pool)) onClaim(claim);
  }

  async function evict(key: ObjectKey, uid: string): Promise<void> {
    const resource = client.resource('pods');
    const seen = pods.get(key);
    if (!seen) return;
    const { namespace, name = '' } = seen.metadata;
    const pod = await resource.get(namespace, name);
    if (pod.metadata.uid !== uid || pod.metadata.deletionTimestamp) return;
    tell(pod, 'Marking for deletion');
    const patch = disruptionPatch(pod, clock.now());
    if (patch) await resource.patch(namespace, name, 'strategic', patch, { subresource: 'status' });
    await resource.delete(namespace, name, { preconditions: { uid } });
  }

  return queueController(context, {
    name: 'device-taint-eviction-controller',
    queue,
    workers: 8,
    handlers: (own) => {
      own(
        claims.addHandler({
          onAdd: onClaim,
          onUpdate: (_, claim) => onClaim(claim),
          onDelete: onClaim,
        }),
      );
      own(
        pods.addHandler({
          onAdd: consider,
          onUpdate: (previous, pod) => {
            if (isPlacedAnew(previous, pod)) consider(pod);
          },
          onDelete: ({ metadata }) => {
            pending.delete(objectKey(metadata));
            evicted.delete(metadata.uid ?? '');
          },
        }),
      );
      own(
        slices.addHandler({
          onAdd: (slice) => onPool(slice),
          onUpdate: (previous, slice) => onPool(slice, previous),
          onDelete: (slice) => onPool(slice, slice),
        }),
      );
    },
    reconcile: async (key) => {
      const eviction = pending.get(key);
      if (!eviction || evicted.has(eviction.uid)) return {};
      const waitMs = eviction.dueMs - clock.now();
      if (waitMs > 0) return { requeueAfterMs: waitMs };
      try {
        await evict(key, eviction.uid);
      } catch (error) {
        if (!isReason(error, 'NotFound')) throw error;
      }
      pending.delete(key);
      if (pods.get(key)?.metadata.uid === eviction.uid) evicted.add(eviction.uid);
      return {};
    },
  });
}

/** Whether a change of a pod may change the claims it uses. */
function isPlacedAnew(previous: PodView, pod: PodView): boolean {
  const names = ({ status }: PodView): string =>
    JSON.stringify(status?.resourceClaimStatuses ?? []);
  return previous.spec?.nodeName !== pod.spec?.nodeName || names(previous) !== names(pod);
}

/** Says in a pod's status why it goes; undefined if it says so already. */
function disruptionPatch(pod: PodView, nowMs: number): object | undefined {
  const present = podCondition(pod, 'DisruptionTarget');
  const condition = {
    type: 'DisruptionTarget',
    status: 'True',
    reason: 'DeletionByDeviceTaintManager',
    message: 'Device Taint manager: deleting due to NoExecute taint',
  };
  const { status, reason, message } = condition;
  if (present?.status === status && present.reason === reason && present.message === message)
    return undefined;
  const lastTransitionTime =
    present?.status === status ? present.lastTransitionTime : formatTime(nowMs);
  return {
    metadata: { uid: pod.metadata.uid },
    status: { conditions: [{ ...condition, lastTransitionTime }] },
  };
}
