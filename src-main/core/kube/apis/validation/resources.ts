import type { FieldErrors } from './field.ts';
import { dnsLabel, nonNegativeMessage, sortedEntries } from './meta.ts';
import { isQualifiedName } from './names.ts';
import { canonicalQuantity, compareQuantities, quantityNanos } from './quantity.ts';

export const isHugePages = (name: string): boolean => name.startsWith('hugepages-');
const computeNames = ['cpu', 'memory', 'ephemeral-storage'];
const countNames = [
  'pods',
  'replicationcontrollers',
  'resourcequotas',
  'secrets',
  'configmaps',
  'persistentvolumeclaims',
  'services',
  'services.nodeports',
  'services.loadbalancers',
];
const quotaNames = new Set([
  ...computeNames,
  ...countNames,
  'requests.cpu',
  'requests.memory',
  'requests.storage',
  'requests.ephemeral-storage',
  'limits.cpu',
  'limits.memory',
  'limits.ephemeral-storage',
]);
const standardNames = new Set([...quotaNames, 'storage']);
const integerNames = new Set(countNames);

/** A name quotas know of themselves: `pods`, `requests.cpu`. */
export const isQuotaName = (name: string): boolean =>
  quotaNames.has(name) || isHugePages(name) || name.startsWith('requests.hugepages-');

const isNative = (name: string): boolean =>
  !name.includes('/') || /^([^/]*\.)?kubernetes\.io\//.test(name);
export const isOvercommitAllowed = (name: string): boolean => isNative(name) && !isHugePages(name);
/** A name of another domain than Kubernetes' own, that quotas can count. @see IsExtendedResourceName */
export const isExtendedResourceName = (name: string): boolean =>
  !isNative(name) &&
  !name.startsWith('requests.') &&
  isQualifiedName(`requests.${name}`).length === 0;

/** Returns false when the name was refused already. */
export function validateResourceName(errors: FieldErrors, path: string, name: string): boolean {
  const messages = isQualifiedName(name);
  errors.invalidEach(path, name, messages);
  if (messages.length > 0) return false;
  if (
    !name.includes('/') &&
    !standardNames.has(name) &&
    !isHugePages(name) &&
    !name.startsWith('requests.hugepages-')
  ) {
    errors.invalid(path, name, 'must be a standard resource type or fully qualified');
    return false;
  }
  return true;
}

export function validateContainerResourceName(
  errors: FieldErrors,
  path: string,
  name: string,
): void {
  validateResourceName(errors, path, name);
  if (!name.includes('/')) {
    if (!computeNames.includes(name) && !isHugePages(name)) {
      errors.invalid(path, name, 'must be a standard resource for containers');
    }
  } else if (!isNative(name) && !isExtendedResourceName(name)) {
    errors.invalid(path, name, "doesn't follow extended resource name standard");
  }
}

function validatePodResourceName(errors: FieldErrors, path: string, name: string): void {
  if (!validateResourceName(errors, path, name)) return;
  if (name !== 'cpu' && name !== 'memory' && !isHugePages(name)) {
    errors.notSupported(path, name, ['cpu', 'hugepages-', 'memory']);
  }
}

export function validateQuotaResourceName(errors: FieldErrors, path: string, name: string): void {
  if (!validateResourceName(errors, path, name) && name.includes('/')) return;
  if (
    !name.includes('/') &&
    !quotaNames.has(name) &&
    !isHugePages(name) &&
    !name.startsWith('requests.hugepages-')
  ) {
    errors.invalid(path, name, 'must be a standard resource for quota');
  }
}

/** An amount is not negative, and whole for what is counted. */
export function validateAmount(
  errors: FieldErrors,
  path: string,
  name: string,
  amount: unknown,
): void {
  if (compareQuantities(amount, '0') < 0) {
    errors.invalid(path, canonicalQuantity(amount), nonNegativeMessage);
  }
  const whole = integerNames.has(name) || isExtendedResourceName(name);
  if (whole && (quantityNanos(amount) ?? 0n) % 1_000_000_000n !== 0n) {
    errors.invalid(path, canonicalQuantity(amount), 'must be an integer');
  }
}

