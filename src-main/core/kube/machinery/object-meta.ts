import { type DeepReadonly, goJson, quoted } from '#core/base';
import type { ObjectMeta, OwnerReference } from './meta-v1.ts';
import {
  dns1123LabelErrors,
  labelValueErrors,
  qualifiedNameErrors,
  dns1123SubdomainErrors,
} from './names.ts';
import type { StatusCause } from './status.ts';

/** How a name is checked; the text of each problem. */
export type NameCheck = (name: string) => string[];

/** `Invalid value: "x": why`. */
export function invalidValue(field: string, value: unknown, why: string): StatusCause {
  const shown = typeof value === 'string' ? quoted(value) : goJson(value);
  return { reason: 'FieldValueInvalid', message: `Invalid value: ${shown}: ${why}`, field };
}

/** `Required value: why`. */
export function requiredValue(field: string, why = ''): StatusCause {
  return {
    reason: 'FieldValueRequired',
    message: why === '' ? 'Required value' : `Required value: ${why}`,
    field,
  };
}

/** `Forbidden: why`. */
export function forbiddenValue(field: string, why: string): StatusCause {
  return { reason: 'FieldValueForbidden', message: `Forbidden: ${why}`, field };
}

/** `Unsupported value: "x": supported values: "a", "b"`. */
export function unsupportedValue(
  field: string,
  value: unknown,
  supported: readonly string[],
): StatusCause {
  const shown = typeof value === 'string' ? quoted(value) : goJson(value);
  return {
    reason: 'FieldValueNotSupported',
    message: `Unsupported value: ${shown}: supported values: ${supported.map(quoted).join(', ')}`,
    field,
  };
}

const maxAnnotationsBytes = 256 * 1024;

/** Errors of `labels` and similar maps. */
export function validateLabels(
  labels: Readonly<Record<string, string>> | undefined,
  field: string,
): StatusCause[] {
  const errors: StatusCause[] = [];
  for (const [key, value] of Object.entries(labels ?? {})) {
    for (const why of qualifiedNameErrors(key)) errors.push(invalidValue(field, key, why));
    for (const why of labelValueErrors(value)) errors.push(invalidValue(field, value, why));
  }
  return errors;
}

/** Errors of `annotations`. */
export function validateAnnotations(
  annotations: Readonly<Record<string, string>> | undefined,
  field: string,
): StatusCause[] {
  const errors: StatusCause[] = [];
  let bytes = 0;
  for (const [key, value] of Object.entries(annotations ?? {})) {
    for (const why of qualifiedNameErrors(key.toLowerCase()))
      errors.push(invalidValue(field, key, why));
    bytes += key.length + value.length;
  }
  if (bytes > maxAnnotationsBytes)
    errors.push({
      reason: 'FieldValueTooLong',
      message: `Too long: may not be more than ${maxAnnotationsBytes} bytes`,
      field,
    });
  return errors;
}

/** `standard`: a name without a slash must be one of Kubernetes' own. Kinds of the extension servers take any. */
export type FinalizerRule = 'standard' | 'any';

/** Finalizers without a domain that everybody knows. */
export const standardFinalizers: ReadonlySet<string> = new Set([
  'kubernetes',
  'orphan',
  'foregroundDeletion',
]);

/** What kinds of the API server proper ask of finalizers on top. @see pkg/apis/core/validation, validateKubeFinalizerName */
export function validateStandardFinalizers(
  finalizers: readonly string[] | undefined,
): StatusCause[] {
  return (finalizers ?? []).flatMap((name, index) =>
    name.includes('/') || standardFinalizers.has(name)
      ? []
      : [
          invalidValue(
            `metadata.finalizers[${index}]`,
            name,
            'name is neither a standard finalizer name nor is it fully qualified',
          ),
        ],
  );
}

function validateFinalizers(finalizers: readonly string[] | undefined): StatusCause[] {
  const errors: StatusCause[] = [];
  for (const name of finalizers ?? [])
    for (const why of qualifiedNameErrors(name))
      errors.push(invalidValue('metadata.finalizers', name, why));
  if (finalizers?.includes('orphan') && finalizers.includes('foregroundDeletion'))
    errors.push(
      invalidValue(
        'metadata.finalizers',
        finalizers,
        'finalizer orphan and foregroundDeletion cannot be both set',
      ),
    );
  return errors;
}

/** The fields in the order of Go's type. */
const ordered = ({
  apiVersion,
  kind,
  name,
  uid,
  controller,
  blockOwnerDeletion,
}: DeepReadonly<OwnerReference>): object => ({
  apiVersion,
  kind,
  name,
  uid,
  controller,
  blockOwnerDeletion,
});

