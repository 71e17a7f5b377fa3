import { FieldErrors } from '../../validation/field.ts';
import { dnsLabel, dnsSubdomain, qualifiedName } from '../../validation/meta.ts';
import { inRange, isDns1123Subdomain } from '../../validation/names.ts';
import { canonicalQuantity, compareQuantities } from '../../validation/quantity.ts';
import type {
  DownwardFile,
  FieldRef,
  KeyToPath,
  PodSpec,
  ProjectionSource,
  ResourceFieldRef,
  Volume,
  VolumeSource,
} from './pod-types.ts';
import { validateClaimTemplateSpec, validateTemplateMetadata } from './claim-spec.ts';
import { driverName, isInitiator, noBacksteps, sharedSourceChecks } from './volume-sources.ts';

const modeMessage = 'must be a number between 0 and 0777 (octal), both inclusive';
const manyTypes = 'may not specify more than 1 volume type';

function validateMode(errors: FieldErrors, path: string, mode: number | undefined): void {
  if (mode !== undefined && (mode > 0o777 || mode < 0)) errors.invalid(path, mode, modeMessage);
}

export function localDescendingPath(errors: FieldErrors, path: string, value: string): void {
  if (value.startsWith('/')) errors.invalid(path, value, 'must be a relative path');
  noBacksteps(errors, path, value);
}

function localNonReservedPath(errors: FieldErrors, path: string, value: string): void {
  localDescendingPath(errors, path, value);
  if (value.startsWith('..') && !value.startsWith('../')) {
    errors.invalid(path, value, "must not start with '..'");
  }
}

function validateItems(errors: FieldErrors, path: string, items: readonly KeyToPath[] = []): void {
  items.forEach((item, index) => {
    const at = `${path}[${index}]`;
    if (!item.key) errors.required(`${at}.key`);
    if (!item.path) errors.required(`${at}.path`);
    localNonReservedPath(errors, `${at}.path`, item.path ?? '');
    validateMode(errors, `${at}.mode`, item.mode);
  });
}

/** Fields an environment variable may take from its pod. */
export const envFieldPaths = [
  'metadata.name',
  'metadata.namespace',
  'metadata.uid',
  'spec.nodeName',
  'spec.serviceAccountName',
  'status.hostIP',
  'status.hostIPs',
  'status.podIP',
  'status.podIPs',
];
const volumeFieldPaths = [
  'metadata.annotations',
  'metadata.labels',
  'metadata.name',
  'metadata.namespace',
  'metadata.uid',
];
const knownFieldPaths = new Set([
  ...envFieldPaths,
  ...volumeFieldPaths,
  'spec.restartPolicy',
  'spec.schedulerName',
  'status.phase',
]);
const resourcePaths = [
  'limits.cpu',
  'limits.ephemeral-storage',
  'limits.memory',
  'requests.cpu',
  'requests.ephemeral-storage',
  'requests.memory',
];

export function validateFieldRef(
  errors: FieldErrors,
  path: string,
  ref: FieldRef,
  allowed: readonly string[],
): void {
  if (!ref.apiVersion) {
    errors.required(`${path}.apiVersion`);
    return;
  }
  const fieldPath = ref.fieldPath ?? '';
  if (fieldPath === '') {
    errors.required(`${path}.fieldPath`);
    return;
  }
  const subscript = /^(.*)\['(.*)'\]$/.exec(fieldPath);
  const base = subscript?.[1] ?? fieldPath;
  if (ref.apiVersion !== 'v1') {
    errors.invalid(
      `${path}.fieldPath`,
      fieldPath,
      `error converting fieldPath: unsupported pod version: ${ref.apiVersion}`,
    );
    return;
  }
  const subscripted = base === 'metadata.annotations' || base === 'metadata.labels';
  if (subscript ? !subscripted : !knownFieldPaths.has(base) && base !== 'spec.host') {
    errors.invalid(
      `${path}.fieldPath`,
      fieldPath,
      subscript
        ? `error converting fieldPath: field label does not support subscript`
        : `error converting fieldPath: field label not supported: ${fieldPath}`,
    );
    return;
  }
  if (subscript) {
    const key = subscript[2] ?? '';
    qualifiedName(errors, path, base === 'metadata.annotations' ? key.toLowerCase() : key);
  } else if (!allowed.includes(base === 'spec.host' ? 'spec.nodeName' : base)) {
    errors.notSupported(`${path}.fieldPath`, base, allowed);
  }
}

