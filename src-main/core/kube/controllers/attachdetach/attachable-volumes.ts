import { type DeepReadonly, sha256Hex, utf8 } from '#core/base';
import type { PersistentVolumeClaim, VolumeView } from '../../apis/index.ts';
import type { PodView } from '../shared/pods.ts';

type Volume = NonNullable<NonNullable<PodView['spec']>['volumes']>[number];

/** A volume that is attached to a node before a kubelet mounts it. */
export interface AttachableVolume {
  /** `kubernetes.io/csi/<driver>^<handle>`: the volume's name in the status of nodes. */
  readonly uniqueName: string;
  /** What messages call it: the PersistentVolume, or the volume of the pod. */
  readonly specName: string;
  /** Only CSI volumes are attached by somebody else, who reports in a VolumeAttachment. */
  readonly csi?: { readonly driver: string; readonly handle: string; readonly volume: string };
  readonly allowsMultiAttach: boolean;
}

export interface VolumeLookup {
  claim(namespace: string, name: string): DeepReadonly<PersistentVolumeClaim> | undefined;
  volume(name: string): VolumeView | undefined;
  /** `spec.attachRequired` of the driver's CSIDriver object; without one: true. */
  needsAttach(driver: string): boolean;
}

/** The name of the VolumeAttachment of a CSI volume and a node. @see pkg/volume/csi/csi_attacher.go, getAttachmentName */
export function attachmentName(handle: string, driver: string, node: string): string {
  return `csi-${sha256Hex(utf8(handle + driver + node))}`;
}

/** The attachable volume that a pod's volume is, if it is one and its claim is bound. */
export function attachableVolume(
  pod: PodView,
  volume: Volume,
  lookup: VolumeLookup,
): AttachableVolume | undefined {
  const inline = ofSource(volume.name, volume, true);
  if (inline) return inline;
  const { persistentVolumeClaim, ephemeral } = volume;
  const claimName =
    persistentVolumeClaim?.claimName ??
    (ephemeral ? `${pod.metadata.name ?? ''}-${volume.name}` : undefined);
  if (claimName === undefined) return undefined;
  const claim = lookup.claim(pod.metadata.namespace ?? '', claimName);
  if (claim?.status?.phase !== 'Bound' || !claim.spec?.volumeName) return undefined;
  if (
    ephemeral &&
    !(claim.metadata.ownerReferences ?? []).some(({ uid }) => uid === pod.metadata.uid)
  )
    return undefined;
  const found = lookup.volume(claim.spec.volumeName);
  if (!found || found.spec?.claimRef?.uid !== claim.metadata.uid) return undefined;
  return attachablePersistentVolume(found, lookup);
}

/** @returns undefined for volumes of plugins that attach nothing. */
export function attachablePersistentVolume(
  volume: VolumeView,
  lookup: Pick<VolumeLookup, 'needsAttach'>,
): AttachableVolume | undefined {
  const { name = '' } = volume.metadata;
  const { csi, accessModes = [] } = volume.spec ?? {};
  const allowsMultiAttach =
    accessModes.length === 0 ||
    accessModes.some((mode) => mode === 'ReadWriteMany' || mode === 'ReadOnlyMany');
  if (!csi) return ofSource(name, volume.spec ?? {}, allowsMultiAttach);
  if (!lookup.needsAttach(csi.driver)) return undefined;
  return {
    uniqueName: `kubernetes.io/csi/${csi.driver}^${csi.volumeHandle}`,
    specName: name,
    csi: { driver: csi.driver, handle: csi.volumeHandle, volume: name },
    allowsMultiAttach,
  };
}

/** Disks over iSCSI and Fibre Channel count as attached as soon as they are asked for: the kubelet logs in itself. */
function ofSource(
  specName: string,
  { iscsi, fc }: Pick<Volume, 'iscsi' | 'fc'>,
  allowsMultiAttach: boolean,
): AttachableVolume | undefined {
  if (iscsi)
    return {
      uniqueName: `kubernetes.io/iscsi/${iscsi.targetPortal}:${iscsi.iqn}:${iscsi.lun}`,
      specName,
      allowsMultiAttach,
    };
  if (!fc) return undefined;
  const list = (items: readonly string[]): string => `[${items.join(' ')}]`;
  return {
    uniqueName: fc.targetWWNs?.length
      ? `kubernetes.io/fc/${list(fc.targetWWNs)}:${fc.lun ?? 0}`
      : `kubernetes.io/fc/${list(fc.wwids ?? [])}`,
    specName,
    allowsMultiAttach,
  };
}
