import type { KindStrategy } from '../../kind-strategy.ts';
import { FieldErrors } from '../../validation/field.ts';
import { view } from '../core/pod-types.ts';

// Rules: pkg/apis/coordination/validation/validation.go, pkg/registry/coordination/lease/strategy.go.

interface LeaseSpec {
  leaseDurationSeconds?: number;
  leaseTransitions?: number;
  strategy?: string;
  preferredHolder?: string;
}

const specOf = (object: unknown): LeaseSpec => view<{ spec?: LeaseSpec }>(object).spec ?? {};

/** Coordinated elections are off in v1.36, and what a client sends of them is dropped. */
function dropCoordination(draft: unknown): void {
  const spec = specOf(draft);
  delete spec.strategy;
  delete spec.preferredHolder;
}

export const leaseStrategy: KindStrategy = {
  group: 'coordination.k8s.io',
  kind: 'Lease',
  createOnUpdate: true,
  unconditionalUpdate: false,
  prepareForCreate: dropCoordination,
  prepareForUpdate: dropCoordination,
  validate(object) {
    const errors = new FieldErrors();
    const { leaseDurationSeconds: seconds, leaseTransitions: transitions } = specOf(object);
    if (seconds !== undefined && seconds <= 0)
      errors.invalid('spec.leaseDurationSeconds', seconds, 'must be greater than 0');
    if (transitions !== undefined && transitions < 0)
      errors.invalid('spec.leaseTransitions', transitions, 'must be greater than or equal to 0');
    return errors.list;
  },
};
