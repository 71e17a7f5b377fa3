import { utf8 } from '#core/base';
import { type ApiRequest, type ApiResponse, formatGroupVersion } from '../machinery/index.ts';
import { contentHash, type Discovery } from '../apis/index.ts';
import { methodNotAllowed, notServed } from './call.ts';
import type { Catalog } from './catalog.ts';
import type { Documents } from './documents.ts';
import { healthPaths } from './health.ts';
import { checkRoute, negotiate, notAcceptable, objectResponse, plainForm } from './negotiation.ts';
import type { ApiServerOptions } from './options.ts';
import type { OtherRequest } from './request-info.ts';

/** Answers discovery and OpenAPI; undefined for other paths. @throws StatusError 404, 405, 406 */
export function documentResponse(
  request: ApiRequest,
  info: OtherRequest,
  documents: Documents,
  options: ApiServerOptions,
  catalog: Catalog,
): ApiResponse | undefined {
  const path = info.path.length > 1 ? info.path.replace(/\/$/, '') : info.path;
  if (path === '/' || path === '/index.html')
    return objectResponse(200, { paths: rootPaths(catalog) }, { media: 'json', pretty: true });
  if (info.path === '/openapi/v2') return openApiV2(request, documents);
  if (path.startsWith('/openapi/v3')) return openApiV3(request, info, documents, options);
  return discoveryResponse(request, info, path.slice(1).split('/'), documents, catalog);
}

function discoveryResponse(
  request: ApiRequest,
  info: OtherRequest,
  [root = '', first, second, ...more]: readonly string[],
  { discovery }: Documents,
  catalog: Catalog,
): ApiResponse | undefined {
  if ((root !== 'api' && root !== 'apis') || more.length > 0) return undefined;
  const plain = (document: object | undefined): ApiResponse | undefined => {
    const form = plainForm(request, info);
    if (!form) throw notAcceptable();
    return document && objectResponse(200, document, form);
  };
  if (first === undefined) {
    if (root === 'api') checkGetRoute(request);
    // With a slash at its end the list of groups is an older handler's.
    const isOld = root === 'apis' && info.path.endsWith('/');
    return (
      (isOld ? undefined : aggregatedResponse(request, info, root, discovery)) ??
      plain(root === 'api' ? discovery.apiVersions() : discovery.groupList())
    );
  }
  if (root === 'api' && second === undefined) {
    const list = discovery.resourceList('', first);
    if (!list) throw notServed();
    checkGetRoute(request);
    return plain(list);
  }
  if (root === 'api') return undefined;
  if (second === undefined) {
    const group = discovery.group(first);
    return group && plain(group);
  }
  const list = discovery.resourceList(first, second);
  if (list) {
    if (!catalog.isCustomGroup(first)) checkGetRoute(request);
    return plain(list);
  }
  if (catalog.hasGroup(first) && !catalog.isCustomGroup(first)) throw notServed();
  return undefined;
}

/** Documents of built-in groups have a route for GET and for what it produces. */
function checkGetRoute(request: ApiRequest): void {
  if (request.method !== 'GET') throw methodNotAllowed();
  checkRoute(request);
}

const etags = new WeakMap<object, string>();

/** Of a document that does not change any more. */
function etagOf(document: object): string {
  let etag = etags.get(document);
  if (etag === undefined) {
    etag = `"${contentHash(JSON.stringify(document))}"`;
    etags.set(document, etag);
  }
  return etag;
}

/** Undefined when the client likes the older documents better. */
function aggregatedResponse(
  request: ApiRequest,
  info: OtherRequest,
  root: 'api' | 'apis',
  discovery: Discovery,
): ApiResponse | undefined {
  const wanted = { kind: 'APIGroupDiscoveryList', group: 'apidiscovery.k8s.io', version: 'v2' };
  const found = negotiate(
    request.headers['accept'],
    (_, conversion) =>
      conversion === undefined ||
      (conversion.kind === wanted.kind &&
        conversion.group === wanted.group &&
        conversion.version === wanted.version),
  );
  if (!found) throw notAcceptable();
  if (!found.conversion) return undefined;
  const document = discovery.aggregated(root);
  const form = { media: found.media, pretty: plainForm(request, info)?.pretty ?? false };
  const response = objectResponse(200, document, form);
  const etag = etagOf(document);
  const headers = {
    'content-type': `${response.headers['content-type'] ?? ''};g=${wanted.group};v=${wanted.version};as=${wanted.kind}`,
    'cache-control': 'public',
    etag,
    vary: 'Accept',
  };
  if (request.headers['if-none-match'] === etag)
    return { status: 304, headers, body: { kind: 'none' } };
  return { ...response, headers };
}

