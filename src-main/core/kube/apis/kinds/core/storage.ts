import type { ObjectMeta } from '../../../machinery/index.ts';
import type { KindStrategy } from '../../kind-strategy.ts';
import { FieldErrors, Printed } from '../../validation/field.ts';
import {
  immutable,
  nonNegativeMessage,
  qualifiedName,
  semanticEqual,
  sortedEntries,
} from '../../validation/meta.ts';
import { canonicalQuantity, compareQuantities } from '../../validation/quantity.ts';
import { keepSpec, keepStatus } from '../strategy.ts';
import { validateClaimTemplateSpec } from './claim-spec.ts';
import { internalEqual, internalJson, specDiff } from './internal-print.ts';
import { sourcesOf } from './persistent-volume-sources.ts';
import {
  setVolumeSpecDefaults,
  validateVolumeSpec,
  type VolumeSpec,
} from './persistent-volume-spec.ts';
import { setClaimSpecDefaults } from './pod-defaults.ts';
import { type ClaimSpec, type ObjectReference, type ResourceList, view } from './pod-types.ts';
import { claimSpecWarnings, deprecatedSourceWarnings } from './pod-volume-warnings.ts';
import { nodeTermWarnings } from './pod-warnings.ts';

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
    allocatedResources?: ResourceList;
    allocatedResourceStatuses?: Record<string, string>;
    accessModes?: string[];
    currentVolumeAttributesClassName?: string;
  };
}

function validateVolume(errors: FieldErrors, { metadata, spec = {} }: PersistentVolume): void {
  validateVolumeSpec(errors, 'spec', spec, { volumeName: metadata.name ?? '', inline: false });
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
    setVolumeSpecDefaults(spec);
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
    if (!internalEqual('PersistentVolumeSource', sources, sourcesOf(before))) {
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

const resizeStatuses = [
  'ControllerResizeInProgress',
  'ControllerResizeInfeasible',
  'NodeResizeInProgress',
  'NodeResizeInfeasible',
  'NodeResizePending',
];

/** @see ValidatePersistentVolumeClaimStatusUpdate */
function validateClaimStatus(errors: FieldErrors, { spec, status = {} }: Claim): void {
  if ((spec?.accessModes ?? []).length === 0) errors.required('Spec.accessModes');
  const isStorage = (path: string, name: string): boolean => {
    const before = errors.list.length;
    qualifiedName(errors, path, name);
    if (errors.list.length > before) return false;
    const isNative = !name.includes('/') || /(?:^|\.)kubernetes\.io\//.test(name);
    if (isNative && name !== 'storage') errors.notSupported(path, name, ['storage']);
    return errors.list.length === before;
  };
  for (const [name, amount] of sortedEntries(status.capacity))
    nonNegativeAmount(errors, `status.capacity[${name}]`, amount);
  const path = 'status.allocatedResourceStatuses';
  for (const [name, state] of sortedEntries(status.allocatedResourceStatuses)) {
    isStorage(path, name);
    if (!resizeStatuses.includes(state)) errors.notSupported(path, name, resizeStatuses);
  }
  for (const [name, amount] of sortedEntries(status.allocatedResources))
    if (isStorage('status.allocatedResources', name))
      nonNegativeAmount(errors, `status.allocatedResources[${name}]`, amount);
}

function nonNegativeAmount(errors: FieldErrors, path: string, amount: unknown): void {
  if (compareQuantities(amount, '0') < 0)
    errors.invalid(path, canonicalQuantity(amount), nonNegativeMessage);
}

const isOldSource = ({ apiGroup, kind }: ObjectReference): boolean =>
  (!apiGroup && kind === 'PersistentVolumeClaim') ||
  (apiGroup === 'snapshot.storage.k8s.io' && kind === 'VolumeSnapshot');

/** The old spelling alone knows claims and snapshots only; while no namespace is named both spellings are kept alike. */
function matchDataSources(spec: ClaimSpec, old: ClaimSpec | undefined): void {
  // The feature behind sources of other namespaces is off in v1.36.
  if (spec.dataSourceRef?.namespace && !old?.dataSourceRef) delete spec.dataSourceRef;
  const keeps = spec.dataSourceRef !== undefined || old?.dataSource || old?.dataSourceRef;
  if (!keeps && spec.dataSource && !isOldSource(spec.dataSource)) delete spec.dataSource;
  const { dataSource, dataSourceRef } = spec;
  if (dataSource && !dataSourceRef) spec.dataSourceRef = { ...dataSource };
  else if (dataSourceRef && !dataSource && !dataSourceRef.namespace)
    spec.dataSource = { ...dataSourceRef };
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
    matchDataSources((view<Claim>(draft).spec ??= {}), undefined);
  },
  prepareForUpdate(draft, old) {
    keepStatus(draft, old);
    matchDataSources((view<Claim>(draft).spec ??= {}), view<Claim>(old).spec);
  },
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
  validateStatusUpdate(object) {
    const errors = new FieldErrors();
    validateClaimStatus(errors, view<Claim>(object));
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
