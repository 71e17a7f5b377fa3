import type { JsonObject } from '#core/base';
import { formatGroupVersion, type GroupVersion } from '../../machinery/index.ts';
import { builtinResources, compareVersions } from '../resources.ts';
import type { ResourceInfo, SubresourceInfo } from '../types.ts';

/** A group-version served beside the built-in ones: of CRDs, or behind an APIService. */
export interface ServedVersion extends GroupVersion {
  readonly resources: readonly ResourceInfo[];
  /** `Stale` when the server behind an APIService does not answer; default `Current`. */
  readonly freshness?: 'Current' | 'Stale';
  /** `groupPriorityMinimum` of the APIService; default 1000, as CRDs get. */
  readonly groupPriority?: number;
  /** `versionPriority` of the APIService; default 100, as CRDs get. */
  readonly versionPriority?: number;
}

export interface DiscoveryOptions {
  readonly extra?: readonly ServedVersion[];
  /** `host:port` told to clients in `/api`. */
  readonly serverAddress: string;
}

/** The discovery documents of one moment; make a new one when a CRD or APIService changes. */
export interface Discovery {
  /** `GET /api` or `/apis` for who asks for the aggregated form: one document, always the same. */
  aggregated(root: 'api' | 'apis'): JsonObject;
  /** `GET /api` */
  apiVersions(): JsonObject;
  /** `GET /apis` */
  groupList(): JsonObject;
  /** `GET /apis/GROUP`; undefined for an unknown group and for the core group. */
  group(name: string): JsonObject | undefined;
  /** `GET /apis/GROUP/VERSION`, or `/api/v1` for the core group; undefined when not served. */
  resourceList(group: string, version: string): JsonObject | undefined;
}

interface ListedVersion extends GroupVersion {
  readonly freshness: 'Current' | 'Stale';
  readonly resources: readonly ResourceInfo[];
  readonly isBuiltin: boolean;
}
type Groups = ReadonlyMap<string, readonly ListedVersion[]>;

/**
 * Describes what is served: built-in groups in their order, then the others by priority and name.
 *
 * @see k8s.io/kube-aggregator/pkg/apiserver, k8s.io/apiserver/pkg/endpoints/discovery
 */
export function createDiscovery({ extra = [], serverAddress }: DiscoveryOptions): Discovery {
  const groups = arrange(extra);
  const inGroups = () => [...groups].filter(([name]) => name !== '');
  const aggregatedOf = (root: 'api' | 'apis'): JsonObject => ({
    kind: 'APIGroupDiscoveryList',
    apiVersion: 'apidiscovery.k8s.io/v2',
    metadata: {},
    items: (root === 'api' ? [...groups].filter(([name]) => name === '') : inGroups()).map(
      ([name, versions]) => ({
        metadata: name === '' ? {} : { name },
        versions: versions.map(aggregatedVersion),
      }),
    ),
  });
  const aggregated: { api?: JsonObject; apis?: JsonObject } = {};
  return {
    aggregated: (root) => (aggregated[root] ??= aggregatedOf(root)),
    apiVersions: () => ({
      kind: 'APIVersions',
      versions: (groups.get('') ?? []).map(({ version }) => version),
      serverAddressByClientCIDRs: [{ clientCIDR: '0.0.0.0/0', serverAddress }],
    }),
    groupList: () => ({
      kind: 'APIGroupList',
      apiVersion: 'v1',
      groups: inGroups().map(([name, versions]) => groupOf(name, versions)),
    }),
    group: (name) => {
      const versions = name === '' ? undefined : groups.get(name);
      return versions && { kind: 'APIGroup', apiVersion: 'v1', ...groupOf(name, versions) };
    },
    resourceList: (group, version) => {
      const listed = groups.get(group)?.find((each) => each.version === version);
      return listed && resourceListOf(listed);
    },
  };
}

