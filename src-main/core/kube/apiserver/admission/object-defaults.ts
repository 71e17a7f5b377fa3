import type { KubeObject } from '../../machinery/index.ts';
import type { DeepReadonly } from '#core/base';
import { at, draftAt, parseQuantity, textAt, textsOf } from '../fields/index.ts';
import type { AdmissionPlugin, ServerState } from '../types.ts';
import { forbid, isResource } from './attributes.ts';

const classAnnotation = 'volume.beta.kubernetes.io/storage-class';

/** The class marked as default: the newest, then the first by name. */
function newestDefault(
  classes: readonly DeepReadonly<KubeObject>[],
  annotations: readonly string[],
): string | undefined {
  const time = (object: DeepReadonly<KubeObject>): string =>
    object.metadata.creationTimestamp ?? '';
  return classes
    .filter((object) => annotations.some((key) => object.metadata.annotations?.[key] === 'true'))
    .sort((a, b) =>
      time(a) === time(b)
        ? (a.metadata.name ?? '') < (b.metadata.name ?? '')
          ? -1
          : 1
        : time(a) > time(b)
          ? -1
          : 1,
    )[0]?.metadata.name;
}

/** @see plugin/pkg/admission/storage/storageclass/setdefault */
export function defaultStorageClass(state: ServerState): AdmissionPlugin {
  return {
    name: 'DefaultStorageClass',
    admit(request) {
      const claim = request.object;
      if (!claim || request.operation !== 'CREATE') return;
      if (!isResource(request, '', 'persistentvolumeclaims')) return;
      // An empty name is a choice: no class.
      if (at(claim, 'metadata', 'annotations', classAnnotation) !== undefined) return;
      if (typeof at(claim, 'spec', 'storageClassName') === 'string') return;
      const name = newestDefault(state.list('storage.k8s.io', 'storageclasses'), [
        'storageclass.kubernetes.io/is-default-class',
        'storageclass.beta.kubernetes.io/is-default-class',
      ]);
      if (name !== undefined) draftAt(claim, 'spec')['storageClassName'] = name;
    },
  };
}

/** @see plugin/pkg/admission/network/defaultingressclass */
export function defaultIngressClass(state: ServerState): AdmissionPlugin {
  return {
    name: 'DefaultIngressClass',
    admit(request) {
      const ingress = request.object;
      if (!ingress || request.operation !== 'CREATE') return;
      if (!isResource(request, 'networking.k8s.io', 'ingresses')) return;
      if (typeof at(ingress, 'spec', 'ingressClassName') === 'string') return;
      if (ingress.metadata.annotations?.['kubernetes.io/ingress.class'] !== undefined) return;
      const name = newestDefault(state.list('networking.k8s.io', 'ingressclasses'), [
        'ingressclass.kubernetes.io/is-default-class',
      ]);
      if (name !== undefined) draftAt(ingress, 'spec')['ingressClassName'] = name;
    },
  };
}

const protectionFinalizers: Readonly<Record<string, string>> = {
  persistentvolumes: 'kubernetes.io/pv-protection',
  persistentvolumeclaims: 'kubernetes.io/pvc-protection',
  'volumeattributesclasses.storage.k8s.io': 'kubernetes.io/vac-protection',
};

/** @see plugin/pkg/admission/storage/storageobjectinuseprotection */
export function storageObjectInUseProtection(): AdmissionPlugin {
  return {
    name: 'StorageObjectInUseProtection',
    admit(request) {
      const { group, resource } = request.resource;
      const finalizer = protectionFinalizers[group === '' ? resource : `${resource}.${group}`];
      if (finalizer === undefined || request.subresource !== '') return;
      if (request.operation !== 'CREATE' || !request.object) return;
      const { metadata } = request.object;
      if (!metadata.finalizers?.includes(finalizer))
        metadata.finalizers = [...(metadata.finalizers ?? []), finalizer];
    },
  };
}

/** @see plugin/pkg/admission/storage/persistentvolume/resize */
export function persistentVolumeClaimResize(state: ServerState): AdmissionPlugin {
  const size = (claim: unknown): bigint =>
    parseQuantity(at(claim, 'spec', 'resources', 'requests', 'storage'))?.nanos ?? 0n;
  const classOf = (claim: unknown): string =>
    textAt(claim, 'metadata', 'annotations', classAnnotation) ||
    textAt(claim, 'spec', 'storageClassName');
  return {
    name: 'PersistentVolumeClaimResize',
    validate(request) {
      const { object, oldObject } = request;
      if (request.operation !== 'UPDATE' || !isResource(request, '', 'persistentvolumeclaims'))
        return;
      if (size(object) <= size(oldObject)) return;
      if (textAt(oldObject, 'status', 'phase') !== 'Bound')
        throw forbid(request, 'Only bound persistent volume claims can be expanded');
      const name = classOf(object);
      const storageClass = state.get('storage.k8s.io', 'storageclasses', '', name);
      if (
        name === '' ||
        name !== classOf(oldObject) ||
        at(storageClass, 'allowVolumeExpansion') !== true
      )
        throw forbid(
          request,
          'only dynamically provisioned pvc can be resized and the storageclass that provisions the pvc must support resize',
        );
    },
  };
}

/** @see plugin/pkg/admission/network/denyserviceexternalips */
export function denyServiceExternalIps(): AdmissionPlugin {
  return {
    name: 'DenyServiceExternalIPs',
    validate(request) {
      if (!request.object || !isResource(request, '', 'services')) return;
      const old = textsOf(at(request.oldObject, 'spec', 'externalIPs'));
      if (textsOf(at(request.object, 'spec', 'externalIPs')).some((ip) => !old.includes(ip)))
        throw forbid(request, 'Use of external IPs is denied by admission control');
    },
  };
}