const byteDivisors = ['1', 'k', 'M', 'G', 'T', 'P', 'E', 'Ki', 'Mi', 'Gi', 'Ti', 'Pi', 'Ei'].map(
  (suffix) => (suffix === '1' ? '1' : `1${suffix}`),
);

export function validateResourceFieldRef(
  errors: FieldErrors,
  path: string,
  ref: ResourceFieldRef,
  inVolume: boolean,
): void {
  const resource = ref.resource ?? '';
  if (inVolume && !ref.containerName) errors.required(`${path}.containerName`);
  else if (resource === '') errors.required(`${path}.resource`);
  else if (!resourcePaths.includes(resource) && !/^(limits|requests)\.hugepages-/.test(resource)) {
    errors.notSupported(`${path}.resource`, resource, resourcePaths);
  }
  if (ref.divisor === undefined || compareQuantities(ref.divisor, '0') === 0) return;
  const divisor = canonicalQuantity(ref.divisor);
  const what = resource.endsWith('.cpu')
    ? undefined
    : resource.endsWith('.memory')
      ? 'memory'
      : resource.endsWith('.ephemeral-storage')
        ? 'local ephemeral storage'
        : 'hugepages';
  if (what === undefined) {
    if (divisor !== '1' && divisor !== '1m') {
      errors.invalid(
        `${path}.divisor`,
        resource,
        "only divisor's values 1m and 1 are supported with the cpu resource",
      );
    }
  } else if (!byteDivisors.includes(divisor)) {
    errors.invalid(
      `${path}.divisor`,
      resource,
      `only divisor's values ${byteDivisors.join(', ')} are supported with the ${what} resource`,
    );
  }
}

function validateDownwardFile(errors: FieldErrors, path: string, file: DownwardFile): void {
  if (!file.path) errors.required(`${path}.path`);
  localNonReservedPath(errors, `${path}.path`, file.path ?? '');
  if (file.fieldRef) {
    validateFieldRef(errors, `${path}.fieldRef`, file.fieldRef, volumeFieldPaths);
    if (file.resourceFieldRef) {
      errors.invalid(
        path,
        'resource',
        'fieldRef and resourceFieldRef can not be specified simultaneously',
      );
    }
  } else if (file.resourceFieldRef) {
    validateResourceFieldRef(errors, `${path}.resourceFieldRef`, file.resourceFieldRef, true);
  } else {
    errors.required(path, 'one of fieldRef and resourceFieldRef is required');
  }
  validateMode(errors, `${path}.mode`, file.mode);
}

function validateProjection(
  errors: FieldErrors,
  path: string,
  sources: readonly ProjectionSource[],
): void {
  const paths = new Set<string>();
  const claimPath = (value: string | undefined, blamed: string): void => {
    if (!value) return;
    if (paths.has(value)) errors.invalid(path, blamed, 'conflicting duplicate paths');
    paths.add(value);
  };
  sources.forEach((source, index) => {
    const at = `${path}.sources[${index}]`;
    for (const kind of ['secret', 'configMap'] as const) {
      const part = source[kind];
      if (!part) continue;
      if (!part.name) errors.required(`${at}.${kind}.name`);
      part.items?.forEach((item, i) => {
        const one = new FieldErrors();
        validateItems(one, `${at}.${kind}.items`, [item]);
        errors.addAll(
          one.list.map((error) => ({
            ...error,
            field: (error.field ?? '').replace('items[0]', `items[${i}]`),
          })),
        );
        claimPath(item.path, part.name ?? '');
      });
    }
    for (const file of source.downwardAPI?.items ?? []) {
      validateDownwardFile(errors, `${at}.downwardAPI`, file);
      claimPath(file.path, file.path ?? '');
    }
    const token = source.serviceAccountToken;
    if (token) {
      const seconds = token.expirationSeconds ?? 3600;
      const where = `${at}.serviceAccountToken.expirationSeconds`;
      if (seconds < 600) {
        errors.invalid(where, seconds, 'may not specify a duration less than 10 minutes');
      }
      if (seconds > 2 ** 32) {
        errors.invalid(where, seconds, 'may not specify a duration larger than 2^32 seconds');
      }
      if (!token.path) errors.required(`${path}.path`);
      else localNonReservedPath(errors, `${path}.path`, token.path);
    }
    if (Object.keys(source).length > 1) {
      errors.forbidden(at, 'may not specify more than 1 volume type per source');
    }
  });
}

