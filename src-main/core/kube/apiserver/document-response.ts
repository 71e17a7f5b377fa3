import { utf8 } from '#core/base';
import { type ApiRequest, type ApiResponse, formatGroupVersion } from '../machinery/index.ts';
import { notServed } from './call.ts';
import type { Catalog } from './catalog.ts';
import { acceptClauses, objectResponse, wantsPretty } from './negotiation.ts';
import type { Documents } from './documents.ts';
import type { ApiServerOptions } from './options.ts';
import type { OtherRequest } from './request-info.ts';

// The type that is asked for has an @, which no media type may have: the answer's is spelt otherwise.
const emptyOpenApiV2 = 'application/com.github.proto-openapi.spec.v2.v1.0+protobuf';

/** Answers discovery and OpenAPI; undefined for other paths. */
export function documentResponse(
  request: ApiRequest,
  info: OtherRequest,
  documents: Documents,
  options: ApiServerOptions,
  catalog: Catalog,
): ApiResponse | undefined {
  const path = info.path.length > 1 ? info.path.replace(/\/$/, '') : info.path;
  const pretty = wantsPretty(request, info);
  const json = (
    object: object | undefined,
    headers?: Readonly<Record<string, string>>,
  ): ApiResponse | undefined =>
    object && objectResponse(200, object, { media: 'json', pretty }, undefined, headers);
  const parts = path.slice(1).split('/');
  if (path === '/') return json({ paths: rootPaths(catalog) });
  const { discovery, openApi } = documents;
  if (path === '/api' || path === '/apis') {
    const root = parts[0] as 'api' | 'apis';
    const version = aggregatedVersion(request);
    if (version) {
      const response = objectResponse(200, discovery.aggregated(root, version), {
        media: 'json',
        pretty,
      });
      return {
        ...response,
        headers: {
          ...response.headers,
          'content-type': `application/json;g=apidiscovery.k8s.io;v=${version};as=APIGroupDiscoveryList`,
        },
      };
    }
    return json(root === 'api' ? discovery.apiVersions() : discovery.groupList());
  }
  if (parts[0] === 'api' && parts.length === 2)
    return json(discovery.resourceList('', parts[1] ?? ''));
  if (parts[0] === 'apis' && parts.length === 2) return json(discovery.group(parts[1] ?? ''));
  if (parts[0] === 'apis' && parts.length === 3) {
    const list = discovery.resourceList(parts[1] ?? '', parts[2] ?? '');
    if (!list && catalog.hasGroup(parts[1] ?? '')) throw notServed();
    return json(list);
  }
  if (path === '/openapi/v2') {
    if ((request.headers['accept'] ?? '').includes('proto-openapi'))
      // An empty document is a valid one; clients that ask for this form go on to v3.
      return {
        status: 200,
        headers: { 'content-type': emptyOpenApiV2 },
        body: { kind: 'bytes', bytes: new Uint8Array() },
      };
    return {
      status: 200,
      headers: { 'content-type': 'application/json', 'cache-control': 'no-cache, private' },
      body: { kind: 'bytes', bytes: utf8(openApi.documentV2().text) },
    };
  }
  if (path === '/openapi/v3') return json(openApi.index());
  if (path.startsWith('/openapi/v3/')) {
    const document = openApi.document(path.slice('/openapi/v3/'.length));
    if (!document) return undefined;
    const headers = {
      'content-type': 'application/json',
      etag: `"${document.hash}"`,
      vary: 'Accept',
      ...(info.query.has('hash')
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
  return undefined;
}

/** The form of aggregated discovery the client likes best; undefined for the older documents. */
function aggregatedVersion(request: ApiRequest): 'v2' | 'v2beta1' | undefined {
  for (const { type, parameters } of acceptClauses(request.headers['accept'] ?? '')) {
    if (type !== 'application/json') continue;
    if (parameters.get('as') === undefined) return undefined;
    const version = parameters.get('v');
    if (
      parameters.get('as') === 'APIGroupDiscoveryList' &&
      parameters.get('g') === 'apidiscovery.k8s.io' &&
      (version === 'v2' || version === 'v2beta1')
    )
      return version;
  }
  return undefined;
}

function rootPaths(catalog: Catalog): string[] {
  const paths = new Set<string>(['/api', '/api/v1', '/apis', '/apis/']);
  for (const row of catalog.rows()) {
    if (row.group === '') continue;
    paths.add(`/apis/${row.group}`);
    paths.add(`/apis/${formatGroupVersion(row)}`);
  }
  for (const path of [
    '/healthz',
    '/livez',
    '/metrics',
    '/openapi/v2',
    '/openapi/v3',
    '/openapi/v3/',
    '/readyz',
    '/version',
  ])
    paths.add(path);
  return [...paths].sort();
}
