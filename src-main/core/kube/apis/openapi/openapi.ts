import type { JsonObject } from '#core/base';
import { formatGroupVersion, type GroupVersion } from '../../machinery/index.ts';
import { builtinResources, kubernetesVersion } from '../resources.ts';
import { builtinSchemaNames, builtinSchemas } from '../schemas.ts';
import type { ResourceInfo } from '../types.ts';
import { contentHash } from './content-hash.ts';
import { customSchemaV2 } from './custom-schema-v2.ts';
import { pathsOf } from './paths.ts';
import { type RouteDocument, routeDocuments } from './routes.ts';
import { encodeOpenApiV2 } from './openapi-v2-binary.ts';
import { closure, type Descriptions, dialects, schemaDocument } from './schema-document.ts';

/** A group-version of CRDs. */
export interface CustomVersion extends GroupVersion {
  readonly resources: readonly ResourceInfo[];
  /** OpenAPI v3 schema of each kind as its CRD gives it, descriptions included, by the row's `schema` name. */
  readonly schemas: Readonly<Record<string, JsonObject>>;
}

export interface OpenApiOptions {
  /** None: the documents have types without prose. */
  readonly descriptions?: Descriptions;
  readonly extra?: readonly CustomVersion[];
  /** Documents of an earlier surface, whose built-in parts stay valid. */
  readonly previous?: OpenApi;
}

export interface OpenApiDocument {
  /** JSON. */
  readonly text: string;
  /** As in the index's `?hash=`, and the ETag. */
  readonly hash: string;
}

/** OpenAPI of one moment; make a new one when a CRD changes. */
export interface OpenApi {
  /** `GET /openapi/v3`: the document of each group-version, with its hash. Builds none of them. */
  index(): JsonObject;
  /** Hash of a document: undefined for a path that is not in the index. */
  hash(path: string): string | undefined;
  /** `GET /openapi/v3/PATH`, for instance `apis/apps/v1`; built on first use. */
  document(path: string): OpenApiDocument | undefined;
  /** Builds one built-in type a step: run through in idle time, documents are quick when they are asked for. */
  warm(): Iterable<void>;
  /** `GET /openapi/v2` as JSON. */
  documentV2(): OpenApiDocument;
  /** `GET /openapi/v2` as the message `openapi.v2.Document`. */
  binaryV2(): Uint8Array<ArrayBuffer>;
}

const meta = 'io.k8s.apimachinery.pkg.apis.meta.v1';

/** Meta types that operations of these resources refer to. */
function sharedSchemas(resources: readonly ResourceInfo[]): string[] {
  const verbs = new Set(
    resources.flatMap((row) => [row, ...row.subresources]).flatMap((each) => each.verbs),
  );
  const names = [
    ...(verbs.has('delete') ? ['DeleteOptions', 'Status'] : []),
    ...(verbs.has('patch') ? ['Patch'] : []),
  ];
  return names.map((name) => `${meta}.${name}`);
}
const securitySchemes = {
  BearerToken: {
    type: 'apiKey',
    description: 'Bearer Token authentication',
    name: 'authorization',
    in: 'header',
  },
};

/** `1.36` */
const minorVersion = kubernetesVersion.replace(/\.\d+$/, '').slice(1);

const noDescriptions: Descriptions = () => undefined;

/** What lasts from one surface to the next: texts of built-in types and documents. */
interface Cache {
  readonly descriptions: Descriptions;
  readonly schemas: Map<string, string>;
  readonly documents: Map<string, OpenApiDocument>;
}
const caches = new WeakMap<OpenApi, Cache>();

