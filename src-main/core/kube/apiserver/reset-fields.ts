import type { FieldSet } from '../machinery/index.ts';

const spec: FieldSet = { 'f:spec': {} };
const status: FieldSet = { 'f:status': {} };
const metadataAndSpec: FieldSet = { 'f:metadata': {}, ...spec };

/** Kinds whose status is written without their metadata. */
const statusAlone = new Set([
  'FlowSchema',
  'PriorityLevelConfiguration',
  'ResourceClaim',
  'ServiceCIDR',
  'ValidatingAdmissionPolicy',
  'VolumeAttachment',
  'APIService',
]);

/** What writes of a resource or subresource leave as it is, where it is not just the status or the spec. */
const exceptions: Readonly<Record<string, FieldSet>> = {
  'CertificateSigningRequest/': { ...spec, ...status },
  'CertificateSigningRequest/status': { ...spec, 'f:status': { 'f:conditions': {} } },
  'CertificateSigningRequest/approval': { ...spec, 'f:status': { 'f:certificate': {} } },
  'Deployment/status': { ...spec, 'f:metadata': { 'f:labels': {} } },
  'Pod/status': {
    ...spec,
    'f:metadata': { 'f:deletionTimestamp': {}, 'f:ownerReferences': {} },
  },
  'Namespace/finalize': status,
};

/**
 * The fields nobody comes to own by writing them here, for the strategy of the resource takes them back.
 * @see GetResetFields of the strategies in pkg/registry
 */
export function resetFieldsOf(
  kind: string,
  subresource: string,
  custom: boolean,
  hasStatus: boolean,
): FieldSet | undefined {
  if (custom)
    return subresource === 'status'
      ? metadataAndSpec
      : subresource === '' && hasStatus
        ? status
        : undefined;
  const exception = exceptions[`${kind}/${subresource}`];
  if (exception) return exception;
  if (subresource === 'status') return statusAlone.has(kind) ? metadataAndSpec : spec;
  return subresource === '' && hasStatus ? status : undefined;
}
