import { builtinResources } from '#core/kube';
import { type Json, nameOf, namespaceOf, text } from '../json-view.ts';

/** Group, version and kind; an empty part of a selector matches anything. */
export interface Gvk {
  readonly group: string;
  readonly version: string;
  readonly kind: string;
}

/** What tells one resource of a build from another. */
export interface ResourceId extends Gvk {
  readonly name: string;
  readonly namespace: string;
}

const clusterWide = '_non_namespaceable_';

export function gvkOf(object: Json): Gvk {
  const apiVersion = text(object, 'apiVersion');
  const slash = apiVersion.indexOf('/');
  return {
    group: slash < 0 ? '' : apiVersion.slice(0, slash),
    version: apiVersion.slice(slash + 1),
    kind: text(object, 'kind'),
  };
}

export function idOf(object: Json): ResourceId {
  return { ...gvkOf(object), name: nameOf(object), namespace: namespaceOf(object) };
}

/** Known to live in no namespace; kinds that nobody knows are taken to live in one. */
export function isClusterScoped({ group, version, kind }: Gvk): boolean {
  return builtinResources.ofKind(group, version, kind)?.namespaced === false;
}

export function effectiveNamespace(id: ResourceId): string {
  if (isClusterScoped(id)) return clusterWide;
  return id.namespace === '' ? 'default' : id.namespace;
}

export function sameId(a: ResourceId, b: ResourceId): boolean {
  return (
    a.name === b.name &&
    a.group === b.group &&
    a.version === b.version &&
    a.kind === b.kind &&
    effectiveNamespace(a) === effectiveNamespace(b)
  );
}

/** Whether the parts that a selector names are those of the resource. */
export function isSelected(gvk: Gvk, selector: Partial<Gvk>): boolean {
  return (['group', 'version', 'kind'] as const).every(
    (part) => !selector[part] || selector[part] === gvk[part],
  );
}

export function formatGvk({ group, version, kind }: Partial<Gvk>): string {
  return `${kind || '[noKind]'}.${version || '[noVer]'}.${group || '[noGrp]'}`;
}

/** As messages name a resource: `Deployment.v1.apps/web.[noNs]`. */
export function formatId(id: ResourceId): string {
  return `${formatGvk(id)}/${id.name || '[noName]'}.${id.namespace || '[noNs]'}`;
}
