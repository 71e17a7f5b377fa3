import {
  type ClaimView,
  isVolumeReservedFor,
  storageClassOf,
  type VolumeView,
} from '../../apis/index.ts';
import { matchesSelector, parseQuantity } from '../../machinery/index.ts';

function sizeOf(quantity: string | undefined): bigint {
  return quantity === undefined ? 0n : parseQuantity(quantity).nano;
}

/** Why a volume does not do for a claim, in upstream's words; undefined when it does. */
export function mismatch(volume: VolumeView, claim: ClaimView): string | undefined {
  if (volume.metadata.deletionTimestamp)
    return `the volume is marked for deletion "${volume.metadata.name ?? ''}"`;
  if (
    sizeOf(volume.spec?.capacity?.['storage']) <
    sizeOf(claim.spec?.resources?.requests?.['storage'])
  )
    return 'requested PV is too small';
  if (storageClassOf(volume) !== storageClassOf(claim)) return 'storageClassName does not match';
  if (
    (volume.spec?.volumeAttributesClassName ?? '') !== (claim.spec?.volumeAttributesClassName ?? '')
  )
    return 'volumeAttributesClassName does not match';
  if (modesDiffer(volume, claim)) return 'incompatible volumeMode';
  return hasAccessModes(volume, claim) ? undefined : 'incompatible accessMode';
}

export function modesDiffer(volume: VolumeView, claim: ClaimView): boolean {
  return (volume.spec?.volumeMode ?? 'Filesystem') !== (claim.spec?.volumeMode ?? 'Filesystem');
}

function hasAccessModes(volume: VolumeView, claim: ClaimView): boolean {
  return (claim.spec?.accessModes ?? []).every((mode) => volume.spec?.accessModes?.includes(mode));
}

/**
 * The smallest volume that does for a claim; one reserved for it comes first. Volumes with fewer access modes are
 * spent before others, however large they are.
 *
 * @param delayed the class binds with the first consumer: only a reserved volume counts then.
 * @see pkg/controller/volume/persistentvolume/index.go
 */
export function bestMatch(
  volumes: readonly VolumeView[],
  claim: ClaimView,
  delayed: boolean,
): VolumeView | undefined {
  const byModes = new Map<number, VolumeView[]>();
  for (const volume of volumes) {
    if (!hasAccessModes(volume, claim)) continue;
    const count = volume.spec?.accessModes?.length ?? 0;
    const alike = byModes.get(count) ?? [];
    byModes.set(count, alike);
    alike.push(volume);
  }
  for (const [, alike] of [...byModes].sort(([a], [b]) => a - b)) {
    const found = bestOf(alike, claim, delayed);
    if (found) return found;
  }
  return undefined;
}

/** @see k8s.io/component-helpers/storage/volume/helpers.go, FindMatchingVolume */
function bestOf(
  volumes: readonly VolumeView[],
  claim: ClaimView,
  delayed: boolean,
): VolumeView | undefined {
  const reserved = volumes.find((volume) => isVolumeReservedFor(volume, claim));
  if (reserved && !reserved.metadata.deletionTimestamp)
    return mismatch(reserved, claim) === undefined ? reserved : undefined;
  if (delayed) return undefined;
  return volumes
    .filter(
      (volume) =>
        volume.spec?.claimRef === undefined &&
        volume.status?.phase === 'Available' &&
        mismatch(volume, claim) === undefined &&
        (!claim.spec?.selector || matchesSelector(claim.spec.selector, volume.metadata.labels)),
    )
    .sort((a, b) => {
      const difference =
        sizeOf(a.spec?.capacity?.['storage']) - sizeOf(b.spec?.capacity?.['storage']);
      if (difference !== 0n) return difference < 0n ? -1 : 1;
      return (a.metadata.name ?? '') < (b.metadata.name ?? '') ? -1 : 1;
    })[0];
}
