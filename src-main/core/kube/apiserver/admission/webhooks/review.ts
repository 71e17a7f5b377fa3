import { type Random, uuid } from '#core/base';
import { parseGroupVersion } from '../../../machinery/index.ts';
import type { AdmissionRequest } from '../../types.ts';

/** The `request` of an AdmissionReview v1; expressions see the same under the name `request`. */
export function reviewRequest(request: AdmissionRequest, random: Random): Record<string, unknown> {
  const { group, version, resource, kind } = request.resource;
  const body = request.object ?? request.oldObject;
  // A subresource may speak a kind of its own, as pods/eviction does.
  const own = body?.apiVersion ? parseGroupVersion(body.apiVersion) : { group, version };
  const groupVersionKind = { ...own, kind: body?.kind ?? kind };
  const groupVersionResource = { group, version, resource };
  const { username, uid, groups, extra } = request.user;
  const subresource = request.subresource === '' ? {} : { subResource: request.subresource };
  const requestSubresource =
    request.subresource === '' ? {} : { requestSubResource: request.subresource };
  return {
    uid: uuid(random),
    kind: groupVersionKind,
    resource: groupVersionResource,
    ...subresource,
    requestKind: groupVersionKind,
    requestResource: groupVersionResource,
    ...requestSubresource,
    ...(request.name === '' ? {} : { name: request.name }),
    ...(request.namespace === '' ? {} : { namespace: request.namespace }),
    operation: request.operation,
    userInfo: {
      username,
      ...(uid ? { uid } : {}),
      groups,
      ...(extra ? { extra } : {}),
    },
    object: request.object,
    oldObject: request.oldObject,
    dryRun: request.dryRun,
    options: Object.keys(request.options).length === 0 ? null : request.options,
  };
}
