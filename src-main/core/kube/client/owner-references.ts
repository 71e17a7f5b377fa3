import type { DeepReadonly } from '#core/base';
import type { ObjectMeta, OwnerReference } from '../machinery/index.ts';

type Owned = { readonly metadata?: DeepReadonly<ObjectMeta> };

/** The reference with `controller: true`, if there is one. */
export function controllerOf(object: Owned): DeepReadonly<OwnerReference> | undefined {
  return object.metadata?.ownerReferences?.find(({ controller }) => controller === true);
}

/** A controller reference as controllers write it, which holds the owner back in foreground deletion. */
export function controllerReference(
  owner: Owned,
  apiVersion: string,
  kind: string,
): OwnerReference {
  return {
    apiVersion,
    kind,
    name: owner.metadata?.name ?? '',
    uid: owner.metadata?.uid ?? '',
    controller: true,
    blockOwnerDeletion: true,
  };
}