/** Describes what is served in OpenAPI v3 and v2. @see k8s.io/kube-openapi/pkg/handler3 */
export function createOpenApi(options: OpenApiOptions = {}): OpenApi {
  const { descriptions = noDescriptions, extra = [] } = options;
  const inherited = options.previous && caches.get(options.previous);
  const cache: Cache =
    inherited?.descriptions === descriptions
      ? inherited
      : { descriptions, schemas: new Map(), documents: new Map() };
  const hashes = new Map<string, string>();
  const builtin = new Map<string, GroupVersion>();
  const custom = new Map<string, CustomVersion>();
  for (const served of builtinResources.groupVersions()) {
    builtin.set(pathOf(served), served);
    // Built-in documents differ by release and prose alone.
    const prose = descriptions('io.k8s.api.core.v1.Pod') ?? '';
    hashes.set(pathOf(served), contentHash(`${kubernetesVersion} ${pathOf(served)} ${prose}`));
  }
  const routes = new Map(routeDocuments(builtinResources.groupVersions()));
  for (const [path] of routes) hashes.set(path, contentHash(`${kubernetesVersion} ${path}`));
  for (const version of extra) {
    const path = pathOf(version);
    if (builtin.has(path)) continue;
    custom.set(path, version);
    hashes.set(path, contentHash(JSON.stringify([version.resources, version.schemas])));
  }
  for (const [path, { hash }] of cache.documents)
    if (hashes.get(path) !== hash) cache.documents.delete(path);
  let v2: OpenApiDocument | undefined;
  let binary: Uint8Array<ArrayBuffer> | undefined;
  const openApi: OpenApi = {
    index: () => ({
      paths: Object.fromEntries(
        [...hashes]
          .sort(([a], [b]) => (a < b ? -1 : 1))
          .map(([path, hash]) => [path, { serverRelativeURL: `/openapi/v3/${path}?hash=${hash}` }]),
      ),
    }),
    hash: (path) => hashes.get(path),
    document: (path) => {
      const hash = hashes.get(path);
      if (hash === undefined) return undefined;
      const known = cache.documents.get(path);
      if (known?.hash === hash) return known;
      const served = builtin.get(path);
      const version = custom.get(path);
      const route = routes.get(path);
      const text = served
        ? builtinDocument(served, cache)
        : version
          ? customDocument(version, cache)
          : route
            ? routeDocument(route, cache)
            : '{}';
      const document = { text, hash };
      cache.documents.set(path, document);
      return document;
    },
    *warm() {
      for (const name of builtinSchemaNames()) {
        schemaText(name, { group: '', version: 'v1' }, cache);
        yield;
      }
    },
    documentV2: () => (v2 ??= documentV2(descriptions, extra)),
    binaryV2: () =>
      (binary ??= encodeOpenApiV2(JSON.parse(openApi.documentV2().text) as JsonObject)),
  };
  caches.set(openApi, cache);
  return openApi;
}

const pathOf = (served: GroupVersion) =>
  served.group === '' ? `api/${served.version}` : `apis/${formatGroupVersion(served)}`;

let kindSchemas: Map<string, string> | undefined;

/** The schema of a built-in kind. */
function schemaOfKind(group: string, version: string, kind: string): string | undefined {
  if (!kindSchemas) {
    kindSchemas = new Map();
    for (const name of builtinSchemaNames()) {
      const kinds = builtinSchemas.get(name)?.kinds ?? [];
      if (kinds.length === 1)
        for (const each of kinds)
          kindSchemas.set(`${each.group}/${each.version}/${each.kind}`, name);
    }
  }
  return kindSchemas.get(`${group}/${version}/${kind}`);
}

function builtinDocument({ group, version }: GroupVersion, cache: Cache): string {
  const resources = builtinResources.of(group, version);
  const roots = resources.flatMap((row) => [
    row.schema,
    schemaOfKind(group, version, `${row.kind}List`),
    ...row.subresources.map((each) => schemaOfKind(each.group, each.version, each.kind)),
  ]);
  const isWatched = resources.some(({ verbs }) => verbs.includes('watch'));
  const names = closure([
    `${meta}.APIResourceList`,
    ...(isWatched ? [`${meta}.WatchEvent`] : []),
    ...sharedSchemas(resources),
    ...roots.filter((name) => name !== undefined),
  ]);
  const paths = pathsOf({ group, version, resources, isBuiltin: true, schemaOf: schemaOfKind });
  const info = { title: 'Kubernetes', version: minorVersion };
  return assemble(
    info,
    paths,
    names.map((name) => schemaText(name, { group, version }, cache)),
    securitySchemes,
  );
}

/** `"name":{…}`, kept for all documents that hold the type. */
function schemaText(name: string, { group, version }: GroupVersion, cache: Cache): string {
  const known = cache.schemas.get(name);
  if (known !== undefined) return known;
  const document = schemaDocument(name, cache.descriptions, dialects.v3);
  const kind = name.slice(meta.length + 1);
  const isEverywhere = name.startsWith(meta) && (kind === 'DeleteOptions' || kind === 'WatchEvent');
  // These two are kinds of every group, and each document says so of its own.
  if (isEverywhere && group !== '')
    document['x-kubernetes-group-version-kind'] = [
      { group: '', version: 'v1', kind },
      { group, version, kind },
    ];
  const text = `${JSON.stringify(name)}:${JSON.stringify(document)}`;
  if (!isEverywhere) cache.schemas.set(name, text);
  return text;
}

function assemble(
  info: JsonObject,
  paths: JsonObject,
  schemas: readonly string[],
  security?: JsonObject,
): string {
  const parts = [
    ...(schemas.length > 0 ? [`"schemas":{${schemas.join(',')}}`] : []),
    ...(security ? [`"securitySchemes":${JSON.stringify(security)}`] : []),
  ];
  return (
    `{"openapi":"3.0.0","info":${JSON.stringify(info)},"paths":${JSON.stringify(paths)},` +
    `"components":{${parts.join(',')}}}`
  );
}

