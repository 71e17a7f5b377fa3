import type { DeepReadonly } from '#core/base';
import { isReason, type ObjectMeta } from '../machinery/index.ts';
import { controllerOf, controllerReference } from './owner-references.ts';
import type { ResourceClient } from './types.ts';

interface WithMeta {
  readonly metadata?: DeepReadonly<ObjectMeta>;
}

export interface RefManagerOptions<T> {
  readonly controller: WithMeta;
  readonly apiVersion: string;
  readonly kind: string;
  readonly client: Pick<ResourceClient<T>, 'patch'>;
  readonly matches: (object: DeepReadonly<T>) => boolean;
  /**
   * The controller read past the cache: an object must not be adopted by one that is being deleted.
   * Asked at most once.
   */
  readonly fresh: () => Promise<WithMeta>;
  /** Finalizers put on with adoption and taken off with release. */
  readonly finalizers?: readonly string[];
}

/**
 * Sorts out which objects belong to a controller: adopts matching orphans, releases its own that no longer
 * match, leaves those of others alone.
 *
 * @returns the objects that are the controller's now.
 * @see k8s.io/kubernetes/pkg/controller/controller_ref_manager.go, ClaimObject
 */
export async function claimObjects<T>(
  objects: readonly DeepReadonly<T>[],
  options: RefManagerOptions<T>,
): Promise<DeepReadonly<T>[]> {
  const uid = options.controller.metadata?.uid;
  const isDeleted = options.controller.metadata?.deletionTimestamp !== undefined;
  const claimed: DeepReadonly<T>[] = [];
  const errors: unknown[] = [];
  let adoption: Promise<void> | undefined;
  const checkAdoption = async (): Promise<void> => {
    const fresh = await options.fresh();
    const meta = fresh.metadata;
    if (meta?.uid !== uid)
      throw new Error(
        `original ${options.kind} ${meta?.namespace ?? ''}/${meta?.name ?? ''} is gone: got uid ${meta?.uid ?? ''}, wanted ${uid ?? ''}`,
      );
    if (meta?.deletionTimestamp)
      throw new Error(
        `${meta.namespace ?? ''}/${meta.name ?? ''} has just been deleted at ${meta.deletionTimestamp}`,
      );
  };

  for (const object of objects) {
    const meta = (object as WithMeta).metadata ?? {};
    const owner = controllerOf(object as WithMeta);
    try {
      if (owner) {
        if (owner.uid !== uid) continue;
        if (options.matches(object)) claimed.push(object);
        else if (!isDeleted) await release(meta);
        continue;
      }
      if (isDeleted || meta.deletionTimestamp || !options.matches(object)) continue;
      const namespace = options.controller.metadata?.namespace;
      if (namespace && namespace !== meta.namespace) continue;
      adoption ??= checkAdoption();
      await adoption;
      await options.client.patch(meta.namespace, meta.name ?? '', 'strategic', {
        metadata: {
          ownerReferences: [
            controllerReference(options.controller, options.apiVersion, options.kind),
          ],
          uid: meta.uid,
          ...(options.finalizers ? { finalizers: [...options.finalizers] } : {}),
        },
      });
      claimed.push(object);
    } catch (error) {
      if (!isReason(error, 'NotFound')) errors.push(error);
    }
  }
  if (errors.length > 0) throw errors[0];
  return claimed;

  async function release(meta: DeepReadonly<ObjectMeta>): Promise<void> {
    try {
      await options.client.patch(meta.namespace, meta.name ?? '', 'strategic', {
        metadata: {
          uid: meta.uid,
          ownerReferences: [{ $patch: 'delete', uid }],
          ...(options.finalizers
            ? { '$deleteFromPrimitiveList/finalizers': [...options.finalizers] }
            : {}),
        },
      });
    } catch (error) {
      // Invalid: the object was replaced by another of the name, or has no references left.
      if (!isReason(error, 'NotFound') && !isReason(error, 'Invalid')) throw error;
    }
  }
}
