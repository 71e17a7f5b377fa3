import type { ResourceKindView } from '#contract';

export interface KindGroup {
  /** API group; empty is the core group. */
  readonly group: string;
  readonly kinds: readonly ResourceKindView[];
}

/** What people look for most, before all others. */
const first = [
  '',
  'apps',
  'batch',
  'networking.k8s.io',
  'storage.k8s.io',
  'rbac.authorization.k8s.io',
];

export const kindKey = ({ group, version, resource }: ResourceKindView): string =>
  `${group}/${version}/${resource}`;

/**
 * Kinds under their groups; of a resource served in several versions the first, which the server prefers, and of
 * events only those of the core group, since both are the same objects.
 */
export function groupKinds(kinds: readonly ResourceKindView[], query: string): KindGroup[] {
  const wanted = query.trim().toLowerCase();
  const seen = new Set<string>();
  const groups = new Map<string, ResourceKindView[]>();
  for (const kind of kinds) {
    const id = `${kind.group}/${kind.resource}`;
    if (seen.has(id) || id === 'events.k8s.io/events') continue;
    seen.add(id);
    const names = [kind.kind.toLowerCase(), kind.resource, ...kind.shortNames];
    if (wanted !== '' && !names.some((name) => name.includes(wanted))) continue;
    groups.set(kind.group, [...(groups.get(kind.group) ?? []), kind]);
  }
  const rank = (group: string): number => {
    const index = first.indexOf(group);
    return index < 0 ? first.length : index;
  };
  return [...groups]
    .map(([group, some]) => ({
      group,
      kinds: some.sort((one, other) => one.kind.localeCompare(other.kind)),
    }))
    .sort(
      (one, other) => rank(one.group) - rank(other.group) || one.group.localeCompare(other.group),
    );
}
