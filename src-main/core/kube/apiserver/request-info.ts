import type { ApiRequest } from '../machinery/index.ts';

/** What a request is about, read from its line alone. */
export type RequestInfo = ResourceRequest | OtherRequest;

export interface ResourceRequest {
  readonly kind: 'resource';
  readonly path: string;
  readonly query: URLSearchParams;
  /** get, list, watch, create, update, patch, delete or deletecollection. */
  readonly verb: string;
  readonly group: string;
  readonly version: string;
  readonly namespace: string;
  readonly resource: string;
  readonly subresource: string;
  readonly name: string;
  /** What follows a proxy subresource, with its first slash. */
  readonly rest: string;
  /** The path has more parts than any resource. */
  readonly tooLong: boolean;
}

export interface OtherRequest {
  readonly kind: 'other';
  readonly path: string;
  readonly query: URLSearchParams;
  readonly verb: string;
}

const verbOf: Readonly<Record<ApiRequest['method'], string>> = {
  GET: 'get',
  HEAD: 'get',
  POST: 'create',
  PUT: 'update',
  PATCH: 'patch',
  DELETE: 'delete',
  OPTIONS: '',
  TRACE: '',
};
/** Subresources that are connections: they last as long as a client likes. @see BasicLongRunningRequestCheck */
export const connections: ReadonlySet<string> = new Set([
  'attach',
  'exec',
  'log',
  'portforward',
  'proxy',
]);
const namespaceSubresources = new Set(['status', 'finalize']);
const emptyQuery = new URLSearchParams();

/** Whether a query value is true as upstream's converters read it. */
export function isTrue(value: string | null): boolean {
  return value !== null && value !== '0' && value.toLowerCase() !== 'false';
}

/** A request line that names nothing, and what is answered before anybody asks who sent it. */
export interface Unreadable {
  readonly status: 400 | 500;
  readonly text: string;
}

/** @see k8s.io/apiserver/pkg/endpoints/request/requestinfo.go */
export function requestInfoOf(
  request: Pick<ApiRequest, 'method' | 'url'>,
): RequestInfo | Unreadable {
  const question = request.url.indexOf('?');
  const path = question < 0 ? request.url : request.url.slice(0, question);
  const query = question < 0 ? emptyQuery : new URLSearchParams(request.url.slice(question + 1));
  const decoded = decode(path);
  if (decoded === undefined) return { status: 400, text: '400 Bad Request' };
  // Upstream matches routes on what is left after unescaping: a slash in a name is a slash.
  const parts = decoded.split('/').filter((part) => part !== '');
  const other: OtherRequest = {
    kind: 'other',
    path,
    query,
    verb: request.method.toLowerCase(),
  };
  let at: number;
  let group = '';
  let version: string | undefined;
  if (parts[0] === 'api' && parts.length >= 3) {
    version = parts[1];
    at = 2;
  } else if (parts[0] === 'apis' && parts.length >= 4) {
    group = parts[1] ?? '';
    version = parts[2];
    at = 3;
  } else return other;
  let verb = verbOf[request.method];
  let prefixedWatch = false;
  const isSpecial = parts[at] === 'watch' || parts[at] === 'proxy';
  if (isSpecial && parts.length === at + 1)
    return {
      status: 500,
      text: `Internal Server Error: ${JSON.stringify(request.url)}: failed to create RequestInfo: unable to determine kind and namespace from url, ${path}\n`,
    };
  if (parts[at] === 'watch') {
    prefixedWatch = true;
    at += 1;
  }
  let namespace = '';
  let rest = parts.slice(at);
  /** Namespaces are in none. */
  let isNested = false;
  if (rest[0] === 'namespaces') {
    if (rest.length > 1) {
      namespace = rest[1] ?? '';
      if (rest.length > 2 && !namespaceSubresources.has(rest[2] ?? '')) {
        rest = rest.slice(2);
        isNested = rest[0] === 'namespaces';
      }
    }
  }
  const [resource = '', name = '', subresource = ''] = rest;
  if (resource === 'namespaces') namespace = name;
  const watching = prefixedWatch || isTrue(query.get('watch'));
  if (verb === 'get' && name === '') verb = watching ? 'watch' : 'list';
  else if (verb === 'get' && prefixedWatch) verb = 'watch';
  else if (verb === 'delete' && name === '') verb = 'deletecollection';
  return {
    kind: 'resource',
    path,
    query,
    verb,
    group,
    version: version ?? '',
    namespace,
    resource,
    subresource,
    name,
    rest: rest.length > 3 ? `/${rest.slice(3).join('/')}` : '',
    tooLong: isNested || (rest.length > 3 && subresource !== 'proxy'),
  };
}

/** Undefined for what is no escape. Bytes that are no UTF-8 stand for themselves, as Go has it. */
function decode(path: string): string | undefined {
  if (!path.includes('%')) return path;
  if (/%(?![0-9a-fA-F]{2})/.test(path)) return undefined;
  try {
    return decodeURIComponent(path);
  } catch {
    return path.replaceAll(/%([0-9a-fA-F]{2})/g, (_, hex: string) =>
      String.fromCharCode(parseInt(hex, 16)),
    );
  }
}
