import type { DeepReadonly } from '#core/base';
import type { Pod, PodTemplateSpec } from '../../apis/index.ts';
import {
  claimObjects,
  controllerOf,
  controllerReference,
  Expectations,
  type Informer,
  type ResourceClient,
  type Result,
  runController,
  WorkQueue,
} from '../../client/index.ts';
import {
  formatTime,
  hasLabels,
  isReason,
  keyOf,
  objectKey,
  type ObjectKey,
  type ObjectMeta,
  splitKey,
} from '../../machinery/index.ts';
import { DisposableStore, jsonEqual } from '#core/base';
import { type Controller, type ControllerContext, mutableCopy, textOf } from '../shared/context.ts';
import {
  createPodControl,
  isNamespaceTerminating,
  podFromTemplate,
  slowStartBatch,
} from '../shared/pod-control.ts';
import {
  batchMs,
  compareForDeletion,
  isPodActive,
  isPodAvailable,
  isPodReady,
  isPodTerminating,
  nextAvailabilityCheckMs,
  orphansOf,
  podOwnerIndex,
  podOwnerKeys,
  type PodView,
} from '../shared/pods.ts';

interface ReplicasCondition {
  type: string;
  status: string;
  lastTransitionTime?: string;
  reason?: string;
  message?: string;
}

interface ReplicasStatus {
  replicas: number;
  fullyLabeledReplicas?: number;
  readyReplicas?: number;
  availableReplicas?: number;
  terminatingReplicas?: number;
  observedGeneration?: number;
  conditions?: ReplicasCondition[];
}

/** What ReplicaSet and ReplicationController have in common. */
export interface ReplicasObject {
  apiVersion: string;
  kind: string;
  metadata: ObjectMeta;
  spec?: { replicas?: number; minReadySeconds?: number; template?: PodTemplateSpec };
  status?: ReplicasStatus;
}

export interface ReplicasKind<T extends ReplicasObject> {
  /** As `--controllers` names it. */
  readonly name: string;
  readonly apiVersion: string;
  readonly kind: string;
  readonly client: ResourceClient<T>;
  readonly informer: Informer<T>;
  /** Which pods an object selects. */
  readonly selectorOf: (object: DeepReadonly<T>) => (pod: PodView) => boolean;
  readonly countsTerminating: boolean;
  readonly workers: number;
}

type View<T> = DeepReadonly<T> & DeepReadonly<ReplicasObject>;

/** Pods created or deleted in one sync. */
const burstReplicas = 500;
/** Changes of pods that only show in the status are counted together for at least so long. */
const shortestBatchMs = 20;

/**
 * Keeps the number of pods an object asks for: the body of the ReplicaSet and the ReplicationController controller.
 *
 * @see k8s.io/kubernetes/pkg/controller/replicaset/replica_set.go
 */
