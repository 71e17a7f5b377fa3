import { jsonClone, jsonEqual } from '#core/base';
import type { ResourceInfo } from '../../apis/index.ts';
import type { KubeObject } from '../../machinery/index.ts';
import type { JsonMap } from '../fields/index.ts';
import type { AdmissionRequest } from '../types.ts';

/** A request as a webhook or a policy sees it: in the version of the resource that its rule names. */
export interface VersionedRequest {
  /** With both objects in that version; `resource` is still what was asked for. */
  readonly request: AdmissionRequest;
  /** What the rule names. */
  readonly resource: ResourceInfo;
}

/** The request's own object, or one in another version; either way what mutating steps change. */
export class VersionedObject {
  readonly #request: AdmissionRequest;
  #seen: VersionedRequest;
  #isDirty = false;

  constructor(request: AdmissionRequest) {
    this.#request = request;
    this.#seen = { request, resource: request.resource };
  }

  /** The request in the version that the last step wanted. */
  get seen(): VersionedRequest {
    return this.#seen;
  }

  get request(): AdmissionRequest {
    return this.#seen.request;
  }

  /** @throws StatusError what a conversion webhook brought about */
  async as(resource: ResourceInfo): Promise<VersionedRequest> {
    if (this.#seen.resource === resource) return this.#seen;
    await this.flush();
    this.#seen = await inVersion(this.#request, resource);
    return this.#seen;
  }

  /**
   * Puts another content in the object's place, with its defaults.
   * @returns whether it differs.
   * @throws Error Go's text of a value that does not fit.
   */
  replace(content: JsonMap): boolean {
    const { request, resource } = this.#seen;
    const { object, versions } = request;
    if (!object) return false;
    const next = versions ? versions.typed(content, object, resource) : content;
    const changed = !jsonEqual(next, object);
    putInPlace(object, next);
    versions?.defaults(object, resource);
    this.#isDirty = true;
    return changed;
  }

  /** Takes a change over into the request itself. */
  async flush(): Promise<void> {
    const { object } = this.#request;
    const changed = this.#seen.request.object;
    const { versions } = this.#request;
    if (!this.#isDirty || !object || !changed || !versions || object === changed) return;
    putInPlace(object, await versions.convert(changed, this.#request.resource));
    this.#isDirty = false;
  }
}

/** A request with its objects in another version. @throws StatusError */
export async function inVersion(
  request: AdmissionRequest,
  resource: ResourceInfo,
): Promise<VersionedRequest> {
  const { versions, object, oldObject } = request;
  if (resource === request.resource || !versions) return { request, resource };
  return {
    resource,
    request: {
      ...request,
      oldObject: oldObject && (await versions.convert(oldObject, resource)),
      object: object && (await versions.convert(object, resource)),
    },
  };
}

function putInPlace(object: KubeObject, content: JsonMap): void {
  const copy = jsonClone(content);
  for (const field of Object.keys(object)) delete object[field];
  Object.assign(object, copy);
}
