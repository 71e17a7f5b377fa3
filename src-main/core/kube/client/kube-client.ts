import { type Clock, type Disposable, type Logger, sleep } from '#core/base';
import {
  type ApiRequest,
  type ApiResponse,
  failure,
  type KubeObject,
  type Transport,
} from '../machinery/index.ts';
import { TokenBucket } from './rate-limit.ts';
import { errorOf, objectOf } from './response.ts';
import type {
  DeleteOptions,
  ListOptions,
  ObjectList,
  PatchType,
  ResourceAddress,
  ResourceClient,
  WatchOptions,
} from './types.ts';
import { startWatch } from './watch.ts';

export interface ClientOptions {
  /** As the `User-Agent` header: its part before the slash is the default field manager. */
  readonly userAgent: string;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Sent with every request, names in lower case: `authorization`, `impersonate-user` … */
  readonly headers?: Readonly<Record<string, string>>;
  /** PEM of the client certificate, for callers within the process. */
  readonly peerCertificate?: string;
  /** Client-side throttling, as `--kube-api-qps` and `--kube-api-burst`. Absent: none. */
  readonly limits?: { readonly qps: number; readonly burst: number };
}

export interface RawRequest {
  readonly method: ApiRequest['method'];
  /** Path and query. */
  readonly url: string;
  readonly object?: object;
  readonly headers?: Readonly<Record<string, string>>;
  readonly signal?: AbortSignal;
}

/** Everything a program of the cluster does with the API. */
export interface RestClient {
  /** Any resource by address: custom resources, and what discovery finds. */
  dynamic<T = KubeObject>(address: ResourceAddress): ResourceClient<T>;
  /** One request as it stands; a failure of the API is a StatusError. */
  request(request: RawRequest): Promise<ApiResponse>;
  /** The answered object of one request. @throws StatusError */
  requestObject<T = KubeObject>(request: RawRequest): Promise<T>;
}

const patchContentTypes: Readonly<Record<PatchType, string>> = {
  merge: 'application/merge-patch+json',
  strategic: 'application/strategic-merge-patch+json',
  json: 'application/json-patch+json',
  apply: 'application/apply-patch+yaml',
};

/** client-go repeats a request the server asked it to repeat at most this often. */
const maxRetries = 10;

/** The path of a resource, of one object or of a subresource. */
export function resourcePath(
  address: ResourceAddress,
  namespace?: string,
  name?: string,
  subresource?: string,
): string {
  const root =
    address.group === '' ? `/api/${address.version}` : `/apis/${address.group}/${address.version}`;
  const scope = namespace ? `/namespaces/${encodeURIComponent(namespace)}` : '';
  const object = name === undefined ? '' : `/${encodeURIComponent(name)}`;
  const part = subresource === undefined ? '' : `/${subresource}`;
  return `${root}${scope}/${address.resource}${object}${part}`;
}

/** A client without the table of built-in kinds. @see k8s.io/client-go/rest */
export function createRestClient(transport: Transport, options: ClientOptions): RestClient {
  const bucket = options.limits
    ? new TokenBucket(options.clock, options.limits.qps, options.limits.burst)
    : undefined;

  async function request(raw: RawRequest): Promise<ApiResponse> {
    for (let tries = 0; ; tries++) {
      await bucket?.wait();
      const response = await transport.send({
        method: raw.method,
        url: raw.url,
        headers: {
          accept: 'application/json',
          'user-agent': options.userAgent,
          ...(raw.object ? { 'content-type': 'application/json' } : {}),
          ...options.headers,
          ...raw.headers,
        },
        ...(raw.object ? { object: raw.object } : {}),
        ...(raw.signal ? { signal: raw.signal } : {}),
        ...(options.peerCertificate ? { peerCertificate: options.peerCertificate } : {}),
      });
      if (response.status < 400) return response;
      const retryAfter = Number(response.headers['retry-after'] ?? Number.NaN);
      const mayRetry = response.status === 429 || response.status >= 500;
      if (!mayRetry || !Number.isFinite(retryAfter) || tries >= maxRetries)
        throw await errorOf(response);
      await sleep(options.clock, retryAfter * 1000);
    }
  }

  async function requestObject<T = KubeObject>(raw: RawRequest): Promise<T> {
    return (await objectOf(await request(raw))) as T;
  }

  return {
    request,
    requestObject,
    dynamic: <T>(address: ResourceAddress) =>
      createResourceClient<T>(address, { request, requestObject }),
  };
}

