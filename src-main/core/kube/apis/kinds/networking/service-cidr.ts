import type { DeepReadonly } from '#core/base';
import type { KubeObject } from '../../../machinery/index.ts';
import type { KindStrategy } from '../../kind-strategy.ts';
import { FieldErrors, Printed } from '../../validation/field.ts';
import { immutableMessage } from '../../validation/meta.ts';
import { cidrFamily, isCidr } from '../../validation/names.ts';
import { view } from '../core/pod-types.ts';
import { keepSpec, keepStatus } from '../strategy.ts';

const path = 'spec.cidrs';
const sentCidrs = (object: DeepReadonly<KubeObject>): readonly string[] | undefined =>
  view<{ spec?: { cidrs?: string[] } }>(object).spec?.cidrs;
const cidrsOf = (object: DeepReadonly<KubeObject>): readonly string[] => sentCidrs(object) ?? [];

function validateCidrs(errors: FieldErrors, cidrs: readonly string[]): void {
  if (cidrs.length === 0) {
    errors.required(path, 'at least one CIDR required');
    return;
  }
  if (cidrs.length > 2) {
    errors.invalid(
      path,
      new Printed(`{"CIDRs":${JSON.stringify(cidrs)}}`),
      'may only hold up to 2 values',
    );
    return;
  }
  cidrs.forEach((cidr, index) => errors.invalidEach(`${path}[${index}]`, cidr, isCidr(cidr)));
  const [first, second] = cidrs.map(cidrFamily);
  if (cidrs.length === 2 && first !== undefined && first === second)
    errors.invalid(
      path,
      cidrs,
      'may specify no more than one IP for each IP family, i.e 192.168.0.0/24 and 2001:db8::/64',
    );
}

/** @see pkg/apis/networking/validation/validation.go, ValidateServiceCIDR */
export const serviceCidrStrategy: KindStrategy = {
  group: 'networking.k8s.io',
  kind: 'ServiceCIDR',
  unconditionalUpdate: true,
  defaults(draft) {
    draft['status'] ??= {};
  },
  prepareForCreate(draft) {
    draft['status'] = {};
  },
  prepareForUpdate: keepStatus,
  prepareForStatusUpdate: keepSpec,
  validate(object) {
    const errors = new FieldErrors();
    validateCidrs(errors, cidrsOf(object));
    return errors.list;
  },
  validateUpdate(object, old) {
    const errors = new FieldErrors();
    const now = cidrsOf(object);
    const before = cidrsOf(old);
    const fixed = (index: number): void => {
      if (now[index] !== before[index])
        errors.invalid(`${path}[${index}]`, now[index], immutableMessage);
    };
    if (now.length === before.length) before.forEach((_, index) => fixed(index));
    else if (before.length === 1 && now.length === 2) {
      fixed(0);
      validateCidrs(errors, now);
    } else errors.invalid(path, sentCidrs(object), immutableMessage);
    return errors.list;
  },
};
