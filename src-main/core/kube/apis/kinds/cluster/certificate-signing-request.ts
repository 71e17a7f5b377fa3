import { type DeepReadonly, fromBase64, fromUtf8, quoted } from '#core/base';
import { formatTime, type KubeObject } from '../../../machinery/index.ts';
import type { FieldError, KindStrategy } from '../../kind-strategy.ts';
import { FieldErrors } from '../../validation/field.ts';
import { isDns1123Label, isDns1123Subdomain } from '../../validation/names.ts';
import { view } from '../core/pod-types.ts';
import { keepSpec, keepStatus } from '../strategy.ts';

interface Condition {
  readonly type?: string;
  readonly status?: string;
  readonly lastTransitionTime?: string;
  readonly [field: string]: unknown;
}

interface SigningRequest {
  spec?: { signerName?: string; request?: string; usages?: string[]; expirationSeconds?: number };
  status?: { conditions?: readonly Condition[]; certificate?: string };
}

/** Sorted. @see pkg/apis/certificates/validation/validation.go, allValidUsages */
const keyUsages = [
  'any',
  'cert sign',
  'client auth',
  'code signing',
  'content commitment',
  'crl sign',
  'data encipherment',
  'decipher only',
  'digital signature',
  'email protection',
  'encipher only',
  'ipsec end system',
  'ipsec tunnel',
  'ipsec user',
  'key agreement',
  'key encipherment',
  'microsoft sgc',
  'netscape sgc',
  'ocsp signing',
  's/mime',
  'server auth',
  'signing',
  'timestamping',
];

/** Base64 of a PEM block of the right type; what is in it, the signer finds out. */
function isPemRequest(request: string): boolean {
  const block =
    /(^|\n)-----BEGIN CERTIFICATE REQUEST-----\r?\n[^-]*-----END CERTIFICATE REQUEST-----/;
  try {
    return block.test(fromUtf8(fromBase64(request)));
  } catch {
    return false;
  }
}

/** @see pkg/apis/core/validation/names.go, ValidateSignerName */
function validateSignerName(errors: FieldErrors, path: string, signerName: string): void {
  if (signerName === '') {
    errors.required(path);
    return;
  }
  const [domain = '', name = '', ...rest] = signerName.split('/');
  if (!signerName.includes('/') || rest.length > 0) {
    errors.invalid(
      path,
      signerName,
      "must be a fully qualified domain and path of the form 'example.com/signer-name'",
    );
    return;
  }
  const labels = domain.split('.');
  const [wrong] = labels.filter((label) => isDns1123Label(label).length > 0);
  if (wrong !== undefined)
    for (const text of isDns1123Label(wrong))
      errors.invalid(path, domain, `validating label ${quoted(wrong)}: ${text}`);
  if (labels.length < 2)
    errors.invalid(path, domain, 'should be a domain with at least two segments separated by dots');
  const [odd] = name.split('.').filter((label) => isDns1123Subdomain(label).length > 0);
  if (odd !== undefined)
    for (const text of isDns1123Subdomain(odd))
      errors.invalid(path, name, `validating label ${quoted(odd)}: ${text}`);
}

const legacySigner = 'kubernetes.io/legacy-unknown';
const conditionsPath = 'status.conditions';
/** Conditions that may only be True, and never go. */
const finalConditions = ['Approved', 'Denied', 'Failed'];

function validateRequest(errors: FieldErrors, object: DeepReadonly<KubeObject>): void {
  const {
    signerName = '',
    request,
    usages = [],
    expirationSeconds,
  } = view<SigningRequest>(object).spec ?? {};
  if (!isPemRequest(request ?? ''))
    errors.invalid('spec.request', request ?? null, 'PEM block type must be CERTIFICATE REQUEST');
  if (usages.length === 0) errors.required('spec.usages');
  usages.forEach((usage, index) => {
    if (!keyUsages.includes(usage)) errors.notSupported(`spec.usages[${index}]`, usage, keyUsages);
  });
  usages.forEach((usage, index) => {
    if (usages.indexOf(usage) < index) errors.duplicate(`spec.usages[${index}]`, usage);
  });
  if (signerName === legacySigner)
    errors.invalid(
      'spec.signerName',
      signerName,
      'the legacy signerName is not allowed via this API version',
    );
  else validateSignerName(errors, 'spec.signerName', signerName);
  if (expirationSeconds !== undefined && expirationSeconds < 600)
    errors.invalid(
      'spec.expirationSeconds',
      expirationSeconds,
      'may not specify a duration less than 600 seconds (10 minutes)',
    );
}

const conditionsOf = (object: DeepReadonly<KubeObject>): readonly Condition[] =>
  view<SigningRequest>(object).status?.conditions ?? [];

const ofType = (conditions: readonly Condition[], type: string): readonly Condition[] =>
  conditions.filter((condition) => condition.type === type);

