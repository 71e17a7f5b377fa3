import type { DeepReadonly } from '#core/base';
import type { ClaimView, VolumeView } from '../../apis/index.ts';
import { type ResourceClient, type Result, WorkQueue } from '../../client/index.ts';
import { isReason, type KubeObject, keyOf, type ObjectKey } from '../../machinery/index.ts';
import { type Controller, type ControllerContext, mutableCopy } from '../shared/context.ts';
import { enqueueSelf, queueController } from '../shared/informer-queue.ts';
import { isPodTerminal, type PodView } from '../shared/pods.ts';

const claimFinalizer = 'kubernetes.io/pvc-protection';
const volumeFinalizer = 'kubernetes.io/pv-protection';
const classFinalizer = 'kubernetes.io/vac-protection';

/** Puts the finalizer on an object, and takes it off when the object is on its way out and nothing uses it. */
async function hold<T extends KubeObject>(
  resource: ResourceClient<T>,
  found: DeepReadonly<T>,
  finalizer: string,
  isUsed: () => boolean,
): Promise<Result> {
  const finalizers = found.metadata.finalizers ?? [];
  const isHeld = finalizers.includes(finalizer);
  const isGoing = found.metadata.deletionTimestamp !== undefined;
  if (isGoing ? !isHeld || isUsed() : isHeld) return {};
  const draft = mutableCopy<T>(found);
  draft.metadata.finalizers = isGoing
    ? finalizers.filter((held) => held !== finalizer)
    : [...finalizers, finalizer];
  await resource.update(draft).catch((error: unknown) => {
    if (!isReason(error, 'NotFound')) throw error;
  });
  return {};
}

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
    return hold(client.resource('persistentvolumeclaims'), claim, claimFinalizer, () =>
      pods.list(claim.metadata.namespace).some((pod) => uses(pod, claim.metadata.name ?? '')),
    );
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
    return hold(
      client.resource('persistentvolumes'),
      volume,
      volumeFinalizer,
      () => volume.status?.phase === 'Bound',
    );
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
    return hold(
      client.resource('volumeattributesclasses.storage.k8s.io'),
      found,
      classFinalizer,
      () => isNamed(found.metadata.name ?? ''),
    );
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
