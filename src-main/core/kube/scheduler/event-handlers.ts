import { type Disposable, DisposableStore } from '#core/base';
import type { Informer, Informers } from '../client/index.ts';
import type { SchedulerCache } from './cache.ts';
import { nodeChanges, podChanges } from './cluster-events.ts';
import type { EventResource } from './framework.ts';
import type { SchedulingQueue } from './scheduling-queue.ts';
import { type NodeView, type PodView, uidOf } from './views.ts';

interface Watched {
  readonly cache: SchedulerCache;
  readonly queue: SchedulingQueue;
  isResponsible(pod: PodView): boolean;
}

const isOver = (pod: PodView): boolean =>
  pod.status?.phase === 'Succeeded' || pod.status?.phase === 'Failed';

/** Informers whose changes mean nothing but a chance for pods that were refused. */
const others = [
  ['persistentvolumeclaims', 'PersistentVolumeClaim'],
  ['persistentvolumes', 'PersistentVolume'],
  ['storageclasses.storage.k8s.io', 'StorageClass'],
  ['csinodes.storage.k8s.io', 'CSINode'],
  ['csidrivers.storage.k8s.io', 'CSIDriver'],
  ['csistoragecapacities.storage.k8s.io', 'CSIStorageCapacity'],
  ['resourceclaims.resource.k8s.io', 'ResourceClaim'],
  ['deviceclasses.resource.k8s.io', 'DeviceClass'],
  ['resourceslices.resource.k8s.io', 'ResourceSlice'],
] as const;

/**
 * Keeps cache and queue in step with the cluster.
 * @see k8s.io/kubernetes/pkg/scheduler/eventhandlers.go
 */
export function watchCluster(informers: Informers, watched: Watched): Disposable {
  const owned = new DisposableStore();
  const { cache, queue } = watched;
  owned.add(watchNodes(informers, cache, queue));
  owned.add(watchPods(informers, watched));
  for (const [resource, kind] of others)
    owned.add(watchOther(informers.for(resource) as Informer<unknown>, kind, queue));
  // These are read when a pod asks for its service or owner; their changes wake nobody.
  for (const resource of [
    'services',
    'replicationcontrollers',
    'replicasets.apps',
    'statefulsets.apps',
    'namespaces',
    'poddisruptionbudgets.policy',
  ] as const)
    informers.for(resource);
  return owned;
}

function watchNodes(
  informers: Informers,
  cache: SchedulerCache,
  queue: SchedulingQueue,
): Disposable {
  return informers.for('nodes').addHandler({
    onAdd: (node: NodeView) => {
      cache.setNode(node);
      queue.move({ resource: 'Node', action: 'add', object: node });
    },
    onUpdate: (previous: NodeView, node: NodeView) => {
      cache.setNode(node);
      for (const event of nodeChanges(previous, node)) queue.move(event);
    },
    onDelete: (node: NodeView) => {
      cache.removeNode(node.metadata.name ?? '');
      queue.move({ resource: 'Node', action: 'delete', previous: node });
    },
  });
}

function watchPods(informers: Informers, watched: Watched): Disposable {
  const { cache, queue } = watched;
  const arrive = (pod: PodView): void => {
    if (pod.spec?.nodeName) {
      cache.setPod(pod);
      queue.move({ resource: 'AssignedPod', action: 'add', object: pod });
    } else if (watched.isResponsible(pod)) queue.add(pod);
  };
  const leave = (pod: PodView): void => {
    const uid = uidOf(pod);
    const heldRoom = cache.isPlaced(uid) || queue.nominator.has(uid);
    queue.delete(uid);
    cache.removePod(uid);
    if (heldRoom) queue.move({ resource: 'AssignedPod', action: 'delete', previous: pod });
  };
  return informers.for('pods').addHandler({
    onAdd: (pod: PodView) => {
      if (!isOver(pod)) arrive(pod);
    },
    onUpdate: (previous: PodView, pod: PodView) => {
      if (isOver(pod)) {
        if (!isOver(previous)) leave(previous);
      } else if (isOver(previous) || (!previous.spec?.nodeName && pod.spec?.nodeName)) {
        queue.delete(uidOf(pod));
        arrive(pod);
      } else if (pod.spec?.nodeName) {
        cache.setPod(pod);
        for (const event of podChanges('AssignedPod', previous, pod)) queue.move(event);
      } else if (watched.isResponsible(pod) && !cache.isAssumed(uidOf(pod)))
        queue.update(previous, pod, podChanges('TargetPod', previous, pod));
    },
    onDelete: (pod: PodView) => {
      if (!isOver(pod)) leave(pod);
    },
  });
}

function watchOther(
  informer: Informer<unknown>,
  resource: EventResource,
  queue: SchedulingQueue,
): Disposable {
  return informer.addHandler({
    onAdd: (object) => queue.move({ resource, action: 'add', object }),
    onUpdate: (previous, object) => queue.move({ resource, action: 'update', previous, object }),
    onDelete: (previous) => queue.move({ resource, action: 'delete', previous }),
  });
}