/** What is wrong already in the stored object is borne. */
function validateConditions(
  errors: FieldErrors,
  conditions: readonly Condition[],
  old: readonly Condition[],
): void {
  const isExclusive = !(ofType(old, 'Approved').length > 0 && ofType(old, 'Denied').length > 0);
  const wasUnique = new Set(old.map(({ type }) => type)).size === old.length;
  const wasTyped = old.every(({ type }) => Boolean(type));
  const seen = new Set<string>();
  conditions.forEach(({ type = '', status = '' }, index) => {
    const path = `${conditionsPath}[${index}]`;
    if (wasTyped && type === '') errors.required(`${path}.type`);
    const allowed = finalConditions.includes(type) ? ['True'] : ['False', 'True', 'Unknown'];
    if (status === '') errors.required(`${path}.status`);
    else if (!allowed.includes(status)) errors.notSupported(`${path}.status`, status, allowed);
    const other = type === 'Approved' ? 'Denied' : type === 'Denied' ? 'Approved' : undefined;
    if (isExclusive && other !== undefined && seen.has(other))
      errors.invalid(conditionsPath, type, 'Approved and Denied conditions are mutually exclusive');
    if (wasUnique && seen.has(type)) errors.duplicate(`${path}.type`, type);
    seen.add(type);
  });
}

/** @returns undefined when the bytes are certificates in PEM, and nothing else, or nothing at all. */
function certificateProblem(encoded: string): string | undefined {
  if (encoded === '') return undefined;
  let pem: string;
  try {
    pem = fromUtf8(fromBase64(encoded));
  } catch {
    pem = '';
  }
  const types = [...pem.matchAll(/-----BEGIN ([^-]*)-----\r?\n[^-]*-----END \1-----/g)].map(
    ([, type = '']) => type,
  );
  const wrong = types.find((type) => type !== 'CERTIFICATE');
  if (wrong !== undefined) return `only CERTIFICATE PEM blocks are allowed, found ${quoted(wrong)}`;
  return types.length === 0 ? 'must contain at least one CERTIFICATE PEM block' : undefined;
}

/** @see pkg/apis/certificates/validation/validation.go, validateCertificateSigningRequestUpdate */
function validateAnswer(
  object: DeepReadonly<KubeObject>,
  old: DeepReadonly<KubeObject>,
  subresource: string,
): FieldError[] {
  const errors = new FieldErrors();
  const [conditions, before] = [conditionsOf(object), conditionsOf(old)];
  validateConditions(errors, conditions, before);
  const certificate = view<SigningRequest>(object).status?.certificate ?? '';
  const issued = view<SigningRequest>(old).status?.certificate ?? '';
  const problem = certificate === issued ? undefined : certificateProblem(certificate);
  if (problem !== undefined && certificateProblem(issued) === undefined)
    errors.invalid('status.certificate', '<certificate data>', problem);
  for (const type of finalConditions)
    if (ofType(conditions, type).length < ofType(before, type).length)
      errors.forbidden(conditionsPath, `updates may not remove a condition of type "${type}"`);
  if (subresource !== 'approval')
    for (const type of ['Approved', 'Denied'])
      if (ofType(conditions, type).length > ofType(before, type).length)
        errors.forbidden(conditionsPath, `updates may not add a condition of type "${type}"`);
  if (certificate !== issued) {
    if (subresource !== 'status')
      errors.forbidden('status.certificate', 'updates may not set certificate content');
    else if (issued !== '')
      errors.forbidden('status.certificate', 'updates may not modify existing certificate content');
  }
  return errors.list;
}

/** Conditions get their times; one that was there with the same status keeps its transition. */
function withTimes(
  conditions: readonly Condition[],
  before: readonly Condition[],
  now: string,
): Condition[] {
  return conditions.map((condition) => ({
    ...condition,
    lastUpdateTime: condition['lastUpdateTime'] ?? now,
    lastTransitionTime:
      condition.lastTransitionTime ??
      before.find(({ type, status }) => type === condition.type && status === condition.status)
        ?.lastTransitionTime ??
      now,
  }));
}

/** @see k8s.io/kubernetes/pkg/registry/certificates/certificates/strategy.go */
export const certificateSigningRequestStrategy: KindStrategy = {
  group: 'certificates.k8s.io',
  kind: 'CertificateSigningRequest',
  nameRule: 'none',
  prepareForCreate(draft) {
    draft['status'] = {};
  },
  prepareForUpdate(draft, old) {
    // Neither what is asked for nor what was answered changes through the main resource.
    keepSpec(draft, old);
    keepStatus(draft, old);
  },
  prepareForStatusUpdate(draft, old, { nowMs, subresource }) {
    keepSpec(draft, old);
    const status = (draft['status'] ?? {}) as Record<string, unknown>;
    const before = conditionsOf(old);
    let conditions = conditionsOf(draft);
    // As many as before: then they are those of before. Others are left for validation to refuse.
    for (const type of subresource === 'approval' ? [] : ['Approved', 'Denied']) {
      const kept = [...ofType(before, type)];
      if (kept.length !== ofType(conditions, type).length) continue;
      conditions = conditions.map((condition) =>
        condition.type === type ? (kept.shift() ?? condition) : condition,
      );
    }
    if (conditions.length > 0)
      status['conditions'] = withTimes(conditions, before, formatTime(nowMs));
    draft['status'] = status;
  },
  validate(object): FieldError[] {
    const errors = new FieldErrors();
    validateRequest(errors, object);
    return errors.list;
  },
  validateUpdate: () => [],
  validateStatusUpdate: validateAnswer,
  selectableFields: (object) => ({
    'spec.signerName': view<SigningRequest>(object).spec?.signerName ?? '',
  }),
};
