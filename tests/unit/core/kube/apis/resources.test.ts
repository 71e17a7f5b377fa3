import { describe, expect, test } from 'vitest';
import {
  builtinResources,
  builtinSchemaNames,
  builtinSchemas,
  compareVersions,
  kubernetesVersion,
  type SchemaNode,
} from '../../../../../src-main/core/kube/apis/index.ts';

describe('builtinResources', () => {
  test('is of a release', () => {
    expect(kubernetesVersion).toMatch(/^v1\.\d+\.\d+$/);
  });

  test.each([
    { group: '', resource: 'pods', version: 'v1', kind: 'Pod', why: 'the core group' },
    {
      group: 'apps',
      resource: 'deployments',
      version: 'v1',
      kind: 'Deployment',
      why: 'a named group',
    },
    {
      group: 'autoscaling',
      resource: 'horizontalpodautoscalers',
      version: 'v2',
      kind: 'HorizontalPodAutoscaler',
      why: 'v2 is preferred over v1',
    },
  ])('$resource is preferred at $version: $why', ({ group, resource, version, kind }) => {
    const row = builtinResources.preferred(group, resource);
    expect(row).toMatchObject({ group, version, resource, kind });
    expect(builtinResources.get(group, version, resource)).toBe(row);
    expect(builtinResources.ofKind(group, version, kind)).toBe(row);
    expect(builtinResources.preferredVersion(group)).toBe(version);
  });

  test('serves stable versions alone', () => {
    for (const { version } of builtinResources.groupVersions()) expect(version).toMatch(/^v\d+$/);
    expect(builtinResources.groups().slice(0, 3)).toEqual(['', 'apiregistration.k8s.io', 'apps']);
    expect(builtinResources.get('', 'v1', 'nosuch')).toBeUndefined();
    expect(builtinResources.versionsOf('nosuch')).toEqual([]);
  });

  test('each row has a schema of its kind', () => {
    for (const { schema, group, version, kind } of builtinResources.rows)
      expect(builtinSchemas.get(schema)?.kinds).toEqual([{ group, version, kind }]);
  });
});

describe('builtinSchemas', () => {
  test('every reference leads somewhere', () => {
    const visit = (node: SchemaNode): void => {
      builtinSchemas.resolve(node);
      for (const child of Object.values(node.properties ?? {})) visit(child);
      if (node.items) visit(node.items);
      if (node.additionalProperties) visit(node.additionalProperties);
    };
    for (const name of builtinSchemaNames()) visit(builtinSchemas.get(name) ?? {});
  });

  test('knows keys, merge keys, enums and defaults of a container', () => {
    const spec = builtinSchemas.get('io.k8s.api.core.v1.PodSpec')?.properties;
    expect(spec?.['containers']).toEqual({
      always: null,
      type: 'array',
      items: { ref: 'io.k8s.api.core.v1.Container', default: {} },
      listType: 'map',
      listMapKeys: ['name'],
      patchStrategy: 'merge',
      patchMergeKey: 'name',
    });
    expect(spec?.['restartPolicy']?.enum).toEqual(['Always', 'Never', 'OnFailure']);
    expect(spec?.['volumes']?.patchStrategy).toBe('merge,retainKeys');
    const port = builtinSchemas.get('io.k8s.api.core.v1.ContainerPort');
    expect(port?.required).toEqual(['containerPort']);
    expect(port?.properties?.['protocol']?.default).toBe('TCP');
    expect(
      builtinSchemas.get('io.k8s.api.apps.v1.DeploymentSpec')?.properties?.['strategy'],
    ).toEqual({
      ref: 'io.k8s.api.apps.v1.DeploymentStrategy',
      default: {},
      patchStrategy: 'retainKeys',
    });
  });
});

test.each([
  {
    sorted: [
      'v2',
      'v1',
      'v11beta2',
      'v10beta3',
      'v3beta1',
      'v12alpha1',
      'v11alpha2',
      'foo1',
      'foo10',
    ],
  },
])('compareVersions sorts $sorted', ({ sorted }) => {
  expect([...sorted].reverse().sort(compareVersions)).toEqual(sorted);
});
