import type { FieldErrors } from '../../validation/field.ts';
import { sortedEntries } from '../../validation/meta.ts';
import { appArmorKey, profileOf } from './app-armor.ts';
import { containersOf, type PodSpec, type SeccompProfile } from './pod-types.ts';
import { localDescendingPath } from './pod-volumes.ts';

type Annotations = Readonly<Record<string, string>>;

export const mirrorAnnotation = 'kubernetes.io/config.mirror';
const deletionCost = 'controller.kubernetes.io/pod-deletion-cost';
export const seccompPodKey = 'seccomp.security.alpha.kubernetes.io/pod';
const seccompContainerPrefix = 'container.seccomp.security.alpha.kubernetes.io/';
export const seccompKey = (container: string): string => `${seccompContainerPrefix}${container}`;
const appArmorPrefix = appArmorKey('');
const localProfile = 'localhost/';

/** @see pkg/apis/core/validation/validation.go, ValidatePodSpecificAnnotations */
export function validatePodAnnotations(
  errors: FieldErrors,
  path: string,
  annotations: Annotations,
  spec: PodSpec,
): void {
  const mirror = annotations[mirrorAnnotation];
  if (mirror !== undefined && !spec.nodeName)
    errors.invalid(
      `${path}[${mirrorAnnotation}]`,
      mirror,
      'must set spec.nodeName if mirror pod annotation is set',
    );
  const cost = annotations[deletionCost];
  if (
    cost !== undefined &&
    (!/^(0|-?[1-9]\d{0,9})$/.test(cost) || Math.abs(Number(cost)) > 2 ** 31)
  )
    errors.invalid(`${path}[${deletionCost}]`, cost, 'must be a 32bit integer');
  const entries = sortedEntries(annotations);
  for (const [key, profile] of entries)
    if (key === seccompPodKey) validateSeccompName(errors, `${path}.${key}`, profile);
  for (const [key, profile] of entries)
    if (key.startsWith(seccompContainerPrefix))
      validateSeccompName(errors, `${path}.${key}`, profile);
  const names = new Set(containersOf(spec, 'spec').map(({ container }) => container.name));
  for (const [key, profile] of entries) {
    if (!key.startsWith(appArmorPrefix)) continue;
    const name = key.slice(appArmorPrefix.length);
    if (!names.has(name)) errors.invalid(`${path}[${key}]`, name, 'container not found');
    const known = ['', 'runtime/default', 'unconfined'].includes(profile);
    if (!known && !profile.startsWith(localProfile))
      errors.invalid(
        `${path}[${key}]`,
        profile,
        `invalid AppArmor profile name: ${JSON.stringify(profile)}`,
      );
  }
}

function validateSeccompName(errors: FieldErrors, path: string, profile: string): void {
  if (['runtime/default', 'docker/default', 'unconfined'].includes(profile)) return;
  if (profile.startsWith(localProfile))
    localDescendingPath(errors, path, profile.slice(localProfile.length));
  else errors.invalid(path, profile, 'must be a valid seccomp profile');
}

/** What a pod may do about its annotations later. @see ValidatePodSpecificAnnotationUpdates */
export function validateAnnotationChange(
  errors: FieldErrors,
  path: string,
  now: Annotations,
  before: Annotations,
): void {
  const kept = new Map([
    [mirrorAnnotation, 'mirror pod annotation'],
    ...Object.keys({ ...before, ...now })
      .filter((key) => key.startsWith(appArmorPrefix))
      .map((key) => [key, 'AppArmor annotations'] as const),
  ]);
  for (const [key, what] of kept) {
    if (now[key] === before[key]) continue;
    const verb = before[key] === undefined ? 'add' : 'remove or update';
    errors.forbidden(`${path}[${key}]`, `may not ${verb} ${what}`);
  }
}

/** Where an old annotation and the field that took its place are both given, they say the same. */
export function validateProfilesMatch(
  errors: FieldErrors,
  path: string,
  annotations: Annotations,
  spec: PodSpec,
): void {
  const match = (
    kind: string,
    at: string,
    field: SeccompProfile | undefined,
    annotation: string | undefined,
  ): void => {
    const known = ['Unconfined', 'RuntimeDefault', 'Localhost'].includes(field?.type ?? '');
    if (annotation === undefined || !field || !known) return;
    const type = annotation.startsWith(localProfile) ? 'Localhost' : profileOf(annotation)?.type;
    if (type !== field.type)
      errors.forbidden(`${at}.type`, `${kind} type in annotation and field must match`);
    else if (
      type === 'Localhost' &&
      annotation.slice(localProfile.length) !== field.localhostProfile
    )
      errors.forbidden(
        `${at}.localhostProfile`,
        `${kind} profile in annotation and field must match`,
      );
  };
  const seccomp = (at: string, field: SeccompProfile | undefined, key: string): void => {
    const annotation = annotations[key];
    const meant = annotation === 'docker/default' ? 'runtime/default' : annotation;
    match('seccomp', `${at}.securityContext.seccompProfile`, field, meant);
  };
  const containers = containersOf(spec, path);
  seccomp(path, spec.securityContext?.seccompProfile, seccompPodKey);
  for (const { container, path: at } of containers)
    seccomp(at, container.securityContext?.seccompProfile, seccompKey(container.name ?? ''));
  if (spec.os?.name === 'windows') return;
  for (const { container, path: at } of containers) {
    const field =
      container.securityContext?.appArmorProfile ?? spec.securityContext?.appArmorProfile;
    const annotation = annotations[appArmorKey(container.name ?? '')];
    match('apparmor', `${at}.securityContext.appArmorProfile`, field, annotation);
  }
}