function arrange(extra: readonly ServedVersion[]): Groups {
  const groups = new Map<string, ListedVersion[]>();
  const add = (listed: ListedVersion) => {
    const versions = groups.get(listed.group);
    if (!versions) groups.set(listed.group, [listed]);
    else if (!versions.some(({ version }) => version === listed.version)) versions.push(listed);
  };
  for (const { group, version } of builtinResources.groupVersions())
    add({
      group,
      version,
      resources: builtinResources.of(group, version),
      freshness: 'Current',
      isBuiltin: true,
    });
  const priorities = new Map<string, number>();
  for (const { group, groupPriority = 1000 } of extra)
    priorities.set(group, Math.max(priorities.get(group) ?? 0, groupPriority));
  const ordered = extra.toSorted(
    (a, b) =>
      (priorities.get(b.group) ?? 0) - (priorities.get(a.group) ?? 0) ||
      compareText(a.group, b.group) ||
      (b.versionPriority ?? 100) - (a.versionPriority ?? 100) ||
      compareVersions(a.version, b.version),
  );
  for (const { group, version, resources, freshness = 'Current' } of ordered)
    add({ group, version, resources, freshness, isBuiltin: false });
  return groups;
}

const compareText = (a: string, b: string) => (a === b ? 0 : a < b ? -1 : 1);

function aggregatedVersion({
  version,
  resources,
  freshness,
  isBuiltin,
}: ListedVersion): JsonObject {
  // Built-in servers leave the group and version of their own kinds to be understood; the one for CRDs does not.
  const kindOf = (row: ResourceInfo, speaker: ResourceInfo | SubresourceInfo) => {
    const isOwn = speaker.group === row.group && speaker.version === row.version;
    return isBuiltin && isOwn
      ? { group: '', version: '', kind: speaker.kind }
      : { group: speaker.group, version: speaker.version, kind: speaker.kind };
  };
  return {
    version,
    ...(resources.length > 0 && {
      resources: resources.map((row) => ({
        resource: row.resource,
        responseKind: kindOf(row, row),
        scope: row.namespaced ? 'Namespaced' : 'Cluster',
        singularResource: row.singular,
        verbs: [...row.verbs],
        ...(row.shortNames.length > 0 && { shortNames: [...row.shortNames] }),
        ...(row.categories.length > 0 && { categories: [...row.categories] }),
        ...(row.subresources.length > 0 && {
          subresources: row.subresources.map((subresource) => ({
            subresource: subresource.name,
            responseKind: kindOf(row, subresource),
            verbs: [...subresource.verbs],
          })),
        }),
      })),
    }),
    freshness,
  };
}

function groupOf(name: string, versions: readonly ListedVersion[]): JsonObject {
  const listed = versions.map(({ group, version }) => ({
    groupVersion: formatGroupVersion({ group, version }),
    version,
  }));
  return {
    name,
    versions: listed,
    preferredVersion: listed[0] ?? { groupVersion: '', version: '' },
  };
}

function resourceListOf({ group, version, resources, isBuiltin }: ListedVersion): JsonObject {
  return {
    kind: 'APIResourceList',
    // The core group's list has been written without it since before it was required.
    ...(group === '' && isBuiltin ? {} : { apiVersion: 'v1' }),
    groupVersion: formatGroupVersion({ group, version }),
    resources: resources.flatMap((row) => [
      {
        name: row.resource,
        singularName: row.singular,
        namespaced: row.namespaced,
        kind: row.kind,
        verbs: [...row.verbs],
        ...(row.shortNames.length > 0 && { shortNames: [...row.shortNames] }),
        ...(row.categories.length > 0 && { categories: [...row.categories] }),
        ...(row.storageVersionHash !== undefined && { storageVersionHash: row.storageVersionHash }),
      },
      ...row.subresources.map((subresource) => ({
        name: `${row.resource}/${subresource.name}`,
        singularName: '',
        namespaced: row.namespaced,
        ...((subresource.group !== group || subresource.version !== version) && {
          group: subresource.group,
          version: subresource.version,
        }),
        kind: subresource.kind,
        verbs: [...subresource.verbs],
      })),
    ]),
  };
}
