import type { ApiClient } from './api.ts';
import { CommandError } from './errors.ts';
import { list, map, text } from './json-view.ts';

/** One resource a server offers. */
export interface Resource {
  readonly group: string;
  readonly version: string;
  /** Plural. */
  readonly resource: string;
  readonly singular: string;
  readonly kind: string;
  readonly namespaced: boolean;
  readonly verbs: readonly string[];
  readonly shortNames: readonly string[];
  readonly categories: readonly string[];
  readonly subresources: readonly string[];
}

export interface ResourceGroup {
  readonly name: string;
  /** Preferred first. */
  readonly versions: readonly string[];
}

/** What a server offers, in its own order. */
export interface Catalog {
  readonly groups: readonly ResourceGroup[];
  readonly resources: readonly Resource[];
  /** Group versions whose server did not answer. */
  readonly stale: readonly string[];
}

const aggregatedAccept =
  'application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList,application/json;g=apidiscovery.k8s.io;v=v2beta1;as=APIGroupDiscoveryList,application/json';

/** Asks the server for its groups and resources. */
export async function discover(api: ApiClient): Promise<Catalog> {
  const groups: ResourceGroup[] = [];
  const resources: Resource[] = [];
  const stale: string[] = [];
  for (const path of ['/api', '/apis']) {
    const answer = await api.get(path, { timeout: '32s' }, aggregatedAccept);
    if (text(answer, 'kind') !== 'APIGroupDiscoveryList') {
      await discoverEach(api, answer, path, groups, resources);
      continue;
    }
    for (const group of list(answer, 'items')) {
      const name = text(group, 'metadata', 'name');
      const versions = list(group, 'versions');
      groups.push({ name, versions: versions.map((version) => text(version, 'version')) });
      for (const version of versions) {
        if (text(version, 'freshness') === 'Stale')
          stale.push(groupVersionOf(name, text(version, 'version')));
        for (const entry of list(version, 'resources'))
          resources.push({
            group: text(entry, 'responseKind', 'group') || name,
            version: text(version, 'version'),
            resource: text(entry, 'resource'),
            singular: text(entry, 'singularResource'),
            kind: text(entry, 'responseKind', 'kind'),
            namespaced: text(entry, 'scope') === 'Namespaced',
            verbs: list(entry, 'verbs') as string[],
            shortNames: list(entry, 'shortNames') as string[],
            categories: list(entry, 'categories') as string[],
            subresources: list(entry, 'subresources').map((part) => text(part, 'subresource')),
          });
      }
    }
  }
  return { groups, resources, stale };
}

/** Older servers: one request for each group version. */
async function discoverEach(
  api: ApiClient,
  answer: unknown,
  path: string,
  groups: ResourceGroup[],
  resources: Resource[],
): Promise<void> {
  const found =
    path === '/api'
      ? [{ name: '', versions: list(answer, 'versions') as string[] }]
      : list(answer, 'groups').map((group) => ({
          name: text(group, 'name'),
          versions: list(group, 'versions').map((version) => text(version, 'version')),
        }));
  for (const { name, versions } of found) {
    groups.push({ name, versions });
    for (const version of versions) {
      const listed = await api.get(groupPath(name, version), { timeout: '32s' });
      const entries = list(listed, 'resources');
      for (const entry of entries) {
        const resource = text(entry, 'name');
        if (resource.includes('/')) continue;
        const parts = entries
          .map((other) => text(other, 'name'))
          .filter((other) => other.startsWith(`${resource}/`));
        resources.push({
          group: name,
          version,
          resource,
          singular: text(entry, 'singularName'),
          kind: text(entry, 'kind'),
          namespaced: map(entry)['namespaced'] === true,
          verbs: list(entry, 'verbs') as string[],
          shortNames: list(entry, 'shortNames') as string[],
          categories: list(entry, 'categories') as string[],
          subresources: parts.map((part) => part.slice(resource.length + 1)),
        });
      }
    }
  }
}

export function groupPath(group: string, version: string): string {
  return group === '' ? `/api/${version}` : `/apis/${group}/${version}`;
}

export function groupVersionOf(group: string, version: string): string {
  return group === '' ? version : `${group}/${version}`;
}

export function resourceUrl(
  resource: Resource,
  namespace: string,
  name?: string,
  subresource?: string,
): string {
  const scope =
    resource.namespaced && namespace !== '' ? `/namespaces/${encodeURIComponent(namespace)}` : '';
  const object = name === undefined ? '' : `/${encodeURIComponent(name)}`;
  const part = subresource ? `/${subresource}` : '';
  return `${groupPath(resource.group, resource.version)}${scope}/${resource.resource}${object}${part}`;
}

/** `pods`, `deployments.apps`: how messages name a resource. */
export function qualifiedResource({ resource, group }: Resource): string {
  return group === '' ? resource : `${resource}.${group}`;
}

/** `pod`, `deployment.apps`: how results name a kind. */
export function qualifiedKind({ kind, group }: { kind: string; group: string }): string {
  return group === '' ? kind.toLowerCase() : `${kind.toLowerCase()}.${group}`;
}

/**
 * Finds the resource a person named: plural, singular, short name or kind, with group and version if need be
 * (`deploy`, `deployments.apps`, `deployments.v1.apps`).
 *
 * @throws CommandError the server has no such type.
 */
export function findResource(catalog: Catalog, argument: string): Resource {
  const found = lookUp(catalog, argument.toLowerCase());
  if (found) return found;
  throw new CommandError(`the server doesn't have a resource type "${argument}"`);
}

function lookUp(catalog: Catalog, argument: string): Resource | undefined {
  const [head = '', ...rest] = argument.split('.');
  if (rest.length === 0) return pick(catalog, head, () => true);
  if (rest.length >= 2) {
    const [version = '', ...groupParts] = rest;
    const group = groupParts.join('.');
    const exact = pick(
      catalog,
      head,
      (resource) => resource.version === version && resource.group === group,
    );
    if (exact) return exact;
  }
  const group = rest.join('.');
  return (
    pick(catalog, head, (resource) => resource.group === group) ??
    pick(catalog, head, (resource) => resource.group.startsWith(group)) ??
    pick(catalog, head, (resource) => resource.group === '' && resource.version === group)
  );
}

function pick(
  catalog: Catalog,
  name: string,
  accepts: (resource: Resource) => boolean,
): Resource | undefined {
  const matches: readonly ((resource: Resource) => boolean)[] = [
    (resource) => resource.resource === name,
    (resource) => resource.shortNames.includes(name),
    (resource) => resource.singular === name,
    (resource) => resource.kind.toLowerCase() === name,
  ];
  for (const match of matches) {
    const found = catalog.resources.filter(
      (resource) => match(resource) && accepts(resource) && resource.verbs.length > 0,
    );
    if (found[0]) return found[0];
  }
  return undefined;
}

/** The resource of a kind; undefined when the server does not serve it. */
export function resourceOfKind(
  catalog: Catalog,
  apiVersion: string,
  kind: string,
): Resource | undefined {
  return catalog.resources.find(
    (resource) =>
      resource.kind === kind && groupVersionOf(resource.group, resource.version) === apiVersion,
  );
}

/** Resources of a category (`all`), preferred versions only, in the server's order. */
export function resourcesOfCategory(catalog: Catalog, category: string): Resource[] {
  const preferred = new Map(catalog.groups.map(({ name, versions }) => [name, versions[0]]));
  return catalog.resources.filter(
    (resource) =>
      resource.categories.includes(category) && preferred.get(resource.group) === resource.version,
  );
}