const openApiV3Types = [
  '*/*',
  'application/*',
  'application/json',
  'application/com.github.proto-openapi.spec.v3@v1.0+protobuf',
];
const openApiV2Binary = 'application/com.github.proto-openapi.spec.v2@v1.0+protobuf';
// The type that is asked for has an @, which no media type may have: the answer's is spelt otherwise.
const openApiV2Type = 'application/com.github.proto-openapi.spec.v2.v1.0+protobuf';

function openApiV2(request: ApiRequest, { openApi }: Documents): ApiResponse {
  const accept = request.headers['accept'] ?? '';
  const isBinary = accept
    .split(',')
    .some((range) => range.trim().split(';', 1)[0] === openApiV2Binary);
  const { text, hash } = openApi.documentV2();
  const headers = {
    'content-type': isBinary ? openApiV2Type : 'application/json',
    'accept-ranges': 'bytes',
    'cache-control': 'no-cache, private',
    etag: `"${hash}"`,
    vary: 'Accept',
  };
  if (request.headers['if-none-match'] === headers.etag)
    return { status: 304, headers, body: { kind: 'none' } };
  const bytes = isBinary ? openApi.binaryV2() : utf8(text);
  return { status: 200, headers, body: { kind: 'bytes', bytes } };
}

function openApiV3(
  request: ApiRequest,
  info: OtherRequest,
  { openApi }: Documents,
  options: ApiServerOptions,
): ApiResponse | undefined {
  if (info.path === '/openapi/v3')
    return {
      status: 200,
      headers: {
        'content-type': 'text/plain; charset=utf-8',
        'accept-ranges': 'bytes',
        'cache-control': 'no-cache, private',
      },
      body: { kind: 'bytes', bytes: utf8(JSON.stringify(openApi.index())) },
    };
  if (!info.path.startsWith('/openapi/v3/')) return undefined;
  const accept = request.headers['accept'] ?? '*/*';
  const types = accept.split(',').map((range) => range.split(';', 1)[0]?.trim() ?? '');
  if (!types.some((type) => openApiV3Types.includes(type)))
    return {
      status: 406,
      headers: { 'cache-control': 'no-cache, private', vary: 'Accept' },
      body: { kind: 'none' },
    };
  const document = openApi.document(info.path.slice('/openapi/v3/'.length));
  if (!document)
    return {
      status: 404,
      headers: { 'cache-control': 'no-cache, private' },
      body: { kind: 'none' },
    };
  const asked = info.query.get('hash');
  const isNewest = asked === document.hash;
  if (asked !== null && asked !== '' && !isNewest) {
    const location = `/openapi/v3/${info.path.slice('/openapi/v3/'.length)}?hash=${document.hash}`;
    return {
      status: 301,
      headers: {
        ...documentHeaders(document.hash),
        location,
        'cache-control': 'no-cache, private',
      },
      body: { kind: 'none' },
    };
  }
  const headers = {
    ...documentHeaders(document.hash),
    'accept-ranges': 'bytes',
    ...(isNewest
      ? {
          'cache-control': 'public, immutable',
          expires: new Date(options.clock.now() + 365 * 86_400_000).toUTCString(),
        }
      : { 'cache-control': 'no-cache, private' }),
  };
  if (request.headers['if-none-match'] === headers.etag)
    return { status: 304, headers, body: { kind: 'none' } };
  return { status: 200, headers, body: { kind: 'bytes', bytes: utf8(document.text) } };
}

function documentHeaders(hash: string): { 'content-type': string; etag: string; vary: string } {
  return { 'content-type': 'application/json', etag: `"${hash}"`, vary: 'Accept' };
}

function rootPaths(catalog: Catalog): string[] {
  const paths = new Set<string>(['/api', '/api/v1', '/apis', '/apis/', ...healthPaths()]);
  for (const row of catalog.rows()) {
    if (row.group === '') continue;
    paths.add(`/apis/${row.group}`);
    paths.add(`/apis/${formatGroupVersion(row)}`);
  }
  for (const path of [
    '/.well-known/openid-configuration',
    '/metrics',
    '/metrics/slis',
    '/openapi/v2',
    '/openapi/v3',
    '/openapi/v3/',
    '/openid/v1/jwks',
    '/version',
  ])
    paths.add(path);
  return [...paths].sort();
}
