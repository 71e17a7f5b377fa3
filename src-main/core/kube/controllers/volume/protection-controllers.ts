import type { DeepReadonly } from '#core/base';
import type {
  PersistentVolume,
  PersistentVolumeClaim,
  VolumeAttributesClass,
} from '../../apis/index.ts';
import { type Result, WorkQueue } from '../../client/index.ts';
import { isReason, keyOf, type ObjectKey } from '../../machinery/index.ts';
import { type Controller, type ControllerContext, mutableCopy } from '../shared/context.ts';
import { enqueueSelf, queueController } from '../shared/informer-queue.ts';
import { isPodTerminal, type PodView } from '../shared/pods.ts';

const claimFinalizer = 'kubernetes.io/pvc-protection';
const volumeFinalizer = 'kubernetes.io/pv-protection';
const classFinalizer = 'kubernetes.io/vac-protection';

type ClaimView = DeepReadonly<PersistentVolumeClaim>;
type VolumeView = DeepReadonly<PersistentVolume>;

/**
 * Keeps a claim that is being deleted as long as a pod uses it.
 *
 * @see k8s.io/kubernetes/pkg/controller/volume/pvcprotection
 */
export function createClaimProtectionController(context: ControllerContext): Controller {
  const { client, informers, clock } = context;
  const claims = informers.for('persistentvolumeclaims');
  const pods = informers.for('pods');
  const queue = new WorkQueue<ObjectKey>(clock);

  /** Bound to a node and not yet finished there. */
  function uses(pod: PodView, name: string): boolean {
    if (!pod.spec?.nodeName) return false;
    if (isPodTerminal(pod) && pod.metadata.deletionTimestamp) return false;
    return claimNames(pod).includes(name);
  }

  async function reconcile(key: ObjectKey): Promise<Result> {
    const claim = claims.get(key);
    if (!claim) return {};
    const finalizers = claim.metadata.finalizers ?? [];
    const isHeld = finalizers.includes(claimFinalizer);
    const draft = mutableCopy<PersistentVolumeClaim>(claim);
    if (claim.metadata.deletionTimestamp) {
      if (!isHeld) return {};
      const name = claim.metadata.name ?? '';
      if (pods.list(claim.metadata.namespace).some((pod) => uses(pod, name))) return {};
      draft.metadata.finalizers = finalizers.filter((held) => held !== claimFinalizer);
    } else {
      if (isHeld) return {};
      draft.metadata.finalizers = [...finalizers, claimFinalizer];
    }
    await client
      .resource('persistentvolumeclaims')
      .update(draft)
      .catch((error: unknown) => {
        if (!isReason(error, 'NotFound')) throw error;
      });
    return {};
  }

  return queueController(context, {
    name: 'persistentvolumeclaim-protection-controller',
    queue,
    reconcile,
    handlers: (own) => {
      own(enqueueSelf(claims, queue));
      const onPod = (pod: PodView): void => {
        for (const name of claimNames(pod)) queue.add(keyOf(pod.metadata.namespace, name));
      };
      own(pods.addHandler({ onAdd: onPod, onUpdate: (_, pod) => onPod(pod), onDelete: onPod }));
    },
  });
}

/** Claims a pod names, those of its ephemeral volumes included. */
function claimNames(pod: PodView): string[] {
  return (pod.spec?.volumes ?? []).flatMap((volume) => {
    if (volume.persistentVolumeClaim) return [volume.persistentVolumeClaim.claimName];
    return volume.ephemeral ? [`${pod.metadata.name ?? ''}-${volume.name}`] : [];
  });
}

/**
 * Keeps a volume that is being deleted as long as it is bound.
 *
 * @see k8s.io/kubernetes/pkg/controller/volume/pvprotection
 */
