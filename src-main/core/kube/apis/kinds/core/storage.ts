import type { ObjectMeta } from '../../../machinery/index.ts';
import type { KindStrategy } from '../../kind-strategy.ts';
import { FieldErrors, goJson, Printed } from '../../validation/field.ts';
import {
  dnsLabel,
  dnsSubdomain,
  immutable,
  semanticEqual,
  sortedEntries,
} from '../../validation/meta.ts';
import { isDns1123Subdomain } from '../../validation/names.ts';
import { canonicalQuantity, compareQuantities } from '../../validation/quantity.ts';
import { keepSpec, keepStatus } from '../strategy.ts';
import {
  accessModes,
  validateAccessModes,
  validateClaimTemplateSpec,
  volumeModes,
} from './claim-spec.ts';
import { internalJson, specDiff } from './internal-print.ts';
import { setClaimSpecDefaults } from './pod-defaults.ts';
import { validateNodeSelector } from './pod-scheduling.ts';
import {
  type ClaimSpec,
  type NodeSelector,
  type ObjectReference,
  type ResourceList,
  view,
} from './pod-types.ts';
import { claimSpecWarnings, deprecatedSourceWarnings } from './pod-volume-warnings.ts';
import { noBacksteps } from './pod-volumes.ts';
import { nodeTermWarnings } from './pod-warnings.ts';

interface VolumeSpec {
  capacity?: ResourceList;
  accessModes?: string[];
  claimRef?: ObjectReference;
  persistentVolumeReclaimPolicy?: string;
  storageClassName?: string;
  mountOptions?: string[];
  volumeMode?: string;
  nodeAffinity?: { required?: NodeSelector };
  volumeAttributesClassName?: string;
  hostPath?: { path?: string; type?: string };
  nfs?: { server?: string; path?: string };
  local?: { path?: string };
  csi?: CsiSource;
}

interface PersistentVolume {
  metadata: ObjectMeta;
  spec?: VolumeSpec;
  status?: { phase?: string; lastPhaseTransitionTime?: string };
}

interface Claim {
  metadata: ObjectMeta;
  spec?: ClaimSpec;
  status?: {
    phase?: string;
    capacity?: ResourceList;
    accessModes?: string[];
    currentVolumeAttributesClassName?: string;
  };
}

/** Fields of the spec that are no volume source; what is left names the source. */
const ownFields = new Set([
  'capacity',
  'accessModes',
  'claimRef',
  'persistentVolumeReclaimPolicy',
  'storageClassName',
  'mountOptions',
  'volumeMode',
  'nodeAffinity',
  'volumeAttributesClassName',
]);
const sourcesOf = (spec: VolumeSpec): Record<string, unknown> =>
  Object.fromEntries(Object.entries(spec).filter(([field]) => !ownFields.has(field)));

function validateSources(errors: FieldErrors, spec: VolumeSpec): void {
  const present = Object.keys(sourcesOf(spec));
  // Upstream asks for hostPath first and for CSI last; others stand between.
  const rank = (kind: string): number =>
    ['hostPath', 'nfs', 'local', 'csi'].indexOf(kind) +
    (kind === 'local' || kind === 'csi' ? 10 : 5);
  present.sort((a, b) => (a === 'hostPath' ? -1 : b === 'hostPath' ? 1 : rank(a) - rank(b)));
  const [first, ...others] = present;
  if (first === undefined) errors.required('spec', 'must specify a volume type');
  if (first === 'hostPath') {
    const { path, type } = spec.hostPath ?? {};
    if (!path) errors.required('spec.hostPath.path');
    else noBacksteps(errors, 'spec.hostPath.path', path);
    const types = [
      '',
      'BlockDevice',
      'CharDevice',
      'Directory',
      'DirectoryOrCreate',
      'File',
      'FileOrCreate',
      'Socket',
    ];
    if (path && type !== undefined && !types.includes(type)) {
      errors.notSupported('spec.hostPath.type', type, types);
    }
  } else if (first === 'nfs') {
    const { server, path = '' } = spec.nfs ?? {};
    if (!server) errors.required('spec.nfs.server');
    if (path === '') errors.required('spec.nfs.path');
    if (!path.startsWith('/')) {
      errors.invalid('spec.nfs.path', path, 'must be an absolute path');
    }
  } else if (first === 'local') {
    const path = spec.local?.path ?? '';
    if (path === '') errors.required('spec.local.path');
    else noBacksteps(errors, 'spec.local.path', path);
    if (!spec.nodeAffinity?.required) {
      errors.required('spec.nodeAffinity', 'Local volume requires node affinity');
    }
  } else if (first === 'csi') {
    validateCsi(errors, spec.csi ?? {});
  }
  for (const kind of others)
    errors.forbidden(`spec.${kind}`, 'may not specify more than 1 volume type');
}

