import type { FieldErrors } from '../../validation/field.ts';
import { goJson, Printed } from '../../validation/field.ts';
import { sortedEntries } from '../../validation/meta.ts';
import { isDns1123Subdomain } from '../../validation/names.ts';
import { canonicalQuantity, quantityNanos } from '../../validation/quantity.ts';
import { accessModes, validateAccessModes, volumeModes } from './claim-spec.ts';
import { roundUp } from './pod-defaults.ts';
import {
  setVolumeSourceDefaults,
  validateVolumeSources,
  type VolumeSources,
} from './persistent-volume-sources.ts';
import { validateNodeSelector } from './pod-scheduling.ts';
import type { NodeSelector, ObjectReference, ResourceList } from './pod-types.ts';

export interface VolumeSpec extends VolumeSources {
  capacity?: ResourceList;
  accessModes?: string[];
  claimRef?: ObjectReference;
  persistentVolumeReclaimPolicy?: string;
  storageClassName?: string;
  mountOptions?: string[];
  volumeMode?: string;
  nodeAffinity?: { required?: NodeSelector };
  volumeAttributesClassName?: string;
}

/** What every volume's spec gets, inline or not. */
export function setVolumeSpecDefaults(spec: VolumeSpec): void {
  roundUp(spec.capacity);
  setVolumeSourceDefaults(spec);
}

/**
 * @param options.inline the volume is written out in an attachment instead of being an object.
 * @see pkg/apis/core/validation/validation.go, ValidatePersistentVolumeSpec
 */
export function validateVolumeSpec(
  errors: FieldErrors,
  path: string,
  spec: VolumeSpec,
  options: { readonly volumeName: string; readonly inline: boolean },
): void {
  const { inline } = options;
  const notInline = (field: string): void =>
    errors.forbidden(`${path}.${field}`, 'may not be specified in the context of inline volumes');
  const capacity = sortedEntries(spec.capacity);
  if (inline) {
    if (spec.claimRef) notInline('claimRef');
    if (capacity.length > 0) notInline('capacity');
    if (!spec.csi)
      errors.required(`${path}.csi`, 'has to be specified in the context of inline volumes');
  }
  validateModes(errors, `${path}.accessModes`, spec.accessModes ?? []);
  if (!inline) validateCapacity(errors, `${path}.capacity`, spec.capacity);
  const policy = spec.persistentVolumeReclaimPolicy ?? '';
  const policies = ['Delete', 'Recycle', 'Retain'];
  const policyPath = `${path}.persistentVolumeReclaimPolicy`;
  if (inline) {
    if (policy !== '' && policy !== 'Retain')
      errors.forbidden(policyPath, 'may only be Retain in the context of inline volumes');
  } else if (policy !== '' && !policies.includes(policy))
    errors.notSupported(policyPath, policy, policies);
  if (spec.nodeAffinity) {
    const at = `${path}.nodeAffinity`;
    if (inline) notInline('nodeAffinity');
    else if (!spec.nodeAffinity.required)
      errors.required(`${at}.required`, 'must specify required node constraints');
    else validateNodeSelector(errors, `${at}.required`, spec.nodeAffinity.required);
  }
  validateVolumeSources(errors, path, spec, {
    volumeName: options.volumeName,
    hasNodeAffinity: !inline && spec.nodeAffinity !== undefined,
  });
  if (policy === 'Recycle' && isRoot(spec.hostPath?.path))
    errors.forbidden(policyPath, "may not be 'recycle' for a hostPath mount of '/'");
  const { storageClassName: className, volumeMode: mode } = spec;
  if (className) {
    if (inline) notInline('storageClassName');
    else errors.invalidEach(`${path}.storageClassName`, className, isDns1123Subdomain(className));
  }
  if (mode !== undefined) {
    if (inline) {
      if (mode !== 'Filesystem')
        errors.forbidden(
          `${path}.volumeMode`,
          'may not specify volumeMode other than Filesystem in the context of inline volumes',
        );
    } else if (!volumeModes.includes(mode))
      errors.notSupported(`${path}.volumeMode`, mode, volumeModes);
  }
  // An attachment's volume is not asked for it: whether the feature is on is not passed on there.
  if (!inline) validateAttributesClass(errors, path, spec);
}

const isRoot = (path: string | undefined): boolean => path !== undefined && /^\/[/.]*$/.test(path);

function validateModes(errors: FieldErrors, path: string, modes: readonly string[]): void {
  validateAccessModes(errors, path, modes, '');
  for (const mode of modes)
    if (!accessModes.includes(mode)) errors.notSupported(path, mode, accessModes);
  const shared = modes.some((mode) => mode !== 'ReadWriteOncePod' && accessModes.includes(mode));
  if (modes.includes('ReadWriteOncePod') && shared)
    errors.forbidden(path, 'may not use ReadWriteOncePod with other access modes');
}

function validateCapacity(
  errors: FieldErrors,
  path: string,
  capacity: ResourceList | undefined,
): void {
  const entries = sortedEntries(capacity);
  if (entries.length === 0) errors.required(path);
  if (capacity?.['storage'] === undefined || entries.length > 1)
    errors.notSupported(path, capacity ? new Printed(goJson(capacity)) : undefined, ['storage']);
  for (const [name, amount] of entries) {
    const at = `${path}[${name}]`;
    const nanos = quantityNanos(amount) ?? 0n;
    if (nanos < 0n) {
      // Upstream rounds away from zero here.
      const whole = (nanos - 999_999_999n) / 1_000_000_000n;
      errors.invalid(at, new Printed(String(whole)), 'must be a valid resource quantity');
    }
    if (nanos <= 0n) errors.invalid(at, canonicalQuantity(amount), 'must be greater than zero');
  }
}

function validateAttributesClass(errors: FieldErrors, path: string, spec: VolumeSpec): void {
  const { volumeAttributesClassName: name } = spec;
  if (name === undefined) return;
  const at = `${path}.volumeAttributesClassName`;
  if (name === '') errors.required(at, 'an empty string is disallowed');
  else errors.invalidEach(at, name, isDns1123Subdomain(name));
  if (!spec.csi)
    errors.required(`${path}.csi`, 'has to be specified when using volumeAttributesClassName');
}
