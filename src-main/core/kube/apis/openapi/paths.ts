import type { JsonObject } from '#core/base';
import { formatGroupVersion, type GroupVersion } from '../../machinery/index.ts';
import type { ResourceInfo, SubresourceInfo, Verb } from '../types.ts';

const meta = 'io.k8s.apimachinery.pkg.apis.meta.v1';
const write: readonly string[] = ['dryRun', 'fieldManager', 'fieldValidation'];
const list: readonly string[] = [
  'allowWatchBookmarks',
  'continue',
  'fieldSelector',
  'labelSelector',
  'limit',
  'resourceVersion',
  'resourceVersionMatch',
  'sendInitialEvents',
  'shardSelector',
  'timeoutSeconds',
  'watch',
];
const remove: readonly string[] = [
  'dryRun',
  'gracePeriodSeconds',
  'ignoreStoreReadErrorWithClusterBreakingPotential',
  'orphanDependents',
  'propagationPolicy',
];
const integers = new Set(['limit', 'timeoutSeconds', 'gracePeriodSeconds']);
const booleans = new Set([
  'allowWatchBookmarks',
  'force',
  'ignoreStoreReadErrorWithClusterBreakingPotential',
  'orphanDependents',
  'sendInitialEvents',
  'watch',
]);
export const media: readonly string[] = [
  'application/json',
  'application/vnd.kubernetes.protobuf',
  'application/yaml',
];
const streams = [
  'application/json;stream=watch',
  'application/vnd.kubernetes.protobuf;stream=watch',
];
const patches = [
  'application/apply-patch+yaml',
  'application/json-patch+json',
  'application/merge-patch+json',
  'application/strategic-merge-patch+json',
];

/** What one group-version offers, as its document describes it. */
export interface PathSource extends GroupVersion {
  readonly resources: readonly ResourceInfo[];
  /** CRDs speak neither protobuf nor strategic merge patch. */
  readonly isBuiltin: boolean;
  /** The schema of a kind: that of a list, or of a subresource. */
  readonly schemaOf: (group: string, version: string, kind: string) => string | undefined;
}

type Method = 'get' | 'post' | 'put' | 'delete' | 'patch';
interface Operation {
  readonly method: Method;
  readonly action: string;
  /** What the operation's id begins with, and what stands in it between version and kind. */
  readonly id: string;
  readonly infix?: string;
  readonly query: readonly string[];
  readonly body?: string | undefined;
  readonly answer?: string | undefined;
  readonly isWatchable?: boolean;
  readonly codes: readonly [string, string][];
}

const ok: [string, string] = ['200', 'OK'];
const created: [string, string] = ['201', 'Created'];
const accepted: [string, string] = ['202', 'Accepted'];

/** `paths` of a version 3 document. */
export function pathsOf(source: PathSource): JsonObject {
  const { group, version } = source;
  const root = group === '' ? `/api/${version}` : `/apis/${formatGroupVersion(source)}`;
  const paths: JsonObject = {};
  if (source.isBuiltin)
    paths[`${root}/`] = {
      get: {
        tags: [tagOf(source)],
        operationId: `get${capital(camelGroup(group))}${capital(version)}APIResources`,
        responses: {
          '200': { description: 'OK', content: content(media, `${meta}.APIResourceList`) },
          '401': { description: 'Unauthorized' },
        },
      },
    };
  for (const row of source.resources) {
    const base = row.namespaced
      ? `${root}/namespaces/{namespace}/${row.resource}`
      : `${root}/${row.resource}`;
    const one = row.schema;
    const many = source.schemaOf(group, version, `${row.kind}List`) ?? one;
    const verbs = new Set<string>(row.verbs);
    const add = (path: string, row_: Speaker, operations: readonly Operation[], named: boolean) => {
      if (operations.length > 0) paths[path] = pathItem(source, row, row_, operations, named, path);
    };
    const status = `${meta}.Status`;
    const collection: (Operation | false)[] = [
      verbs.has('list') && listOperation(many),
      verbs.has('create') && createOperation(one),
      verbs.has('deletecollection') && {
        method: 'delete',
        action: 'deletecollection',
        id: 'delete',
        infix: 'Collection',
        query: [...new Set([...list, ...remove])].filter((name) => !/watch/i.test(name)).sort(),
        body: `${meta}.DeleteOptions`,
        answer: status,
        codes: [ok],
      },
    ];
    add(base, row, collection.filter(isOperation), false);
    if (row.namespaced && verbs.has('list'))
      add(`${root}/${row.resource}`, row, [listOperation(many)], false);
    // Creating is a matter of the collection, save for subresources.
    const onObject = row.verbs.filter((verb) => verb !== 'create');
    add(`${base}/{name}`, row, objectOperations(onObject, one, status), true);
    for (const subresource of row.subresources) {
      const schema = source.schemaOf(subresource.group, subresource.version, subresource.kind);
      add(
        `${base}/{name}/${subresource.name}`,
        subresource,
        schema === undefined
          ? connectOperations(subresource.verbs)
          : objectOperations(subresource.verbs, schema, status),
        true,
      );
    }
  }
  return paths;
}

type Speaker = ResourceInfo | SubresourceInfo;
const isOperation = (operation: Operation | false): operation is Operation => operation !== false;

function listOperation(answer: string): Operation {
  return {
    method: 'get',
    action: 'list',
    id: 'list',
    query: list,
    answer,
    isWatchable: true,
    codes: [ok],
  };
}

