import { at, isMap, type JsonMap, listOf, mapsOf, textAt, textOf } from '../fields/index.ts';

/** The config objects a pod names in its own namespace. @see pkg/api/v1/pod/util.go, VisitPodSecretNames */
export interface PodReferences {
  readonly secrets: ReadonlySet<string>;
  readonly configMaps: ReadonlySet<string>;
  readonly claims: ReadonlySet<string>;
}

const secretRefSources = ['cephfs', 'flexVolume', 'rbd', 'scaleIO', 'iscsi', 'storageos'];

/** Secrets, config maps and claims that a pod's volumes, environment and pull secrets name. */
export function podReferences(pod: unknown): PodReferences {
  const secrets = new Set<string>();
  const configMaps = new Set<string>();
  const claims = new Set<string>();
  const add = (into: Set<string>, value: unknown): void => {
    const name = textOf(value);
    if (name !== '') into.add(name);
  };
  for (const pull of mapsOf(at(pod, 'spec', 'imagePullSecrets'))) add(secrets, pull['name']);
  for (const list of ['containers', 'initContainers', 'ephemeralContainers'])
    for (const container of mapsOf(at(pod, 'spec', list))) {
      for (const source of mapsOf(container['envFrom'])) {
        add(secrets, at(source, 'secretRef', 'name'));
        add(configMaps, at(source, 'configMapRef', 'name'));
      }
      for (const variable of mapsOf(container['env'])) {
        add(secrets, at(variable, 'valueFrom', 'secretKeyRef', 'name'));
        add(configMaps, at(variable, 'valueFrom', 'configMapKeyRef', 'name'));
      }
    }
  const podName = textAt(pod, 'metadata', 'name');
  for (const volume of mapsOf(at(pod, 'spec', 'volumes'))) {
    add(secrets, at(volume, 'secret', 'secretName'));
    add(secrets, at(volume, 'azureFile', 'secretName'));
    add(secrets, at(volume, 'csi', 'nodePublishSecretRef', 'name'));
    for (const source of secretRefSources) add(secrets, at(volume, source, 'secretRef', 'name'));
    add(configMaps, at(volume, 'configMap', 'name'));
    add(claims, at(volume, 'persistentVolumeClaim', 'claimName'));
    if (isMap(volume['ephemeral'])) claims.add(`${podName}-${textOf(volume['name'])}`);
    for (const source of mapsOf(at(volume, 'projected', 'sources'))) {
      add(secrets, at(source, 'secret', 'name'));
      add(configMaps, at(source, 'configMap', 'name'));
    }
  }
  return { secrets, configMaps, claims };
}

/** Secrets a volume's driver reads. @see pkg/api/v1/persistentvolume/util.go, VisitPVSecretNames */
export function volumeSecrets(volume: unknown): readonly { namespace: string; name: string }[] {
  const claimNamespace = textAt(volume, 'spec', 'claimRef', 'namespace');
  const found: { namespace: string; name: string }[] = [];
  const visit = (reference: unknown): void => {
    const name = textAt(reference, 'name');
    if (name !== '')
      found.push({ namespace: textAt(reference, 'namespace') || claimNamespace, name });
  };
  for (const source of secretRefSources) visit(at(volume, 'spec', source, 'secretRef'));
  for (const field of ['nodePublishSecretRef', 'nodeStageSecretRef', 'nodeExpandSecretRef'])
    visit(at(volume, 'spec', 'csi', field));
  return found;
}

export const isMirrorPod = (pod: unknown): boolean =>
  at(pod, 'metadata', 'annotations', 'kubernetes.io/config.mirror') !== undefined;

/** Names of the resource claims a pod uses, as spec or status tell. */
export function podResourceClaims(pod: unknown): ReadonlySet<string> {
  const names = new Set<string>();
  const direct = listOf(at(pod, 'spec', 'resourceClaims')) as readonly JsonMap[];
  for (const claim of direct) {
    const name = textAt(claim, 'resourceClaimName');
    if (name !== '') names.add(name);
  }
  for (const status of mapsOf(at(pod, 'status', 'resourceClaimStatuses'))) {
    const name = textOf(status['resourceClaimName']);
    if (name !== '') names.add(name);
  }
  return names;
}
