import type { FieldError, KindStrategy } from '../../kind-strategy.ts';
import { FieldErrors, Printed } from '../../validation/field.ts';
import { immutable } from '../../validation/meta.ts';
import { isIp } from '../../validation/names.ts';
import { view } from '../core/pod-types.ts';

interface IpAddress {
  readonly spec?: { readonly parentRef?: ParentReference };
}

interface ParentReference {
  readonly group?: string;
  readonly resource?: string;
  readonly namespace?: string;
  readonly name?: string;
}

/** In the words of the internal type, which has no JSON names. */
const shown = ({
  group = '',
  resource = '',
  namespace = '',
  name = '',
}: ParentReference): Printed =>
  new Printed(
    JSON.stringify({ Group: group, Resource: resource, Namespace: namespace, Name: name }),
  );

/** @see pkg/apis/networking/validation/validation.go, ValidateIPAddress */
export const ipAddressStrategy: KindStrategy = {
  group: 'networking.k8s.io',
  kind: 'IPAddress',
  nameRule: 'none',
  validate(object): FieldError[] {
    const errors = new FieldErrors();
    const name = object.metadata.name ?? '';
    errors.invalidEach('metadata.name', name, isIp(name));
    const parent = view<IpAddress>(object).spec?.parentRef;
    if (!parent) errors.required('spec.parentRef');
    else
      for (const field of ['resource', 'name'] as const)
        if (!parent[field]) errors.required(`spec.parentRef.${field}`);
    return errors.list;
  },
  validateUpdate(object, old): FieldError[] {
    const errors = new FieldErrors();
    const parent = view<IpAddress>(object).spec?.parentRef ?? {};
    const before = view<IpAddress>(old).spec?.parentRef;
    immutable(errors, 'spec.parentRef', parent, before, shown(parent));
    return errors.list;
  },
};
