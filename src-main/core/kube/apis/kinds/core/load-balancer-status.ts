import type { FieldErrors } from '../../validation/field.ts';
import { isDns1123Subdomain, isIp } from '../../validation/names.ts';

/** One place where a load balancer takes traffic in. */
export interface IngressPoint {
  ip?: string;
  ipMode?: string;
  hostname?: string;
}

/** @see ValidateLoadBalancerStatus */
export function validateIngressPoints(
  errors: FieldErrors,
  points: readonly IngressPoint[],
  type: string,
): void {
  const path = 'status.loadBalancer.ingress';
  if (type !== 'LoadBalancer' && points.length > 0) {
    errors.forbidden(path, "may only be used when `spec.type` is 'LoadBalancer'");
    return;
  }
  points.forEach(({ ip, ipMode, hostname }, index) => {
    const at = `${path}[${index}]`;
    if (ip) errors.invalidEach(`${at}.ip`, ip, isIp(ip));
    if (ipMode === undefined) {
      if (ip) errors.required(`${at}.ipMode`, 'must be specified when `ip` is set');
    } else if (!ip) {
      errors.forbidden(`${at}.ipMode`, 'may not be specified when `ip` is not set');
    } else if (ipMode !== 'VIP' && ipMode !== 'Proxy') {
      errors.notSupported(`${at}.ipMode`, ipMode, ['Proxy', 'VIP']);
    }
    if (!hostname) return;
    errors.invalidEach(`${at}.hostname`, hostname, isDns1123Subdomain(hostname));
    if (isIp(hostname).length === 0) {
      errors.invalid(`${at}.hostname`, hostname, 'must be a DNS name, not an IP address');
    }
  });
}
