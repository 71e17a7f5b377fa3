import { fromUtf8 } from '#core/base';
import { CommandError } from '../errors.ts';
import { at, ensureMap, isJson, type Json, list, map, nameOf, num, text } from '../json-view.ts';

/** What of a machine's files a build reads; paths are absolute. */
export interface KustomizeFiles {
  exists(path: string): boolean;
  stat(path: string): { readonly kind: string };
  readFile(path: string): Uint8Array;
}

const fileNames = ['kustomization.yaml', 'kustomization.yml', 'Kustomization'];
const supported = new Set([
  'apiVersion',
  'kind',
  'metadata',
  'resources',
  'namespace',
  'commonLabels',
  'commonAnnotations',
  'images',
  'replicas',
]);
/** Fields that kustomize knows and this build does not; any other name is nobody's. */
const unsupported = new Set(
  'bases components configMapGenerator configurations crds generatorOptions generators helmCharts helmGlobals inventory labels namePrefix nameSuffix openapi patches patchesJson6902 patchesStrategicMerge replacements secretGenerator sortOptions transformers validators vars buildMetadata'.split(
    ' ',
  ),
);

/** Kinds that others need come first, webhooks last; all others stand between them. */
const firstKinds =
  'Namespace ResourceQuota StorageClass CustomResourceDefinition ServiceAccount PodSecurityPolicy Role ClusterRole RoleBinding ClusterRoleBinding ConfigMap Secret Endpoints Service LimitRange PriorityClass PersistentVolume PersistentVolumeClaim Deployment StatefulSet CronJob PodDisruptionBudget'.split(
    ' ',
  );
const lastKinds = ['MutatingWebhookConfiguration', 'ValidatingWebhookConfiguration'];
const clusterScoped = new Set(
  'Namespace Node PersistentVolume StorageClass CustomResourceDefinition ClusterRole ClusterRoleBinding PriorityClass IngressClass RuntimeClass CSIDriver APIService MutatingWebhookConfiguration ValidatingWebhookConfiguration'.split(
    ' ',
  ),
);

/**
 * The objects of a kustomization: resources with namespace, labels, annotations, images and replicas laid over.
 * @param directory absolute.
 * @param shown the directory as messages name it.
 * @param parse the objects of one YAML text.
 * @throws CommandError with kustomize's words; a field that is not built here is named, never ignored.
 */
export function buildKustomization(
  files: KustomizeFiles,
  directory: string,
  shown: string,
  parse: (text: string, source: string) => readonly unknown[],
): Json[] {
  const objects = accumulate(files, directory, shown, parse);
  const rank = (object: Json): number => {
    const kind = text(object, 'kind');
    if (lastKinds.includes(kind)) return firstKinds.length + 1;
    const index = firstKinds.indexOf(kind);
    return index < 0 ? firstKinds.length : index;
  };
  return objects.sort((a, b) => rank(a) - rank(b));
}

function accumulate(
  files: KustomizeFiles,
  directory: string,
  shown: string,
  parse: (text: string, source: string) => readonly unknown[],
): Json[] {
  if (!files.exists(directory) || files.stat(directory).kind !== 'directory')
    throw new CommandError(notDirectory(shown, directory));
  const file = fileNames.map((name) => `${directory}/${name}`).find((path) => files.exists(path));
  if (file === undefined)
    throw new CommandError(
      `unable to find one of 'kustomization.yaml', 'kustomization.yml' or 'Kustomization' in directory '${directory}'`,
    );
  const kustomization = parse(fromUtf8(files.readFile(file)), file)[0];
  if (!isJson(kustomization)) throw new CommandError('kustomization.yaml is empty');
  for (const field of Object.keys(kustomization)) {
    if (supported.has(field)) continue;
    throw new CommandError(
      unsupported.has(field)
        ? `the kustomization field "${field}" is not supported by this kubectl`
        : `invalid Kustomization: json: unknown field ${JSON.stringify(field)}`,
    );
  }
  const objects: Json[] = [];
  for (const entry of list(kustomization, 'resources')) {
    const name = String(entry);
    const path = name.startsWith('/') ? name : `${directory}/${name}`;
    if (!files.exists(path)) {
      const missing = `evalsymlink failure on '${path}' : lstat ${path}: no such file or directory`;
      throw new CommandError(
        `accumulating resources: accumulation err='accumulating resources from '${name}': ${missing}': must build at directory: not a valid directory: ${missing}`,
      );
    }
    if (files.stat(path).kind === 'directory')
      objects.push(...accumulate(files, path.replace(/\/$/, ''), name, parse));
    else objects.push(...parse(fromUtf8(files.readFile(path)), path).filter(isJson));
  }
  for (const object of objects) overlay(object, kustomization);
  return objects;
}

