import type { ObjectMeta } from '../../../machinery/index.ts';
import type { FieldErrors } from '../../validation/field.ts';
import {
  nonNegativeMessage,
  validateAnnotations,
  validateLabels,
  validateLabelSelector,
} from '../../validation/meta.ts';
import { isDns1123Label, isDns1123Subdomain } from '../../validation/names.ts';
import { canonicalQuantity, compareQuantities } from '../../validation/quantity.ts';
import type { ClaimSpec, ObjectReference } from './pod-types.ts';

export const accessModes = ['ReadOnlyMany', 'ReadWriteMany', 'ReadWriteOnce', 'ReadWriteOncePod'];
export const volumeModes = ['Block', 'Filesystem'];

function validateDataSource(
  errors: FieldErrors,
  path: string,
  source: ObjectReference,
  withNamespace: boolean,
): void {
  if (!source.name) errors.required(`${path}.name`);
  if (!source.kind) errors.required(`${path}.kind`);
  const group = source.apiGroup ?? '';
  if (group === '' && source.kind !== 'PersistentVolumeClaim') {
    errors.invalid(
      path,
      source.kind ?? '',
      "must be 'PersistentVolumeClaim' when referencing the default apiGroup",
    );
  }
  if (group !== '') errors.invalidEach(`${path}.apiGroup`, group, isDns1123Subdomain(group));
  if (withNamespace && source.namespace) {
    errors.invalidEach(`${path}.namespace`, source.namespace, isDns1123Label(source.namespace));
  }
}

export function validateAccessModes(
  errors: FieldErrors,
  path: string,
  modes: readonly string[],
  required: string,
): void {
  if (modes.length === 0) errors.required(path, required);
}

/** @see pkg/apis/core/validation/validation.go, ValidatePersistentVolumeClaimSpec */
export function validateClaimTemplateSpec(
  errors: FieldErrors,
  path: string,
  spec: ClaimSpec,
): void {
  const modes = spec.accessModes ?? [];
  validateAccessModes(errors, `${path}.accessModes`, modes, 'at least 1 access mode is required');
  validateLabelSelector(errors, `${path}.selector`, spec.selector);
  for (const mode of modes) {
    if (!accessModes.includes(mode)) errors.notSupported(`${path}.accessModes`, mode, accessModes);
  }
  const shared = modes.some((mode) => mode !== 'ReadWriteOncePod' && accessModes.includes(mode));
  if (modes.includes('ReadWriteOncePod') && shared) {
    errors.forbidden(`${path}.accessModes`, 'may not use ReadWriteOncePod with other access modes');
  }
  const storagePath = `${path}.resources[storage]`;
  const storage = spec.resources?.requests?.['storage'];
  if (storage === undefined) errors.required(storagePath);
  else if (compareQuantities(storage, '0') <= 0) {
    errors.invalid(storagePath, canonicalQuantity(storage), 'must be greater than zero');
  } else if (compareQuantities(storage, '0') < 0) {
    errors.invalid(storagePath, canonicalQuantity(storage), nonNegativeMessage);
  }
  if (spec.storageClassName) {
    errors.invalidEach(
      `${path}.storageClassName`,
      spec.storageClassName,
      isDns1123Subdomain(spec.storageClassName),
    );
  }
  if (spec.volumeMode !== undefined && !volumeModes.includes(spec.volumeMode)) {
    errors.notSupported(`${path}.volumeMode`, spec.volumeMode, volumeModes);
  }
  if (spec.dataSource) validateDataSource(errors, `${path}.dataSource`, spec.dataSource, false);
  if (spec.dataSourceRef) {
    validateDataSource(errors, `${path}.dataSourceRef`, spec.dataSourceRef, true);
  }
  const { dataSource, dataSourceRef } = spec;
  if (dataSource && dataSourceRef) {
    const same =
      dataSource.apiGroup === dataSourceRef.apiGroup &&
      (dataSource.kind ?? '') === (dataSourceRef.kind ?? '') &&
      (dataSource.name ?? '') === (dataSourceRef.name ?? '');
    // Upstream prints the path of the field, which has nothing to print.
    if (dataSourceRef.namespace)
      errors.invalid(path, {}, 'may not be specified when dataSourceRef.namespace is specified');
    else if (!same) errors.invalid(path, {}, 'must match dataSourceRef');
  }
  if (spec.volumeAttributesClassName) {
    errors.invalidEach(
      `${path}.volumeAttributesClassName`,
      spec.volumeAttributesClassName,
      isDns1123Subdomain(spec.volumeAttributesClassName),
    );
  }
}

/** The fields of metadata that a template of a claim may not set, in Go's order. */
const forbiddenMetadata = [
  'name',
  'generateName',
  'namespace',
  'selfLink',
  'uid',
  'resourceVersion',
  'generation',
  'creationTimestamp',
  'deletionTimestamp',
  'deletionGracePeriodSeconds',
  'ownerReferences',
  'finalizers',
  'managedFields',
] as const;

/** @see ValidateTemplateObjectMeta */
export function validateTemplateMetadata(
  errors: FieldErrors,
  path: string,
  metadata: ObjectMeta,
): void {
  validateAnnotations(errors, `${path}.annotations`, metadata.annotations);
  validateLabels(errors, `${path}.labels`, metadata.labels);
  const fields = metadata as Record<string, unknown>;
  for (const field of forbiddenMetadata) {
    if (fields[field] !== undefined)
      errors.forbidden(`${path}.${field === 'uid' ? 'uID' : field}`, 'cannot be set');
  }
}
