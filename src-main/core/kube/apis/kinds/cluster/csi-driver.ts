import type { KindStrategy } from '../../kind-strategy.ts';
import { FieldErrors } from '../../validation/field.ts';
import { immutable, semanticEqual } from '../../validation/meta.ts';
import { view } from '../core/pod-types.ts';
import { bumpGeneration } from '../strategy.ts';

// Rules: pkg/apis/storage/validation/validation.go, pkg/registry/storage/csidriver/strategy.go.

interface DriverSpec {
  attachRequired?: boolean;
  podInfoOnMount?: boolean;
  storageCapacity?: boolean;
  fsGroupPolicy?: string;
  volumeLifecycleModes?: string[];
  requiresRepublish?: boolean;
  seLinuxMount?: boolean;
  tokenRequests?: { audience?: string; expirationSeconds?: number }[];
  nodeAllocatableUpdatePeriodSeconds?: number;
  serviceAccountTokenInSecrets?: boolean;
  preventPodSchedulingIfMissing?: boolean;
}

const specOf = (object: unknown): DriverSpec => view<{ spec?: DriverSpec }>(object).spec ?? {};

const minTokenSeconds = 600;
const maxTokenSeconds = 2 ** 32;
const minUpdateSeconds = 10;

function validateTokens(errors: FieldErrors, requests: DriverSpec['tokenRequests'] = []): void {
  const audiences = new Set<string>();
  requests.forEach(({ audience = '', expirationSeconds: seconds }, index) => {
    const at = `spec.tokenRequests[${index}]`;
    if (audiences.has(audience)) {
      errors.duplicate(`${at}.audience`, audience);
      return;
    }
    audiences.add(audience);
    if (seconds === undefined) return;
    const path = `${at}.expirationSeconds`;
    if (seconds < minTokenSeconds)
      errors.invalid(path, seconds, 'may not specify a duration less than 10 minutes');
    if (seconds > maxTokenSeconds)
      errors.invalid(path, seconds, 'may not specify a duration larger than 2^32 seconds');
  });
}

function driverErrors(object: unknown): FieldErrors {
  const errors = new FieldErrors();
  const spec = specOf(object);
  const { fsGroupPolicy: policy, nodeAllocatableUpdatePeriodSeconds: period } = spec;
  const policies = ['File', 'None', 'ReadWriteOnceWithFSType'];
  if (policy !== undefined && !policies.includes(policy))
    errors.notSupported('spec.fsGroupPolicy', policy, policies);
  validateTokens(errors, spec.tokenRequests);
  const modes = ['Persistent', 'Ephemeral'];
  for (const mode of spec.volumeLifecycleModes ?? [])
    if (!modes.includes(mode)) errors.notSupported('spec.volumeLifecycleModes', mode, modes);
  if (period !== undefined && period < minUpdateSeconds)
    errors.invalid(
      'spec.nodeAllocatableUpdatePeriodSeconds',
      period,
      `must be greater than or equal to ${minUpdateSeconds} seconds`,
    );
  if (spec.serviceAccountTokenInSecrets !== undefined && (spec.tokenRequests ?? []).length === 0)
    errors.invalid(
      'spec.serviceAccountTokenInSecrets',
      spec.serviceAccountTokenInSecrets,
      'serviceAccountTokenInSecrets is set but no tokenRequests are specified',
    );
  return errors;
}

/** The feature behind the field is off in v1.36, and what a client sends is dropped. */
function dropScaling(draft: unknown): void {
  delete specOf(draft).preventPodSchedulingIfMissing;
}

export const csiDriverStrategy: KindStrategy = {
  group: 'storage.k8s.io',
  kind: 'CSIDriver',
  defaults(draft) {
    const spec = (view<{ spec?: DriverSpec }>(draft).spec ??= {});
    spec.attachRequired ??= true;
    spec.podInfoOnMount ??= false;
    spec.storageCapacity ??= false;
    spec.fsGroupPolicy ??= 'ReadWriteOnceWithFSType';
    if ((spec.volumeLifecycleModes ?? []).length === 0) spec.volumeLifecycleModes = ['Persistent'];
    spec.requiresRepublish ??= false;
    spec.seLinuxMount ??= false;
  },
  prepareForCreate: dropScaling,
  // A driver has no generation until its spec changes.
  prepareForUpdate(draft, old) {
    dropScaling(draft);
    if (!semanticEqual(draft['spec'], old['spec'])) bumpGeneration(draft, old);
  },
  validate: (object) => driverErrors(object).list,
  validateUpdate(object, old) {
    const errors = driverErrors(object);
    const [now, before] = [specOf(object), specOf(old)];
    immutable(errors, 'spec.attachedRequired', now.attachRequired, before.attachRequired);
    immutable(
      errors,
      'spec.volumeLifecycleModes',
      now.volumeLifecycleModes,
      before.volumeLifecycleModes,
    );
    return errors.list;
  },
  warnings(object, old) {
    const { tokenRequests, serviceAccountTokenInSecrets } = specOf(object);
    const isNew = !old || !semanticEqual(tokenRequests, specOf(old).tokenRequests);
    return isNew && (tokenRequests ?? []).length > 0 && serviceAccountTokenInSecrets === undefined
      ? [
          'spec.serviceAccountTokenInSecrets is unset; if supported by this CSI driver, set to true to prevent possible logging of tokens in volume attributes',
        ]
      : [];
  },
};