export interface Requirements {
  claims?: readonly { name?: string; request?: string }[];
  limits?: Record<string, unknown>;
  requests?: Record<string, unknown>;
}

function validateHugePages(errors: FieldErrors, path: string, name: string, amount: unknown): void {
  const page = quantityNanos(name.slice('hugepages-'.length));
  const size = quantityNanos(amount) ?? 0n;
  if (page !== undefined && page > 0n && size % page !== 0n) {
    const text = canonicalQuantity(amount);
    errors.invalid(path, text, `${text} is not positive integer multiple of ${name}`);
  }
}

/** @see pkg/apis/core/validation/validation.go, validateResourceRequirements */
export function validateRequirements(
  errors: FieldErrors,
  path: string,
  { limits, requests, claims = [] }: Requirements,
  of: 'container' | 'pod' = 'container',
  podClaims: readonly string[] = [],
): void {
  const checkName = of === 'pod' ? validatePodResourceName : validateContainerResourceName;
  const names = [...Object.keys(limits ?? {}), ...Object.keys(requests ?? {})];
  for (const [name, amount] of sortedEntries(limits)) {
    const at = `${path}.limits[${name}]`;
    checkName(errors, at, name);
    validateAmount(errors, at, name, amount);
    if (isHugePages(name)) validateHugePages(errors, at, name, amount);
  }
  for (const [name, amount] of sortedEntries(requests)) {
    const at = `${path}.requests[${name}]`;
    checkName(errors, at, name);
    validateAmount(errors, at, name, amount);
    const limit = limits?.[name];
    if (limit !== undefined) {
      const order = compareQuantities(amount, limit);
      const relation =
        order !== 0 && !isOvercommitAllowed(name)
          ? 'must be equal to'
          : order > 0
            ? 'must be less than or equal to'
            : undefined;
      if (relation) {
        errors.invalid(
          `${path}.requests`,
          canonicalQuantity(amount),
          `${relation} ${name} limit of ${canonicalQuantity(limit)}`,
        );
      }
    } else if (!isOvercommitAllowed(name)) {
      errors.required(`${path}.limits`, 'Limit must be set for non overcommitable resources');
    }
    if (isHugePages(name)) validateHugePages(errors, at, name, amount);
  }
  if (names.some(isHugePages) && !names.includes('cpu') && !names.includes('memory')) {
    errors.forbidden(path, 'HugePages require cpu or memory');
  }
  validateClaimNames(errors, `${path}.claims`, claims, podClaims);
}

/** @see validateResourceClaimNames */
function validateClaimNames(
  errors: FieldErrors,
  path: string,
  claims: NonNullable<Requirements['claims']>,
  podClaims: readonly string[],
): void {
  const seen = new Set<string>();
  const sorted = [...new Set(podClaims)].sort();
  const known = sorted.length === 0 ? ' which is empty' : `: ${sorted.join(', ')}`;
  claims.forEach(({ name = '', request = '' }, index) => {
    const at = `${path}[${index}]`;
    if (name === '') {
      errors.required(at);
      return;
    }
    if (seen.has(name)) errors.duplicate(at, name);
    else {
      const key = request === '' ? name : `${name}/${request}`;
      if (request !== '') dnsLabel(errors, `${at}.request`, request);
      if (seen.has(key)) errors.duplicate(at, key);
      else if (request === '') {
        for (const other of seen) if (other.startsWith(`${name}/`)) errors.duplicate(at, name);
      }
      seen.add(key);
    }
    if (!sorted.includes(name)) {
      errors.notFound(at, name, `must be one of the names in pod.spec.resourceClaims${known}`);
    }
  });
}
