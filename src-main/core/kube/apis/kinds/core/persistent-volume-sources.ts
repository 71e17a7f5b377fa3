import type { FieldErrors } from '../../validation/field.ts';
import { dnsLabel, dnsSubdomain } from '../../validation/meta.ts';
import { inRange, isDns1123Label, isDns1123Subdomain } from '../../validation/names.ts';
import { noBacksteps, validateHostPath } from './pod-volumes.ts';

// Rules: pkg/apis/core/validation/validation.go, ValidatePersistentVolumeSpec and what it calls.

/** A source's own fields; which of them a kind has is the schema's matter. */
export interface SourceFields {
  path?: string;
  type?: string;
  pdName?: string;
  volumeID?: string;
  partition?: number;
  endpoints?: string;
  endpointsNamespace?: string;
  datasetName?: string;
  datasetUUID?: string;
  server?: string;
  monitors?: string[];
  image?: string;
  pool?: string;
  user?: string;
  keyring?: string;
  registry?: string;
  tenant?: string;
  volume?: string;
  targetPortal?: string;
  iscsiInterface?: string;
  initiatorName?: string;
  iqn?: string;
  lun?: number;
  chapAuthDiscovery?: boolean;
  chapAuthSession?: boolean;
  secretRef?: SecretReference;
  targetWWNs?: string[];
  wwids?: string[];
  driver?: string;
  options?: Record<string, string>;
  secretName?: string;
  shareName?: string;
  secretNamespace?: string;
  volumePath?: string;
  pdID?: string;
  diskName?: string;
  diskURI?: string;
  cachingMode?: string;
  kind?: string;
  fsType?: string;
  readOnly?: boolean;
  storageMode?: string;
  gateway?: string;
  system?: string;
  volumeName?: string;
  volumeNamespace?: string;
  volumeHandle?: string;
  controllerPublishSecretRef?: SecretReference;
  controllerExpandSecretRef?: SecretReference;
  nodePublishSecretRef?: SecretReference;
  nodeExpandSecretRef?: SecretReference;
}

interface SecretReference {
  name?: string;
  namespace?: string;
}

type Check = (errors: FieldErrors, path: string, source: SourceFields, volumeName: string) => void;

const requires =
  (...fields: (keyof SourceFields)[]): Check =>
  (errors, path, source) => {
    for (const field of fields) {
      const value = source[field];
      if (!value || (Array.isArray(value) && value.length === 0))
        errors.required(`${path}.${field}`);
    }
  };

/** A disk by the field that names it, and a partition of it. */
const partitioned =
  (name: 'pdName' | 'volumeID'): Check =>
  (errors, path, source) => {
    requires(name)(errors, path, source, '');
    const { partition = 0 } = source;
    errors.invalidEach(`${path}.partition`, partition, inRange(partition, 0, 255));
  };

function secretParts(errors: FieldErrors, path: string, secret: SecretReference | undefined): void {
  if (!secret) return;
  if (!secret.name) errors.required(`${path}.secretRef.name`);
  if (!secret.namespace) errors.required(`${path}.secretRef.namespace`);
}

const initiatorForms: Readonly<Record<string, RegExp>> = {
  iqn: /iqn\.\d{4}-\d{2}\.[A-Za-z0-9\-.]+:[^,;*&$|\s]+$/,
  eui: /^eui.[A-Za-z0-9]{16}$/,
  naa: /^naa.[A-Za-z0-9]{32}$/,
};

function initiator(errors: FieldErrors, path: string, name: string): void {
  if (!initiatorForms[name.slice(0, 3)]?.test(name))
    errors.invalid(path, name, 'must be valid format');
}

/** A CSI driver's name. @see ValidateCSIDriverName */
export function driverName(errors: FieldErrors, path: string, name: string): void {
  if (name === '') {
    errors.required(path);
    return;
  }
  if (name.length > 63) errors.tooLong(path, 63);
  errors.invalidEach(path, name, isDns1123Subdomain(name.toLowerCase()));
}