export function createReplicasController<T extends ReplicasObject>(
  context: ControllerContext,
  kind: ReplicasKind<T>,
): Controller {
  const { client, informers, recorder, clock, logger } = context;
  const pods: Informer<Pod> = informers.for('pods');
  pods.addIndex(podOwnerIndex, podOwnerKeys);
  const podClient = client.resource('pods');
  const podControl = createPodControl(client, recorder);
  const expectations = new Expectations(clock);
  const queue = new WorkQueue<ObjectKey>(clock);
  const owned = new DisposableStore();
  let disposed = false;

  const viewOf = (key: ObjectKey): View<T> | undefined => kind.informer.get(key);
  const podKey = (pod: PodView): string => objectKey(pod.metadata);

  function ownerOf(pod: PodView): View<T> | undefined {
    const reference = controllerOf(pod);
    if (reference?.kind !== kind.kind) return undefined;
    const owner = viewOf(keyOf(pod.metadata.namespace, reference.name));
    return owner?.metadata.uid === reference.uid ? owner : undefined;
  }

  /** A pod nobody owns may be wanted by everybody whose selector matches. */
  function enqueueSelecting(pod: PodView): void {
    for (const object of kind.informer.list(pod.metadata.namespace)) {
      if (kind.selectorOf(object)(pod)) queue.add(objectKey((object as View<T>).metadata));
    }
  }

  function onPodDeleted(pod: PodView): void {
    const owner = ownerOf(pod);
    if (!owner) return;
    expectations.deletionObserved(objectKey(owner.metadata), podKey(pod));
    enqueueExpecting(owner);
  }

  /** Until the last of a burst is seen there is nothing to do but to count. */
  function enqueueExpecting(owner: View<T>): void {
    const key = objectKey(owner.metadata);
    queue.addAfter(key, expectations.satisfied(key) ? 0 : countAfterMs(owner));
  }

  function onPodAdded(pod: PodView): void {
    if (pod.metadata.deletionTimestamp) {
      onPodDeleted(pod);
      return;
    }
    if (!controllerOf(pod)) {
      enqueueSelecting(pod);
      return;
    }
    const owner = ownerOf(pod);
    if (!owner) return;
    expectations.creationObserved(objectKey(owner.metadata));
    enqueueExpecting(owner);
  }

  function onPodUpdated(previous: PodView, pod: PodView): void {
    const labelsChanged = !jsonEqual(previous.metadata.labels, pod.metadata.labels);
    if (pod.metadata.deletionTimestamp) {
      onPodDeleted(pod);
      return;
    }
    const ownerChanged = !jsonEqual(controllerOf(previous), controllerOf(pod));
    if (ownerChanged) {
      const before = ownerOf(previous);
      if (before) queue.add(objectKey(before.metadata));
    }
    if (controllerOf(pod)) {
      const owner = ownerOf(pod);
      if (!owner) return;
      const onlyStatus =
        !labelsChanged && !ownerChanged && isPodActive(previous) === isPodActive(pod);
      queue.addAfter(objectKey(owner.metadata), onlyStatus ? countAfterMs(owner) : 0);
    } else if (labelsChanged || ownerChanged) enqueueSelecting(pod);
  }

  async function reconcile(key: ObjectKey): Promise<Result> {
    const object = viewOf(key);
    if (!object) {
      expectations.forget(key);
      return {};
    }
    const needsSync = expectations.satisfied(key);
    const { namespace, name } = splitKey(key);
    // Own pods, and orphans that may be adopted.
    const candidates = pods
      .byIndex(podOwnerIndex, object.metadata.uid ?? '')
      .concat(pods.byIndex(podOwnerIndex, orphansOf(namespace)));
    const selects = kind.selectorOf(object);
    const active = await claimObjects<Pod>(candidates.filter(isPodActive), {
      controller: object,
      apiVersion: kind.apiVersion,
      kind: kind.kind,
      client: podClient,
      matches: selects,
      fresh: () => kind.client.get(namespace, name),
    });
    const terminating = candidates.filter(
      (pod) => isPodTerminating(pod) && controllerOf(pod) !== undefined && selects(pod),
    ).length;

    let failure: unknown;
    if (needsSync && !object.metadata.deletionTimestamp) {
      failure = await manage(key, object, active);
    }
    const updated = await writeStatus(object, statusOf(object, active, terminating, failure));
    if (failure !== undefined)
      throw failure instanceof Error ? failure : new Error(textOf(failure));
    const minReady = updated.spec?.minReadySeconds ?? 0;
    if (
      minReady > 0 &&
      (updated.status?.readyReplicas ?? 0) !== (updated.status?.availableReplicas ?? 0)
    ) {
      return {
        requeueAfterMs: nextAvailabilityCheckMs(active, minReady, clock.now()) ?? minReady * 1000,
      };
    }
    return {};
  }

  /** Creates or deletes pods; gives back the first error. */
  async function manage(
    key: ObjectKey,
    object: View<T>,
    active: readonly PodView[],
  ): Promise<unknown> {
    const diff = active.length - (object.spec?.replicas ?? 1);
    if (diff < 0) {
      const count = Math.min(-diff, burstReplicas);
      const template = object.spec?.template ?? {};
      const reference = controllerReference(object, kind.apiVersion, kind.kind);
      expectations.expectCreations(key, count);
      const { successes, error } = await slowStartBatch(count, async () => {
        try {
          await podControl.create(podFromTemplate(template, object, reference), object);
        } catch (createError) {
          if (!isNamespaceTerminating(createError)) throw createError;
        }
      });
      for (let skipped = count - successes; skipped > 0; skipped--)
        expectations.creationObserved(key);
      return error;
    }
    if (diff === 0) return undefined;
    const doomed = chooseDoomed(object, active, Math.min(diff, burstReplicas));
    expectations.expectDeletions(key, doomed.map(podKey));
    let failure: unknown;
    await Promise.all(
      doomed.map(async (pod) => {
        try {
          await podControl.delete(pod.metadata.namespace, pod.metadata.name ?? '', object);
        } catch (error) {
          expectations.deletionObserved(key, podKey(pod));
          if (!isReason(error, 'NotFound')) failure ??= error;
        }
      }),
    );
    return failure;
  }

  function chooseDoomed(
    object: View<T>,
    active: readonly PodView[],
    count: number,
  ): readonly PodView[] {
    if (count >= active.length) return active;
    const perNode = new Map<string, number>();
    for (const pod of relatedPods(object)) {
      if (!isPodActive(pod)) continue;
      const node = pod.spec?.nodeName ?? '';
      perNode.set(node, (perNode.get(node) ?? 0) + 1);
    }
    return [...active]
      .sort(compareForDeletion(clock.now(), (pod) => perNode.get(pod.spec?.nodeName ?? '') ?? 0))
      .slice(0, count);
  }

  /** Pods of all objects with the same owner: during a rollout a node should lose its double first. */
  function relatedPods(object: View<T>): readonly PodView[] {
    const owner = controllerOf(object);
    const siblings = owner
      ? kind.informer
          .list(object.metadata.namespace)
          .filter((other) => controllerOf(other as View<T>)?.uid === owner.uid)
      : [object];
    const selectors = siblings.map((sibling) => kind.selectorOf(sibling));
    return pods
      .list(object.metadata.namespace)
      .filter((pod) => selectors.some((selects) => selects(pod)));
  }

  function statusOf(
    object: View<T>,
    active: readonly PodView[],
    terminating: number,
    failure: unknown,
  ): ReplicasStatus {
    const nowMs = clock.now();
    const templateLabels = object.spec?.template?.metadata?.labels ?? {};
    const minReady = object.spec?.minReadySeconds ?? 0;
    const conditions = mutableCopy<ReplicasCondition[]>(object.status?.conditions ?? []);
    const present = conditions.some(({ type }) => type === 'ReplicaFailure');
    const kept =
      failure === undefined
        ? conditions.filter(({ type }) => type !== 'ReplicaFailure')
        : conditions;
    if (failure !== undefined && !present) {
      const diff = active.length - (object.spec?.replicas ?? 1);
      kept.push({
        type: 'ReplicaFailure',
        status: 'True',
        lastTransitionTime: formatTime(nowMs),
        reason: diff < 0 ? 'FailedCreate' : 'FailedDelete',
        message: textOf(failure),
      });
    }
    let [fullyLabeledReplicas, readyReplicas, availableReplicas] = [0, 0, 0];
    for (const pod of active) {
      if (hasLabels(templateLabels, pod.metadata.labels)) fullyLabeledReplicas += 1;
      if (!isPodReady(pod)) continue;
      readyReplicas += 1;
      if (isPodAvailable(pod, minReady, nowMs)) availableReplicas += 1;
    }
    return {
      replicas: active.length,
      ...nonZero({ fullyLabeledReplicas, readyReplicas, availableReplicas }),
      ...(kind.countsTerminating ? { terminatingReplicas: terminating } : {}),
      ...(kept.length > 0 ? { conditions: kept } : {}),
      ...nonZero({ observedGeneration: object.metadata.generation ?? 0 }),
    };
  }

  async function writeStatus(object: View<T>, status: ReplicasStatus): Promise<View<T>> {
    if (jsonEqual(object.status, status)) return object;
    const copy = mutableCopy<ReplicasObject>(object);
    copy.status = status;
    try {
      return await kind.client.updateStatus(copy as T);
    } catch (error) {
      if (!isReason(error, 'Conflict')) throw error;
      const { namespace, name } = object.metadata;
      const fresh = mutableCopy<T>(await kind.client.get(namespace, name ?? ''));
      fresh.status = status;
      return await kind.client.updateStatus(fresh);
    }
  }

  return {
    start: () => {
      const enqueue = (object: DeepReadonly<T>): void =>
        queue.add(objectKey((object as View<T>).metadata));
      owned.add(
        kind.informer.addHandler({
          onAdd: enqueue,
          onUpdate: (previous, object) => {
            if ((previous as View<T>).metadata.uid !== (object as View<T>).metadata.uid)
              expectations.forget(objectKey((previous as View<T>).metadata));
            enqueue(object);
          },
          onDelete: (object) => {
            const key = objectKey((object as View<T>).metadata);
            expectations.forget(key);
            queue.add(key);
          },
        }),
      );
      owned.add(
        pods.addHandler({ onAdd: onPodAdded, onUpdate: onPodUpdated, onDelete: onPodDeleted }),
      );
      void informers.waitForSync().then(() => {
        if (disposed) return;
        owned.add(
          runController({
            name: kind.name,
            queue,
            reconcile,
            workers: kind.workers,
            clock,
            logger,
          }),
        );
      });
    },
    dispose: () => {
      disposed = true;
      queue.dispose();
      owned.dispose();
    },
  };
}

function countAfterMs({ status }: DeepReadonly<ReplicasObject>): number {
  return Math.max(shortestBatchMs, batchMs(status?.replicas ?? 0));
}

/** Leaves out what is zero, as `omitempty` does. */
function nonZero<K extends string>(values: Record<K, number>): Partial<Record<K, number>> {
  const kept: Partial<Record<K, number>> = {};
  for (const key in values) if (values[key] !== 0) kept[key] = values[key];
  return kept;
}
