import type { PersistentVolumeClaim, PersistentVolumeClaimSpec } from '../../apis/index.ts';
import { type Result, WorkQueue } from '../../client/index.ts';
import { keyOf, objectKey, type ObjectKey } from '../../machinery/index.ts';
import { type Controller, type ControllerContext, mutableCopy, textOf } from '../shared/context.ts';
import { queueController } from '../shared/informer-queue.ts';
import type { PodView } from '../shared/pods.ts';

type Volume = NonNullable<NonNullable<PodView['spec']>['volumes']>[number];

/** The name of the claim of a pod's ephemeral volume. */
export function ephemeralClaimName(podName: string, volumeName: string): string {
  return `${podName}-${volumeName}`;
}

/**
 * Makes the claims of ephemeral volumes, which their pods own.
 *
 * @see k8s.io/kubernetes/pkg/controller/volume/ephemeral
 */
export function createEphemeralVolumeController(context: ControllerContext): Controller {
  const { client, informers, recorder, clock } = context;
  const claims = informers.for('persistentvolumeclaims');
  const pods = informers.for('pods');
  const queue = new WorkQueue<ObjectKey>(clock);

  async function makeClaim(pod: PodView, volume: Volume): Promise<void> {
    const template = volume.ephemeral?.volumeClaimTemplate;
    if (!template) return;
    const { namespace, name: podName = '', uid = '' } = pod.metadata;
    const name = ephemeralClaimName(podName, volume.name);
    const present = claims.get(keyOf(namespace, name));
    if (present) {
      const owned = present.metadata.ownerReferences?.some(
        (owner) => owner.controller && owner.uid === uid,
      );
      if (owned) return;
      throw new Error(
        `PVC ${namespace ?? ''}/${name} was not created for pod ${namespace ?? ''}/${podName} (pod is not owner)`,
      );
    }
    const { labels, annotations } = template.metadata ?? {};
    const draft: PersistentVolumeClaim = {
      apiVersion: 'v1',
      kind: 'PersistentVolumeClaim',
      metadata: {
        name,
        ...(namespace === undefined ? {} : { namespace }),
        ...(labels ? { labels: { ...labels } } : {}),
        ...(annotations ? { annotations: { ...annotations } } : {}),
        ownerReferences: [
          {
            apiVersion: 'v1',
            kind: 'Pod',
            name: podName,
            uid,
            controller: true,
            blockOwnerDeletion: true,
          },
        ],
      },
      spec: mutableCopy<PersistentVolumeClaimSpec>(template.spec),
    };
    try {
      await client.resource('persistentvolumeclaims').create(draft);
    } catch (error) {
      throw new Error(`create PVC ${name}: ${textOf(error)}`, { cause: error });
    }
  }

  async function reconcile(key: ObjectKey): Promise<Result> {
    const pod = pods.get(key);
    if (!pod || pod.metadata.deletionTimestamp) return {};
    for (const volume of pod.spec?.volumes ?? [])
      try {
        await makeClaim(pod, volume);
      } catch (error) {
        const text = `ephemeral volume ${volume.name}: ${textOf(error)}`;
        recorder.event(pod, 'Warning', 'FailedBinding', text);
        throw new Error(`pod ${key}, ${text}`, { cause: error });
      }
    return {};
  }

  const hasEphemeral = (pod: PodView): boolean =>
    !pod.metadata.deletionTimestamp && (pod.spec?.volumes ?? []).some((volume) => volume.ephemeral);

  return queueController(context, {
    name: 'ephemeral-volume-controller',
    queue,
    reconcile,
    handlers: (own) => {
      own(
        pods.addHandler({
          onAdd: (pod) => void (hasEphemeral(pod) && queue.add(objectKey(pod.metadata))),
        }),
      );
      own(
        claims.addHandler({
          onDelete: ({ metadata: { namespace, name = '' } }) => {
            for (const pod of pods.list(namespace))
              if (
                hasEphemeral(pod) &&
                pod.spec?.volumes?.some(
                  (volume) => ephemeralClaimName(pod.metadata.name ?? '', volume.name) === name,
                )
              )
                queue.add(objectKey(pod.metadata));
          },
        }),
      );
    },
  });
}
