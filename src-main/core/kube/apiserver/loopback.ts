import {
  StatusError,
  type ApiRequest,
  type ApiResponse,
  type KubeObject,
  type Status,
} from '../machinery/index.ts';

/** The server's requests to itself, with all rights: `system:apiserver` of `system:masters`. */
export interface Loopback {
  /**
   * @param patch what the object of a PATCH is.
   * @returns the answered object. @throws StatusError
   */
  request(
    method: ApiRequest['method'],
    url: string,
    object?: object,
    patch?: 'application/merge-patch+json' | 'application/apply-patch+yaml',
  ): Promise<KubeObject>;
}

export function createLoopback(
  handle: (request: ApiRequest) => Promise<ApiResponse>,
  token: string,
): Loopback {
  return {
    request: async (method, url, object, patch = 'application/merge-patch+json') => {
      const { status, body } = await handle({
        method,
        url,
        headers: {
          authorization: `Bearer ${token}`,
          accept: 'application/json',
          'user-agent': 'kube-apiserver/v1',
          ...(object && { 'content-type': method === 'PATCH' ? patch : 'application/json' }),
        },
        ...(object ? { object } : {}),
      });
      if (body.kind !== 'object')
        throw new Error(`${method} ${url} answered ${status} without an object`);
      if (status >= 400) throw new StatusError(body.object as Status);
      return body.object as KubeObject;
    },
  };
}
