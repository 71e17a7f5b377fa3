import { CommandError } from '../errors.ts';
import { compactJson } from '../go-text.ts';
import {
  ensureMap,
  isJson,
  type Json,
  list,
  map,
  nameOf,
  num,
  strings,
  text,
} from '../json-view.ts';
import { type FieldSpec, setEntries, visitField } from './field-path.ts';
import {
  commonAnnotations,
  commonLabels,
  imageFields,
  metadataLabels,
  namespaceFields,
  replicaKinds,
  templateLabels,
} from './field-specs.ts';
import {
  currentId,
  originalId,
  previousIds,
  rememberId,
  rename,
  type Resource,
  type Resources,
} from './resource.ts';
import { formatGvk, isClusterScoped, isSelected, sameId } from './resource-id.ts';

/** `namespace`. @throws CommandError two resources would become one. */
export function setNamespace(resources: Resources, namespace: string): void {
  if (namespace === '') return;
  for (const resource of resources) {
    rememberId(resource);
    const { object } = resource;
    const { kind, group, version } = currentId(resource);
    if (!isClusterScoped({ kind, group, version }))
      ensureMap(object, 'metadata')['namespace'] = namespace;
    if (kind === 'RoleBinding' || kind === 'ClusterRoleBinding')
      for (const subject of list(object, 'subjects'))
        if (isJson(subject) && text(subject, 'name') === 'default')
          subject['namespace'] = namespace;
    if (kind === 'Namespace' && group === '' && version === 'v1') rename(resource, namespace);
    for (const spec of namespaceFields)
      visitField(object, spec, 'scalar', (place) => {
        place.set(namespace);
      });
    const twins = resources.filter((each) => sameId(currentId(each), currentId(resource)));
    if (twins.length !== 1)
      throw new CommandError(
        `namespace transformation produces ID conflict: [${twins.map(withNotes).join(' ')}]`,
      );
  }
}

/** As upstream prints a resource on its way: its former names stand among its annotations. */
function withNotes({ object, previous }: Resource): string {
  const note = (what: string, values: readonly string[]): Json => ({
    [`internal.config.kubernetes.io/previous${what}`]: values.join(','),
  });
  const metadata = map(object, 'metadata');
  const annotations = {
    ...strings(metadata, 'annotations'),
    ...note(
      'Kinds',
      previous.map(({ kind }) => kind),
    ),
    ...note(
      'Names',
      previous.map(({ name }) => name),
    ),
    ...note(
      'Namespaces',
      previous.map(({ namespace }) => namespace),
    ),
  };
  return compactJson({ ...object, metadata: { ...metadata, annotations } });
}

const keepTheirNames: readonly Partial<FieldSpec>[] = [
  { kind: 'CustomResourceDefinition' },
  { group: 'apiregistration.k8s.io', kind: 'APIService' },
  { kind: 'Namespace' },
];

/** `namePrefix` and `nameSuffix`. */
export function addAffix(resources: Resources, which: 'prefix' | 'suffix', affix: string): void {
  if (affix === '') return;
  for (const resource of resources) {
    if (keepTheirNames.some((gvk) => isSelected(originalId(resource), gvk))) continue;
    resource[which === 'prefix' ? 'prefixes' : 'suffixes'].push(affix);
    rememberId(resource);
    const name = nameOf(resource.object);
    rename(resource, which === 'prefix' ? `${affix}${name}` : `${name}${affix}`);
  }
}

/** `labels` and `commonLabels`. */
export function addLabels(resources: Resources, kustomization: Json): void {
  const add = (labels: Readonly<Record<string, string>>, specs: readonly FieldSpec[]): void => {
    for (const { object } of resources)
      if (Object.keys(labels).length > 0) setEntries(object, specs, labels);
  };
  for (const label of list(kustomization, 'labels')) {
    const own = list(label, 'fields')
      .map((field) => map(field))
      .map((field): FieldSpec => ({
        path: text(field, 'path'),
        create: field['create'] === true,
        group: text(field, 'group'),
        version: text(field, 'version'),
        kind: text(field, 'kind'),
      }));
    const { includeSelectors, includeTemplates } = map(label);
    const shared =
      includeSelectors === true
        ? commonLabels
        : includeTemplates === true
          ? templateLabels
          : [metadataLabels];
    add(strings(label, 'pairs'), [...own, ...shared]);
  }
  add(strings(kustomization, 'commonLabels'), commonLabels);
}

/** `commonAnnotations`. */
export function addAnnotations(resources: Resources, kustomization: Json): void {
  const annotations = strings(kustomization, 'commonAnnotations');
  if (Object.keys(annotations).length === 0) return;
  for (const { object } of resources) setEntries(object, commonAnnotations, annotations);
}

/** `replicas`. @throws CommandError nothing that can be scaled has the name. */
export function setReplicas(resources: Resources, kustomization: Json): void {
  for (const replica of list(kustomization, 'replicas')) {
    const name = text(replica, 'name');
    let found = false;
    for (const kind of replicaKinds)
      for (const resource of resources) {
        const ids = [...previousIds(resource), currentId(resource)];
        if (!ids.some((id) => id.name === name && id.kind === kind)) continue;
        found = true;
        ensureMap(resource.object, 'spec')['replicas'] = num(replica, 'count');
      }
    if (!found)
      throw new CommandError(
        `resource with name ${name} does not match a config with the following GVK [${replicaKinds.map((kind) => formatGvk({ kind })).join(' ')}]`,
      );
  }
}

