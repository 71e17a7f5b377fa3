import { forbidden, type StatusError } from '../../machinery/index.ts';
import type { AdmissionRequest } from '../types.ts';

/** The 403 of a plugin. @see k8s.io/apiserver/pkg/admission/errors.go, NewForbidden */
export function forbid(request: AdmissionRequest, why: string): StatusError {
  const meta = request.object?.metadata;
  const name = request.name || meta?.name || meta?.generateName || 'Unknown';
  return forbidden(request.resource, name, why);
}

/** Whether the request is about this resource itself, not a subresource. */
export function isResource(request: AdmissionRequest, group: string, resource: string): boolean {
  return (
    request.subresource === '' &&
    request.resource.group === group &&
    request.resource.resource === resource
  );
}

export const isPod = (request: AdmissionRequest): boolean => isResource(request, '', 'pods');