/** What a pod's secret reference must have: the Secret is one of its own namespace. */
function secretName(
  errors: FieldErrors,
  path: string,
  secret: { name?: string } | undefined,
): void {
  if (secret && !secret.name) errors.required(`${path}.name`);
}

const startingForms = 'must be valid format starting with iqn, eui, or naa';
const initiatorFaults = (name: string): string[] =>
  /^(?:iqn|eui|naa)/.test(name) ? isInitiator(name) : [startingForms];

const sourceChecks: {
  [Kind in keyof VolumeSource]?: (
    errors: FieldErrors,
    path: string,
    source: NonNullable<VolumeSource[Kind]>,
    isPod: boolean,
  ) => void;
} = {
  ...sharedSourceChecks,
  emptyDir(errors, path, { sizeLimit }) {
    if (sizeLimit !== undefined && compareQuantities(sizeLimit, '0') < 0) {
      errors.forbidden(`${path}.sizeLimit`, 'SizeLimit field must be a valid resource quantity');
    }
  },
  gitRepo(errors, path, { repository, directory }) {
    if (!repository) errors.required(`${path}.repository`);
    localDescendingPath(errors, `${path}.directory`, directory ?? '');
  },
  secret(errors, path, { secretName, defaultMode, items }) {
    if (!secretName) errors.required(`${path}.secretName`);
    validateMode(errors, `${path}.defaultMode`, defaultMode);
    validateItems(errors, `${path}.items`, items);
  },
  persistentVolumeClaim(errors, path, { claimName }) {
    if (!claimName) errors.required(`${path}.claimName`);
  },
  downwardAPI(errors, path, { defaultMode, items }) {
    validateMode(errors, `${path}.defaultMode`, defaultMode);
    for (const file of items ?? []) validateDownwardFile(errors, path, file);
  },
  configMap(errors, path, { name, defaultMode, items }) {
    if (!name) errors.required(`${path}.name`);
    validateMode(errors, `${path}.defaultMode`, defaultMode);
    validateItems(errors, `${path}.items`, items);
  },
  projected(errors, path, { defaultMode, sources }) {
    validateMode(errors, `${path}.defaultMode`, defaultMode);
    validateProjection(errors, path, sources ?? []);
  },
  csi(errors, path, { driver, nodePublishSecretRef }) {
    driverName(errors, `${path}.driver`, driver ?? '');
    secretName(errors, `${path}.nodePublishSecretRef`, nodePublishSecretRef);
    const secret = nodePublishSecretRef?.name;
    // Upstream blames the driver's sibling `name`, which there is not.
    if (secret) dnsSubdomain(errors, `${path}.name`, secret);
  },
  iscsi(errors, path, source) {
    const { targetPortal, initiatorName, iqn, lun = 0, secretRef } = source;
    if (!targetPortal) errors.required(`${path}.targetPortal`);
    if (!iqn) errors.required(`${path}.iqn`);
    else errors.invalidEach(`${path}.iqn`, iqn, initiatorFaults(iqn));
    errors.invalidEach(`${path}.lun`, lun, inRange(lun, 0, 255));
    if ((source.chapAuthDiscovery || source.chapAuthSession) && !secretRef)
      errors.required(`${path}.secretRef`);
    if (initiatorName !== undefined)
      errors.invalidEach(`${path}.initiatorname`, initiatorName, initiatorFaults(initiatorName));
  },
  cinder(errors, path, { volumeID, secretRef }) {
    if (!volumeID) errors.required(`${path}.volumeID`);
    secretName(errors, `${path}.secretRef`, secretRef);
  },
  storageos(errors, path, { volumeName, volumeNamespace, secretRef }) {
    if (!volumeName) errors.required(`${path}.volumeName`);
    else dnsLabel(errors, `${path}.volumeName`, volumeName);
    if (volumeNamespace) dnsLabel(errors, `${path}.volumeNamespace`, volumeNamespace);
    secretName(errors, `${path}.secretRef`, secretRef);
  },
  ephemeral(errors, path, { volumeClaimTemplate }) {
    if (volumeClaimTemplate)
      validateTemplateMetadata(
        errors,
        `${path}.volumeClaimTemplate.metadata`,
        volumeClaimTemplate.metadata ?? {},
      );
    if (!volumeClaimTemplate) errors.required(`${path}.volumeClaimTemplate`);
    else {
      validateClaimTemplateSpec(
        errors,
        `${path}.volumeClaimTemplate.spec`,
        volumeClaimTemplate.spec ?? {},
      );
    }
  },
  image(errors, path, { reference, pullPolicy }, isPod) {
    if (isPod && !reference) errors.required(`${path}.reference`);
    if (pullPolicy !== undefined && !['Always', 'IfNotPresent', 'Never'].includes(pullPolicy)) {
      errors.notSupported(`${path}.pullPolicy`, pullPolicy, ['Always', 'IfNotPresent', 'Never']);
    }
  },
};
/** Upstream asks for the sources in this order; the first found is checked, all others are too many. */
const sourceOrder = [
  'emptyDir',
  'hostPath',
  'gitRepo',
  'gcePersistentDisk',
  'awsElasticBlockStore',
  'secret',
  'nfs',
  'iscsi',
  'glusterfs',
  'flocker',
  'persistentVolumeClaim',
  'rbd',
  'cinder',
  'cephfs',
  'quobyte',
  'downwardAPI',
  'fc',
  'flexVolume',
  'configMap',
  'azureFile',
  'vsphereVolume',
  'photonPersistentDisk',
  'portworxVolume',
  'azureDisk',
  'storageos',
  'projected',
  'scaleIO',
  'csi',
  'ephemeral',
  'image',
];

