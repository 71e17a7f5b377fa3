import { StatusError, type Status, failure } from '#core/kube';
import type { Engine, EngineRequest } from './engine-port.ts';

/** A kind as discovery names it. */
export interface DiscoveredKind {
  readonly group: string;
  readonly version: string;
  readonly resource: string;
  readonly kind: string;
  readonly namespaced: boolean;
  readonly shortNames: readonly string[];
  readonly verbs: readonly string[];
}

interface DiscoveryList {
  readonly items?: readonly {
    readonly metadata?: { readonly name?: string };
    readonly versions?: readonly {
      readonly version: string;
      readonly resources?: readonly {
        readonly resource: string;
        readonly responseKind?: { readonly kind: string };
        readonly scope: string;
        readonly shortNames?: readonly string[];
        readonly verbs?: readonly string[];
      }[];
    }[];
  }[];
}

const aggregatedDiscovery =
  'application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList,application/json';

/** Asks a cluster's API server and reads the JSON of its answer. @throws StatusError its own Status. */
export async function requestJson<T>(
  engine: Engine,
  clusterId: string,
  request: EngineRequest,
): Promise<{ readonly status: number; readonly body: T }> {
  const { status, body } = await engine.request(clusterId, request);
  let value: unknown;
  try {
    value = body === '' ? {} : JSON.parse(body);
  } catch {
    throw failure(status >= 400 ? status : 502, 'InternalError', body.trim());
  }
  if (status >= 400) throw new StatusError(value as Status);
  return { status, body: value as T };
}

/** Every kind that the cluster serves, the core group first, in the server's order of preference. */
export async function discoverKinds(
  engine: Engine,
  clusterId: string,
): Promise<readonly DiscoveredKind[]> {
  const headers = { accept: aggregatedDiscovery };
  const lists = await Promise.all(
    ['/api', '/apis'].map((url) =>
      requestJson<DiscoveryList>(engine, clusterId, { method: 'GET', url, headers }),
    ),
  );
  const kinds: DiscoveredKind[] = [];
  for (const { body } of lists)
    for (const group of body.items ?? [])
      for (const { version, resources } of group.versions ?? [])
        for (const resource of resources ?? [])
          kinds.push({
            group: group.metadata?.name ?? '',
            version,
            resource: resource.resource,
            kind: resource.responseKind?.kind ?? '',
            namespaced: resource.scope === 'Namespaced',
            shortNames: resource.shortNames ?? [],
            verbs: resource.verbs ?? [],
          });
  return kinds;
}

/** Path of a collection, or of one object; a null namespace means all of them. */
export function resourcePath(
  { group, version, resource }: { group: string; version: string; resource: string },
  namespace: string | null,
  name?: string,
): string {
  const segments = [
    ...(group === '' ? ['api'] : ['apis', group]),
    version,
    ...(namespace === null ? [] : ['namespaces', namespace]),
    resource,
    ...(name === undefined ? [] : [name]),
  ];
  return `/${segments.map((segment) => encodeSegment(segment)).join('/')}`;
}

/** Names may hold `:` (RBAC); what would change the path is escaped. */
function encodeSegment(segment: string): string {
  return segment.replace(/[^A-Za-z0-9:._~-]/g, (character) =>
    [...new TextEncoder().encode(character)]
      .map((byte) => `%${byte.toString(16).toUpperCase().padStart(2, '0')}`)
      .join(''),
  );
}
