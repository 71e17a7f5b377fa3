import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import type { JsonObject } from '#core/base';
import {
  builtinResources,
  createOpenApi,
  type CustomVersion,
  type OpenApi,
} from '../../../../../../src-main/core/kube/apis/index.ts';
import {
  defaultKubernetesVersion,
  findSources,
} from '../../../../../../src-main/tools/generate/sources.ts';

interface Operation {
  operationId: string;
  parameters?: { name: string }[];
  'x-kubernetes-action': string;
  'x-kubernetes-group-version-kind': { group: string; version: string; kind: string };
}
type PathItem = Record<string, Operation | { name: string }[]>;
interface Document {
  paths: Record<string, PathItem>;
  components: { schemas: Record<string, JsonObject> };
}

const read = (openApi: OpenApi, path: string) =>
  JSON.parse(openApi.document(path)?.text ?? 'null') as Document;
const openApi = createOpenApi();

/** Prose is not compared, nor enums, which upstream's committed files lack. */
function bare(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(bare);
  if (typeof value !== 'object' || value === null) return value;
  const rest: Record<string, unknown> = {};
  for (const [key, each] of Object.entries(value)) {
    const isProse = key === 'description' && typeof each === 'string';
    const isEnum = key === 'enum' && Array.isArray(each);
    if (!isProse && !isEnum) rest[key] = bare(each);
  }
  // Without its description a wrapped reference is a bare one.
  const { allOf, ...others } = rest as { allOf?: object[] };
  return allOf && Object.keys(others).length === 0 ? allOf[0] : rest;
}

function describeOperation(url: string, method: string, operation: Operation): string {
  const { group, version, kind } = operation['x-kubernetes-group-version-kind'];
  return `${method} ${url} ${operation.operationId} ${operation['x-kubernetes-action']} ${group}/${version} ${kind}`;
}

describe('documents of built-in group-versions', () => {
  const sources = findSources(defaultKubernetesVersion);
  if (typeof sources === 'string')
    console.warn(`NOT RUN: documents were not compared with upstream's: ${sources}`);

  test.each(builtinResources.groupVersions())('$group/$version', ({ group, version }) => {
    const path = group === '' ? `api/${version}` : `apis/${group}/${version}`;
    const mine = read(openApi, path);
    expect(Object.keys(mine.paths).length).toBeGreaterThan(0);
    if (typeof sources === 'string') return;
    const file = `${path.replaceAll('/', '__')}_openapi.json`;
    const theirs = JSON.parse(
      readFileSync(join(sources.kubernetes, 'api/openapi-spec/v3', file), 'utf8'),
    ) as Document;
    expect(bare(mine.components.schemas)).toEqual(bare(theirs.components.schemas));
    const operations = ({ paths }: Document) =>
      Object.entries(paths).flatMap(([url, item]) =>
        /\/watch\/|\{path\}|\/v\d+\/$/.test(url)
          ? []
          : Object.entries(item).flatMap(([method, operation]) =>
              Array.isArray(operation) || /head|options/.test(method)
                ? []
                : [describeOperation(url, method, operation)],
            ),
      );
    expect(operations(mine).sort()).toEqual(operations(theirs).sort());
  });

  test('the index tells each with its hash, and builds none', () => {
    const { paths } = openApi.index() as { paths: Record<string, { serverRelativeURL: string }> };
    expect(paths['apis/apps/v1']?.serverRelativeURL).toBe(
      `/openapi/v3/apis/apps/v1?hash=${openApi.hash('apis/apps/v1')}`,
    );
    expect(openApi.document('apis/apps/v1')?.hash).toBe(openApi.hash('apis/apps/v1'));
    expect(openApi.document('apis/nosuch/v1')).toBeUndefined();
    expect(openApi.hash('apis/nosuch/v1')).toBeUndefined();
  });

  test('kubectl finds dryRun and fieldValidation on the patch of a kind', () => {
    const item = read(openApi, 'api/v1').paths['/api/v1/namespaces/{namespace}/pods/{name}'];
    const patch = item?.['patch'] as Operation;
    expect(patch['x-kubernetes-group-version-kind']).toEqual({
      group: '',
      version: 'v1',
      kind: 'Pod',
    });
    expect(patch.parameters?.map(({ name }) => name)).toEqual([
      'dryRun',
      'fieldManager',
      'fieldValidation',
      'force',
    ]);
  });

  test('warming builds nothing but what documents are made of', () => {
    const warmed = createOpenApi();
    expect([...warmed.warm()].length).toBeGreaterThan(500);
    expect(warmed.document('apis/apps/v1')).toEqual(openApi.document('apis/apps/v1'));
  });

  test('descriptions stand at types and fields, and change the hash', () => {
    const described = createOpenApi({ descriptions: (type, field) => `${type}/${field ?? ''}` });
    const pod = read(described, 'api/v1').components.schemas['io.k8s.api.core.v1.Pod'];
    expect(pod).toMatchObject({
      description: 'io.k8s.api.core.v1.Pod/',
      properties: {
        spec: {
          description: 'io.k8s.api.core.v1.Pod/spec',
          allOf: [{ $ref: '#/components/schemas/io.k8s.api.core.v1.PodSpec' }],
        },
      },
    });
    expect(described.hash('api/v1')).not.toBe(openApi.hash('api/v1'));
  });
});

