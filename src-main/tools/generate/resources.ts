import { join } from 'node:path';
import type { ResourceInfo, SubresourceInfo, Verb } from '#core/kube';
import { readJson, type Sources } from './sources.ts';

interface DiscoveredGroups {
  items: { metadata: { name: string }; versions: { version: string }[] }[];
}
interface DiscoveredResources {
  resources: {
    name: string;
    kind: string;
    group?: string;
    version?: string;
    namespaced: boolean;
    singularName: string;
    verbs: Verb[];
    shortNames?: string[];
    categories?: string[];
    storageVersionHash?: string;
  }[];
}
export interface ServedGroupVersion {
  readonly group: string;
  readonly version: string;
}

/** A server without flags serves the stable versions alone: beta APIs are off by default since 1.24. */
const isServedByDefault = (version: string) => /^v\d+$/.test(version);

/** Group-versions in the order of discovery, the core group first. */
export function servedGroupVersions(sources: Sources): ServedGroupVersion[] {
  const groups = readJson<DiscoveredGroups>(
    join(sources.kubernetes, 'api/discovery/aggregated_v2.json'),
  );
  const served: ServedGroupVersion[] = [{ group: '', version: 'v1' }];
  for (const { metadata, versions } of groups.items)
    for (const { version } of versions)
      if (isServedByDefault(version)) served.push({ group: metadata.name, version });
  return served;
}

/** `api__v1` or `apis__apps__v1`: how upstream names the files of a group-version. */
export function fileStem({ group, version }: ServedGroupVersion): string {
  return group === '' ? `api__${version}` : `apis__${group}__${version}`;
}

/** Rows of discovery, each with its subresources. */
export function readResources(
  sources: Sources,
  schemaOf: (group: string, version: string, kind: string) => string,
): ResourceInfo[] {
  const rows: ResourceInfo[] = [];
  for (const served of servedGroupVersions(sources)) {
    const { group, version } = served;
    const list = readJson<DiscoveredResources>(
      join(sources.kubernetes, 'api/discovery', `${fileStem(served)}.json`),
    );
    const subresourcesOf = new Map<string, SubresourceInfo[]>();
    for (const row of list.resources) {
      const [resource = '', subresource] = row.name.split('/');
      if (subresource === undefined) {
        const subresources: SubresourceInfo[] = [];
        subresourcesOf.set(resource, subresources);
        rows.push({
          group,
          version,
          resource,
          singular: row.singularName,
          kind: row.kind,
          namespaced: row.namespaced,
          verbs: row.verbs,
          shortNames: row.shortNames ?? [],
          categories: row.categories ?? [],
          subresources,
          schema: schemaOf(group, version, row.kind),
          ...(row.storageVersionHash === undefined
            ? {}
            : { storageVersionHash: row.storageVersionHash }),
        });
      } else {
        const owner = subresourcesOf.get(resource);
        if (!owner) throw new Error(`${row.name} is listed before its resource`);
        owner.push({
          name: subresource,
          kind: row.kind,
          group: row.group ?? group,
          version: row.version ?? version,
          verbs: row.verbs,
        });
      }
    }
  }
  return rows;
}
