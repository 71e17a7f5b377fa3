import type { FieldErrors } from '../../validation/field.ts';
import { dnsLabel, dnsSubdomain } from '../../validation/meta.ts';
import { inRange } from '../../validation/names.ts';
import {
  driverName,
  isInitiator,
  noBacksteps,
  requires,
  sharedSourceChecks,
  type SecretReference,
  type SourceFields,
} from './volume-sources.ts';

// Rules: pkg/apis/core/validation/validation.go, ValidatePersistentVolumeSpec and what it calls.

function secretParts(errors: FieldErrors, path: string, secret: SecretReference | undefined): void {
  if (!secret) return;
  if (!secret.name) errors.required(`${path}.secretRef.name`);
  if (!secret.namespace) errors.required(`${path}.secretRef.namespace`);
}

type PersistentSourceCheck = (
  errors: FieldErrors,
  path: string,
  source: SourceFields,
  volumeName: string,
) => void;

/** In upstream's order: the first there is is checked, every other one is one too many. */
const checks = {
  hostPath: sharedSourceChecks.hostPath,
  gcePersistentDisk: sharedSourceChecks.gcePersistentDisk,
  awsElasticBlockStore: sharedSourceChecks.awsElasticBlockStore,
  glusterfs: sharedSourceChecks.glusterfs,
  flocker: sharedSourceChecks.flocker,
  nfs: sharedSourceChecks.nfs,
  rbd: sharedSourceChecks.rbd,
  quobyte: sharedSourceChecks.quobyte,
  cephfs: sharedSourceChecks.cephfs,
  iscsi(errors, path, source, volumeName) {
    const { targetPortal = '', initiatorName, iqn = '', lun = 0, secretRef } = source;
    if (targetPortal === '') errors.required(`${path}.targetPortal`);
    if (initiatorName !== undefined && `${volumeName}:${targetPortal}`.length > 64)
      errors.invalid(
        `${path}.targetportal`,
        targetPortal,
        'Total length of <volume name>:<iscsi.targetPortal> must be under 64 characters if iscsi.initiatorName is specified.',
      );
    if (iqn === '') errors.required(`${path}.iqn`);
    else errors.invalidEach(`${path}.iqn`, iqn, isInitiator(iqn));
    errors.invalidEach(`${path}.lun`, lun, inRange(lun, 0, 255));
    if ((source.chapAuthDiscovery || source.chapAuthSession) && !secretRef)
      errors.required(`${path}.secretRef`);
    if (secretRef && !secretRef.name) errors.required(`${path}.secretRef.name`);
    if (initiatorName !== undefined)
      errors.invalidEach(`${path}.initiatorname`, initiatorName, isInitiator(initiatorName));
  },
  cinder(errors, path, source) {
    requires('volumeID')(errors, path, source);
    secretParts(errors, path, source.secretRef);
  },
  fc: sharedSourceChecks.fc,
  flexVolume: sharedSourceChecks.flexVolume,
  azureFile: sharedSourceChecks.azureFile,
  vsphereVolume: sharedSourceChecks.vsphereVolume,
  photonPersistentDisk: sharedSourceChecks.photonPersistentDisk,
  portworxVolume: sharedSourceChecks.portworxVolume,
  azureDisk: sharedSourceChecks.azureDisk,
  scaleIO: sharedSourceChecks.scaleIO,
  local(errors, at, { path = '' }) {
    if (path === '') errors.required(`${at}.path`);
    else noBacksteps(errors, `${at}.path`, path);
  },
  storageos(errors, path, { volumeName = '', volumeNamespace = '', secretRef }) {
    if (volumeName === '') errors.required(`${path}.volumeName`);
    else dnsLabel(errors, `${path}.volumeName`, volumeName);
    if (volumeNamespace !== '') dnsLabel(errors, `${path}.volumeNamespace`, volumeNamespace);
    secretParts(errors, path, secretRef);
  },
  csi(errors, path, csi) {
    driverName(errors, `${path}.driver`, csi.driver ?? '');
    if (!csi.volumeHandle) errors.required(`${path}.volumeHandle`);
    for (const field of [
      'controllerPublishSecretRef',
      'controllerExpandSecretRef',
      'nodePublishSecretRef',
      'nodeExpandSecretRef',
    ] as const) {
      const secret = csi[field];
      if (!secret) continue;
      const at = `${path}.${field}`;
      const { name, namespace } = secret;
      if (name) dnsSubdomain(errors, `${at}.name`, name);
      else errors.required(`${at}.name`);
      if (namespace) dnsLabel(errors, `${at}.namespace`, namespace);
      else errors.required(`${at}.namespace`);
    }
  },
} as const satisfies Record<string, PersistentSourceCheck>;

/** The source of a persistent volume, at most one of them. */
export type VolumeSources = { [Kind in keyof typeof checks]?: SourceFields };

const kinds = Object.keys(checks) as (keyof VolumeSources)[];

/** Those of a volume's sources that are set. */
export const sourcesOf = (spec: VolumeSources): Record<string, SourceFields> =>
  Object.fromEntries(kinds.flatMap((kind) => (spec[kind] ? [[kind, spec[kind]]] : [])));

/** Checks the first source; any other one is too many, but of a flex volume nobody asks that. */
export function validateVolumeSources(
  errors: FieldErrors,
  path: string,
  spec: VolumeSources,
  options: { readonly volumeName: string; readonly hasNodeAffinity: boolean },
): void {
  let found = false;
  for (const kind of kinds) {
    const source = spec[kind];
    if (!source) continue;
    if (found && kind !== 'flexVolume') {
      const name = kind === 'cephfs' ? 'cephFS' : kind;
      errors.forbidden(`${path}.${name}`, 'may not specify more than 1 volume type');
      continue;
    }
    found = true;
    checks[kind](errors, `${path}.${kind}`, source, options.volumeName);
    if (kind === 'local' && !options.hasNodeAffinity)
      errors.required(`${path}.nodeAffinity`, 'Local volume requires node affinity');
  }
  if (!found) errors.required(path, 'must specify a volume type');
}

/** @see SetDefaults_HostPathVolumeSource and the markers of the sources' fields */
export function setVolumeSourceDefaults(spec: VolumeSources): void {
  const { hostPath, rbd, iscsi, azureDisk, scaleIO } = spec;
  if (hostPath) hostPath.type ??= '';
  if (rbd) {
    rbd.pool ||= 'rbd';
    rbd.user ||= 'admin';
    rbd.keyring ||= '/etc/ceph/keyring';
  }
  if (iscsi) iscsi.iscsiInterface ||= 'default';
  if (azureDisk) {
    azureDisk.cachingMode ??= 'ReadWrite';
    azureDisk.fsType ??= 'ext4';
    azureDisk.readOnly ??= false;
    azureDisk.kind ??= 'Shared';
  }
  if (scaleIO) {
    scaleIO.storageMode ||= 'ThinProvisioned';
    scaleIO.fsType ||= 'xfs';
  }
}