describe('CRDs', () => {
  const group = 'stable.example.com';
  const crontab = (description: string): CustomVersion => ({
    group,
    version: 'v1',
    resources: [
      {
        group,
        version: 'v1',
        resource: 'crontabs',
        singular: 'crontab',
        kind: 'CronTab',
        namespaced: true,
        verbs: ['delete', 'deletecollection', 'get', 'list', 'patch', 'create', 'update', 'watch'],
        shortNames: ['ct'],
        categories: [],
        schema: 'com.example.stable.v1.CronTab',
        subresources: [
          {
            name: 'status',
            group,
            version: 'v1',
            kind: 'CronTab',
            verbs: ['get', 'patch', 'update'],
          },
          {
            name: 'scale',
            group: 'autoscaling',
            version: 'v1',
            kind: 'Scale',
            verbs: ['get', 'update'],
          },
        ],
      },
    ],
    schemas: {
      'com.example.stable.v1.CronTab': {
        type: 'object',
        description,
        properties: { spec: { type: 'object', properties: { cronSpec: { type: 'string' } } } },
      },
    },
  });
  const path = `apis/${group}/v1`;

  test('have a document with their schema, its list and the shared types', () => {
    const { components, paths } = read(createOpenApi({ extra: [crontab('A cron tab.')] }), path);
    expect(components.schemas['com.example.stable.v1.CronTab']).toEqual({
      type: 'object',
      description: 'A cron tab.',
      properties: {
        spec: { type: 'object', properties: { cronSpec: { type: 'string' } } },
        apiVersion: { type: 'string' },
        kind: { type: 'string' },
        metadata: { $ref: '#/components/schemas/io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta' },
      },
      'x-kubernetes-group-version-kind': [{ group, version: 'v1', kind: 'CronTab' }],
    });
    expect(Object.keys(components.schemas)).toEqual(
      expect.arrayContaining([
        'com.example.stable.v1.CronTabList',
        'io.k8s.api.autoscaling.v1.Scale',
        'io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta',
      ]),
    );
    expect(Object.keys(paths)).toEqual([
      `/apis/${group}/v1/namespaces/{namespace}/crontabs`,
      `/apis/${group}/v1/crontabs`,
      `/apis/${group}/v1/namespaces/{namespace}/crontabs/{name}`,
      `/apis/${group}/v1/namespaces/{namespace}/crontabs/{name}/status`,
      `/apis/${group}/v1/namespaces/{namespace}/crontabs/{name}/scale`,
    ]);
  });

  test('a changed CRD has a new hash; built-in documents are kept', () => {
    const before = createOpenApi({ extra: [crontab('old')] });
    const pods = before.document('api/v1');
    const after = createOpenApi({ extra: [crontab('new')], previous: before });
    expect(after.hash(path)).not.toBe(before.hash(path));
    expect(read(after, path).components.schemas['com.example.stable.v1.CronTab']).toMatchObject({
      description: 'new',
    });
    expect(after.document('api/v1')).toBe(pods);
    expect(createOpenApi().document('api/v1')).not.toBe(pods);
  });
});

test('version 2 defines every kind, without defaults', () => {
  const { definitions } = JSON.parse(openApi.documentV2().text) as {
    definitions: Record<string, JsonObject>;
  };
  for (const { schema, group, version, kind } of builtinResources.rows)
    expect(definitions[schema]?.['x-kubernetes-group-version-kind']).toEqual([
      { group, version, kind },
    ]);
  expect(definitions['io.k8s.api.core.v1.ContainerPort']).not.toHaveProperty(
    'properties.protocol.default',
  );
});
