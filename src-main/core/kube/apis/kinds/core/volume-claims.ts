import type { DeepReadonly } from '#core/base';
import type { PersistentVolume, PersistentVolumeClaim } from '../../generated/types.ts';

const betaClassAnnotation = 'volume.beta.kubernetes.io/storage-class';

/** The storage class of a volume or claim, which an annotation may name as it did before there was a field. */
export function storageClassOf(
  object: DeepReadonly<PersistentVolume | PersistentVolumeClaim>,
): string {
  return object.metadata.annotations?.[betaClassAnnotation] ?? object.spec?.storageClassName ?? '';
}

/** Whether a volume is bound to, or reserved for, a claim. */
export function isVolumeReservedFor(
  volume: DeepReadonly<PersistentVolume>,
  claim: DeepReadonly<PersistentVolumeClaim>,
): boolean {
  const reference = volume.spec?.claimRef;
  return (
    reference !== undefined &&
    reference.name === claim.metadata.name &&
    reference.namespace === claim.metadata.namespace &&
    (!reference.uid || reference.uid === claim.metadata.uid)
  );
}