function createResourceClient<T>(
  address: ResourceAddress,
  rest: Pick<RestClient, 'request' | 'requestObject'>,
): ResourceClient<T> {
  const metaOf = (object: T): { namespace?: string; name?: string } =>
    (object as { metadata?: { namespace?: string; name?: string } }).metadata ?? {};
  const nameOf = (object: T): string => {
    const { name } = metaOf(object);
    if (!name) throw failure(0, '', 'resource name may not be empty');
    return name;
  };
  type Shared = Awaited<ReturnType<ResourceClient<T>['get']>>;
  const answer = (method: ApiRequest['method'], url: string, object?: object): Promise<Shared> =>
    rest.requestObject<Shared>({ method, url, ...(object ? { object } : {}) });

  return {
    get: (namespace, name) => answer('GET', resourcePath(address, namespace, name)),
    list: async (options = {}) => {
      const url = `${resourcePath(address, options.namespace)}${listQuery(options)}`;
      const list = await rest.requestObject<RawList<Shared>>({ method: 'GET', url });
      return toObjectList(list) as ObjectList<T>;
    },
    watch: async (options, onEvent, onEnd): Promise<Disposable> => {
      const abort = new AbortController();
      const url = `${resourcePath(address, options.namespace)}${watchQuery(options)}`;
      const response = await rest.request({ method: 'GET', url, signal: abort.signal });
      return startWatch(response, onEvent, onEnd, abort);
    },
    create: (object) =>
      answer('POST', resourcePath(address, metaOf(object).namespace), object as object),
    update: (object) =>
      answer(
        'PUT',
        resourcePath(address, metaOf(object).namespace, nameOf(object)),
        object as object,
      ),
    updateStatus: (object) =>
      answer(
        'PUT',
        resourcePath(address, metaOf(object).namespace, nameOf(object), 'status'),
        object as object,
      ),
    patch: (namespace, name, type, patch, options = {}) => {
      const query = queryOf({
        fieldManager: options.fieldManager,
        force: options.force === undefined ? undefined : String(options.force),
      });
      return rest.requestObject<Shared>({
        method: 'PATCH',
        url: `${resourcePath(address, namespace, name, options.subresource)}${query}`,
        headers: { 'content-type': patchContentTypes[type] },
        object: patch,
      });
    },
    delete: async (namespace, name, options) => {
      await rest.request({
        method: 'DELETE',
        url: resourcePath(address, namespace, name),
        ...(options ? { object: deleteBody(options) } : {}),
      });
    },
    deleteCollection: async (options = {}, deleteOptions) => {
      await rest.request({
        method: 'DELETE',
        url: `${resourcePath(address, options.namespace)}${listQuery(options)}`,
        ...(deleteOptions ? { object: deleteBody(deleteOptions) } : {}),
      });
    },
    getSubresource: (namespace, name, subresource) =>
      rest.requestObject({
        method: 'GET',
        url: resourcePath(address, namespace, name, subresource),
      }),
    updateSubresource: (namespace, name, subresource, object) =>
      rest.requestObject({
        method: 'PUT',
        url: resourcePath(address, namespace, name, subresource),
        object,
      }),
    createSubresource: (namespace, name, subresource, object) =>
      rest.requestObject({
        method: 'POST',
        url: resourcePath(address, namespace, name, subresource),
        object,
      }),
  };
}

interface RawList<T> {
  readonly apiVersion?: string;
  readonly kind?: string;
  readonly metadata?: { readonly resourceVersion?: string; readonly continue?: string };
  readonly items?: readonly T[];
}

function toObjectList<T>(list: RawList<T>): ObjectList<T> {
  const items = list.items ?? [];
  const first = items[0] as { kind?: string } | undefined;
  // On the wire the items of a typed list carry no type of their own; readers rely on it.
  const typed =
    first && first.kind === undefined && list.kind?.endsWith('List')
      ? items.map((item) => ({
          apiVersion: list.apiVersion,
          kind: list.kind?.slice(0, -4),
          ...item,
        }))
      : items;
  return {
    items: typed as ObjectList<T>['items'],
    resourceVersion: list.metadata?.resourceVersion ?? '',
    ...(list.metadata?.continue ? { continue: list.metadata.continue } : {}),
  };
}

function deleteBody(options: DeleteOptions): object {
  return { kind: 'DeleteOptions', apiVersion: 'v1', ...options };
}

function queryOf(values: Readonly<Record<string, string | undefined>>): string {
  let params: URLSearchParams | undefined;
  for (const key in values) {
    const value = values[key];
    if (value !== undefined && value !== '') (params ??= new URLSearchParams()).set(key, value);
  }
  return params ? `?${params.toString()}` : '';
}

function listQuery(options: ListOptions): string {
  return queryOf({
    labelSelector: options.labelSelector,
    fieldSelector: options.fieldSelector,
    limit: options.limit === undefined ? undefined : String(options.limit),
    continue: options.continue,
    resourceVersion: options.resourceVersion,
  });
}

function watchQuery(options: WatchOptions): string {
  return queryOf({
    watch: 'true',
    labelSelector: options.labelSelector,
    fieldSelector: options.fieldSelector,
    resourceVersion: options.resourceVersion,
    allowWatchBookmarks: options.allowBookmarks ? 'true' : undefined,
    timeoutSeconds:
      options.timeoutSeconds === undefined ? undefined : String(options.timeoutSeconds),
    sendInitialEvents: options.sendInitialEvents ? 'true' : undefined,
    resourceVersionMatch: options.sendInitialEvents ? 'NotOlderThan' : undefined,
  });
}
