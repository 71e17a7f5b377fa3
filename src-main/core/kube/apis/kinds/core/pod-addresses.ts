import type { FieldErrors } from '../../validation/field.ts';
import { ipFamily, isIp, withoutLeadingZeros } from '../../validation/names.ts';
import type { Pod } from './pod-types.ts';

type PodStatus = NonNullable<Pod['status']>;

/** Inside the API server a pod has one list of addresses: of the two fields the single one counts, and both are written. */
export function syncPodAddresses(status: PodStatus): void {
  const { podIP = '' } = status;
  const first = status.podIPs?.[0]?.ip;
  if (podIP !== '' && podIP !== first) status.podIPs = [{ ip: podIP }];
  else if (podIP === '' && first) status.podIP = first;
}

/** @see pkg/apis/core/validation, validatePodIPs and validateHostIPs */
export function validatePodAddresses(errors: FieldErrors, now: PodStatus, then: PodStatus): void {
  validateAddresses(errors, 'podIPs', now, then);
  const [first] = now.hostIPs ?? [];
  if (first && (now.hostIP ?? '') !== (first.ip ?? ''))
    errors.invalid('status.hostIPs[0].ip', first.ip ?? '', 'must be equal to `hostIP`');
  validateAddresses(errors, 'hostIPs', now, then);
}

function validateAddresses(
  errors: FieldErrors,
  field: 'podIPs' | 'hostIPs',
  now: PodStatus,
  then: PodStatus,
): void {
  const addresses = (now[field] ?? []).map(({ ip = '' }) => ip);
  const kept = new Set((then[field] ?? []).map(({ ip = '' }) => ip));
  const path = `status.${field}`;
  addresses.forEach((ip, index) => {
    // An old fault may stay.
    if (!kept.has(ip)) errors.invalidEach(`${path}[${index}]`, ip, isIp(ip));
  });
  if (addresses.length < 2) return;
  const families = addresses.map((ip) => ipFamily(withoutLeadingZeros(ip)));
  const bad = families.findIndex((family) => family === undefined);
  if (bad >= 0)
    errors.internal(
      path,
      `failed to check for dual stack with error:invalid IP[${bad}]: ${addresses[bad] ?? ''}`,
    );
  const isDual = bad < 0 && new Set(families).size === 2;
  if (!isDual || addresses.length > 2)
    errors.invalid(
      path,
      addresses.map((ip) => ({ IP: ip })),
      'may specify no more than one IP for each IP family',
    );
}