function validateOwnerReferences(
  references: DeepReadonly<ObjectMeta>['ownerReferences'],
): StatusCause[] {
  const errors: StatusCause[] = [];
  const field = 'metadata.ownerReferences';
  let controller: string | undefined;
  for (const reference of references ?? []) {
    // What Go cannot read as GROUP/VERSION has no version.
    const parts = (reference.apiVersion ?? '').split('/');
    if (parts.length > 2 || !parts.at(-1))
      errors.push(
        invalidValue(
          `${field}.apiVersion`,
          reference.apiVersion ?? '',
          'version must not be empty',
        ),
      );
    if (!reference.kind)
      errors.push(invalidValue(`${field}.kind`, reference.kind ?? '', 'must not be empty'));
    if (!reference.name)
      errors.push(invalidValue(`${field}.name`, reference.name ?? '', 'must not be empty'));
    if (!reference.uid)
      errors.push(invalidValue(`${field}.uid`, reference.uid ?? '', 'must not be empty'));
    if (reference.apiVersion === 'v1' && reference.kind === 'Event')
      errors.push(
        invalidValue(
          field,
          ordered(reference),
          '/v1, Kind=Event is disallowed from being an owner',
        ),
      );
    if (reference.controller) {
      const current = `${reference.kind}/${reference.name}`;
      if (controller !== undefined)
        errors.push(
          invalidValue(
            field,
            (references ?? []).map(ordered),
            `Only one reference can have Controller set to true. Found "true" in references for ${controller} and ${current}`,
          ),
        );
      else controller = current;
    }
  }
  return errors;
}

/**
 * Errors of metadata on create.
 * @see k8s.io/apimachinery/pkg/api/validation/objectmeta.go, ValidateObjectMetaAccessor
 */
export function validateObjectMeta(
  meta: DeepReadonly<ObjectMeta>,
  namespaced: boolean,
  nameCheck: NameCheck = dns1123SubdomainErrors,
  finalizerRule: FinalizerRule = 'standard',
): StatusCause[] {
  const errors: StatusCause[] = [];
  if (meta.generateName) {
    const prefix = meta.generateName.endsWith('-')
      ? `${meta.generateName.slice(0, -1)}a`
      : meta.generateName;
    for (const why of nameCheck(prefix))
      errors.push(invalidValue('metadata.generateName', meta.generateName, why));
  }
  if (!meta.name) errors.push(requiredValue('metadata.name', 'name or generateName is required'));
  else
    for (const why of nameCheck(meta.name))
      errors.push(invalidValue('metadata.name', meta.name, why));
  errors.push(...validateObjectMetaCommon(meta, namespaced));
  if (finalizerRule === 'standard') errors.push(...validateStandardFinalizers(meta.finalizers));
  return errors;
}

/** What is checked alike on create and update. @see validateObjectMetaAccessorWithOptsCommon */
function validateObjectMetaCommon(
  meta: DeepReadonly<ObjectMeta>,
  namespaced: boolean,
): StatusCause[] {
  const errors: StatusCause[] = [];
  if (namespaced) {
    if (!meta.namespace) errors.push(requiredValue('metadata.namespace'));
    else
      for (const why of dns1123LabelErrors(meta.namespace))
        errors.push(invalidValue('metadata.namespace', meta.namespace, why));
  } else if (meta.namespace)
    errors.push(forbiddenValue('metadata.namespace', 'not allowed on this type'));
  if ((meta.generation ?? 0) < 0)
    errors.push(
      invalidValue('metadata.generation', meta.generation, 'must be greater than or equal to 0'),
    );
  errors.push(
    ...validateLabels(meta.labels, 'metadata.labels'),
    ...validateAnnotations(meta.annotations, 'metadata.annotations'),
    ...validateOwnerReferences(meta.ownerReferences),
    ...validateFinalizers(meta.finalizers),
  );
  return errors;
}

const immutable = 'field is immutable';

/** Errors of a change of metadata, beside those of any write. @see ValidateObjectMetaAccessorUpdate */
export function validateObjectMetaUpdate(
  meta: DeepReadonly<ObjectMeta>,
  old: DeepReadonly<ObjectMeta>,
): StatusCause[] {
  const errors: StatusCause[] = [];
  if (old.deletionTimestamp) {
    const before = new Set(old.finalizers ?? []);
    const added = (meta.finalizers ?? []).filter((name) => !before.has(name));
    if (added.length > 0)
      errors.push(
        forbiddenValue(
          'metadata.finalizers',
          `no new finalizers can be added if the object is being deleted, found new finalizers []string{${added.map(quoted).join(', ')}}`,
        ),
      );
  }
  const constant = (name: string, now: unknown, then: unknown): void => {
    if (now !== then) errors.push(invalidValue(`metadata.${name}`, now ?? null, immutable));
  };
  if (!meta.resourceVersion)
    errors.push(invalidValue('metadata.resourceVersion', '', 'must be specified for an update'));
  if ((meta.generation ?? 0) < (old.generation ?? 0))
    errors.push(
      invalidValue('metadata.generation', meta.generation ?? 0, 'must not be decremented'),
    );
  constant('name', meta.name, old.name);
  constant('namespace', meta.namespace, old.namespace);
  constant('uid', meta.uid, old.uid);
  constant('creationTimestamp', meta.creationTimestamp, old.creationTimestamp);
  constant('deletionTimestamp', meta.deletionTimestamp, old.deletionTimestamp);
  constant(
    'deletionGracePeriodSeconds',
    meta.deletionGracePeriodSeconds,
    old.deletionGracePeriodSeconds,
  );
  errors.push(
    ...validateLabels(meta.labels, 'metadata.labels'),
    ...validateAnnotations(meta.annotations, 'metadata.annotations'),
    ...validateOwnerReferences(meta.ownerReferences),
  );
  return errors;
}
