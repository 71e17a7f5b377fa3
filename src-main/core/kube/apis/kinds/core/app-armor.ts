import { semanticEqual } from '../../validation/meta.ts';
import { containersOf, type Pod, type SeccompProfile } from './pod-types.ts';

export const appArmorDeprecated = 'deprecated since v1.30; use the "appArmorProfile" field instead';

export const appArmorKey = (container: string): string =>
  `container.apparmor.security.beta.kubernetes.io/${container}`;

/** The profile that the value of an old annotation (AppArmor's or seccomp's) means; undefined when it means none. */
export function profileOf(annotation: string): SeccompProfile | undefined {
  if (annotation === 'unconfined') return { type: 'Unconfined' };
  if (annotation === 'runtime/default') return { type: 'RuntimeDefault' };
  const [, localhostProfile] = /^localhost\/(.+)$/s.exec(annotation) ?? [];
  return localhostProfile === undefined ? undefined : { type: 'Localhost', localhostProfile };
}

const longest = 4095;

/**
 * Old annotations of a new pod become fields of its containers, and a warning.
 * @see pkg/registry/core/pod/strategy.go, applyAppArmorVersionSkew
 */
export function adoptAppArmorAnnotations(pod: Pod, warn: (text: string) => void): void {
  const { spec } = pod;
  if (!spec || spec.os?.name === 'windows') return;
  for (const { container } of containersOf(spec, 'spec')) {
    const key = appArmorKey(container.name ?? '');
    const annotation = pod.metadata.annotations?.[key];
    if (annotation === undefined || container.securityContext?.appArmorProfile) continue;
    const meant = profileOf(annotation);
    const { localhostProfile } = meant ?? {};
    const isValid =
      meant !== undefined &&
      (localhostProfile === undefined ||
        (localhostProfile === localhostProfile.trim() && localhostProfile.length <= longest));
    if (isValid && semanticEqual(meant, spec.securityContext?.appArmorProfile)) continue;
    if (isValid) (container.securityContext ??= {}).appArmorProfile = meant;
    warn(`metadata.annotations[${key}]: ${appArmorDeprecated}`);
  }
}
