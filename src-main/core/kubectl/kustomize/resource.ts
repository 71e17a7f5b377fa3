import { matchesLabels, parseLabelSelector } from '#core/kube';
import { CommandError } from '../errors.ts';
import { ensureMap, type Json, nameOf, namespaceOf, strings, text } from '../json-view.ts';
import { effectiveNamespace, formatId, idOf, type ResourceId, sameId } from './resource-id.ts';

export type Behavior = 'unspecified' | 'create' | 'replace' | 'merge';

/** An object on its way through a build, with what it was called before. */
export interface Resource {
  object: Json;
  /** Oldest first. */
  readonly previous: ResourceId[];
  readonly prefixes: string[];
  readonly suffixes: string[];
  readonly behavior: Behavior;
  needsHash: boolean;
}

export function makeResource(
  object: Json,
  generated: { behavior: Behavior; needsHash: boolean } = {
    behavior: 'unspecified',
    needsHash: false,
  },
): Resource {
  return { object, previous: [], prefixes: [], suffixes: [], ...generated };
}

export const currentId = ({ object }: Resource): ResourceId => idOf(object);
export const originalId = (resource: Resource): ResourceId =>
  previousIds(resource)[0] ?? currentId(resource);

/** Group and version are always today's: only kinds and names are remembered. */
export function previousIds({ object, previous }: Resource): ResourceId[] {
  const { group, version } = idOf(object);
  return previous.map((id) => ({ ...id, group, version }));
}

export function rememberId(resource: Resource): void {
  const id = currentId(resource);
  resource.previous.push({ ...id, namespace: effectiveNamespace(id) });
}

export function rename(resource: Resource, name: string): void {
  ensureMap(resource.object, 'metadata')['name'] = name;
}

/** The resources of one accumulation. Changes by all who hold it. */
export type Resources = Resource[];

/** @throws CommandError another resource has the same identity. */
export function append(resources: Resources, added: readonly Resource[]): void {
  for (const resource of added) {
    const id = currentId(resource);
    if (resources.some((each) => sameId(currentId(each), id)))
      throw new CommandError(`may not add resource with an already registered id: ${formatId(id)}`);
    resources.push(resource);
  }
}

export function withAnyId(resources: Resources, matches: (id: ResourceId) => boolean): Resource[] {
  return resources.filter((resource) =>
    [...previousIds(resource), currentId(resource)].some(matches),
  );
}

/** The one resource that has or had this identity. @throws CommandError none or several. */
export function findById(resources: Resources, id: ResourceId): Resource {
  const found = withAnyId(resources, (each) => sameId(id, each));
  const [only] = found;
  if (only && found.length === 1) return only;
  const shown = formatId(id);
  throw new CommandError(
    `${found.length > 1 ? 'multiple' : 'no'} matches for Id ${shown}; failed to find unique target for patch ${shown}`,
  );
}

/** Adds what a generator made, by its behaviour. @throws CommandError */
export function absorb(resources: Resources, made: Resource): void {
  const id = currentId(made);
  const matches = withAnyId(resources, (each) => sameId(id, each));
  const shown = `resid.ResId{Gvk:resid.Gvk{Group:${JSON.stringify(id.group)}, Version:${JSON.stringify(id.version)}, Kind:${JSON.stringify(id.kind)}, isClusterScoped:false}, Name:${JSON.stringify(id.name)}, Namespace:${JSON.stringify(id.namespace)}}`;
  const [old] = matches;
  if (!old) {
    if (made.behavior === 'merge' || made.behavior === 'replace')
      throw new CommandError(`id ${shown} does not exist; cannot merge or replace`);
    append(resources, [made]);
    return;
  }
  if (matches.length > 1)
    throw new CommandError(
      `found multiple objects [${matches.map((each) => formatId(currentId(each))).join(' ')}] that could accept merge of ${formatId(id)}`,
    );
  if (made.behavior !== 'merge' && made.behavior !== 'replace')
    throw new CommandError(
      `id ${shown} exists; can not use behavior: '${made.behavior}', behavior must be merge or replace`,
    );
  for (const field of ['labels', 'annotations'] as const) {
    const merged = {
      ...strings(old.object, 'metadata', field),
      ...strings(made.object, 'metadata', field),
    };
    if (Object.keys(merged).length > 0) ensureMap(made.object, 'metadata')[field] = merged;
  }
  rename(made, nameOf(old.object));
  const namespace = namespaceOf(old.object);
  if (namespace !== '') ensureMap(made.object, 'metadata')['namespace'] = namespace;
  if (made.behavior === 'merge')
    for (const field of ['data', 'binaryData'] as const) {
      const merged = { ...strings(old.object, field), ...strings(made.object, field) };
      if (Object.keys(merged).length > 0) made.object[field] = merged;
    }
  resources[resources.indexOf(old)] = {
    ...old,
    object: made.object,
    behavior: old.behavior,
    needsHash: made.needsHash && old.needsHash,
  };
}

/** Which resources a patch is meant for; every part but the label selectors is a regular expression. */
export function select(resources: Resources, selector: Json): Resource[] {
  const pattern = (field: string): RegExp | undefined => {
    const source = text(selector, field);
    return source === '' ? undefined : new RegExp(`^(?:${source})$`);
  };
  const [group, version, kind] = [pattern('group'), pattern('version'), pattern('kind')];
  const [name, namespace] = [pattern('name'), pattern('namespace')];
  const labels = text(selector, 'labelSelector');
  const annotations = text(selector, 'annotationSelector');
  const matches = (wanted: RegExp | undefined, ...values: readonly string[]): boolean =>
    !wanted || values.some((value) => wanted.test(value));
  return resources.filter((resource) => {
    const [now, first] = [currentId(resource), originalId(resource)];
    return (
      matches(namespace, effectiveNamespace(first), effectiveNamespace(now)) &&
      matches(name, first.name, now.name) &&
      matches(group, now.group) &&
      matches(version, now.version) &&
      matches(kind, now.kind) &&
      (labels === '' ||
        matchesLabels(
          parseLabelSelector(labels),
          strings(resource.object, 'metadata', 'labels'),
        )) &&
      (annotations === '' ||
        matchesLabels(
          parseLabelSelector(annotations),
          strings(resource.object, 'metadata', 'annotations'),
        ))
    );
  });
}
