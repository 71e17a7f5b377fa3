import type { FieldErrors } from '../../validation/field.ts';
import { inRange, isDns1123Label, isDns1123Subdomain } from '../../validation/names.ts';

// Rules: pkg/apis/core/validation/validation.go, the sources that pods and persistent volumes have in common.

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

/** A Secret; pods leave out the namespace. */
export interface SecretReference {
  name?: string;
  namespace?: string;
}

/** The check of one kind of source. */
export type SourceCheck = (errors: FieldErrors, path: string, source: SourceFields) => void;

/** These fields must be set. */
export const requires =
  (...fields: (keyof SourceFields)[]): SourceCheck =>
  (errors, path, source) => {
    for (const field of fields) {
      const value = source[field];
      if (!value || (Array.isArray(value) && value.length === 0))
        errors.required(`${path}.${field}`);
    }
  };

/** A disk by the field that names it, and a partition of it. */
const partitioned =
  (name: 'pdName' | 'volumeID'): SourceCheck =>
  (errors, path, source) => {
    requires(name)(errors, path, source);
    const { partition = 0 } = source;
    // Upstream lets 0 pass, but names 1 as the first.
    if (partition < 0 || partition > 255)
      errors.invalid(`${path}.partition`, partition, 'must be between 1 and 255, inclusive');
  };

const hostPathTypes = [
  '',
  'BlockDevice',
  'CharDevice',
  'Directory',
  'DirectoryOrCreate',
  'File',
  'FileOrCreate',
  'Socket',
];

/** A path without `..`. */
export function noBacksteps(errors: FieldErrors, path: string, value: string): void {
  if (value.split('/').includes('..')) errors.invalid(path, value, "must not contain '..'");
}

const initiatorForms: Readonly<Record<string, RegExp>> = {
  iqn: /iqn\.\d{4}-\d{2}\.[A-Za-z0-9\-.]+:[^,;*&$|\s]+$/,
  eui: /^eui.[A-Za-z0-9]{16}$/,
  naa: /^naa.[A-Za-z0-9]{32}$/,
};

/** What is wrong with the name of an iSCSI target or initiator, if anything. */
export function isInitiator(name: string): string[] {
  return initiatorForms[name.slice(0, 3)]?.test(name) ? [] : ['must be valid format'];
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

const sharedChecks = {
  hostPath(errors, at, { path, type }) {
    if (!path) {
      errors.required(`${at}.path`);
      return;
    }
    noBacksteps(errors, `${at}.path`, path);
    if (type !== undefined && !hostPathTypes.includes(type))
      errors.notSupported(`${at}.type`, type, hostPathTypes);
  },
  // Upstream spells the path of this one otherwise.
  gcePersistentDisk: (errors, path, source) =>
    partitioned('pdName')(errors, path.replace(/gceP/, 'p'), source),
  awsElasticBlockStore: partitioned('volumeID'),
  glusterfs(errors, path, source) {
    requires('endpoints', 'path')(errors, path, source);
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
    requires('server', 'path')(errors, at, source);
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
    requires('secretName', 'shareName')(errors, path, source);
    if (source.secretNamespace === '') errors.required(`${path}.secretNamespace`);
  },
  vsphereVolume: requires('volumePath'),
  photonPersistentDisk: requires('pdID'),
  portworxVolume: requires('volumeID'),
  azureDisk(errors, path, source) {
    requires('diskName', 'diskURI')(errors, path, source);
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
} as const satisfies Record<string, SourceCheck>;

/** Checks of the sources whose rules are the same in pods and in persistent volumes. */
export const sharedSourceChecks: Readonly<Record<keyof typeof sharedChecks, SourceCheck>> =
  sharedChecks;