function notDirectory(shown: string, directory: string): string {
  return `must build at directory: not a valid directory: evalsymlink failure on '${shown}' : lstat ${directory}: no such file or directory`;
}

function overlay(object: Json, kustomization: Json): void {
  const namespace = text(kustomization, 'namespace');
  if (namespace !== '' && !clusterScoped.has(text(object, 'kind')))
    ensureMap(object, 'metadata')['namespace'] = namespace;
  const template = templatePath(object);
  const labels = map(kustomization, 'commonLabels');
  if (Object.keys(labels).length > 0) {
    Object.assign(ensureMap(object, 'metadata', 'labels'), labels);
    if (template) Object.assign(ensureMap(object, ...template, 'metadata', 'labels'), labels);
    const selector = selectorPath(object);
    if (selector) Object.assign(ensureMap(object, ...selector), labels);
  }
  const annotations = map(kustomization, 'commonAnnotations');
  if (Object.keys(annotations).length > 0) {
    Object.assign(ensureMap(object, 'metadata', 'annotations'), annotations);
    if (template)
      Object.assign(ensureMap(object, ...template, 'metadata', 'annotations'), annotations);
  }
  for (const image of list(kustomization, 'images')) setImage(object, map(image));
  for (const replica of list(kustomization, 'replicas'))
    if (
      text(replica, 'name') === nameOf(object) &&
      ['Deployment', 'ReplicaSet', 'ReplicationController', 'StatefulSet'].includes(
        text(object, 'kind'),
      )
    )
      ensureMap(object, 'spec')['replicas'] = num(replica, 'count');
}

function templatePath(object: Json): readonly string[] | undefined {
  switch (text(object, 'kind')) {
    case 'Deployment':
    case 'ReplicaSet':
    case 'ReplicationController':
    case 'StatefulSet':
    case 'DaemonSet':
    case 'Job':
      return ['spec', 'template'];
    case 'CronJob':
      return ['spec', 'jobTemplate', 'spec', 'template'];
    default:
      return undefined;
  }
}

function selectorPath(object: Json): readonly string[] | undefined {
  switch (text(object, 'kind')) {
    case 'Deployment':
    case 'ReplicaSet':
    case 'StatefulSet':
    case 'DaemonSet':
      return ['spec', 'selector', 'matchLabels'];
    case 'Service':
      return isJson(at(object, 'spec', 'selector')) ? ['spec', 'selector'] : undefined;
    default:
      return undefined;
  }
}

function setImage(value: unknown, image: Json): void {
  if (Array.isArray(value)) {
    for (const item of value) setImage(item, image);
    return;
  }
  if (!isJson(value)) return;
  for (const [key, inner] of Object.entries(value)) {
    if (key !== 'containers' && key !== 'initContainers') {
      setImage(inner, image);
      continue;
    }
    if (!Array.isArray(inner)) continue;
    for (const container of inner)
      if (isJson(container) && typeof container['image'] === 'string')
        container['image'] = imageFor(container['image'], image);
  }
}

function imageFor(current: string, image: Json): string {
  const parts = /^(.*?)(?::([^:/@]+))?(@.+)?$/.exec(current);
  const name = parts?.[1] ?? current;
  if (name !== text(image, 'name')) return current;
  const newName = text(image, 'newName') || name;
  const digest = text(image, 'digest');
  if (digest !== '') return `${newName}@${digest}`;
  const tag = at(image, 'newTag');
  if (typeof tag === 'string' || typeof tag === 'number') return `${newName}:${String(tag)}`;
  return `${newName}${parts?.[2] === undefined ? '' : `:${parts[2]}`}${parts?.[3] ?? ''}`;
}
