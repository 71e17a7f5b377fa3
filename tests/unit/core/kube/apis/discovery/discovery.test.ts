import { describe, expect, test } from 'vitest';
import {
  createDiscovery,
  type ResourceInfo,
  type ServedVersion,
} from '../../../../../../src-main/core/kube/apis/index.ts';
import recordings from './fixtures/documents.json' with { type: 'json' };

const group = 'apis-surface.test';
const widgets: ResourceInfo = {
  group,
  version: 'v1',
  resource: 'widgets',
  singular: 'widget',
  kind: 'Widget',
  namespaced: true,
  verbs: ['delete', 'deletecollection', 'get', 'list', 'patch', 'create', 'update', 'watch'],
  shortNames: ['wd'],
  categories: ['all'],
  schema: 'test.apis-surface.v1.Widget',
  storageVersionHash: '6ln6VUHuLm8=',
  subresources: [
    { name: 'status', group, version: 'v1', kind: 'Widget', verbs: ['get', 'patch', 'update'] },
    {
      name: 'scale',
      group: 'autoscaling',
      version: 'v1',
      kind: 'Scale',
      verbs: ['get', 'patch', 'update'],
    },
  ],
};
const crd: ServedVersion = { group, version: 'v1', resources: [widgets] };
const discovery = createDiscovery({ extra: [crd], serverAddress: '172.30.1.2:6443' });

function answer(path: string, aggregated: boolean): unknown {
  const [root, first, second] = path.slice(1).split('/');
  if (root === 'api') {
    if (first !== undefined) return discovery.resourceList('', first);
    return aggregated ? discovery.aggregated('api') : discovery.apiVersions();
  }
  if (first === undefined) return aggregated ? discovery.aggregated('apis') : discovery.groupList();
  return second === undefined ? discovery.group(first) : discovery.resourceList(first, second);
}

describe('documents are those of a real server with one CRD', () => {
  test.each(recordings)('$path, aggregated: $aggregated', ({ path, aggregated, body }) => {
    // Text, so that the order of groups, resources and fields is compared too.
    expect(JSON.stringify(answer(path, aggregated))).toBe(JSON.stringify(body));
  });
});

describe('what comes and goes', () => {
  const served = (rows: readonly ServedVersion[]) =>
    (createDiscovery({ extra: rows, serverAddress: '' }).aggregated('apis')['items'] as object[])
      .slice(20)
      .map((item) => {
        const { metadata, versions } = item as {
          metadata: { name: string };
          versions: { version: string; freshness: string }[];
        };
        return [metadata.name, ...versions.map((each) => `${each.version} ${each.freshness}`)];
      });

  test('groups stand by priority, then by name; versions by priority, then as versions', () => {
    const at = (
      name: string,
      version: string,
      more: Partial<ServedVersion> = {},
    ): ServedVersion => ({
      group: name,
      version,
      resources: [],
      ...more,
    });
    expect(
      served([
        at('metrics.k8s.io', 'v1beta1', { groupPriority: 100, freshness: 'Stale' }),
        at('b.io', 'v1alpha1'),
        at('b.io', 'v1'),
        at('a.io', 'v1', { versionPriority: 10 }),
        at('a.io', 'v2beta1', { versionPriority: 20 }),
      ]),
    ).toEqual([
      ['a.io', 'v2beta1 Current', 'v1 Current'],
      ['b.io', 'v1 Current', 'v1alpha1 Current'],
      ['metrics.k8s.io', 'v1beta1 Stale'],
    ]);
  });

  test('unknown groups and versions are undefined', () => {
    expect(discovery.group('nosuch')).toBeUndefined();
    expect(discovery.group('')).toBeUndefined();
    expect(discovery.resourceList('apps', 'v9')).toBeUndefined();
  });
});