/** The document of one path that is no resource. */
function routeDocument({ paths, answer }: RouteDocument, cache: Cache): string {
  const names = answer === undefined ? [] : closure([answer]);
  const core = { group: '', version: 'v1' };
  return assemble(
    { title: 'Kubernetes', version: minorVersion },
    paths,
    names.map((name) => schemaText(name, core, cache)),
    securitySchemes,
  );
}

/** Prose that CRDs share with built-in kinds. */
const standard = 'io.k8s.api.core.v1.ConfigMap';

function customDocument(version: CustomVersion, cache: Cache): string {
  const listOf = (row: ResourceInfo) => `${row.schema}List`;
  const schemaOf = (group: string, each: string, kind: string) => {
    const row = version.resources.find((one) => kind === one.kind || kind === `${one.kind}List`);
    if (group !== version.group || each !== version.version || !row)
      return schemaOfKind(group, each, kind);
    return kind === row.kind ? row.schema : listOf(row);
  };
  const roots = version.resources.flatMap(({ subresources }) =>
    subresources.map((each) => schemaOfKind(each.group, each.version, each.kind)),
  );
  const names = closure([
    ...sharedSchemas(version.resources),
    `${meta}.ObjectMeta`,
    `${meta}.ListMeta`,
    ...roots.filter((name) => name !== undefined),
  ]);
  const own = version.resources.flatMap((row): [string, JsonObject][] => [
    [row.schema, customSchema(row, version.schemas[row.schema] ?? { type: 'object' }, cache)],
    [listOf(row), customList(row, cache)],
  ]);
  const paths = pathsOf({ ...version, isBuiltin: false, schemaOf });
  return assemble({ title: 'Kubernetes CRD Swagger', version: 'v0.1.0' }, paths, [
    ...names.map((name) => schemaText(name, version, cache)),
    ...own.map(([name, schema]) => `${JSON.stringify(name)}:${JSON.stringify(schema)}`),
  ]);
}

function typeMeta({ descriptions }: Cache): JsonObject {
  const field = (name: string): JsonObject => {
    const description = descriptions(standard, name);
    return { ...(description !== undefined && { description }), type: 'string' };
  };
  return { apiVersion: field('apiVersion'), kind: field('kind') };
}

function metaReference(name: string, description: string | undefined): JsonObject {
  const $ref = `${dialects.v3.prefix}${meta}.${name}`;
  return description === undefined ? { $ref } : { description, allOf: [{ $ref }] };
}

function customSchema(row: ResourceInfo, schema: JsonObject, cache: Cache): JsonObject {
  const { group, version, kind } = row;
  const properties = schema['properties'] as JsonObject | undefined;
  return {
    ...schema,
    properties: {
      ...properties,
      ...typeMeta(cache),
      metadata: metaReference('ObjectMeta', cache.descriptions(standard, 'metadata')),
    },
    'x-kubernetes-group-version-kind': [{ group, version, kind }],
  };
}

function customList(row: ResourceInfo, cache: Cache): JsonObject {
  const { group, version, kind, resource, schema } = row;
  const conventions =
    'https://git.k8s.io/community/contributors/devel/sig-architecture/api-conventions.md';
  return {
    description: `${kind}List is a list of ${kind}`,
    type: 'object',
    required: ['items'],
    properties: {
      ...typeMeta(cache),
      items: {
        description: `List of ${resource}. More info: ${conventions}`,
        type: 'array',
        items: { $ref: `${dialects.v3.prefix}${schema}` },
      },
      metadata: metaReference('ListMeta', cache.descriptions(`${standard}List`, 'metadata')),
    },
    'x-kubernetes-group-version-kind': [{ group, version, kind: `${kind}List` }],
  };
}

/** Definitions of all types and no paths: what clients of version 2 read kinds and merge keys from. */
function documentV2(descriptions: Descriptions, extra: readonly CustomVersion[]): OpenApiDocument {
  const definitions: JsonObject = {};
  for (const name of builtinSchemaNames())
    definitions[name] = schemaDocument(name, descriptions, dialects.v2);
  for (const { schemas, resources } of extra)
    for (const { schema, group, version, kind } of resources)
      definitions[schema] = {
        ...customSchemaV2(schemas[schema] ?? { type: 'object' }),
        'x-kubernetes-group-version-kind': [{ group, version, kind }],
      };
  const text = JSON.stringify({
    swagger: '2.0',
    info: { title: 'Kubernetes', version: minorVersion },
    paths: {},
    definitions,
    securityDefinitions: securitySchemes,
    security: [{ BearerToken: [] }],
  });
  // The text is long, and follows from the release, its prose and the definitions.
  const prose = descriptions('io.k8s.api.core.v1.Pod') ?? '';
  return { text, hash: contentHash(`v2 ${kubernetesVersion} ${prose} ${JSON.stringify(extra)}`) };
}