interface CsiSource {
  driver?: string;
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

/** @see validateCSIPersistentVolumeSource */
function validateCsi(errors: FieldErrors, csi: CsiSource): void {
  const { driver = '' } = csi;
  if (driver === '') errors.required('spec.csi.driver');
  else {
    if (driver.length > 63) errors.tooLong('spec.csi.driver', 63);
    errors.invalidEach('spec.csi.driver', driver, isDns1123Subdomain(driver.toLowerCase()));
  }
  if (!csi.volumeHandle) errors.required('spec.csi.volumeHandle');
  for (const field of [
    'controllerPublishSecretRef',
    'controllerExpandSecretRef',
    'nodePublishSecretRef',
    'nodeExpandSecretRef',
  ] as const) {
    const reference = csi[field];
    if (!reference) continue;
    const path = `spec.csi.${field}`;
    const { name, namespace } = reference;
    if (name) dnsSubdomain(errors, `${path}.name`, name);
    else errors.required(`${path}.name`);
    if (namespace) dnsLabel(errors, `${path}.namespace`, namespace);
    else errors.required(`${path}.namespace`);
  }
}

function validateVolume(errors: FieldErrors, { spec = {} }: PersistentVolume): void {
  const modes = spec.accessModes ?? [];
  validateAccessModes(errors, 'spec.accessModes', modes, '');
  for (const mode of modes) {
    if (!accessModes.includes(mode)) errors.notSupported('spec.accessModes', mode, accessModes);
  }
  const shared = modes.some((mode) => mode !== 'ReadWriteOncePod' && accessModes.includes(mode));
  if (modes.includes('ReadWriteOncePod') && shared) {
    errors.forbidden('spec.accessModes', 'may not use ReadWriteOncePod with other access modes');
  }
  const capacity = sortedEntries(spec.capacity);
  if (capacity.length === 0) errors.required('spec.capacity');
  if (spec.capacity?.['storage'] === undefined || capacity.length > 1) {
    errors.notSupported(
      'spec.capacity',
      spec.capacity ? new Printed(goJson(spec.capacity)) : undefined,
      ['storage'],
    );
  }
  for (const [name, amount] of capacity) {
    if (compareQuantities(amount, '0') <= 0) {
      errors.invalid(
        `spec.capacity[${name}]`,
        canonicalQuantity(amount),
        'must be greater than zero',
      );
    }
  }
  const policy = spec.persistentVolumeReclaimPolicy ?? '';
  const policies = ['Delete', 'Recycle', 'Retain'];
  if (!policies.includes(policy)) {
    errors.notSupported('spec.persistentVolumeReclaimPolicy', policy, policies);
  }
  if (spec.nodeAffinity) {
    if (!spec.nodeAffinity.required) {
      errors.required('spec.nodeAffinity.required', 'must specify required node constraints');
    } else {
      validateNodeSelector(errors, 'spec.nodeAffinity.required', spec.nodeAffinity.required);
    }
  }
  validateSources(errors, spec);
  if (spec.hostPath?.path === '/' && policy === 'Recycle') {
    errors.forbidden(
      'spec.persistentVolumeReclaimPolicy',
      "may not be 'recycle' for a hostPath mount of '/'",
    );
  }
  if (spec.storageClassName) {
    errors.invalidEach(
      'spec.storageClassName',
      spec.storageClassName,
      isDns1123Subdomain(spec.storageClassName),
    );
  }
  if (spec.volumeMode !== undefined && !volumeModes.includes(spec.volumeMode)) {
    errors.notSupported('spec.volumeMode', spec.volumeMode, volumeModes);
  }
}

export const persistentVolumeStrategy: KindStrategy = {
  group: '',
  kind: 'PersistentVolume',
  unconditionalUpdate: true,
  defaults(draft) {
    const volume = view<PersistentVolume>(draft);
    const spec = (volume.spec ??= {});
    volume.status ??= {};
    volume.status.phase ||= 'Pending';
    spec.persistentVolumeReclaimPolicy ||= 'Retain';
    spec.volumeMode ??= 'Filesystem';
    if (spec.hostPath) spec.hostPath.type ??= '';
  },
  prepareForCreate(draft, { nowMs }) {
    draft['status'] = {
      phase: 'Pending',
      lastPhaseTransitionTime: `${new Date(nowMs).toISOString().slice(0, 19)}Z`,
    };
  },
  prepareForUpdate: keepStatus,
  prepareForStatusUpdate(draft, old, { nowMs }) {
    keepSpec(draft, old);
    const { status } = view<PersistentVolume>(draft);
    const before = view<PersistentVolume>(old).status;
    if (status && status.phase === before?.phase) {
      const kept = status.lastPhaseTransitionTime ?? before?.lastPhaseTransitionTime;
      if (kept !== undefined) status.lastPhaseTransitionTime = kept;
    } else if (status) {
      const same = status.lastPhaseTransitionTime === before?.lastPhaseTransitionTime;
      if (!status.lastPhaseTransitionTime || same) {
        status.lastPhaseTransitionTime = `${new Date(nowMs).toISOString().slice(0, 19)}Z`;
      }
    }
  },
  validate(object) {
    const errors = new FieldErrors();
    validateVolume(errors, view<PersistentVolume>(object));
    return errors.list;
  },
  validateUpdate(object, old) {
    const errors = new FieldErrors();
    const { spec = {} } = view<PersistentVolume>(object);
    const before = view<PersistentVolume>(old).spec ?? {};
    // Upstream validates the whole of it for the write and for the change.
    validateVolume(errors, view<PersistentVolume>(object));
    validateVolume(errors, view<PersistentVolume>(object));
    const sources = sourcesOf(spec);
    if (
      spec.csi?.controllerExpandSecretRef &&
      before.csi &&
      !before.csi.controllerExpandSecretRef
    ) {
      const { controllerExpandSecretRef: _, ...csi } = spec.csi;
      sources['csi'] = csi;
    }
    if (!semanticEqual(sources, sourcesOf(before))) {
      errors.forbidden(
        'spec.persistentvolumesource',
        `spec.persistentvolumesource is immutable after creation\n${specDiff('PersistentVolumeSource', sourcesOf(before), sources)}`,
      );
    }
    immutable(errors, 'volumeMode', spec.volumeMode, before.volumeMode);
    if (before.nodeAffinity && !semanticEqual(spec.nodeAffinity, before.nodeAffinity)) {
      const required = spec.nodeAffinity?.required;
      const printed = spec.nodeAffinity
        ? `{"Required":${required ? internalJson('NodeSelector', required) : 'null'}}`
        : 'null';
      errors.invalid(
        'nodeAffinity',
        new Printed(printed),
        'field is immutable, except for updating from beta label to GA',
      );
    }
    return errors.list;
  },
  warnings(object) {
    const { metadata, spec = {} } = view<PersistentVolume>(object);
    const { persistentVolumeReclaimPolicy, nodeAffinity } = spec;
    return [
      ...Object.entries(deprecatedAnnotations)
        .filter(([key]) => key in (metadata.annotations ?? {}))
        .map(([key, message]) => `metadata.annotations[${key}]: ${message}`),
      ...(persistentVolumeReclaimPolicy === 'Recycle'
        ? [
            'spec.persistentVolumeReclaimPolicy: The Recycle reclaim policy is deprecated. Instead, the recommended approach is to use dynamic provisioning.',
          ]
        : []),
      ...nodeTermWarnings(
        'spec.nodeAffinity.required.nodeSelectorTerms',
        nodeAffinity?.required?.nodeSelectorTerms ?? [],
      ),
      ...deprecatedSourceWarnings('spec', spec, [
        'cephfs',
        'photonPersistentDisk',
        'scaleIO',
        'storageos',
        'glusterfs',
        'rbd',
      ]),
    ];
  },
  selectableFields: (object) => ({ name: object.metadata.name ?? '' }),
};

const classAnnotation = 'volume.beta.kubernetes.io/storage-class';
const deprecatedAnnotations: Readonly<Record<string, string>> = {
  [classAnnotation]: 'deprecated since v1.8; use "storageClassName" attribute instead',
  'volume.beta.kubernetes.io/mount-options':
    'deprecated since v1.31; use "mountOptions" attribute instead',
};

function validateClaimChange(errors: FieldErrors, claim: Claim, old: Claim): void {
  const spec: ClaimSpec = { ...claim.spec };
  const before: ClaimSpec = { ...old.spec };
  const storage = (of: ClaimSpec): unknown => of.resources?.requests?.['storage'];
  const [newSize, oldSize] = [storage(spec), storage(before)];
  if (!before.volumeName && spec.volumeName !== undefined) before.volumeName = spec.volumeName;
  if (before.storageClassName === undefined) delete spec.storageClassName;
  if (claim.status?.phase === 'Bound') {
    if (spec.resources?.requests && oldSize !== undefined) {
      spec.resources = {
        ...spec.resources,
        requests: { ...spec.resources.requests, storage: oldSize },
      };
    }
    if (before.volumeAttributesClassName === undefined) delete spec.volumeAttributesClassName;
    else spec.volumeAttributesClassName = before.volumeAttributesClassName;
  }
  if (!semanticEqual(spec, before)) {
    errors.forbidden(
      'spec',
      `spec is immutable after creation except resources.requests and volumeAttributesClassName for bound claims\n${specDiff('PersistentVolumeClaimSpec', before, spec)}`,
    );
  }
  if (
    compareQuantities(newSize ?? '0', oldSize ?? '0') < 0 &&
    compareQuantities(newSize ?? '0', old.status?.capacity?.['storage'] ?? '0') <= 0
  ) {
    errors.forbidden(
      'spec.resources.requests.storage',
      'field can not be less than status.capacity',
    );
  }
  immutable(errors, 'volumeMode', claim.spec?.volumeMode, old.spec?.volumeMode);
  const chosen = claim.spec?.volumeAttributesClassName;
  if (
    chosen !== old.spec?.volumeAttributesClassName &&
    old.status?.currentVolumeAttributesClassName !== undefined &&
    !chosen
  ) {
    errors.forbidden(
      'spec.volumeAttributesClassName',
      `update to ${chosen === undefined ? 'nil' : 'empty string'} is forbidden when status.currentVolumeAttributesClassName is not nil`,
    );
  }
}

const isOldSource = ({ apiGroup, kind }: ObjectReference): boolean =>
  (!apiGroup && kind === 'PersistentVolumeClaim') ||
  (apiGroup === 'snapshot.storage.k8s.io' && kind === 'VolumeSnapshot');

/** The old spelling knows claims and snapshots alone; while no namespace is named both spellings are kept alike. */
function matchDataSources(spec: ClaimSpec): void {
  if (spec.dataSource && !isOldSource(spec.dataSource)) delete spec.dataSource;
  const { dataSource, dataSourceRef } = spec;
  if (dataSource && !dataSourceRef) spec.dataSourceRef = { ...dataSource };
  else if (dataSourceRef && !dataSource && !dataSourceRef.namespace) {
    if (isOldSource(dataSourceRef)) spec.dataSource = { ...dataSourceRef };
  }
}

export const persistentVolumeClaimStrategy: KindStrategy = {
  group: '',
  kind: 'PersistentVolumeClaim',
  unconditionalUpdate: true,
  defaults(draft) {
    const claim = view<Claim>(draft);
    setClaimSpecDefaults((claim.spec ??= {}));
    claim.status ??= {};
    claim.status.phase ||= 'Pending';
  },
  prepareForCreate(draft) {
    draft['status'] = { phase: 'Pending' };
    matchDataSources((view<Claim>(draft).spec ??= {}));
  },
  prepareForUpdate: keepStatus,
  prepareForStatusUpdate: keepSpec,
  validate(object) {
    const errors = new FieldErrors();
    validateClaimTemplateSpec(errors, 'spec', view<Claim>(object).spec ?? {});
    return errors.list;
  },
  validateUpdate(object, old) {
    const errors = new FieldErrors();
    validateClaimTemplateSpec(errors, 'spec', view<Claim>(object).spec ?? {});
    validateClaimChange(errors, view<Claim>(object), view<Claim>(old));
    return errors.list;
  },
  warnings(object) {
    const { metadata, spec } = view<Claim>(object);
    return [
      ...(classAnnotation in (metadata.annotations ?? {})
        ? [
            `metadata.annotations[${classAnnotation}]: ${deprecatedAnnotations[classAnnotation] ?? ''}`,
          ]
        : []),
      ...claimSpecWarnings('spec', spec),
    ];
  },
  selectableFields: (object) => ({ name: object.metadata.name ?? '' }),
};
