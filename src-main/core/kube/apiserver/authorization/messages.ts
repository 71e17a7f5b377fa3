import { failure, type StatusError } from '../../machinery/index.ts';
import type { Attributes } from '../types.ts';

/**
 * What a user may not do, in the words of a 403.
 * @see k8s.io/apiserver/pkg/endpoints/handlers/responsewriters/errors.go, forbiddenMessage
 */
export function forbiddenMessage(attributes: Attributes): string {
  const user = attributes.user.username;
  if (attributes.kind === 'non-resource')
    return `User ${JSON.stringify(user)} cannot ${attributes.verb} path ${JSON.stringify(attributes.path)}`;
  const { verb, resource, subresource, group, namespace } = attributes;
  const full = subresource === '' ? resource : `${resource}/${subresource}`;
  const scope =
    namespace === '' ? 'at the cluster scope' : `in the namespace ${JSON.stringify(namespace)}`;
  return `User ${JSON.stringify(user)} cannot ${verb} resource ${JSON.stringify(full)} in API group ${JSON.stringify(group)} ${scope}`;
}

/**
 * The 403 for a request an authorizer did not allow; `reason` is the authorizer's.
 * @see responsewriters.ForbiddenStatusError
 */
export function forbiddenByAuthorizer(attributes: Attributes, reason: string): StatusError {
  const message = forbiddenMessage(attributes);
  const why = reason === '' ? message : `${message}: ${reason}`;
  if (attributes.kind === 'non-resource') return failure(403, 'Forbidden', `forbidden: ${why}`, {});
  const { group, resource, name } = attributes;
  const qualified = group === '' ? resource : `${resource}.${group}`;
  const subject = name === '' ? qualified : `${qualified} ${JSON.stringify(name)}`;
  return failure(403, 'Forbidden', `${subject} is forbidden: ${why}`, {
    ...(name === '' ? {} : { name }),
    ...(group === '' ? {} : { group }),
    kind: resource,
  });
}
