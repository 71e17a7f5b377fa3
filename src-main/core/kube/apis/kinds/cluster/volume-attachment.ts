import type { DeepReadonly } from '#core/base';
import type { KubeObject } from '../../../machinery/index.ts';
import type { KindStrategy } from '../../kind-strategy.ts';
import { FieldErrors, Printed } from '../../validation/field.ts';
import { immutable } from '../../validation/meta.ts';
import { inRange, isDns1123Subdomain } from '../../validation/names.ts';
import { internalJson } from '../core/internal-print.ts';
import { driverName } from '../core/volume-sources.ts';
import {
  setVolumeSpecDefaults,
  validateVolumeSpec,
  type VolumeSpec,
} from '../core/persistent-volume-spec.ts';
import { view } from '../core/pod-types.ts';
import { keepSpec, keepStatus } from '../strategy.ts';

// Rules: pkg/apis/storage/validation/validation.go, ValidateVolumeAttachment.

interface VolumeError {
  message?: string;
  errorCode?: number;
}

interface Attachment {
  spec?: {
    attacher?: string;
    nodeName?: string;
    source?: { persistentVolumeName?: string; inlineVolumeSpec?: VolumeSpec };
  };
  status?: {
    attached?: boolean;
    attachmentMetadata?: Record<string, string>;
    attachError?: VolumeError;
    detachError?: VolumeError;
  };
}

const maxMetadataBytes = 256 * 1024;
const maxMessageBytes = 1024;

function validateStatus(errors: FieldErrors, { status = {} }: Attachment): void {
  let bytes = 0;
  for (const [key, value] of Object.entries(status.attachmentMetadata ?? {}))
    bytes += key.length + value.length;
  if (bytes > maxMetadataBytes) errors.tooLong('status.attachmentMetadata', maxMetadataBytes);
  for (const field of ['attachError', 'detachError'] as const) {
    const { message = '', errorCode } = status[field] ?? {};
    // The limit that is told is the metadata's, upstream too.
    if (message.length > maxMessageBytes)
      errors.tooLong(`status.${field}.message`, maxMetadataBytes);
    if (errorCode !== undefined && errorCode < 0)
      errors.invalidEach(
        `status.${field}.errorCode`,
        errorCode,
        inRange(errorCode, 0, 2 ** 31 - 1),
      );
  }
}

function attachmentErrors(object: DeepReadonly<KubeObject>): FieldErrors {
  const errors = new FieldErrors();
  const attachment = view<Attachment>(object);
  const { attacher = '', nodeName = '', source = {} } = attachment.spec ?? {};
  const { persistentVolumeName: volume, inlineVolumeSpec: inline } = source;
  driverName(errors, 'spec.attacher', attacher);
  const one = 'must specify exactly one of inlineVolumeSpec and persistentVolumeName';
  if (!inline && volume === undefined) errors.required('spec.source', one);
  else if (inline && volume !== undefined) errors.forbidden('spec.source', one);
  else if (inline)
    validateVolumeSpec(errors, 'spec.source.inlineVolumeSpec', inline, {
      volumeName: '',
      inline: true,
    });
  else if (volume === '')
    errors.required(
      'spec.source.persistentVolumeName',
      'must specify non empty persistentVolumeName',
    );
  errors.invalidEach('spec.nodeName', nodeName, isDns1123Subdomain(nodeName));
  validateStatus(errors, attachment);
  if (volume !== undefined)
    errors.invalidEach('spec.source.persistentVolumeName', volume, isDns1123Subdomain(volume));
  return errors;
}

function updateErrors(object: DeepReadonly<KubeObject>, old: DeepReadonly<KubeObject>) {
  const errors = attachmentErrors(object);
  const { spec } = view<Attachment>(object);
  const printed = new Printed(internalJson('VolumeAttachmentSpec', spec));
  immutable(errors, 'spec', spec, view<Attachment>(old).spec, printed);
  return errors.list;
}

export const volumeAttachmentStrategy: KindStrategy = {
  group: 'storage.k8s.io',
  kind: 'VolumeAttachment',
  defaults(draft) {
    const { spec } = view<Attachment>(draft);
    if (spec?.source?.inlineVolumeSpec) setVolumeSpecDefaults(spec.source.inlineVolumeSpec);
    draft['status'] = { attached: false, ...(draft['status'] as object | undefined) };
  },
  prepareForCreate(draft) {
    draft['status'] = { attached: false };
  },
  prepareForUpdate: keepStatus,
  prepareForStatusUpdate: keepSpec,
  validate: (object) => attachmentErrors(object).list,
  validateUpdate: updateErrors,
  validateStatusUpdate: updateErrors,
};
