import { byBytes, quoted } from '#core/base';
import { at, textAt, textOf } from '../../fields/index.ts';
import {
  allContainers,
  type CheckResult,
  containersText,
  type PodView,
  plural,
  quoteJoin,
  settersText,
} from './pod-view.ts';

type CheckPod = (pod: PodView) => CheckResult | undefined;

const profile = (value: unknown): unknown => at(value, 'securityContext', 'seccompProfile');
const isValid = (value: unknown): boolean =>
  ['RuntimeDefault', 'Localhost'].includes(textAt(value, 'type'));

/** Before the field existed, annotations said it. */
function annotations(pod: PodView): CheckResult | undefined {
  const keys = [
    'seccomp.security.alpha.kubernetes.io/pod',
    ...allContainers(pod).map(
      (container) => `container.seccomp.security.alpha.kubernetes.io/${textOf(container['name'])}`,
    ),
  ];
  const bad = keys
    .filter((key) => {
      const value = pod.annotations[key];
      return (
        value !== undefined &&
        value !== 'runtime/default' &&
        value !== 'docker/default' &&
        !value.startsWith('localhost/')
      );
    })
    .map((key) => `${key}=${quoted(pod.annotations[key] ?? '')}`);
  const unique = [...new Set(bad)].sort(byBytes);
  if (unique.length === 0) return undefined;
  return {
    reason: 'seccompProfile',
    detail: `forbidden ${plural('annotation', unique.length)} ${unique.join(', ')}`,
  };
}

function forbiddenTypes(pod: PodView): CheckResult | undefined {
  const values = new Set<string>();
  const isBad = (value: unknown): boolean => {
    if (value === undefined || value === null || isValid(value)) return false;
    values.add(textAt(value, 'type'));
    return true;
  };
  const setters = settersText(
    isBad(profile(pod.spec)),
    allContainers(pod)
      .filter((container) => isBad(profile(container)))
      .map((container) => textOf(container['name'])),
  );
  if (setters === '') return undefined;
  return {
    reason: 'seccompProfile',
    detail: `${setters} must not set securityContext.seccompProfile.type to ${quoteJoin([...values].sort(byBytes))}`,
  };
}

function required(pod: PodView): CheckResult | undefined {
  const forbidden = forbiddenTypes(pod);
  if (forbidden) return forbidden;
  if (isValid(profile(pod.spec))) return undefined;
  const missing = allContainers(pod)
    .filter((container) => profile(container) === undefined || profile(container) === null)
    .map((container) => textOf(container['name']));
  if (missing.length === 0) return undefined;
  return {
    reason: 'seccompProfile',
    detail: `pod or ${containersText(missing)} must set securityContext.seccompProfile.type to "RuntimeDefault" or "Localhost"`,
  };
}

/** @see policy/check_seccompProfile_baseline.go */
export const baselineSeccomp: readonly (readonly [number, CheckPod])[] = [
  [0, annotations],
  [19, forbiddenTypes],
];

/** @see policy/check_seccompProfile_restricted.go */
export function restrictedSeccomp(
  notOnWindows: (check: CheckPod) => CheckPod,
): readonly (readonly [number, CheckPod])[] {
  return [
    [19, required],
    [25, notOnWindows(required)],
  ];
}
