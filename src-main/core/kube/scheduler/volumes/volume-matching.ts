import { isVolumeReservedFor, storageClassOf } from '../../apis/index.ts';
import { matchesNodeSelector, matchesSelector } from '../../machinery/index.ts';
import { amountOf } from '../resources.ts';
import type { ClaimView, NodeView, VolumeView } from '../views.ts';

export const selectedNodeAnnotation = 'volume.kubernetes.io/selected-node';
export const bindCompletedAnnotation = 'pv.kubernetes.io/bind-completed';
export const boundByControllerAnnotation = 'pv.kubernetes.io/bound-by-controller';

export function isFullyBound(claim: ClaimView): boolean {
  return (
    Boolean(claim.spec?.volumeName) &&
    claim.metadata.annotations?.[bindCompletedAnnotation] !== undefined
  );
}

/** Bytes a claim asks for. */
export function requestedBytes(claim: ClaimView): number {
  return amountOf('storage', claim.spec?.resources?.requests?.['storage'] ?? '0');
}

/** Whether a node may use a volume. @see component-helpers/storage/volume/helpers.go, CheckNodeAffinity */
export function reaches(volume: VolumeView, node: NodeView): boolean {
  const required = volume.spec?.nodeAffinity?.required;
  return !required || matchesNodeSelector(required, { labels: node.metadata.labels });
}

/**
 * The smallest free volume on a node that does for a claim; one reserved for it goes first.
 * @see component-helpers/storage/volume/pv_helpers.go, FindMatchingVolume
 */
export function findMatchingVolume(
  claim: ClaimView,
  volumes: readonly VolumeView[],
  node: NodeView,
  taken: ReadonlySet<string>,
): VolumeView | undefined {
  let smallest: VolumeView | undefined;
  let smallestBytes = Number.POSITIVE_INFINITY;
  const wantedBytes = requestedBytes(claim);
  const { spec } = claim;
  for (const volume of volumes) {
    if (taken.has(volume.metadata.name ?? '')) continue;
    const reserved = isVolumeReservedFor(volume, claim);
    if (volume.spec?.claimRef && !reserved) continue;
    const bytes = amountOf('storage', volume.spec?.capacity?.['storage'] ?? '0');
    if (bytes < wantedBytes) continue;
    if ((volume.spec?.volumeMode ?? 'Filesystem') !== (spec?.volumeMode ?? 'Filesystem')) continue;
    if ((volume.spec?.volumeAttributesClassName ?? '') !== (spec?.volumeAttributesClassName ?? ''))
      continue;
    if (volume.metadata.deletionTimestamp) continue;
    const near = reaches(volume, node);
    if (reserved) return near ? volume : undefined;
    if (volume.status?.phase !== 'Available') continue;
    if (spec?.selector && !matchesSelector(spec.selector, volume.metadata.labels)) continue;
    if (storageClassOf(volume) !== storageClassOf(claim) || !near) continue;
    if (!(spec?.accessModes ?? []).every((mode) => volume.spec?.accessModes?.includes(mode)))
      continue;
    if (bytes < smallestBytes) {
      smallest = volume;
      smallestBytes = bytes;
    }
  }
  return smallest;
}
