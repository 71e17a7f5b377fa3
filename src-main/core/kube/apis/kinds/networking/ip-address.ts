import type { FieldError, KindStrategy } from '../../kind-strategy.ts';
import { FieldErrors, Printed } from '../../validation/field.ts';
import { immutable } from '../../validation/meta.ts';
import { isDns1123Subdomain, isIp, isPathSegment } from '../../validation/names.ts';
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

function parentErrors(object: unknown): FieldErrors {
  const errors = new FieldErrors();
  const path = 'spec.parentRef';
  const parent = view<IpAddress>(object).spec?.parentRef;
  if (!parent) {
    errors.required(path);
    return errors;
  }
  if (parent.group)
    errors.invalidEach(`${path}.group`, parent.group, isDns1123Subdomain(parent.group));
  for (const field of ['resource', 'name', 'namespace'] as const) {
    const value = parent[field] ?? '';
    if (value !== '') errors.invalidEach(`${path}.${field}`, value, isPathSegment(value));
    else if (field !== 'namespace') errors.required(`${path}.${field}`);
  }
  return errors;
}

/** @see pkg/apis/networking/validation/validation.go, ValidateIPAddress */
export const ipAddressStrategy: KindStrategy = {
  group: 'networking.k8s.io',
  kind: 'IPAddress',
  nameRule: isIp,
  validate(object): FieldError[] {
    return parentErrors(object).list;
  },
  validateUpdate(object, old): FieldError[] {
    const errors = parentErrors(object);
    const parent = view<IpAddress>(object).spec?.parentRef;
    const before = view<IpAddress>(old).spec?.parentRef;
    immutable(
      errors,
      'spec.parentRef',
      parent,
      before,
      parent ? shown(parent) : new Printed('null'),
    );
    return errors.list;
  },
};
