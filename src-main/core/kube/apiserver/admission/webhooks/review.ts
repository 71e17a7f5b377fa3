import { type Random, uuid } from '#core/base';
import type { ResourceInfo } from '../../../apis/index.ts';
import { parseGroupVersion } from '../../../machinery/index.ts';
import type { AdmissionRequest } from '../../types.ts';
import type { VersionedRequest } from '../versioned.ts';

/**
 * The `request` of an AdmissionReview v1; expressions see the same under the name `request`.
 * @param original the request as it came; `versioned` is what a rule makes of it.
 */
export function reviewRequest(
  versioned: VersionedRequest,
  original: AdmissionRequest,
  random: Random,
): Record<string, unknown> {
  const { request, resource } = versioned;
  const { username, uid, groups, extra } = request.user;
  const { subresource } = request;
  return {
    uid: uuid(random),
    kind: kindOf(request, resource),
    resource: groupVersionResource(resource),
    ...(subresource === '' ? {} : { subResource: subresource }),
    requestKind: kindOf(original, original.resource),
    requestResource: groupVersionResource(original.resource),
    ...(subresource === '' ? {} : { requestSubResource: subresource }),
    ...(request.name === '' ? {} : { name: request.name }),
    ...(request.namespace === '' ? {} : { namespace: request.namespace }),
    operation: request.operation,
    userInfo: {
      username,
      ...(uid ? { uid } : {}),
      groups,
      ...(extra ? { extra } : {}),
    },
    object: bodyOf(request.object),
    oldObject: bodyOf(request.oldObject),
    dryRun: request.dryRun,
    options: Object.keys(request.options).length === 0 ? null : request.options,
  };
}

/** Options of connections have a kind and no metadata. */
function bodyOf(object: AdmissionRequest['oldObject']): unknown {
  if (object === null || Object.keys(object.metadata).length > 0) return object;
  const { metadata: _none, ...rest } = object;
  return rest;
}

/** A subresource may speak a kind of its own, as pods/eviction does. */
function kindOf({ object, oldObject }: AdmissionRequest, resource: ResourceInfo): object {
  const body = object ?? oldObject;
  const { group, version } = body?.apiVersion ? parseGroupVersion(body.apiVersion) : resource;
  return { group, version, kind: body?.kind ?? resource.kind };
}

const groupVersionResource = ({ group, version, resource }: ResourceInfo): object => ({
  group,
  version,
  resource,
});