/** What upstream calls these when they are one too many. */
const otherSpellings: Readonly<Record<string, string>> = {
  cephfs: 'cephFS',
  downwardAPI: 'downwarAPI',
};

function validateSource(errors: FieldErrors, path: string, volume: Volume, isPod: boolean): void {
  const fields = volume as Readonly<Record<string, unknown>>;
  const present = sourceOrder.filter((kind) => fields[kind] !== undefined && fields[kind] !== null);
  present.forEach((kind, index) => {
    if (index > 0) errors.forbidden(`${path}.${otherSpellings[kind] ?? kind}`, manyTypes);
    else {
      const check = sourceChecks[kind as keyof VolumeSource] as
        ((errors: FieldErrors, path: string, source: unknown, isPod: boolean) => void) | undefined;
      check?.(errors, `${path}.${kind}`, fields[kind], isPod);
    }
  });
  const { iscsi, name = '' } = volume;
  if (iscsi?.initiatorName !== undefined && `${name}:${iscsi.targetPortal ?? ''}`.length > 64)
    errors.invalid(
      `${path}.name`,
      name,
      'Total length of <volume name>:<iscsi.targetPortal> must be under 64 characters if iscsi.initiatorName is specified.',
    );
  if (present.length === 0) errors.required(path, 'must specify a volume type');
}

/**
 * Checks the volumes; returns the sound ones by name, for mounts to refer to.
 * @see pkg/apis/core/validation/validation.go, ValidateVolumes
 */
export function validateVolumes(
  errors: FieldErrors,
  path: string,
  spec: PodSpec,
  podName: string | undefined,
  isPod: boolean,
): ReadonlyMap<string, Volume> {
  const sound = new Map<string, Volume>();
  const created = new Set(
    (spec.volumes ?? [])
      .filter((volume) => podName && volume.ephemeral)
      .map((volume) => `${podName}-${volume.name ?? ''}`),
  );
  spec.volumes?.forEach((volume, index) => {
    const at = `${path}[${index}]`;
    const own = new FieldErrors();
    const name = volume.name ?? '';
    validateSource(own, at, volume, isPod);
    if (volume.ephemeral && podName && name) {
      const claim = `${podName}-${name}`;
      own.invalidEach(
        `${at}.name`,
        name,
        isDns1123Subdomain(claim).map((message) => `PVC name ${JSON.stringify(claim)}: ${message}`),
      );
    }
    if (name === '') own.required(`${at}.name`);
    else dnsLabel(own, `${at}.name`, name);
    if (sound.has(name)) own.duplicate(`${at}.name`, name);
    if (own.list.length === 0) sound.set(name, volume);
    else errors.addAll(own.list);
    const claim = volume.persistentVolumeClaim?.claimName;
    if (claim !== undefined && created.has(claim)) {
      errors.invalid(
        `${at}.persistentVolumeClaim.claimName`,
        claim,
        'must not reference a PVC that gets created for an ephemeral volume',
      );
    }
  });
  return sound;
}