/** In upstream's order: the first there is is checked, every other one is one too many. */
const checks = {
  hostPath: validateHostPath,
  // Upstream spells the path of this one otherwise.
  gcePersistentDisk: (errors, path, source, name) =>
    partitioned('pdName')(errors, path.replace(/gceP/, 'p'), source, name),
  awsElasticBlockStore: partitioned('volumeID'),
  glusterfs(errors, path, source) {
    requires('endpoints', 'path')(errors, path, source, '');
    const { endpointsNamespace: namespace } = source;
    const at = `${path}.endpointsNamespace`;
    if (namespace === '')
      errors.invalid(
        at,
        namespace,
        'if the endpointnamespace is set, it must be a valid namespace name',
      );
    else if (namespace !== undefined) errors.invalidEach(at, namespace, isDns1123Label(namespace));
  },
  flocker(errors, path, { datasetName = '', datasetUUID = '' }) {
    if (datasetName === '' && datasetUUID === '')
      errors.required(path, 'one of datasetName and datasetUUID is required');
    if (datasetName !== '' && datasetUUID !== '')
      errors.invalid(
        path,
        'resource',
        'datasetName and datasetUUID can not be specified simultaneously',
      );
    if (datasetName.includes('/'))
      errors.invalid(`${path}.datasetName`, datasetName, "must not contain '/'");
  },
  nfs(errors, at, source) {
    requires('server', 'path')(errors, at, source, '');
    const { path = '' } = source;
    if (!path.startsWith('/')) errors.invalid(`${at}.path`, path, 'must be an absolute path');
  },
  rbd: requires('monitors', 'image'),
  quobyte(errors, path, { registry = '', tenant = '', volume }) {
    const pairs = 'must be a host:port pair or multiple pairs separated by commas';
    if (registry === '') errors.required(`${path}.registry`, pairs);
    else if (tenant.length >= 65)
      errors.required(
        `${path}.tenant`,
        'must be a UUID and may not exceed a length of 64 characters',
      );
    else
      for (const pair of registry.split(','))
        if (!/^(?:[^:[\]]*|\[[^[\]]*\]):[^:[\]]*$/.test(pair))
          errors.invalid(`${path}.registry`, registry, pairs);
    if (!volume) errors.required(`${path}.volume`);
  },
  cephfs: requires('monitors'),
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
    else initiator(errors, `${path}.iqn`, iqn);
    errors.invalidEach(`${path}.lun`, lun, inRange(lun, 0, 255));
    if ((source.chapAuthDiscovery || source.chapAuthSession) && !secretRef)
      errors.required(`${path}.secretRef`);
    if (secretRef && !secretRef.name) errors.required(`${path}.secretRef.name`);
    if (initiatorName !== undefined) initiator(errors, `${path}.initiatorname`, initiatorName);
  },
  cinder(errors, path, source) {
    requires('volumeID')(errors, path, source, '');
    secretParts(errors, path, source.secretRef);
  },
  fc(errors, path, { targetWWNs = [], wwids = [], lun }) {
    const at = `${path}.targetWWNs`;
    if (targetWWNs.length === 0 && wwids.length === 0)
      errors.required(at, 'must specify either targetWWNs or wwids, but not both');
    if (targetWWNs.length > 0 && wwids.length > 0)
      errors.invalid(at, targetWWNs, 'targetWWNs and wwids can not be specified simultaneously');
    if (targetWWNs.length === 0) return;
    if (lun === undefined)
      errors.required(`${path}.lun`, 'lun is required if targetWWNs is specified');
    else errors.invalidEach(`${path}.lun`, lun, inRange(lun, 0, 255));
  },
  flexVolume(errors, path, { driver, options = {} }) {
    if (!driver) errors.required(`${path}.driver`);
    for (const key of Object.keys(options)) {
      const [namespace = ''] = key.split('/');
      if (/\.(?:kubernetes|k8s)\.io$/.test(`.${namespace.toLowerCase()}`))
        errors.invalid(
          `${path}.options[${key}]`,
          key,
          'kubernetes.io and k8s.io namespaces are reserved',
        );
    }
  },
  azureFile(errors, path, source) {
    requires('secretName', 'shareName')(errors, path, source, '');
    if (source.secretNamespace === '') errors.required(`${path}.secretNamespace`);
  },
  vsphereVolume: requires('volumePath'),
  photonPersistentDisk: requires('pdID'),
  portworxVolume: requires('volumeID'),
  azureDisk(errors, path, source) {
    requires('diskName', 'diskURI')(errors, path, source, '');
    const { cachingMode, kind, diskURI = '' } = source;
    const modes = ['None', 'ReadOnly', 'ReadWrite'];
    if (cachingMode !== undefined && !modes.includes(cachingMode))
      errors.notSupported(`${path}.cachingMode`, cachingMode, modes);
    const kinds = ['Dedicated', 'Managed', 'Shared'];
    if (kind === undefined) return;
    if (!kinds.includes(kind)) errors.notSupported(`${path}.kind`, kind, kinds);
    if (kind === 'Managed') {
      if (!diskURI.startsWith('/subscriptions/'))
        errors.notSupported(`${path}.diskURI`, diskURI, [
          '/subscriptions/{sub-id}/resourcegroups/{group-name}/providers/microsoft.compute/disks/{disk-id}',
        ]);
    } else if (!diskURI.startsWith('https://'))
      errors.notSupported(`${path}.diskURI`, diskURI, [
        'https://{account-name}.blob.core.windows.net/{container-name}/{disk-name}.vhd',
      ]);
  },
  scaleIO: requires('gateway', 'system', 'volumeName'),
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
} as const satisfies Record<string, Check>;

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