function createOperation(one: string): Operation {
  return {
    method: 'post',
    action: 'post',
    id: 'create',
    query: write,
    body: one,
    answer: one,
    codes: [ok, created, accepted],
  };
}

function objectOperations(verbs: readonly Verb[], one: string, status: string): Operation[] {
  const has = new Set<string>(verbs);
  const operations: (Operation | false)[] = [
    has.has('get') && {
      method: 'get',
      action: 'get',
      id: 'read',
      query: [],
      answer: one,
      codes: [ok],
    },
    has.has('create') && createOperation(one),
    has.has('update') && {
      method: 'put',
      action: 'put',
      id: 'replace',
      query: write,
      body: one,
      answer: one,
      codes: [ok, created],
    },
    has.has('delete') && {
      method: 'delete',
      action: 'delete',
      id: 'delete',
      query: remove,
      body: `${meta}.DeleteOptions`,
      answer: status,
      codes: [ok, accepted],
    },
    has.has('patch') && {
      method: 'patch',
      action: 'patch',
      id: 'patch',
      query: ['dryRun', 'fieldManager', 'fieldValidation', 'force'],
      body: `${meta}.Patch`,
      answer: one,
      codes: [ok, created],
    },
  ];
  return operations.filter(isOperation);
}

const connectMethods: Partial<Record<Verb, Method>> = {
  get: 'get',
  create: 'post',
  update: 'put',
  delete: 'delete',
  patch: 'patch',
};

/** exec, attach, portforward, proxy: streams without a schema. */
function connectOperations(verbs: readonly Verb[]): Operation[] {
  return verbs.flatMap((verb) => {
    const method = connectMethods[verb];
    if (!method) return [];
    const infix = capital(method);
    return [{ method, action: 'connect', id: 'connect', infix, query: [], codes: [ok] }];
  });
}

function pathItem(
  source: PathSource,
  row: ResourceInfo,
  speaker: Speaker,
  operations: readonly Operation[],
  named: boolean,
  path: string,
): JsonObject {
  const item: JsonObject = {};
  for (const operation of operations)
    item[operation.method] = operationDocument(source, row, speaker, operation, path);
  item['parameters'] = [
    ...(named ? [pathParameter('name')] : []),
    ...(path.includes('{namespace}') ? [pathParameter('namespace')] : []),
    queryParameter('pretty'),
  ];
  return item;
}

function operationDocument(
  source: PathSource,
  row: ResourceInfo,
  speaker: Speaker,
  operation: Operation,
  path: string,
): JsonObject {
  const name = camelGroup(source.group);
  const isSubresource = speaker !== row && 'name' in speaker;
  const scope = !row.namespaced
    ? ''
    : path.includes('{namespace}')
      ? 'Namespaced'
      : 'ForAllNamespaces';
  const subject = `${row.kind}${isSubresource ? capital(speaker.name) : ''}`;
  const target = scope === 'ForAllNamespaces' ? `${subject}${scope}` : `${scope}${subject}`;
  const accepts = source.isBuiltin ? patches : patches.slice(0, 3);
  const answers = [
    ...media.filter((each) => source.isBuiltin || !each.includes('protobuf')),
    ...(operation.isWatchable
      ? streams.filter((each) => source.isBuiltin || !each.includes('protobuf'))
      : []),
  ];
  return {
    tags: [tagOf(source)],
    operationId: `${operation.id}${capital(name)}${capital(source.version)}${operation.infix ?? ''}${target}`,
    ...(operation.query.length > 0 && { parameters: operation.query.map(queryParameter) }),
    ...(operation.body !== undefined && {
      requestBody: {
        content: content(operation.method === 'patch' ? accepts : ['*/*'], operation.body),
        ...(operation.method !== 'delete' && { required: true }),
      },
    }),
    responses: {
      ...Object.fromEntries(
        operation.codes.map(([code, description]) => [
          code,
          {
            description,
            content:
              operation.answer === undefined
                ? { '*/*': { schema: { type: 'string' } } }
                : content(answers, operation.answer),
          },
        ]),
      ),
      '401': { description: 'Unauthorized' },
    },
    'x-kubernetes-action': operation.action,
    'x-kubernetes-group-version-kind': {
      group: speaker.group,
      version: speaker.version,
      kind: speaker.kind,
    },
  };
}

/** `rbac.authorization.k8s.io` → `rbacAuthorization`, as operation ids spell groups. */
export function camelGroup(group: string): string {
  const words = group === '' ? ['core'] : group.replace(/\.k8s\.io$/, '').split(/[.-]/);
  return words.map((word, index) => (index === 0 ? word : capital(word))).join('');
}

const tagOf = ({ group, version }: GroupVersion) => `${camelGroup(group)}_${version}`;

function content(types: readonly string[], schema: string): JsonObject {
  const $ref = `#/components/schemas/${schema}`;
  return Object.fromEntries(types.map((type) => [type, { schema: { $ref } }]));
}

function queryParameter(name: string): JsonObject {
  const type = integers.has(name) ? 'integer' : booleans.has(name) ? 'boolean' : 'string';
  return { name, in: 'query', schema: { type, uniqueItems: true } };
}

function pathParameter(name: string): JsonObject {
  return { name, in: 'path', required: true, schema: { type: 'string', uniqueItems: true } };
}

export const capital = (word: string) => word.charAt(0).toUpperCase() + word.slice(1);