/** `images`: of containers anywhere in an object, then of the fields known to hold one: some are met twice, as upstream. */
export function setImages(resources: Resources, kustomization: Json): void {
  for (const image of list(kustomization, 'images'))
    for (const { object } of resources) {
      if (text(object, 'kind') !== 'CustomResourceDefinition')
        setContainerImages(object, map(image));
      for (const spec of imageFields)
        visitField(object, spec, 'none', (place) => {
          if (typeof place.value === 'string') place.set(imageFor(place.value, map(image)));
        });
    }
}

function setContainerImages(value: unknown, image: Json): void {
  if (Array.isArray(value)) {
    for (const item of value) setContainerImages(item, image);
    return;
  }
  if (!isJson(value)) return;
  for (const [key, inner] of Object.entries(value)) {
    setContainerImages(inner, image);
    if ((key !== 'containers' && key !== 'initContainers') || !Array.isArray(inner)) continue;
    for (const container of inner)
      if (isJson(container) && typeof container['image'] === 'string')
        container['image'] = imageFor(container['image'], image);
  }
}

/** @see sigs.k8s.io/kustomize/api/filters/imagetag/updater.go */
function imageFor(current: string, image: Json): string {
  const wanted = new RegExp(
    `^${text(image, 'name')}(:[a-zA-Z0-9_.{}-]*)?(@sha256:[a-zA-Z0-9_.{}-]*)?$`,
  );
  if (!wanted.test(current)) return current;
  const slash = Math.max(current.indexOf('/'), 0);
  const parts = /^([^:@]*)(?::([^@]*))?(?:@(.*))?$/.exec(current.slice(slash));
  let name = current.slice(0, slash) + (parts?.[1] ?? current.slice(slash));
  let [tag, digest] = [parts?.[2] ?? '', parts?.[3] ?? ''];
  name = text(image, 'newName') || name;
  const [newTag, newDigest] = [text(image, 'newTag'), text(image, 'digest')];
  if (newTag !== '' || newDigest !== '') [tag, digest] = [newTag, newDigest];
  else if (text(image, 'tagSuffix') !== '') [tag, digest] = [tag + text(image, 'tagSuffix'), ''];
  return `${name}${tag === '' ? '' : `:${tag}`}${digest === '' ? '' : `@${digest}`}`;
}

/** Kinds that others need come first, webhooks last; all others stand between them. */
const firstKinds =
  'Namespace ResourceQuota StorageClass CustomResourceDefinition ServiceAccount PodSecurityPolicy Role ClusterRole RoleBinding ClusterRoleBinding ConfigMap Secret Endpoints Service LimitRange PriorityClass PersistentVolume PersistentVolumeClaim Deployment StatefulSet CronJob PodDisruptionBudget'.split(
    ' ',
  );
const lastKinds = ['MutatingWebhookConfiguration', 'ValidatingWebhookConfiguration'];

/**
 * The order in which a build is printed, unless `sortOptions` says otherwise.
 * @throws CommandError `sortOptions` cannot be followed.
 * @see sigs.k8s.io/kustomize/api/internal/builtins/SortOrderTransformer.go
 */
export function inOrder(resources: Resources, sortOptions: unknown): Resource[] {
  const order = sortOptions === undefined ? 'legacy' : text(sortOptions, 'order');
  const given = map(sortOptions, 'legacySortOptions');
  if (order !== 'fifo' && order !== 'legacy')
    throw new CommandError("the field 'sortOptions.order' must be one of [fifo, legacy]");
  if (order === 'fifo') {
    if (Object.keys(given).length > 0)
      throw new CommandError(
        "the field 'sortOptions.legacySortOptions' is set but the selected sort order is 'fifo', not 'legacy'",
      );
    return resources;
  }
  const named = 'legacySortOptions' in map(sortOptions);
  const first = named ? list(given, 'orderFirst').map(String) : firstKinds;
  const last = named ? list(given, 'orderLast').map(String) : lastKinds;
  const rank = (kind: string): number =>
    last.includes(kind)
      ? 1 + last.indexOf(kind)
      : first.includes(kind)
        ? first.indexOf(kind) - first.length
        : 0;
  const keyOf = (resource: Resource): readonly [number, string] => {
    const { group, version, kind, name, namespace } = currentId(resource);
    return [
      rank(kind),
      `${group || '~G'}_${version || '~V'}_${kind || '~K'} ${namespace || '~X'}|${name || '~N'}`,
    ];
  };
  return resources
    .map((resource) => ({ resource, key: keyOf(resource) }))
    .sort((a, b) => a.key[0] - b.key[0] || (a.key[1] < b.key[1] ? -1 : a.key[1] > b.key[1] ? 1 : 0))
    .map(({ resource }) => resource);
}
