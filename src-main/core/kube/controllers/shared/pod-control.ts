import type { DeepReadonly } from '#core/base';
import type { Pod, PodTemplateSpec } from '../../apis/index.ts';
import type { EventRecorder, KubeClient, ObjectLike } from '../../client/index.ts';
import { isReason, isStatusError, type OwnerReference } from '../../machinery/index.ts';
import { mutableCopy, textOf } from './context.ts';
import type { PodView } from './pods.ts';

/** Whether a create was refused because the namespace is being deleted: no error for the creator. */
export function isNamespaceTerminating(error: unknown): boolean {
  return (
    isStatusError(error) &&
    (error.status.details?.causes ?? []).some(({ reason }) => reason === 'NamespaceTerminating')
  );
}

/** A pod made of a template, owned by a controller. @see controller_utils.go, GetPodFromTemplate */
export function podFromTemplate(
  template: DeepReadonly<PodTemplateSpec>,
  owner: ObjectLike,
  reference: OwnerReference | undefined,
): Pod {
  const { labels, annotations, finalizers } = template.metadata ?? {};
  return mutableCopy<Pod>({
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: {
      ...(owner.metadata?.namespace ? { namespace: owner.metadata.namespace } : {}),
      ...(labels ? { labels } : {}),
      ...(annotations ? { annotations } : {}),
      ...(finalizers ? { finalizers } : {}),
      generateName: `${owner.metadata?.name ?? ''}-`,
      ...(reference ? { ownerReferences: [reference] } : {}),
    },
    ...(template.spec ? { spec: template.spec } : {}),
  });
}

export interface PodControl {
  create(pod: Pod, owner: ObjectLike): Promise<PodView>;
  delete(namespace: string | undefined, name: string, owner: ObjectLike): Promise<void>;
}

/** Creates and deletes pods with the events on their owner. @see controller_utils.go, RealPodControl */
export function createPodControl(client: KubeClient, recorder: EventRecorder): PodControl {
  const pods = client.resource('pods');
  return {
    async create(pod, owner) {
      try {
        const created = await pods.create(pod);
        recorder.event(
          owner,
          'Normal',
          'SuccessfulCreate',
          `Created pod: ${created.metadata.name ?? ''}`,
        );
        return created;
      } catch (error) {
        if (!isNamespaceTerminating(error))
          recorder.event(owner, 'Warning', 'FailedCreate', `Error creating: ${textOf(error)}`);
        throw error;
      }
    },
    async delete(namespace, name, owner) {
      try {
        await pods.delete(namespace, name);
      } catch (error) {
        if (!isReason(error, 'NotFound')) {
          recorder.event(owner, 'Warning', 'FailedDelete', `Error deleting: ${textOf(error)}`);
        }
        throw error;
      }
      recorder.event(owner, 'Normal', 'SuccessfulDelete', `Deleted pod: ${name}`);
    },
  };
}

/**
 * Calls `action` `count` times in batches of 1, 2, 4 …, so that what fails for all fails first for one.
 *
 * @returns the number of successes, and the first error of the batch that ended it.
 * @see k8s.io/kubernetes/pkg/controller/replicaset/replica_set.go, slowStartBatch
 */
export async function slowStartBatch(
  count: number,
  action: (index: number) => Promise<void>,
): Promise<{ readonly successes: number; readonly error?: unknown }> {
  let successes = 0;
  let position = 0;
  for (let size = Math.min(count, 1); size > 0; size = Math.min(2 * size, count - position)) {
    const start = position;
    const results = await Promise.allSettled(
      Array.from({ length: size }, (_, index) => action(start + index)),
    );
    position += size;
    const failed = results.find((result) => result.status === 'rejected');
    successes += results.filter((result) => result.status === 'fulfilled').length;
    if (failed) return { successes, error: failed.reason as unknown };
  }
  return { successes };
}