export function createVolumeProtectionController(context: ControllerContext): Controller {
  const { client, informers, clock } = context;
  const volumes = informers.for('persistentvolumes');
  const queue = new WorkQueue<ObjectKey>(clock);

  async function reconcile(key: ObjectKey): Promise<Result> {
    const volume = volumes.get(key);
    if (!volume) return {};
    const finalizers = volume.metadata.finalizers ?? [];
    const isHeld = finalizers.includes(volumeFinalizer);
    const draft = mutableCopy<PersistentVolume>(volume);
    if (volume.metadata.deletionTimestamp) {
      if (!isHeld || volume.status?.phase === 'Bound') return {};
      draft.metadata.finalizers = finalizers.filter((held) => held !== volumeFinalizer);
    } else {
      if (isHeld) return {};
      draft.metadata.finalizers = [...finalizers, volumeFinalizer];
    }
    await client
      .resource('persistentvolumes')
      .update(draft)
      .catch((error: unknown) => {
        if (!isReason(error, 'NotFound')) throw error;
      });
    return {};
  }

  return queueController(context, {
    name: 'persistentvolume-protection-controller',
    queue,
    reconcile,
    handlers: (own) => own(enqueueSelf(volumes, queue)),
  });
}

/**
 * Keeps a class of volume attributes that is being deleted as long as a claim or a volume names it.
 *
 * @see k8s.io/kubernetes/pkg/controller/volume/vacprotection
 */
export function createVolumeAttributesClassProtectionController(
  context: ControllerContext,
): Controller {
  const { client, informers, clock } = context;
  const classes = informers.for('volumeattributesclasses.storage.k8s.io');
  const claims = informers.for('persistentvolumeclaims');
  const volumes = informers.for('persistentvolumes');
  const queue = new WorkQueue<ObjectKey>(clock);

  const isNamed = (name: string): boolean =>
    claims.list().some((claim) => classesOfClaim(claim).includes(name)) ||
    volumes.list().some((volume) => volume.spec?.volumeAttributesClassName === name);

  async function reconcile(key: ObjectKey): Promise<Result> {
    const found = classes.get(key);
    if (!found) return {};
    const finalizers = found.metadata.finalizers ?? [];
    const isHeld = finalizers.includes(classFinalizer);
    const draft = mutableCopy<VolumeAttributesClass>(found);
    if (found.metadata.deletionTimestamp) {
      if (!isHeld || isNamed(found.metadata.name ?? '')) return {};
      draft.metadata.finalizers = finalizers.filter((held) => held !== classFinalizer);
    } else {
      if (isHeld) return {};
      draft.metadata.finalizers = [...finalizers, classFinalizer];
    }
    await client
      .resource('volumeattributesclasses.storage.k8s.io')
      .update(draft)
      .catch((error: unknown) => {
        if (!isReason(error, 'NotFound')) throw error;
      });
    return {};
  }

  return queueController(context, {
    name: 'volumeattributesclass-protection-controller',
    queue,
    reconcile,
    handlers: (own) => {
      own(enqueueSelf(classes, queue));
      // What an object named before a change may be free now.
      const onClaim = (claim: ClaimView): void => {
        for (const name of classesOfClaim(claim)) queue.add(keyOf(undefined, name));
      };
      own(claims.addHandler({ onUpdate: (old) => onClaim(old), onDelete: onClaim }));
      const onVolume = (volume: VolumeView): void => {
        const name = volume.spec?.volumeAttributesClassName;
        if (name) queue.add(keyOf(undefined, name));
      };
      own(volumes.addHandler({ onUpdate: (old) => onVolume(old), onDelete: onVolume }));
    },
  });
}

/** The class a claim asks for, the one it has, and the one it is on the way to. */
function classesOfClaim({ spec, status }: ClaimView): string[] {
  return [
    spec?.volumeAttributesClassName,
    status?.currentVolumeAttributesClassName,
    status?.modifyVolumeStatus?.targetVolumeAttributesClassName,
  ].filter((name): name is string => name !== undefined && name !== '');
}
