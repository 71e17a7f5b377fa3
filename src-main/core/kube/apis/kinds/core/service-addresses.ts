import type { FieldErrors } from '../../validation/field.ts';
import { ipFamily, isIp } from '../../validation/names.ts';

/** What a Service says of its own addresses. */
interface Addresses {
  type?: string;
  selector?: Record<string, string>;
  clusterIP?: string;
  clusterIPs?: string[];
  ipFamilies?: string[];
  ipFamilyPolicy?: string;
}

/** Whether a Service has no address of its own. */
export const headless = (spec: Addresses): boolean =>
  spec.clusterIPs?.length === 1 && spec.clusterIPs[0] === 'None';

/**
 * Addresses and families by themselves.
 * @see ValidateServiceClusterIPsRelatedFields
 */
export function validateClusterIps(
  errors: FieldErrors,
  spec: Addresses,
  old: Addresses = {},
): void {
  if (spec.type === 'ExternalName') return;
  const { clusterIP = '', clusterIPs = [], ipFamilies = [], ipFamilyPolicy } = spec;
  const path = 'spec.clusterIPs';
  if (clusterIP !== '') {
    if (clusterIPs.length === 0) errors.required(path);
    else if (clusterIPs[0] !== clusterIP) {
      errors.invalid(path, clusterIPs, 'first value must match `clusterIP`');
    }
  } else if (clusterIPs.length > 0) {
    errors.invalid(path, clusterIPs, 'must be empty when `clusterIP` is not specified');
  }
  ipFamilies.forEach((family, index) => {
    const at = `spec.ipFamilies[${index}]`;
    if (family !== 'IPv4' && family !== 'IPv6') errors.notSupported(at, family, ['IPv4', 'IPv6']);
    if (ipFamilies.indexOf(family) < index) errors.duplicate(at, family);
  });
  const policies = ['PreferDualStack', 'RequireDualStack', 'SingleStack'];
  if (ipFamilyPolicy !== undefined && !policies.includes(ipFamilyPolicy)) {
    errors.notSupported('spec.ipFamilyPolicy', ipFamilyPolicy, policies);
  }
  let sound = true;
  clusterIPs.forEach((ip, index) => {
    if (index === 0 && ip === 'None') {
      if (clusterIPs.length > 1) {
        errors.invalid(path, clusterIPs, "'None' must be the first and only value");
        sound = false;
      }
      return;
    }
    // What was taken once may stay.
    const messages = old.clusterIPs?.includes(ip) ? [] : isIp(ip);
    errors.invalidEach(`${path}[${index}]`, ip, messages);
    if (messages.length > 0) sound = false;
  });
  if (clusterIPs.length > 2) errors.invalid(path, clusterIPs, 'may only hold up to 2 values');
  if (!sound) return;
  if (clusterIPs.length > 1 && new Set(clusterIPs.map(ipFamily)).size < 2) {
    errors.invalid(path, clusterIPs, 'may specify no more than one IP for each IP family');
  }
  if (headless(spec)) return;
  clusterIPs.forEach((ip, index) => {
    const wanted = ipFamilies[index];
    if ((wanted === 'IPv4' || wanted === 'IPv6') && ipFamily(ip) !== wanted) {
      errors.invalid(
        `${path}[${index}]`,
        ip,
        `expected an ${wanted} value as indicated by \`ipFamilies[${index}]\``,
      );
    }
  });
}

const policyPath = 'spec.ipFamilyPolicy';

/**
 * Families on a cluster that has IPv4 alone.
 * @see pkg/registry/core/service/storage/alloc.go, initIPFamilyFields
 */
export function validateFamilies(
  errors: FieldErrors,
  spec: Addresses,
  old: Addresses | undefined,
): void {
  const { clusterIPs = [], ipFamilies = [] } = spec;
  if (spec.type === 'ExternalName' || (old && keepsFamilies(spec, old))) return;
  const isOpen = spec.clusterIP === 'None' && Object.keys(spec.selector ?? {}).length === 0;
  const policy =
    spec.ipFamilyPolicy ?? old?.ipFamilyPolicy ?? (isOpen ? 'RequireDualStack' : 'SingleStack');
  if (policy === 'SingleStack') {
    const dual = "must be 'RequireDualStack' or 'PreferDualStack' when multiple";
    if (clusterIPs.length === 2)
      errors.invalid(policyPath, policy, `${dual} cluster IPs are specified`);
    if (ipFamilies.length === 2)
      errors.invalid(policyPath, policy, `${dual} IP families are specified`);
  }
  for (const [index, ip] of clusterIPs.entries()) {
    if (ip === 'None') break;
    const family = ipFamily(ip) ?? 'IPv4';
    if (index >= ipFamilies.length && family !== 'IPv4')
      errors.invalid(
        `spec.clusterIPs[${index}]`,
        clusterIPs,
        `${family} is not configured on this cluster`,
      );
  }
  if (errors.list.length > 0 || isOpen) return;
  if (policy === 'RequireDualStack')
    errors.invalid(policyPath, policy, 'this cluster is not configured for dual-stack services');
  ipFamilies.forEach((family, index) => {
    if (family !== 'IPv4')
      errors.invalid(`spec.ipFamilies[${index}]`, family, 'not configured on this cluster');
  });
}

/** Nobody's families change with those of the cluster. */
function keepsFamilies(spec: Addresses, old: Addresses): boolean {
  const same = (a: readonly string[] = [], b: readonly string[] = []): boolean =>
    a.length === b.length && a.every((item, index) => item === b[index]);
  return (
    spec.ipFamilyPolicy === 'PreferDualStack' &&
    (old.ipFamilyPolicy ?? 'PreferDualStack') === 'PreferDualStack' &&
    spec.type === old.type &&
    same(spec.clusterIPs, old.clusterIPs) &&
    same(spec.ipFamilies, old.ipFamilies)
  );
}
