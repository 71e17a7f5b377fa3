import type { KubeClient, ResourceAddress } from '../../client/index.ts';
import { isStatusError } from '../../machinery/index.ts';
import { textOf } from './context.ts';

/** A resource as discovery tells it. */
export interface DiscoveredResource extends ResourceAddress {
  readonly kind: string;
  readonly namespaced: boolean;
  readonly verbs: readonly string[];
}

export interface Discovery {
  /** Every resource once, in the version its group prefers. */
  readonly resources: readonly DiscoveredResource[];
  /** Groups that did not answer, `group/version` → why. */
  readonly failures: ReadonlyMap<string, string>;
}

interface AggregatedGroup {
  readonly metadata?: { readonly name?: string };
  readonly versions?: readonly {
    readonly version: string;
    readonly freshness?: string;
    readonly resources?: readonly {
      readonly resource: string;
      readonly responseKind?: { readonly kind?: string };
      readonly scope: string;
      readonly verbs?: readonly string[];
    }[];
  }[];
}

interface AggregatedList {
  readonly kind?: string;
  readonly items?: readonly AggregatedGroup[];
}

interface ResourceList {
  readonly resources?: readonly {
    readonly name: string;
    readonly kind: string;
    readonly namespaced: boolean;
    readonly verbs: readonly string[];
  }[];
}

interface GroupList {
  readonly kind?: string;
  readonly groups?: readonly {
    readonly name: string;
    readonly versions: readonly { readonly version: string }[];
  }[];
}

const accept =
  'application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList,application/json';

/** Asks the server for its resources: by the aggregated documents, or group by group from older servers. */
export async function discover(client: KubeClient): Promise<Discovery> {
  const failures = new Map<string, string>();
  const found = new Map<string, DiscoveredResource>();
  const add = (resource: DiscoveredResource): void => {
    const key = `${resource.resource}.${resource.group}`;
    if (!resource.resource.includes('/') && !found.has(key)) found.set(key, resource);
  };
  for (const root of ['/api', '/apis']) {
    const list = await client.requestObject<AggregatedList & GroupList>({
      method: 'GET',
      url: root,
      headers: { accept },
    });
    if (list.kind === 'APIGroupDiscoveryList') {
      for (const group of list.items ?? []) addAggregated(group, add, failures);
      continue;
    }
    const groups =
      root === '/api' ? [{ name: '', versions: [{ version: 'v1' }] }] : (list.groups ?? []);
    for (const { name, versions } of groups)
      for (const { version } of versions) await addLegacy(client, name, version, add, failures);
  }
  return { resources: [...found.values()], failures };
}

function addAggregated(
  group: AggregatedGroup,
  add: (resource: DiscoveredResource) => void,
  failures: Map<string, string>,
): void {
  const name = group.metadata?.name ?? '';
  for (const { version, freshness, resources } of group.versions ?? []) {
    if (freshness === 'Stale')
      failures.set(`${name}/${version}`, `stale GroupVersion discovery: ${name}/${version}`);
    for (const { resource, responseKind, scope, verbs } of resources ?? [])
      add({
        group: name,
        version,
        resource,
        kind: responseKind?.kind ?? '',
        namespaced: scope === 'Namespaced',
        verbs: verbs ?? [],
      });
  }
}

async function addLegacy(
  client: KubeClient,
  group: string,
  version: string,
  add: (resource: DiscoveredResource) => void,
  failures: Map<string, string>,
): Promise<void> {
  const url = group === '' ? `/api/${version}` : `/apis/${group}/${version}`;
  try {
    const list = await client.requestObject<ResourceList>({ method: 'GET', url });
    for (const { name, kind, namespaced, verbs } of list.resources ?? [])
      add({ group, version, resource: name, kind, namespaced, verbs });
  } catch (error) {
    if (!isStatusError(error)) throw error;
    failures.set(group === '' ? version : `${group}/${version}`, textOf(error));
  }
}
